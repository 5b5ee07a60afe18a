package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// fewRequests is the count below which a kind of request is left out of the
// text; the JSON has them all.
const fewRequests = 10

// WriteText writes the tables for people.
func WriteText(w io.Writer, results *Results) error {
	out := &lines{}
	m := results.Machine
	out.add("%s, %d cores, %.0f GiB, Linux %s, %s", m.CPU, m.Cores, float64(m.Memory)/(1<<30), m.Kernel, m.Go)
	out.add("commit %s, Kubernetes %s, %s", m.Commit, orUnknown(m.Server), results.Taken.UTC().Format("2006-01-02 15:04 UTC"))
	for i := range results.Loads {
		out.load(&results.Loads[i])
	}
	if s := results.Suspension; s != nil {
		out.add("")
		out.add("%d suspended Jobs in one burst (%.0f a second, %d requests in flight), nobody admitting:", s.Jobs, s.CreatedPerSecond, s.Concurrency)
		out.add("  condition Suspended after %.2f s (median), %.2f s (95th percentile), %.2f s (longest)", s.Waits.Median, s.Waits.P95, s.Waits.Max)
	}
	_, err := io.WriteString(w, out.text.String())
	if err != nil {
		return fmt.Errorf("write the benchmark's tables: %w", err)
	}
	return nil
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// lines collects text; a strings.Builder never fails.
type lines struct{ text strings.Builder }

func (l *lines) add(format string, args ...any) { fmt.Fprintf(&l.text, format+"\n", args...) }

// table aligns the first column to the left and the others to the right.
func (l *lines) table(rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, row := range rows {
		fmt.Fprintf(&l.text, "  %-*s", widths[0], row[0])
		for i, cell := range row[1:] {
			fmt.Fprintf(&l.text, "  %*s", widths[i+1], cell)
		}
		l.text.WriteByte('\n')
	}
}

func (l *lines) load(r *LoadResult) {
	l.add("")
	scale := ""
	if r.Scale != 1 {
		scale = fmt.Sprintf(" at scale %g (%d objects)", r.Scale, r.Objects)
	}
	l.add("%s: %s%s", r.Load, r.About, scale)
	counts := map[Driver]int{}
	for _, run := range r.Runs {
		counts[run.Driver]++
	}
	l.add("  %d floor and %d fairlead runs in turn, each on a fresh cluster; %d requests in flight at most", counts[Floor], counts[Fairlead], r.Concurrency)
	if r.Fairness {
		l.add("  with the API server's priority and fairness on")
	}
	if len(r.Calibration) > 0 {
		var trials []string
		for _, t := range r.Calibration {
			trials = append(trials, fmt.Sprintf("%d: %.0f", t.Concurrency, t.WritesPerSecond))
		}
		l.add("  the floor's writes a second by requests in flight: %s", strings.Join(trials, ", "))
	}
	l.add("  no scheduler can be faster than %.1f s (pace of submission, quota)", r.LeastWall)
	l.add("")
	rows := [][]string{{"median of the runs", "floor", "fairlead", "ratio"}}
	for _, row := range r.Summary.Rows {
		name := row.Name
		if row.Unit != "" {
			name += " (" + row.Unit + ")"
		}
		rows = append(rows, []string{name, number(row.Floor), number(row.Fairlead), number(row.Ratio)})
	}
	l.table(rows)
	l.add("")
	l.table(requestTable(r.Runs))
}

func requestTable(runs []Run) [][]string {
	rows := [][]string{{"requests", "verb", "code", "floor", "fairlead"}}
	rest := RequestRow{}
	for _, row := range RequestRows(runs) {
		if row.Floor < fewRequests && row.Fairlead < fewRequests {
			rest.Floor += row.Floor
			rest.Fairlead += row.Fairlead
			continue
		}
		rows = append(rows, []string{row.Path(), row.Verb, row.Code, count(row.Floor), count(row.Fairlead)})
	}
	return append(rows, []string{fmt.Sprintf("kinds below %d", fewRequests), "", "", count(rest.Floor), count(rest.Fairlead)})
}

// number prints three figures that count; "-" stands for none.
func number(v *float64) string {
	switch {
	case v == nil:
		return "-"
	case math.Abs(*v) >= 100:
		return fmt.Sprintf("%.0f", *v)
	case math.Abs(*v) >= 10:
		return fmt.Sprintf("%.1f", *v)
	case math.Abs(*v) >= 0.1 || *v == 0:
		return fmt.Sprintf("%.2f", *v)
	default:
		return fmt.Sprintf("%.4f", *v)
	}
}

func count(v float64) string { return fmt.Sprintf("%.0f", v) }

func sortRequestRows(rows []RequestRow) {
	slices.SortFunc(rows, func(a, b RequestRow) int {
		if a.IsWrite() != b.IsWrite() {
			if a.IsWrite() {
				return -1
			}
			return 1
		}
		if a.Fairlead != b.Fairlead {
			if a.Fairlead > b.Fairlead {
				return -1
			}
			return 1
		}
		if c := strings.Compare(a.Path(), b.Path()); c != 0 {
			return c
		}
		if c := strings.Compare(a.Verb, b.Verb); c != 0 {
			return c
		}
		return strings.Compare(a.Code, b.Code)
	})
}
