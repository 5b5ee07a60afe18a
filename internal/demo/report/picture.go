package report

import (
	"fmt"
	"io"
	"strings"
)

// The picture's size in the charts' pixels, and how many pixels of the image
// each of them is.
const (
	pictureHeight = 520
	pictureScale  = 2
)

// WritePNG draws the picture for a README: the cores of each group over time.
func (r *Run) WritePNG(w io.Writer) error {
	c, err := newRaster(chartWidth, pictureHeight, pictureScale)
	if err != nil {
		return err
	}
	var names []string
	for _, g := range r.Rules.Groups {
		names = append(names, g.Name)
	}
	c.text(point{20, 34}, fmt.Sprintf("%s share %s cores under Fairlead", strings.Join(names, " and "), r.Rules.Total()),
		label{paint: ink, size: 20, anchor: left, bold: true})
	c.text(point{20, 56}, fmt.Sprintf("What ran on a real Kubernetes, as a separate observer recorded it. %s.", r.Verdict.Summary),
		label{paint: muted, size: 13, anchor: left})
	r.drawCores(c, frame(60, pictureHeight-60))
	return c.encode(w)
}
