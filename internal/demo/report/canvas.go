package report

import "image/color"

// paint is what a shape is for; each canvas knows how that looks. Groups take
// groupPaints in the order of the rules.
type paint string

// The paints.
const (
	ink    paint = "ink"    // text
	muted  paint = "muted"  // axes and captions
	grid   paint = "grid"   // lines behind the data
	quota  paint = "quota"  // quota lines
	share  paint = "share"  // the fair share
	ground paint = "ground" // the page itself
	shade  paint = "shade"  // a window marked in a chart
	halt   paint = "halt"   // Jobs stopped
)

// groupPaints are the groups' colours: Okabe and Ito's set, which people with
// any kind of colour blindness can tell apart.
var groupPaints = []paint{"group-0", "group-1", "group-2", "group-3"}

func groupPaint(i int) paint { return groupPaints[i%len(groupPaints)] }

// tone is a paint's colour on a light and on a dark page.
type tone struct{ light, dark color.RGBA }

var tones = map[paint]tone{
	ink:       {rgb(0x1f2328), rgb(0xe6edf3)},
	muted:     {rgb(0x59636e), rgb(0x9198a1)},
	grid:      {rgb(0xe3e6ea), rgb(0x30363d)},
	quota:     {rgb(0x1f2328), rgb(0xe6edf3)},
	share:     {rgb(0xb3003b), rgb(0xff7b9c)},
	ground:    {rgb(0xffffff), rgb(0x0d1117)},
	shade:     {rgb(0xeef1f4), rgb(0x1b222b)},
	halt:      {rgb(0x7a3e9d), rgb(0xc69ae0)},
	"group-0": {rgb(0x0072b2), rgb(0x4aa8e0)},
	"group-1": {rgb(0xe69f00), rgb(0xe6a726)},
	"group-2": {rgb(0x009e73), rgb(0x2fc49a)},
	"group-3": {rgb(0xcc79a7), rgb(0xd793b9)},
}

func rgb(hex uint32) color.RGBA {
	return color.RGBA{R: uint8(hex >> 16), G: uint8(hex >> 8), B: uint8(hex), A: 0xff}
}

// point is a place on a canvas, in pixels from the upper left corner.
type point struct{ x, y float64 }

// stroke is how a line looks.
type stroke struct {
	paint paint
	width float64
	// dash is the length of dashes and of the gaps between them; 0 is solid.
	dash float64
}

// anchor says which end of a text stands at its place.
type anchor string

// The anchors.
const (
	left   anchor = "start"
	middle anchor = "middle"
	right  anchor = "end"
)

// label is how a text looks. Upright text is turned by 90 degrees to the left.
type label struct {
	paint   paint
	size    float64
	anchor  anchor
	bold    bool
	upright bool
}

// canvas is something to draw charts on.
type canvas interface {
	// area fills a polygon; opacity is from 0 to 1.
	area(points []point, fill paint, opacity float64)
	line(points []point, s stroke)
	// text writes on a base line.
	text(at point, text string, l label)
}

// box is the part of a canvas inside a chart's axes.
type box struct{ x, y, w, h float64 }

func (b box) rect(c canvas, fill paint, opacity float64) {
	c.area([]point{{b.x, b.y}, {b.x + b.w, b.y}, {b.x + b.w, b.y + b.h}, {b.x, b.y + b.h}}, fill, opacity)
}
