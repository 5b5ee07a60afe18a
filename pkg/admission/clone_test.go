package admission

import (
	"reflect"
	"strings"
	"testing"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/replica"
)

// checkClone replays the story with a clone taken somewhere on the way: from
// there on the clone decides what the original does, whatever becomes of another
// clone meanwhile.
func (m *machine) checkClone() {
	original := New(m.config)
	at := m.n(len(m.log)+1, "cloned at")
	for _, l := range m.log[:at] {
		original.Step(l.now, l.event)
	}
	clone, wreck := original.Clone(), original.Clone()
	if faults := replica.Audit(original, cloneRules(), harmless); len(faults) > 0 {
		m.t.Fatalf("a clone would not keep that\n%s", strings.Join(faults, "\n"))
	}
	m.wreck(wreck)
	for i, l := range m.log[at:] {
		want, got := original.Step(l.now, l.event), clone.Step(l.now, l.event)
		for j := range max(len(want), len(got)) {
			if j >= len(want) || j >= len(got) || Line(want[j]) != Line(got[j]) {
				m.t.Fatalf("event %d, after a clone before event %d: decision %d differs:\n%v\n%v", at+i, at, j, want, got)
			}
		}
	}
	for _, e := range []*Engine{original, clone, wreck} {
		if err := e.CheckInvariants(); err != nil {
			m.t.Fatalf("after a clone: %v", err)
		}
	}
	if want, got := original.Snapshot(), clone.Snapshot(); !reflect.DeepEqual(want, got) {
		m.t.Fatalf("the clone's snapshot differs:\n%+v\n%+v", want, got)
	}
}

// wreck does everything to an engine that would show elsewhere if anything were
// shared.
func (m *machine) wreck(e *Engine) {
	at := m.now + 1000*second
	for i, l := range m.log {
		switch ev := l.event.(type) {
		case SetWorkload:
			if i%2 == 0 {
				e.Step(at, Finish{UID: ev.UID})
			} else {
				w := *ev.Workload
				w.Priority += 7
				w.Admission, w.Preempting = nil, nil
				e.Step(at, SetWorkload{&w})
			}
		case SetClusterQueue:
			ev.Cohort, ev.Strategy = "wrecked", StrictFIFO
			e.Step(at, ev)
		case DeleteFlavor, DeleteLocalQueue, SetNamespace:
			e.Step(at, ev)
		}
		if i%8 == 0 {
			e.Step(at, Decide{})
		}
	}
	e.Step(at, Decide{})
}

// harmless are slices that lie in the object that they belong to, as room for
// first elements: the copy's have arrays of their own.
func harmless(inner, outer reflect.Type) bool {
	return outer == reflect.TypeFor[queue.Class]() && inner == reflect.TypeFor[[]*queue.Item]() ||
		outer == reflect.TypeFor[clusterQueue]() && inner == reflect.TypeFor[quota.Set]()
}

// BenchmarkClone is a clone of an engine with 100,000 pending workloads.
func BenchmarkClone(b *testing.B) {
	l := newLoad(layout{queues: 1000, perCohort: 20}, 100_000)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		l.e.Clone()
	}
}
