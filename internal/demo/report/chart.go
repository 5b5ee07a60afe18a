package report

import (
	"html/template"
	"io"
)

// Chart is a chart of lines and areas over one axis, for other reports than
// the demo's.
type Chart struct {
	Title   string // read by screen readers, and the caption
	NameX   string
	NameY   string
	FromX   float64
	ToX     float64
	Height  float64 // pixels, 0 means 260
	Series  []Series
	Picture string // a line below the caption of a picture
}

// Series is one line of a Chart, or the area below it. Its values lie in the
// middle of equal parts of the axis.
type Series struct {
	Name string
	Y    []float64
	Look Look
}

// Look is how a Series is drawn.
type Look int

// The looks: areas and lines in the colours of the groups, a red line for what
// is due, and a dashed line for what is owned.
const (
	Due Look = -1 - iota
	Owned
	FirstArea Look = 0  // FirstArea+i: an area in the colour of group i
	FirstLine Look = 10 // FirstLine+i: a line in the colour of group i
)

// Styles are the rules for the colours of charts, light and dark.
func Styles() template.CSS { return template.CSS(styles()) }

// HTML is the chart as SVG.
func (c *Chart) HTML() template.HTML { return drawn(c.Title, c.height(), c.draw) }

// PNG writes the chart as a picture.
func (c *Chart) PNG(w io.Writer) error {
	const heading = 60
	r, err := newRaster(chartWidth, heading+c.height(), pictureScale)
	if err != nil {
		return err
	}
	r.text(point{20, 34}, c.Title, label{paint: ink, size: 20, anchor: left, bold: true})
	r.text(point{20, 56}, c.Picture, label{paint: muted, size: 13, anchor: left})
	plain := *c
	plain.Title = ""
	plain.draw(r, frame(heading, c.height()))
	return r.encode(w)
}

func (c *Chart) height() float64 {
	if c.Height > 0 {
		return c.Height
	}
	return 260
}

func (c *Chart) draw(to canvas, in box) {
	most := 0.0
	for _, s := range c.Series {
		for _, y := range s.Y {
			most = max(most, y)
		}
	}
	if most <= 0 {
		most = 1
	}
	a := axes{in, c.FromX, max(c.ToX, c.FromX+1e-9), most * 1.1}
	a.draw(to, c.NameX, c.NameY)
	a.caption(to, c.Title)
	var keys []key
	for _, s := range c.Series {
		if k := s.draw(to, a); s.Name != "" {
			keys = append(keys, k)
		}
	}
	a.legend(to, keys)
}

// draw draws a series and returns its entry in the legend.
func (s *Series) draw(to canvas, a axes) key {
	var points []point
	for i, y := range s.Y {
		points = append(points, point{a.x + (float64(i)+0.5)*a.w/float64(len(s.Y)), a.py(y)})
	}
	var look stroke
	switch {
	case s.Look == Due:
		look = stroke{share, 1.5, 0}
	case s.Look == Owned:
		look = quotaStroke
		if n := len(points); n > 0 { // from edge to edge
			points[0].x, points[n-1].x = a.x, a.x+a.w
		}
	case s.Look >= FirstLine:
		look = stroke{groupPaint(int(s.Look - FirstLine)), 2, 0}
	default:
		fill := groupPaint(int(s.Look))
		if n := len(points); n > 0 {
			to.area(append(points, point{points[n-1].x, a.py(0)}, point{points[0].x, a.py(0)}), fill, 0.85)
		}
		return key{text: s.Name, paint: fill}
	}
	to.line(points, look)
	return key{text: s.Name, line: &look}
}
