package simulate

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"

	"fairlead.dev/fairlead/internal/demo/report"
	"fairlead.dev/fairlead/pkg/simulation"
)

//go:embed report.html
var pageText string

// mostCharts is how many queues of a report have charts: those with most work.
const mostCharts = 12

// page is what the template shows.
type page struct {
	*Report
	Styles   template.CSS
	Compared bool
	Unit     string
	Facility []template.HTML
	Queues   []pageQueue
	// Left counts queues without charts.
	Left int
}

// pageQueue is a queue with a chart for each scenario.
type pageQueue struct {
	Name   string
	Charts []template.HTML
}

// WriteHTML writes the report as one page that loads nothing else.
func WriteHTML(w io.Writer, r *Report) error {
	p := page{Report: r, Styles: report.Styles(), Compared: len(r.Scenarios) > 1, Unit: cores(r.Scenarios[0].Summary.Resource)}
	for _, c := range []*report.Chart{r.useChart(), r.waitingChart(), r.waitsChart()} {
		p.Facility = append(p.Facility, c.HTML())
	}
	names := r.busiest()
	p.Left = max(0, len(names)-mostCharts)
	for _, name := range names[:min(len(names), mostCharts)] {
		q := pageQueue{Name: name}
		for k, s := range r.Scenarios {
			if c := r.queueChart(s, k, name); c != nil {
				q.Charts = append(q.Charts, c.HTML())
			}
		}
		p.Queues = append(p.Queues, q)
	}
	parsed, err := template.New("report.html").Funcs(template.FuncMap{
		"amount": amount, "long": long, "percent": func(v float64) string { return fmt.Sprintf("%.1f %%", 100*v) },
		"label":    r.label,
		"table":    func(head string, lines []simulation.Line) table { return table{head, lines} },
		"reported": func(i int) bool { return i < 3*mostProblems },
		"users":    func(s *simulation.Summary) []simulation.Line { return s.Users[:min(len(s.Users), 3*mostUsers)] },
		"lines":    func(s *simulation.Summary) []simulation.Line { return append([]simulation.Line{s.All}, s.Sizes...) },
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("parsing report.html: %w", err)
	}
	if err := parsed.Execute(w, p); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return nil
}

// table is a head and lines of a table.
type table struct {
	Head  string
	Lines []simulation.Line
}

// busiest are the ClusterQueues, those with most core-hours first.
func (r *Report) busiest() []string {
	list := slices.Clone(r.Scenarios[0].Summary.Queues)
	slices.SortStableFunc(list, func(a, b simulation.Queue) int {
		switch {
		case a.CoreHours > b.CoreHours:
			return -1
		case a.CoreHours < b.CoreHours:
			return 1
		}
		return 0
	})
	names := make([]string, len(list))
	for i := range list {
		names[i] = list[i].Name
	}
	return names
}

// days are the times of a scenario's series.
func (s *Scenario) days() float64 {
	series := &s.Result.Series
	if len(series.Queues) == 0 || len(series.Queues[0].Use) == 0 {
		return 0
	}
	return series.Width.Hours() / 24 * float64(len(series.Queues[0].Use))
}

// sum adds a list of every queue up, in units.
func (s *Scenario) sum(pick func(*simulation.QueueSeries) []float64, unit float64) []float64 {
	var out []float64
	for i := range s.Result.Series.Queues {
		list := pick(&s.Result.Series.Queues[i])
		if out == nil {
			out = make([]float64, len(list))
		}
		for k, v := range list {
			out[k] += v / unit
		}
	}
	return out
}

// stretched repeats or drops values so that scenarios of different length share
// one axis: it returns n values over toDays of a list over days.
func stretched(list []float64, days, toDays float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		at := int((float64(i) + 0.5) / float64(n) * toDays / days * float64(len(list)))
		if at < len(list) {
			out[i] = list[at]
		}
	}
	return out
}

// overTime is a chart with a line for each scenario, or an area if there is one.
func (r *Report) overTime(title, nameY string, pick func(*Scenario) []float64) *report.Chart {
	c := &report.Chart{Title: title, NameX: "days", NameY: nameY}
	for _, s := range r.Scenarios {
		c.ToX = max(c.ToX, s.days())
	}
	for k, s := range r.Scenarios {
		const points = 880
		look, name := report.FirstLine+report.Look(k), s.Set.Name
		if len(r.Scenarios) == 1 {
			look, name = report.FirstArea, ""
		}
		c.Series = append(c.Series, report.Series{Name: name, Y: stretched(pick(s), s.days(), c.ToX, points), Look: look})
	}
	return c
}

func (r *Report) useChart() *report.Chart {
	unit := cores(r.Scenarios[0].Summary.Resource)
	c := r.overTime("Use of all queues", unit, func(s *Scenario) []float64 {
		return s.sum(func(q *simulation.QueueSeries) []float64 { return q.Use }, s.Result.Unit())
	})
	capacity := r.Scenarios[0].Summary.Capacity
	c.Series = append(c.Series, report.Series{Name: "quota of all queues", Y: []float64{capacity, capacity}, Look: report.Owned})
	return c
}

func (r *Report) waitingChart() *report.Chart {
	return r.overTime("Jobs that wait", "jobs", func(s *Scenario) []float64 {
		return s.sum(func(q *simulation.QueueSeries) []float64 { return q.Waiting }, 1)
	})
}

// waitsChart shows which part of the jobs had started within a time.
func (r *Report) waitsChart() *report.Chart {
	c := &report.Chart{Title: "Part of the jobs that started within a time", NameX: "hours waited", NameY: "%"}
	for _, s := range r.Scenarios {
		c.ToX = max(c.ToX, s.Summary.All.Wait.P95/3600*1.3, 0.1)
	}
	const points = 440
	for k, s := range r.Scenarios {
		counts := make([]float64, points)
		for i := range s.Result.Starts {
			if wait, started := s.Result.Wait(i); started {
				if at := int(wait.Hours() / c.ToX * points); at < points {
					counts[at]++
				}
			}
		}
		sum := 0.0
		for i := range counts {
			sum += counts[i]
			counts[i] = 100 * sum / float64(max(1, s.Summary.All.Jobs))
		}
		c.Series = append(c.Series, report.Series{Name: s.Set.Name, Y: counts, Look: report.FirstLine + report.Look(k)})
	}
	return c
}

// queueChart shows what a queue used, owned and was due, nil if the scenario
// has no such queue.
func (r *Report) queueChart(s *Scenario, k int, name string) *report.Chart {
	at, known := slices.BinarySearch(s.Result.ClusterQueues, name)
	if !known {
		return nil
	}
	q, u := &s.Result.Series.Queues[at], s.Result.Unit()
	title := name
	if l := r.label(k); l != "" {
		title += " " + l
	}
	own := s.Result.Nominal[at] / u
	return &report.Chart{Title: title, NameX: "days", NameY: cores(s.Result.Resource), ToX: s.days(), Height: 240, Series: []report.Series{
		{Name: "used", Y: rounded(q.Use, u), Look: report.FirstArea + report.Look(k)},
		{Name: "due", Y: rounded(q.Due, u), Look: report.Due},
		{Name: "owned", Y: []float64{own, own}, Look: report.Owned},
	}}
}

// WritePicture writes the chart of waiting jobs as PNG, for a document.
func WritePicture(w io.Writer, r *Report) error {
	c := r.waitingChart()
	c.Title = "How many jobs wait"
	if len(r.Scenarios) > 1 {
		c.Title = "The same jobs, two policies: how many wait"
	}
	c.Picture = r.Jobs
	c.Height = 360
	return c.PNG(w)
}
