package explain

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
)

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// WriteText writes the answer in words. Times are those of now's time zone.
func (r *Report) WriteText(w io.Writer, now time.Time) error {
	t := &text{now: now}
	t.line("%s/%s in namespace %s: %s", strings.ToLower(r.Kind), r.Name, r.Namespace, r.Summary)
	if r.Since != nil {
		verb := map[State]string{Waiting: "submitted", Held: "submitted", Finished: "ended", Running: "admitted"}[r.State]
		t.item(cmp.Or(verb, "since"), "%s (%s ago)", t.at(*r.Since), duration.HumanDuration(now.Sub(*r.Since)))
	}
	if r.Ends != nil {
		t.item("ends", "by %s, its limit, if not before", t.when(*r.Ends))
	}
	if r.Workload != "" && r.Kind != "Workload" {
		t.item("workload", "%s", r.Workload)
	}
	t.queue(r)
	if r.Reason != "" {
		t.item("why", "%s", r.Reason)
		t.more("%s", r.Message)
	}
	if r.ToldReason != "" && r.ToldReason != r.Reason {
		t.more("(the manager last wrote %s: %s)", r.ToldReason, r.ToldMessage)
	}
	if r.State != Finished {
		for _, held := range r.Holds {
			t.item("holds", "%s", held)
		}
	}
	t.missing(r.Missing)
	if r.Before > 0 {
		t.item("before it", "%s by %s, if each runs to its limit:", many(r.Before, "workload that holds some of it ends", "workloads that hold some of it end"), t.at(*r.Start.Planned))
		for _, o := range r.First {
			t.more("by %s  %s/%s of ClusterQueue %s: %s", t.at(o.Ends), o.Namespace, o.Workload, o.ClusterQueue, o.Holds)
		}
		if left := r.Before - len(r.First); left > 0 {
			t.more("and %d more", left)
		}
	}
	t.start(r.Start)
	for _, note := range r.Notes {
		t.item("note", "%s", note)
	}
	_, err := io.WriteString(w, t.b.String())
	return err
}

// text writes lines with a column of labels.
type text struct {
	b    strings.Builder
	now  time.Time
	last string
}

const labelWidth = 10

func (t *text) line(format string, args ...any) {
	fmt.Fprintf(&t.b, format+"\n", args...)
}

// item begins with a label, unless it is that of the item before.
func (t *text) item(label, format string, args ...any) {
	shown := label
	if label == t.last {
		shown = ""
	}
	t.last = label
	t.line("  %-*s %s", labelWidth, shown, fmt.Sprintf(format, args...))
}

func (t *text) more(format string, args ...any) { t.item(t.last, format, args...) }

func (t *text) queue(r *Report) {
	switch {
	case r.LocalQueue == "":
		return
	case r.ClusterQueue == "":
		t.item("queue", "LocalQueue %s", r.LocalQueue)
	default:
		t.item("queue", "LocalQueue %s -> ClusterQueue %s", r.LocalQueue, r.ClusterQueue)
	}
	if r.Place == nil {
		return
	}
	if r.Place.Ahead == 0 {
		t.more("first of %d that wait in that ClusterQueue", r.Place.Length)
	} else {
		t.more("%d of the %d that wait in that ClusterQueue come before it", r.Place.Ahead, r.Place.Length)
	}
	if r.Place.Strict && r.Place.Ahead > 0 {
		t.more("the queue is StrictFIFO: it may not pass those that wait for the same quota")
	}
}

func (t *text) missing(list []Missing) {
	for i := range list {
		m := &list[i]
		or := ""
		if i > 0 && list[i-1].PodSet == m.PodSet && list[i-1].Flavor != m.Flavor {
			or = "or "
		}
		held := ""
		if !m.Held.IsZero() {
			held = fmt.Sprintf(", %s held for others that wait", m.Held.String())
		}
		if m.Requested.Cmp(m.Most) > 0 {
			t.item("missing", "%s%s of flavor %s for pod set %s: it needs %s, and the queue can never have more than %s",
				or, m.Resource, m.Flavor, m.PodSet, m.Requested.String(), m.Most.String())
			continue
		}
		t.item("missing", "%s%s %s of flavor %s for pod set %s: it needs %s, %s can be had (the queue owns %s, uses %s%s)",
			or, m.Missing.String(), m.Resource, m.Flavor, m.PodSet, m.Requested.String(), m.Available.String(), m.Nominal.String(), m.Used.String(), held)
	}
}

func (t *text) start(s *Start) {
	if s == nil {
		return
	}
	if s.Planned == nil && s.P50 == nil {
		t.item("start", "not within a year, as things stand")
		return
	}
	if s.Planned != nil {
		t.item("start", "planned for %s, if everything runs to its limit", t.when(*s.Planned))
	} else {
		t.item("start", "not within a year, if everything runs to its limit")
	}
	switch {
	case s.P50 != nil && s.P90 != nil:
		t.more("likely: in half of %d futures by %s, in nine of ten by %s", s.Samples, t.when(*s.P50), t.when(*s.P90))
	case s.P50 != nil:
		t.more("likely: in half of %d futures by %s; in more than one of ten not within a year", s.Samples, t.when(*s.P50))
	}
	if s.Known > 0 {
		t.item("drawn from", "%s of %s", many(s.Known, "finished workload", "finished workloads"), s.KnownOf)
	} else {
		t.item("drawn from", "nothing: too few finished workloads are known, so any run time up to the limit is taken for equally likely")
	}
	if s.Unlimited > 0 {
		t.more("no maximum execution time is known of %d of %d workloads: %s is assumed", s.Unlimited, s.Workloads, s.AssumedLimit)
	}
	if s.Assumed > 0 {
		t.more("of %d of %d workloads the assumedExecutionTimeSeconds of their ClusterQueue are taken", s.Assumed, s.Workloads)
	}
	t.more("who is submitted later is not counted: with higher priority, or a smaller share, they may come first")
}

// at writes a time of today without the day.
func (t *text) at(at time.Time) string {
	at = at.In(t.now.Location())
	if y, m, d := at.Date(); y == t.now.Year() && m == t.now.Month() && d == t.now.Day() {
		return at.Format("15:04:05")
	}
	return at.Format("2006-01-02 15:04")
}

// when writes a time to come.
func (t *text) when(at time.Time) string {
	if d := at.Sub(t.now); d >= time.Second {
		return fmt.Sprintf("%s (in %s)", t.at(at), duration.HumanDuration(d))
	}
	return "now"
}

func many(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
