package admission

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"fairlead.dev/fairlead/internal/oracle"
	"fairlead.dev/fairlead/pkg/timeline"
)

// window makes, edits or removes an advance reservation. Each of its windows is one
// to the oracle.
func (m *machine) window() {
	name := fmt.Sprint("r", m.n(3, "window name"))
	var r Reservation
	if !m.oneIn(4, "remove window") {
		r = m.reservation(name)
	}
	old := m.windows[name]
	var same []oracle.Event
	for _, x := range r.Windows {
		o := oracle.Reservation{Name: windowName(name, x), Node: oracle.CohortNode(r.Cohort), ShareMilli: r.ShareMilli, Start: x.Start, Duration: x.End - x.Start}
		if r.ClusterQueue != "" {
			o.Node = oracle.QueueNode(r.ClusterQueue)
		}
		for _, a := range r.Amounts {
			o.Amounts = map[oracle.FlavorResource]int64{{Flavor: a.Flavor, Resource: a.Resource}: a.Amount}
		}
		for _, l := range r.For {
			o.LocalQueues = append(o.LocalQueues, [2]string{l.Namespace, l.Name})
		}
		same = append(same, oracle.SetReservation{Reservation: o})
	}
	for _, x := range old.Windows {
		if !slices.Contains(r.Windows, x) {
			same = append(same, oracle.DeleteReservation{Name: windowName(name, x)})
		}
	}
	if len(r.Windows) == 0 {
		delete(m.windows, name)
		m.step(DeleteReservation{Name: name}, same...)
		return
	}
	m.windows[name] = r
	m.step(SetReservation{r}, same...)
}

// windowName is what the oracle calls one window of an advance reservation.
func windowName(name string, x Window) string { return fmt.Sprint(name, "/", x.Start, "-", x.End) }

// acquaint lets the oracle know all flavor-resources at once: each that it comes to
// know lets all its windows count as changed.
func (m *machine) acquaint() {
	all := oracle.Reservation{Name: "all", Node: oracle.QueueNode("none"), Amounts: map[oracle.FlavorResource]int64{}}
	for f := range flavorNames + 1 {
		for _, r := range []string{"cpu", "memory", "gpu", "pods"} {
			all.Amounts[oracle.FlavorResource{Flavor: fmt.Sprint("f", f), Resource: r}] = 1
		}
	}
	m.oracle.Apply(oracle.SetReservation{Reservation: all})
	m.oracle.Apply(oracle.DeleteReservation{Name: all.Name})
}

// keepAhead makes some advance reservations before anybody comes.
func (m *machine) keepAhead() {
	for range m.n(4, "ahead") {
		if m.planning {
			m.window()
		}
	}
}

// reservation draws an advance reservation with up to three windows.
func (m *machine) reservation(name string) Reservation {
	d := m.draw
	r := Reservation{Name: name, ShareMilli: int64(1 + d.n(1000, "share"))}
	if d.oneIn(3, "at a Cohort") {
		r.Cohort = d.cohortName()
	} else {
		r.ClusterQueue = d.queueName()
		for _, namespace := range []string{"n0", "n1"} {
			if d.oneIn(3, "for some") {
				r.For = append(r.For, LocalQueueName{namespace, r.ClusterQueue})
			}
		}
	}
	if d.oneIn(2, "amounts") {
		r.ShareMilli = 0
		r.Amounts = []FlavorAmount{{Flavor: d.flavorName(), Resource: "cpu", Amount: int64(1 + d.n(5, "amount"))}}
	}
	at := m.now
	for range 1 + d.n(3, "times") {
		at += second * int64(d.n(8, "from"))
		if len(m.workloads) == 0 {
			at += second * int64(d.n(20, "later"))
		}
		x := Window{Start: at, End: at + second*int64(1+d.n(6, "for"))}
		r.Windows, at = append(r.Windows, x), x.End
	}
	return r
}

