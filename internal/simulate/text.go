package simulate

import (
	"fmt"
	"io"
	"math"
	"text/tabwriter"
	"time"

	"fairlead.dev/fairlead/pkg/simulation"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// mostUsers is how many users a text shows.
const mostUsers = 10

// mostProblems is how many faulty lines a text shows.
const mostProblems = 10

// WriteText writes a report for a terminal. With two scenarios tables have
// their lines side by side.
func WriteText(w io.Writer, r *Report) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	p := func(format string, a ...any) { _, _ = fmt.Fprintf(t, format, a...) }
	first := r.Scenarios[0]
	p("%s: %d jobs, offered load %.2f on %s %s\n", r.Jobs, first.Summary.All.Jobs, first.Summary.OfferedLoad, amount(first.Summary.Capacity), cores(first.Summary.Resource))
	writeProblems(p, r)
	for _, s := range r.Scenarios {
		p("\n%s\n", s.Set.Name)
		p("  use %.1f %% while jobs were submitted, %.1f %% until the last had ended after %s; at most %d waited; simulated in %s\n",
			100*s.Summary.Use, 100*s.Summary.UseToEnd, long(s.Summary.LengthSeconds), s.Summary.PeakPending, s.Took.Round(10*time.Millisecond))
		if s.Summary.Unstarted > 0 {
			p("  %d jobs were still waiting when nothing could happen any more\n", s.Summary.Unstarted)
		}
		if s.Summary.All.Evictions > 0 {
			p("  %d evictions, %s core-hours lost\n", s.Summary.All.Evictions, amount(s.Summary.All.LostCoreHours))
		}
		for _, note := range s.Notes {
			p("  note: %s\n", note)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	writeQueues(p, r)
	if err := t.Flush(); err != nil {
		return err
	}
	writeLines(p, r, "JOBS OF", func(s *simulation.Summary) []simulation.Line { return append([]simulation.Line{s.All}, s.Sizes...) })
	if err := t.Flush(); err != nil {
		return err
	}
	writeLines(p, r, "USER", func(s *simulation.Summary) []simulation.Line { return s.Users[:min(len(s.Users), mostUsers)] })
	if more := len(first.Summary.Users) - mostUsers; more > 0 {
		p("and %d users more (--output json has them)\n", more)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	writeEstimates(p, r)
	return t.Flush()
}

// writeEstimates tells how good estimates of starts were.
func writeEstimates(p printer, r *Report) {
	if r.Scenarios[0].Estimates == nil {
		return
	}
	p("\nSTARTS AS ESTIMATED AT SUBMISSION\tJOBS\tWITHIN 1m\tWITHIN 10m\tNOT LATER\tSTART LESS ESTIMATE P5\tP25\tP50\tP75\tP95\t%s\t\n", r.column())
	for n, s := range r.Scenarios {
		for _, part := range []struct {
			name  string
			lines []EstimateLine
		}{{"all that asked", s.Estimates.All}, {"that waited over a minute", s.Estimates.Waited}} {
			for _, l := range part.lines {
				p("%s, %s\t%d\t%.0f %%\t%.0f %%\t%.0f %%\t%s\t%s\t%s\t%s\t%s\t%s\t\n", part.name, l.Estimate, l.Jobs, 100*l.WithinMinute, 100*l.WithinTen, 100*l.NotLater,
					signed(l.P05), signed(l.P25), signed(l.P50), signed(l.P75), signed(l.P95), r.label(n))
			}
		}
	}
}

// signed writes a difference of times.
func signed(seconds float64) string {
	switch {
	case math.Abs(seconds) < 0.5:
		return "0"
	case seconds < 0:
		return "-" + long(-seconds)
	}
	return "+" + long(seconds)
}

type printer func(format string, a ...any)

func writeProblems(p printer, r *Report) {
	problems := &r.Scenarios[0].Result.Problems
	if problems.Total() == 0 {
		return
	}
	for _, kind := range trace.Kinds {
		if n := problems.Counts[kind]; n > 0 {
			what := "left out"
			if !kind.LeftOut() {
				what = "put in order"
			}
			p("  %d jobs or lines %s: %s\n", n, what, kind)
		}
	}
	for i, problem := range problems.List {
		if i == mostProblems {
			p("    and more (--output json has up to 100 of each kind)\n")
			break
		}
		p("    %s\n", problem)
	}
}

func writeQueues(p printer, r *Report) {
	p("\nQUEUE\tOWNS\tUSED\tDUE\tJOBS\tENDED\tWAIT MEAN\tP50\tP95\tMAX\tSLOWDOWN MEAN\tP50\tP95\tMAX\tEVICTED\t%s\t\n", r.column())
	for i := range r.Scenarios[0].Summary.Queues {
		name := r.Scenarios[0].Summary.Queues[i].Name
		for k, s := range r.Scenarios {
			q := s.Queue(name)
			if q == nil {
				continue
			}
			p("%s\t%s\t%s\t%s\t%d\t%d\t%s\t%d\t%s\t\n", name, amount(q.Nominal), amount(q.Use), amount(q.Due), q.Jobs, q.Ended, quantileText(&q.Line), q.Evictions, r.label(k))
		}
	}
}

func writeLines(p printer, r *Report, head string, pick func(*simulation.Summary) []simulation.Line) {
	p("\n%s\tJOBS\tENDED\tCORE-HOURS\tWAIT MEAN\tP50\tP95\tMAX\tSLOWDOWN MEAN\tP50\tP95\tMAX\t%s\t\n", head, r.column())
	for _, first := range pick(r.Scenarios[0].Summary) {
		for k, s := range r.Scenarios {
			list := pick(s.Summary)
			if l := lineOf(list, s.Summary.Users, first.Name); l != nil {
				p("%s\t%d\t%d\t%s\t%s\t%s\t\n", l.Name, l.Jobs, l.Ended, amount(l.CoreHours), quantileText(l), r.label(k))
			}
		}
	}
}

// lineOf finds a line in one of two lists.
func lineOf(list, others []simulation.Line, name string) *simulation.Line {
	for _, l := range [][]simulation.Line{list, others} {
		for i := range l {
			if l[i].Name == name {
				return &l[i]
			}
		}
	}
	return nil
}

func quantileText(l *simulation.Line) string {
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", long(l.Wait.Mean), long(l.Wait.P50), long(l.Wait.P95), long(l.Wait.Max),
		amount(l.Slowdown.Mean), amount(l.Slowdown.P50), amount(l.Slowdown.P95), amount(l.Slowdown.Max))
}

// amount writes a number with about three digits.
func amount(v float64) string {
	switch {
	case math.Abs(v) >= 100 || v == math.Trunc(v):
		return fmt.Sprintf("%.0f", v)
	case math.Abs(v) >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// long writes a time in seconds as people do.
func long(seconds float64) string {
	switch {
	case seconds == 0:
		return "0"
	case seconds < 100:
		return fmt.Sprintf("%.0fs", seconds)
	case seconds < 100*60:
		return fmt.Sprintf("%.0fm", seconds/60)
	case seconds < 100*3600:
		return fmt.Sprintf("%.1fh", seconds/3600)
	}
	return fmt.Sprintf("%.1fd", seconds/86400)
}

func cores(resource string) string {
	if resource == "cpu" {
		return "cores"
	}
	return resource
}
