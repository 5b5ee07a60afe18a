package report

import (
	"fmt"
	"html"
	"image/color"
	"strings"
)

// svg is a canvas that writes SVG. Colours are classes, so that the page's
// style decides between light and dark.
type svg struct {
	width, height float64
	title         string // read by screen readers
	body          strings.Builder
}

func (s *svg) area(points []point, fill paint, opacity float64) {
	fmt.Fprintf(&s.body, `<path class="f-%s" fill-opacity="%.2g" d="%sZ"/>`+"\n", fill, opacity, path(points))
}

func (s *svg) line(points []point, k stroke) {
	dash := ""
	if k.dash > 0 {
		dash = fmt.Sprintf(` stroke-dasharray="%g %g"`, k.dash, k.dash)
	}
	fmt.Fprintf(&s.body, `<path class="s-%s" stroke-width="%g"%s d="%s"/>`+"\n", k.paint, k.width, dash, path(points))
}

func (s *svg) text(at point, text string, l label) {
	style := ""
	if l.bold {
		style += ` font-weight="600"`
	}
	if l.upright {
		style += fmt.Sprintf(` transform="rotate(-90 %.1f %.1f)"`, at.x, at.y)
	}
	fmt.Fprintf(&s.body, `<text class="f-%s" x="%.1f" y="%.1f" font-size="%g" text-anchor="%s"%s>%s</text>`+"\n",
		l.paint, at.x, at.y, l.size, l.anchor, style, html.EscapeString(text))
}

// String is the whole element.
func (s *svg) String() string {
	return fmt.Sprintf(`<svg viewBox="0 0 %g %g" role="img" aria-label="%s" xmlns="http://www.w3.org/2000/svg">`+"\n%s</svg>",
		s.width, s.height, html.EscapeString(s.title), s.body.String())
}

// path writes points with tenths of a pixel, leaving out the middle of
// straight runs.
func path(points []point) string {
	var d strings.Builder
	for i, p := range points {
		if i > 0 && i+1 < len(points) && straight(points[i-1], p, points[i+1]) {
			continue
		}
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		fmt.Fprintf(&d, "%s%.1f %.1f", letter, p.x, p.y)
	}
	return d.String()
}

// straight says that b lies between a and c on a horizontal or vertical line.
func straight(a, b, c point) bool {
	return (a.x == b.x && b.x == c.x) || (a.y == b.y && b.y == c.y)
}

// styles are the rules for the paints, light and dark.
func styles() string {
	var css strings.Builder
	order := append([]paint{ink, muted, grid, quota, share, ground, shade, halt}, groupPaints...)
	variables := func(pick func(tone) color.RGBA) string {
		var list strings.Builder
		for _, p := range order {
			c := pick(tones[p])
			fmt.Fprintf(&list, "--%s:#%02x%02x%02x;", p, c.R, c.G, c.B)
		}
		return list.String()
	}
	fmt.Fprintf(&css, ":root{%s}\n", variables(func(t tone) color.RGBA { return t.light }))
	fmt.Fprintf(&css, "@media (prefers-color-scheme:dark){:root{%s}}\n", variables(func(t tone) color.RGBA { return t.dark }))
	for _, p := range order {
		fmt.Fprintf(&css, ".f-%s{fill:var(--%s)}.s-%s{stroke:var(--%s);fill:none}\n", p, p, p, p)
	}
	return css.String()
}
