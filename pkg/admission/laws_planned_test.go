package admission

import (
	"testing"

	"pgregory.net/rapid"
)

// TestLawsPlanned checks the same laws, and those of backfill, where some plan
// ahead: in stories of both kinds.
func TestLawsPlanned(t *testing.T) {
	t.Parallel()
	seen := lawsAhead(t, somePlan)
	if seen.cases >= 100 && seen.planned < seen.cases {
		t.Errorf("only %d reservations were compared in %d cases", seen.planned, seen.cases)
	}
}

// TestLawsPlannedPreempting checks them where some plan ahead and some preempt:
// who might preempt the holder of a reservation need not wait for it, and whoever
// is to evict delays nobody else's.
func TestLawsPlannedPreempting(t *testing.T) {
	t.Parallel()
	seen := lawsAhead(t, somePreempt)
	if seen.cases >= 100 && (seen.planned < seen.cases || seen.victims*4 < seen.cases) {
		t.Errorf("only %d reservations and %d victims were compared in %d cases", seen.planned, seen.victims, seen.cases)
	}
}

// lawsAhead lets stories of both kinds happen, and reports what was seen in them.
func lawsAhead(t *testing.T, plans ahead) *features {
	seen := &features{}
	rapid.Check(t, func(t *rapid.T) {
		if rapid.Bool().Draw(t, "busy") {
			busyStory(t, seen, plans)
		} else {
			story(t, seen, plans)
		}
	})
	seen.report(t)
	return seen
}
