package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"fairlead.dev/fairlead/internal/demo/observer"
)

//go:embed page.html
var pageText string

// chart draws into a box of a canvas.
type chart func(canvas, box)

// page is what the template shows.
type page struct {
	*Run
	Styles   template.CSS
	Title    string
	When     string
	Acts     []pageAct
	Cores    template.HTML
	Others   []template.HTML
	Percent  string // utilisation
	Duration string
}

type pageAct struct{ Name, Title, Look, Edit string }

// WriteHTML writes the report: one file that loads nothing else.
func (r *Run) WriteHTML(w io.Writer) error {
	page := page{
		Run:      r,
		Styles:   template.CSS(styles()),
		Title:    fmt.Sprintf("Fairlead: who got the %s cores of %s", r.Rules.Total(), r.Rules.Cohort),
		When:     r.Began.Format("2 January 2006, 15:04 MST"),
		Cores:    drawn("Cores of running pods by group over time", 460, r.drawCores),
		Percent:  fmt.Sprintf("%.0f %%", 100*r.Verdict.Utilisation),
		Duration: fmt.Sprintf("%.0f s", r.Verdict.Seconds),
	}
	for _, a := range r.acts() {
		page.Acts = append(page.Acts, pageAct{a.name, a.title, a.look, a.edit})
	}
	page.Others = []template.HTML{
		drawn("Jobs of each group that wait, over time", 260, r.drawWaiting),
		drawn("Jobs started and stopped in each second, by group", 260, r.drawDecisions),
		drawn("How long Jobs waited, by group", 280, r.drawWaits),
	}
	parsed, err := template.New("page.html").Funcs(template.FuncMap{
		"seconds": seconds,
		"percent": observer.Percent,
		"cores":   func(v float64) string { return fmt.Sprintf("%.1f", v) },
		"paint":   func(i int) string { return string(groupPaint(i)) },
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("parsing page.html: %w", err)
	}
	if err := parsed.Execute(w, page); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// drawn draws a chart as SVG. What goes into it is escaped by the canvas.
func drawn(title string, height float64, draw chart) template.HTML {
	c := &svg{width: chartWidth, height: height, title: title}
	draw(c, frame(0, height))
	return template.HTML(c.String())
}