// vainWake is when a window that keeps nothing next begins or ends, which wakes the
// oracle only.
func (m *machine) vainWake(s *scope) int64 {
	next := timeline.Forever
	m.engine.reservations.each(func(r *reservation) {
		n := s.node(&r.spec)
		if n < 0 {
			return
		}
		if charges, _ := m.engine.windowCharges(s, n, &r.spec); len(charges) > 0 {
			return
		}
		for _, x := range r.spec.Windows {
			for _, at := range []int64{x.Start, x.End} {
				if at > m.now {
					next = min(next, at)
				}
			}
		}
	})
	return next
}

// compareConflicts compares which advance reservations cannot be kept. (Of amounts
// of which nobody in the tree has quota the engine says another thing.)
func (m *machine) compareConflicts() {
	want := map[string]bool{}
	for _, name := range m.oracle.Conflicting() {
		want[name[:len("r0")]] = true
	}
	for _, r := range m.engine.Snapshot().Reservations {
		if got := r.Conflict != nil; r.Problem == "" && got != want[r.Name] {
			m.t.Fatalf("reservation %s: engine %+v, oracle %v", r.Name, r.Conflict, slices.Sorted(maps.Keys(want)))
		}
		m.seen.windows++
		if r.Conflict != nil {
			m.seen.conflicts++
		}
	}
}

// A tree of which nothing is left is forgotten, with the windows in it.
func TestWindowOfNobodyLeft(t *testing.T) {
	s := newSite(t, nil, map[string]int64{"a": 4})
	s.e.Step(0, SetReservation{Reservation{Name: "later", ClusterQueue: "a", ShareMilli: 500, Windows: []Window{{Start: 100 * second, End: 200 * second}}}})
	s.decide(0)
	if at, ok := s.e.NextWake(0); !ok || at != 100*second {
		t.Fatalf("next wake: %d %v", at, ok)
	}
	for _, local := range []string{"a", "a2"} {
		s.e.Step(second, DeleteLocalQueue{Namespace: "n", Name: local})
	}
	s.e.Step(second, DeleteClusterQueue{Name: "a"})
	s.decide(1)
	if at, ok := s.e.NextWake(second); ok {
		t.Errorf("next wake: %d", at)
	}
}

// An advance reservation that is new takes nothing off the timeline, and parks
// nobody elsewhere, be it the first in a tree in which nobody plans: who waits is not
// looked at again. One that is gone lets those look again who were refused.
func TestWindowsWakeTheRefused(t *testing.T) {
	for _, b := range []*Backfill{nil, easy} {
		for _, some := range [][]LocalQueueName{nil, {{"n", "a2"}}} {
			s := newSite(t, b, map[string]int64{"a": 4})
			window := func(at int64, name string, from, to int64) {
				s.e.Step(at*second, SetReservation{Reservation{
					Name: name, ClusterQueue: "a", Amounts: []FlavorAmount{{Flavor: "f", Resource: "cpu", Amount: 2}},
					Windows: []Window{{Start: from * second, End: to * second}}, For: some,
				}})
			}
			s.submit(0, "runs", "a", 2, 1000)
			s.decide(0, "runs")
			s.submit(1, "large", "a", 3, 50)
			s.submit(1, "short", "a", 3, 10)
			s.decide(1)
			asked := func(uid string) uint64 {
				if c := s.e.workloads[uid].Class(); c.Parked() {
					return c.ParkedAt
				}
				return 0
			}
			large, short := asked("large"), asked("short")
			window(2, "first", 30, 40)
			s.decide(2)
			s.submit(3, "refused", "a", 1, 50)
			s.decide(3)
			refused := asked("refused")
			window(4, "second", 100, 110)
			s.decide(4)
			if large == 0 || large != asked("large") || short != asked("short") || refused == 0 || refused != asked("refused") {
				t.Errorf("asked at %d, %d, %d, and again at %d, %d, %d", large, short, refused, asked("large"), asked("short"), asked("refused"))
			}
			s.e.Step(5*second, DeleteReservation{Name: "first"})
			s.decide(5, "refused")
		}
	}
}

