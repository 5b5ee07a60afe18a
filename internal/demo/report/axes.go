package report

import (
	"math"
	"strconv"
)

// axes maps values to a box.
type axes struct {
	box
	fromX, toX, toY float64 // y starts at 0
}

func (a axes) px(x float64) float64  { return a.x + (x-a.fromX)/(a.toX-a.fromX)*a.w }
func (a axes) py(y float64) float64  { return a.y + a.h - y/a.toY*a.h }
func (a axes) at(x, y float64) point { return point{a.px(x), a.py(y)} }
func (a axes) caption(c canvas, s string) {
	c.text(point{a.x, a.y - 30}, s, label{ink, 14, left, true, false})
}

// draw draws grid lines, ticks and names of the axes.
func (a axes) draw(c canvas, nameX, nameY string) {
	for y := 0.0; y <= a.toY*1.0001; y += niceStep(a.toY, 6) {
		c.line([]point{a.at(a.fromX, y), a.at(a.toX, y)}, stroke{grid, 1, 0})
		c.text(point{a.x - 8, a.py(y) + 4}, number(y), label{muted, 11, right, false, false})
	}
	step := niceStep(a.toX-a.fromX, 12)
	for x := math.Ceil(a.fromX/step) * step; x <= a.toX*1.0001; x += step {
		c.line([]point{{a.px(x), a.y + a.h}, {a.px(x), a.y + a.h + 5}}, stroke{muted, 1, 0})
		c.text(point{a.px(x), a.y + a.h + 18}, number(x), label{muted, 11, middle, false, false})
	}
	c.line([]point{{a.x, a.y + a.h}, {a.x + a.w, a.y + a.h}}, stroke{muted, 1, 0})
	c.text(point{a.x + a.w/2, a.y + a.h + 36}, nameX, label{muted, 12, middle, false, false})
	c.text(point{a.x - 40, a.y + a.h/2}, nameY, label{muted, 12, middle, false, true})
}

// niceStep divides a range into about n steps of 1, 2 or 5 times a power of ten.
func niceStep(span float64, n int) float64 {
	rough := span / float64(n)
	power := math.Pow(10, math.Floor(math.Log10(rough)))
	for _, m := range []float64{1, 2, 5} {
		if rough <= m*power {
			return m * power
		}
	}
	return 10 * power
}

func number(v float64) string { return strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64) }

// key is one entry of a legend.
type key struct {
	text  string
	paint paint
	// line says that it is a line of this look and not an area.
	line *stroke
}

// legend writes entries in a row that ends at the right edge, above the box.
func (a axes) legend(c canvas, keys []key) {
	const size, gap = 12, 18
	width := func(k key) float64 { return 24 + float64(len([]rune(k.text)))*size*0.53 + gap }
	x := a.x + a.w + gap
	for _, k := range keys {
		x -= width(k)
	}
	y := a.y - 30
	for _, k := range keys {
		if k.line != nil {
			c.line([]point{{x, y - 4}, {x + 18, y - 4}}, *k.line)
		} else {
			box{x + 3, y - 10, 12, 12}.rect(c, k.paint, 0.85)
		}
		c.text(point{x + 24, y}, k.text, label{ink, size, left, false, false})
		x += width(k)
	}
}

// boundaries marks where acts begin.
func (a axes) boundaries(c canvas, acts []act, named bool) {
	for i, one := range acts {
		x := a.px(max(one.from, a.fromX))
		if i > 0 {
			c.line([]point{{x, a.y - 8}, {x, a.y + a.h}}, stroke{muted, 1, 3})
		}
		if !named {
			continue
		}
		end := a.x + a.w
		if i+1 < len(acts) {
			end = a.px(acts[i+1].from)
		}
		text, gap := one.name, 1.0 // of a short act the number alone
		for _, long := range []string{"Act " + one.name, "Act " + one.name + ": " + one.title} {
			if float64(len(long))*6 < end-x-4 {
				text, gap = long, 4
			}
		}
		c.text(point{x + gap, a.y - 10}, text, label{muted, 11, left, false, false})
	}
}
