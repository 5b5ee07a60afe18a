package admission

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestNested lets work come and go in trees of up to five levels, where contests
// foretell who is admitted: most engines are compared with one that takes every
// turn, the others with the oracle.
func TestNested(t *testing.T) {
	t.Parallel()
	seen, foretold := &features{}, 0
	rapid.Check(t, func(t *rapid.T) {
		m := bareMachine(t, seen)
		m.config = Config{FairSharing: !m.oneIn(4, "by level")}
		m.lenient, m.plain, m.busy, m.mixed = true, true, true, m.oneIn(3, "mixed")
		m.start()
		laws := m.oneIn(6, "laws")
		if !laws {
			m.twin, m.unwatched = newTwin(m.config), true
		}
		m.beginNested()
		for range rapid.IntRange(10, 60).Draw(t, "cycles") {
			foretold += m.comeAndGo()
		}
		if laws {
			m.end()
		} else {
			m.count()
		}
	})
	seen.report(t)
	if seen.cases >= 100 && (seen.depth3*10 < seen.cases*9 || seen.borrowing*2 < seen.cases || foretold < 5*seen.cases) {
		t.Errorf("too few of %d cases are deep or have borrowing limits, or contests are asked too rarely: %d times", seen.cases, foretold)
	}
}

// beginNested makes queues that compete through Cohorts below others.
func (m *machine) beginNested() {
	for f := range flavorNames {
		m.setFlavor(Flavor{Name: fmt.Sprint("f", f)})
	}
	m.setNamespace("n0", map[string]string{"team": "a"})
	cohorts := 3 + m.n(4, "cohorts")
	for c := range cohorts {
		co := m.cohort(fmt.Sprint("c", c))
		if co.Parent = ""; c > 0 {
			co.Parent = fmt.Sprint("c", m.n(c, "parent"))
		}
		m.setCohort(co)
	}
	m.known = 4 + m.n(9, "queues")
	for q := range m.known {
		cq := m.clusterQueue(fmt.Sprint("q", q))
		cq.Cohort, cq.Stop, cq.Inactive, cq.Namespaces = fmt.Sprint("c", m.n(cohorts, "cohort")), "", "", &Selector{}
		m.setQueue(cq)
		m.setLocal(LocalQueue{Namespace: "n0", Name: cq.Name, ClusterQueue: cq.Name})
	}
	for i := range 15 + m.n(45, "workloads") {
		m.set(m.workload(fmt.Sprintf("w%02d", i)))
	}
	m.decide()
}

// comeAndGo is a cycle in which little is found admitted, which could be in a
// flavor that nobody lists: then contests end. It returns 1 if one was asked.
func (m *machine) comeAndGo() (asked int) {
	switch m.n(24, "cycle") {
	case 0:
		m.cut()
	case 1:
		m.submit()
	}
	for range 1 + m.n(6, "finishes")/4 {
		if o := m.some((*object).charged); o != nil {
			m.finish(o)
		}
	}
	for range m.n(3, "arrivals") {
		m.next++
		m.set(m.workload(fmt.Sprintf("x%03d", m.next)))
	}
	before := m.lastContest()
	m.decide()
	if m.lastContest() > before {
		return 1
	}
	return 0
}

// lastContest is when a contest was asked last, by the engine's clock.
func (m *machine) lastContest() (at uint64) {
	for _, sc := range m.engine.scopes {
		for _, c := range sc.contests {
			at = max(at, c.used)
		}
	}
	return at
}