// A window for some LocalQueues, the first or the last, leaves reservations where
// they are, their own and others'. If one cannot be kept beside it all are made anew:
// then it is in the way of all but its own.
func TestWindowForSomeKeepsReservations(t *testing.T) {
	deep := int32(2)
	s := newSite(t, &Backfill{Mode: BackfillEASY, Depth: deep, BorrowingDepth: &deep}, map[string]int64{"a": 10})
	window := func(name string, from, to int64) {
		s.e.Step(3*second, SetReservation{Reservation{
			Name: name, ClusterQueue: "a", Amounts: []FlavorAmount{{Flavor: "f", Resource: "cpu", Amount: 3}},
			Windows: []Window{{Start: from * second, End: to * second}}, For: []LocalQueueName{{"n", "a2"}},
		}})
		s.decide(3)
	}
	s.submit(0, "runs", "a", 6, 100)
	s.decide(0, "runs")
	s.submit(1, "own", "a2", 10, 50)
	s.decide(1)
	s.send(2, Workload{UID: "late", Queue: "a", Priority: 9, Limit: 50 * second}, 10, "")
	s.decide(2)
	asBefore := func() {
		t.Helper()
		s.holds("own", promise{100, 180})
		s.holds("late", promise{180, 260})
	}
	asBefore()
	window("far", 1000, 1100)
	asBefore()
	s.e.Step(3*second, DeleteReservation{Name: "far"})
	s.decide(3)
	asBefore()
	window("near", 190, 200)
	s.holds("late", promise{100, 180})
	s.holds("own", promise{180, 260})
}

// Who held a reservation and is deleted is not asked for any more when a window is made.
func TestWindowAfterAHolder(t *testing.T) {
	s := newSite(t, easy, map[string]int64{"a": 4})
	s.submit(0, "runs", "a", 4, 100)
	s.decide(0, "runs")
	s.submit(1, "next", "a", 4, 100)
	s.decide(1)
	s.holds("next", promise{100, 230})
	s.e.Step(second, DeleteWorkload{UID: "next"})
	s.e.Step(second, SetReservation{Reservation{
		Name: "some", ClusterQueue: "a", ShareMilli: 500, Windows: []Window{{Start: 300 * second, End: 400 * second}}, For: []LocalQueueName{{"n", "a"}},
	}})
	s.decide(1)
}

// Who was refused for the last window of a tree that plans nothing else is told of
// quota once it is over.
func TestRefusedUntilTheLastWindowEnds(t *testing.T) {
	s := newSite(t, nil, map[string]int64{"a": 4})
	s.e.Step(0, SetReservation{Reservation{Name: "all", ClusterQueue: "a", ShareMilli: 1000, Windows: []Window{{Start: 0, End: 100 * second}}}})
	for i, uid := range []string{"1st", "2nd", "3rd"} {
		s.submit(int64(i), uid, "a", 4, 10)
	}
	s.decide(3)
	s.decide(100, "1st")
	s.submit(101, "4th", "a", 4, 10)
	s.decide(101)
}

// A window for some tells their workloads apart wherever they come to stand in
// what is planned.
func TestWindowForSomeWhereverTheyStand(t *testing.T) {
	s := newSite(t, &Backfill{Mode: BackfillConservative, Depth: 9}, map[string]int64{"a": 4})
	s.submit(0, "runs", "a", 4, 100)
	s.decide(0, "runs")
	s.submit(1, "1st", "a", 4, 50)
	s.submit(2, "2nd", "a", 4, 50)
	s.submit(3, "member", "a2", 4, 50)
	s.decide(3)
	s.holds("member", promise{260, 340})
	s.e.Step(4*second, DeleteWorkload{UID: "1st"})
	s.decide(4)
	s.holds("member", promise{180, 260})
	s.e.Step(5*second, SetReservation{Reservation{
		Name: "theirs", ClusterQueue: "a", ShareMilli: 1000, Windows: []Window{{Start: 1000 * second, End: 1100 * second}}, For: []LocalQueueName{{"n", "a2"}},
	}})
	s.decide(5)
	s.send(6, Workload{UID: "high", Queue: "a", Priority: 1, Limit: 50 * second}, 4, "")
	s.decide(6)
	s.holds("member", promise{180, 260})
	s.holds("high", promise{260, 340})
}
