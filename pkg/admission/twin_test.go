package admission

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"fairlead.dev/fairlead/pkg/timeline/plan"
)

// TestShortcuts lets the stories of the laws happen to the engine and to a twin
// that takes every turn of every pass: what leap, turns, foresight and ranking leave
// out must not show. The oracle is not asked, so it is some thirty times as fast.
func TestShortcuts(t *testing.T) {
	t.Parallel()
	seen := &features{}
	rapid.Check(t, func(t *rapid.T) {
		plans := rapid.SampledFrom([]ahead{somePlan, nobodyPlans, somePlan, nobodyPlans, somePreempt}).Draw(t, "plans")
		m := newMachine(t, seen, plans)
		m.twin, m.unwatched = newTwin(m.config), true
		if rapid.Bool().Draw(t, "busy") {
			m.liveBusy()
		} else {
			m.live()
		}
		m.decide()
		m.decide()
		seen.cases++
	})
	seen.report(t)
	if seen.cases >= 100 && (seen.admissions < seen.cases || seen.planned < seen.cases) {
		t.Errorf("only %d admissions and %d reservations were compared in %d cases", seen.admissions, seen.planned, seen.cases)
	}
}

// twin is an engine without shortcuts, and what it has told of those that wait.
type twin struct {
	engine *Engine
	told   map[string]PendingReason
}

func newTwin(config Config) *twin {
	t := &twin{engine: New(config), told: map[string]PendingReason{}}
	t.engine.literal = true
	return t
}

// compareTwin gives an event to the twin, too, and compares what both decide but for
// the explanations, and when they give them: who starts, in which order, who is
// evicted, who waits for what, and for when everybody is planned.
func (m *machine) compareTwin(ev Event, decisions []Decision) {
	got, want := m.acts(decisions, m.told), m.acts(m.twin.engine.Step(m.now, ev), m.twin.told)
	if _, ok := ev.(Decide); !ok {
		return
	}
	if !slices.Equal(got, want) {
		m.t.Fatalf("decided: %v; to the letter: %v", got, want)
	}
	if got, want := m.engine.promises(), m.twin.engine.promises(); !slices.Equal(got, want) {
		m.t.Fatalf("reserved: %v; to the letter: %v", got, want)
	}
	m.seen.admissions += len(got)
	m.seen.planned += len(m.engine.promises())
	for uid, o := range m.workloads {
		if o.waits() && m.told[uid] != m.twin.told[uid] {
			m.t.Fatalf("%s was told %q; to the letter: %q", uid, m.told[uid], m.twin.told[uid])
		}
	}
}

// acts lists the decisions that are not mere reasons to wait, notes these, and
// lets the objects be what they make of them.
func (m *machine) acts(decisions []Decision, told map[string]PendingReason) (lines []string) {
	for _, d := range decisions {
		switch d := d.(type) {
		case Wait:
			told[d.UID] = d.Reason
			continue
		case Admit:
			delete(told, d.UID)
		}
		m.take(d)
		lines = append(lines, Line(d))
	}
	return lines
}

// promises are all reservations held, tree by tree.
func (e *Engine) promises() (all []plan.Reservation) {
	for _, s := range e.scopes {
		if s.calendar.filled() {
			all = append(all, s.calendar.planner.Reservations()...)
		}
	}
	return all
}
