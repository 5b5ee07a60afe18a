package observer

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// WriteText writes the verdict for people to read.
func (v *Verdict) WriteText(w io.Writer) (int, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "\nThe observer's verdict: %s\n\n", v.Summary)
	width := 0
	for _, c := range v.Checks {
		width = max(width, len(c.Name))
	}
	for _, c := range v.Checks {
		mark := "ok  "
		if !c.Pass {
			mark = "FAIL"
		}
		fmt.Fprintf(&text, "  %s  %-*s  %s\n", mark, width, c.Name, c.Detail)
	}
	if len(v.Violations) > 0 {
		text.WriteString("\nWhat was wrong:\n")
		for _, one := range v.Violations {
			fmt.Fprintf(&text, "  %6.1f s  %s: %s\n", one.At, one.Object, one.Detail)
		}
	}
	text.WriteString("\n  group       jobs  complete  wait median     p95  start median  peak cores  core-seconds\n")
	for _, g := range v.Groups {
		fmt.Fprintf(&text, "  %-10s  %4d  %8d  %9.1f s  %4.1f s  %10.2f s  %10s  %12.0f\n",
			g.Name, g.Submitted, g.Complete, g.Wait.Median, g.Wait.P95, g.Start.Median, g.PeakRunning, g.CoreSeconds)
	}
	for _, s := range v.Split {
		fmt.Fprintf(&text, "\n  Both had Jobs waiting from %.1f s; judged from %.1f to %.1f s:\n", s.Backlogged, s.From, s.To)
		for _, g := range s.Groups {
			fmt.Fprintf(&text, "  %-10s  fair share %5.1f cores, held %5.1f on average (%s), pods running %5.1f (%s)\n",
				g.Name, g.Due, g.Held, Percent(g.HeldError), g.Running, Percent(g.RunningError))
		}
	}
	fmt.Fprintf(&text, "\n  %.0f %% of all quota was used over %.1f s from the first start to the last finish.\n", 100*v.Utilisation, v.Seconds)
	return io.WriteString(w, text.String())
}

// Percent shows a relative difference, never as minus zero.
func Percent(relative float64) string {
	rounded := math.Round(1000*relative) / 10
	if rounded == 0 {
		rounded = 0 // minus zero is zero too
	}
	return fmt.Sprintf("%+.1f %%", rounded)
}
