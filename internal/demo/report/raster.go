package report

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// raster is a canvas of pixels in the light colours.
type raster struct {
	img           *image.RGBA
	scale         float64 // pixels of the image per pixel of the charts
	regular, bold *opentype.Font
}

// newRaster makes a blank picture.
func newRaster(width, height, scale float64) (*raster, error) {
	regular, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("reading the regular font: %w", err)
	}
	bold, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return nil, fmt.Errorf("reading the bold font: %w", err)
	}
	r := &raster{
		img:   image.NewRGBA(image.Rect(0, 0, int(width*scale), int(height*scale))),
		scale: scale, regular: regular, bold: bold,
	}
	draw.Draw(r.img, r.img.Bounds(), image.NewUniform(tones[ground].light), image.Point{}, draw.Src)
	return r, nil
}

func (r *raster) area(points []point, fill paint, opacity float64) {
	if len(points) < 3 {
		return
	}
	c := tones[fill].light
	r.fill(points, color.NRGBA{R: c.R, G: c.G, B: c.B, A: uint8(math.Round(opacity * 255))})
}

// fill draws a polygon. The rasterizer works on the polygon's own rectangle:
// a small shape on a large picture costs little.
func (r *raster) fill(points []point, c color.Color) {
	low, high := points[0], points[0]
	for _, p := range points {
		low = point{math.Min(low.x, p.x), math.Min(low.y, p.y)}
		high = point{math.Max(high.x, p.x), math.Max(high.y, p.y)}
	}
	bounds := image.Rect(int(low.x*r.scale), int(low.y*r.scale), int(high.x*r.scale)+2, int(high.y*r.scale)+2)
	pen := vector.NewRasterizer(bounds.Dx(), bounds.Dy())
	for i, p := range points {
		x, y := float32(p.x*r.scale-float64(bounds.Min.X)), float32(p.y*r.scale-float64(bounds.Min.Y))
		if i == 0 {
			pen.MoveTo(x, y)
		} else {
			pen.LineTo(x, y)
		}
	}
	pen.ClosePath()
	pen.Draw(r.img, bounds, image.NewUniform(c), image.Point{})
}

func (r *raster) line(points []point, s stroke) {
	c := tones[s.paint].light
	along := 0.0 // how far the dashes have come
	for i := 1; i < len(points); i++ {
		from, to := points[i-1], points[i]
		length := math.Hypot(to.x-from.x, to.y-from.y)
		if length == 0 {
			continue
		}
		for done := 0.0; done < length; {
			part, visible := length-done, true
			if s.dash > 0 {
				phase := math.Mod(along+done, 2*s.dash)
				visible = phase < s.dash
				part = min(part, s.dash-math.Mod(phase, s.dash))
				part = max(part, 0.01) // rounding must not stop the pen
			}
			if visible {
				r.segment(between(from, to, done/length), between(from, to, (done+part)/length), s.width, c)
			}
			done += part
		}
		along += length
	}
}

func between(a, b point, t float64) point { return point{a.x + (b.x-a.x)*t, a.y + (b.y-a.y)*t} }

// segment draws a straight line whose ends reach half its width further, so
// that corners close.
func (r *raster) segment(a, b point, width float64, c color.Color) {
	length := math.Hypot(b.x-a.x, b.y-a.y)
	if length == 0 {
		return
	}
	ux, uy := (b.x-a.x)/length*width/2, (b.y-a.y)/length*width/2
	r.fill([]point{
		{a.x - ux - uy, a.y - uy + ux}, {b.x + ux - uy, b.y + uy + ux},
		{b.x + ux + uy, b.y + uy - ux}, {a.x - ux + uy, a.y - uy - ux},
	}, c)
}

func (r *raster) text(at point, text string, l label) {
	family := r.regular
	if l.bold {
		family = r.bold
	}
	face, err := opentype.NewFace(family, &opentype.FaceOptions{Size: l.size * r.scale, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return // the size is a constant of ours; the tests draw every one of them
	}
	width := font.MeasureString(face, text)
	shift := fixed.Int26_6(0)
	switch l.anchor {
	case middle:
		shift = -width / 2
	case right:
		shift = -width
	}
	ink := image.NewUniform(tones[l.paint].light)
	x, y := fixed.Int26_6(at.x*r.scale*64), fixed.Int26_6(at.y*r.scale*64)
	if !l.upright {
		drawer := font.Drawer{Dst: r.img, Src: ink, Face: face, Dot: fixed.Point26_6{X: x + shift, Y: y}}
		drawer.DrawString(text)
		return
	}
	// Upright text is written on a strip, which is then turned to the left.
	metrics := face.Metrics()
	strip := image.NewRGBA(image.Rect(0, 0, width.Ceil()+1, (metrics.Ascent+metrics.Descent).Ceil()+1))
	drawer := font.Drawer{Dst: strip, Src: ink, Face: face, Dot: fixed.Point26_6{Y: metrics.Ascent}}
	drawer.DrawString(text)
	turned := image.NewRGBA(image.Rect(0, 0, strip.Bounds().Dy(), strip.Bounds().Dx()))
	for i := range strip.Bounds().Dx() {
		for k := range strip.Bounds().Dy() {
			turned.Set(k, strip.Bounds().Dx()-1-i, strip.At(i, k))
		}
	}
	corner := image.Pt(x.Round()-metrics.Ascent.Round(), y.Round()-(width+shift).Round())
	draw.Draw(r.img, turned.Bounds().Add(corner), turned, image.Point{}, draw.Over)
}

// encode writes the picture as PNG.
func (r *raster) encode(w io.Writer) error {
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(w, r.img); err != nil {
		return fmt.Errorf("encoding the picture: %w", err)
	}
	return nil
}
