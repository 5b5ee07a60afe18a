package budget

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteTable writes the counts and what they come to.
func (r *Report) WriteTable(w io.Writer) error {
	var out strings.Builder
	tw := tabwriter.NewWriter(&out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "verb\tresource\tcode\tcount\ta Job")
	for _, c := range r.Counts {
		fmt.Fprintf(tw, "%s\t%s\t%d\t%d\t%.3f\n", c.Verb, c.Path, c.Code, c.N, float64(c.N)/float64(max(1, r.Jobs)))
	}
	_ = tw.Flush()
	fmt.Fprintf(&out, "%d Jobs in %.1f s, %d told why they wait: %d writes, %d conflicts, %d queue statuses, %d single reads\n",
		r.Jobs, r.Seconds, r.Waited, r.Writes, r.Conflicts, r.QueueStatuses, r.Reads)
	for _, v := range r.Violations {
		fmt.Fprintf(&out, "over budget: %s\n", v)
	}
	if _, err := io.WriteString(w, out.String()); err != nil {
		return fmt.Errorf("write the table of the budget: %w", err)
	}
	return nil
}
