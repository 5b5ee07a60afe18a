package simulate

import (
	"strings"
	"testing"
	"time"
)

const outage = `
---
apiVersion: fairlead.dev/v1beta1
kind: Reservation
metadata: {name: outage}
spec: {cohort: facility, sharePercent: 100, start: "2026-11-24T13:00:00Z", duration: 8h}
`

// TestReservationsOfManifests: no job starts that its limit would take into the
// window; to jobs that begin when it is over, or on no calendar, it is nothing.
func TestReservationsOfManifests(t *testing.T) {
	set, err := ParseQueues("outage", append(DefaultManifest(), outage...))
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 11, 24, 13, 0, 0, 0, time.UTC)
	run := func(begin time.Time) (inside, after int, notes string) {
		jobs, err := Generate("hep", set, 3000, 7, 0.7)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Run(set.WithBackfill("EASY"), jobs, Options{Resource: "cpu", Begin: begin})
		if err != nil {
			t.Fatal(err)
		}
		from := max(start.Sub(begin), 0) // of the trace's clock
		to := from + 8*time.Hour
		for i := range jobs.Jobs {
			at := time.Duration(s.Result.Starts[i])
			switch {
			case at >= to:
				after++
			case at >= 0 && at+jobs.Jobs[i].Limit > from:
				inside++
			}
		}
		return inside, after, strings.Join(s.Notes, "\n")
	}
	if inside, after, notes := run(start.Add(-6 * time.Hour)); inside > 0 || after < 1000 || notes != "" {
		t.Errorf("%d jobs run in the window, %d after it; notes %q", inside, after, notes)
	}
	if inside, _, notes := run(start.Add(9 * time.Hour)); inside < 100 || !strings.Contains(notes, "Reservation outage has no window after 2026-11-24T22:00:00Z") {
		t.Errorf("%d jobs run in the first eight hours after it, notes %q", inside, notes)
	}
	if _, _, notes := run(time.Time{}); !strings.Contains(notes, "Reservation outage is not used: say with --begin") {
		t.Errorf("notes %q of jobs that are on no calendar", notes)
	}
	broken := strings.Replace(outage, "duration: 8h", "duration: -8h", 1)
	if _, err := ParseQueues("broken", append(DefaultManifest(), broken...)); err == nil || !strings.Contains(err.Error(), `Reservation "outage": spec.duration is -8h`) {
		t.Errorf("a negative duration: %v", err)
	}
}
