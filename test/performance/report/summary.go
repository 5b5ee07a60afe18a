package report

import (
	"math"

	"fairlead.dev/fairlead/test/performance/measure"
)

// Summary is the medians of a load's runs.
type Summary struct {
	Rows []Row `json:"rows"`
}

// Row is one figure for both drivers. A figure that a driver does not have, or
// a ratio without two figures above zero, is null.
type Row struct {
	Name     string   `json:"name"`
	Unit     string   `json:"unit,omitempty"`
	Floor    *float64 `json:"floor"`
	Fairlead *float64 `json:"fairlead"`
	// Ratio is the median over pairs of runs of Fairlead's figure by the floor's.
	Ratio *float64 `json:"ratio"`
}

// Find returns the row of that name.
func (s Summary) Find(name string) (Row, bool) {
	for _, row := range s.Rows {
		if row.Name == name {
			return row, true
		}
	}
	return Row{}, false
}

// The names of rows that other code looks up.
const (
	RowWall         = "wall"
	RowAPIServerCPU = "kube-apiserver CPU"
)

// figure is one number taken from each run.
type figure struct {
	name, unit string
	of         func(Run) float64
}

// Summarize takes medians and paired ratios.
func Summarize(runs []Run) Summary {
	var floor, fairlead []Run
	for _, run := range runs {
		if run.Driver == Floor {
			floor = append(floor, run)
		} else {
			fairlead = append(fairlead, run)
		}
	}
	var summary Summary
	for _, f := range figures(runs) {
		row := Row{Name: f.name, Unit: f.unit, Floor: medianOf(floor, f.of), Fairlead: medianOf(fairlead, f.of)}
		var ratios []float64
		for i := range min(len(floor), len(fairlead)) {
			a, b := f.of(floor[i]), f.of(fairlead[i])
			if a > 0 && b > 0 {
				ratios = append(ratios, b/a)
			}
		}
		row.Ratio = finite(measure.Median(ratios))
		if row.Floor != nil || row.Fairlead != nil {
			summary.Rows = append(summary.Rows, row)
		}
	}
	return summary
}

func figures(runs []Run) []figure {
	all := []figure{
		{RowWall, "s", func(r Run) float64 { return r.Wall }},
		{"settled", "s", func(r Run) float64 { return r.Settled }},
		{"wait, median", "s", func(r Run) float64 { return r.Waits.Median }},
		{"wait, 95th percentile", "s", func(r Run) float64 { return r.Waits.P95 }},
		{"wait, 99th percentile", "s", func(r Run) float64 { return r.Waits.P99 }},
		{"wait, longest", "s", func(r Run) float64 { return r.Waits.Max }},
		{"submission lag, median", "s", func(r Run) float64 { return r.Lag.Median }},
		{"submission lag, longest", "s", func(r Run) float64 { return r.Lag.Max }},
		{"use of the nominal quota", "", func(r Run) float64 { return r.QuotaUse }},
	}
	names := processNames(runs)
	for _, name := range names {
		all = append(all, figure{name + " CPU", "s", func(r Run) float64 { return r.CPU(name) }})
	}
	for _, name := range names {
		all = append(all, figure{name + " peak memory", "MiB", func(r Run) float64 { return r.Peak(name) }})
	}
	return append(all,
		figure{"writes per object", "", func(r Run) float64 { return r.WritesPerObject }},
		figure{"CPU taken by others", "s", func(r Run) float64 { return r.ForeignCPU }},
	)
}

// processNames lists every process that a run had, in the order of first sight.
func processNames(runs []Run) []string {
	var names []string
	seen := map[string]bool{}
	for _, run := range runs {
		for _, use := range run.Processes {
			if !seen[use.Name] {
				seen[use.Name] = true
				names = append(names, use.Name)
			}
		}
	}
	return names
}

func medianOf(runs []Run, of func(Run) float64) *float64 {
	var values []float64
	for _, run := range runs {
		if v := of(run); !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	return finite(measure.Median(values))
}

// finite is nil for NaN, which JSON cannot hold.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// RequestRow is one kind of request, with the medians of its count.
type RequestRow struct {
	measure.Request
	Floor, Fairlead float64
}

// RequestRows gives the medians of all kinds of request, writes first, the
// most frequent under Fairlead first.
func RequestRows(runs []Run) []RequestRow {
	counts := map[measure.Request]map[Driver][]float64{}
	total := map[Driver]int{}
	for _, run := range runs {
		total[run.Driver]++
		for _, c := range run.Requests {
			if counts[c.Request] == nil {
				counts[c.Request] = map[Driver][]float64{}
			}
			counts[c.Request][run.Driver] = append(counts[c.Request][run.Driver], float64(c.Count))
		}
	}
	rows := make([]RequestRow, 0, len(counts))
	for request, by := range counts {
		rows = append(rows, RequestRow{
			Request:  request,
			Floor:    medianWithZeros(by[Floor], total[Floor]),
			Fairlead: medianWithZeros(by[Fairlead], total[Fairlead]),
		})
	}
	sortRequestRows(rows)
	return rows
}

// medianWithZeros counts a run that had none of the requests as a zero.
func medianWithZeros(values []float64, runs int) float64 {
	if runs == 0 {
		return 0
	}
	for len(values) < runs {
		values = append(values, 0)
	}
	return measure.Median(values)
}
