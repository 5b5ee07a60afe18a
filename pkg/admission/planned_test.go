package admission

import (
	"testing"

	"fairlead.dev/fairlead/pkg/quota"
)

// promise is when a workload's reservation begins and ends, in seconds; zero if
// it holds none.
type promise struct{ start, end int64 }

// holds checks what reservation a workload holds.
func (s *site) holds(uid string, want promise) {
	s.Helper()
	var got promise
	if c := s.e.workloads[uid].local.target.calendar(); c != nil {
		if r, ok := c.planner.Reservation(uid); ok {
			got = promise{r.Start / second, r.End / second}
		}
	}
	if got != want {
		s.Errorf("reservation of %s: %+v, not %+v", uid, got, want)
	}
}

// send submits a workload with a priority, running in a ClusterQueue already if
// one is named.
func (s *site) send(at int64, w Workload, cores int64, runsIn string) {
	w.Name, w.Namespace = w.UID, "n"
	requests := []quota.ResourceAmount{{Resource: "cpu", Amount: cores}}
	w.PodSets = []PodSet{{Name: "main", Count: 1, Requests: requests}}
	if runsIn != "" {
		w.Admission = &Assignment{ClusterQueue: runsIn, PodSets: []PodSetAssignment{{
			Name: "main", Count: 1, Flavors: []ResourceFlavorName{{Resource: "cpu", Flavor: "f"}}, Usage: requests,
		}}}
	}
	s.e.Step(at*second, SetWorkload{&w})
}

var easy = &Backfill{Mode: BackfillEASY}

// EASY reserves for the first blocked workload, or for the first few, each until
// its limit and the slack of 30 s are over, of which the default counts only
// where a queue borrows.
func TestHowManyHoldReservations(t *testing.T) {
	for depth, want := range [][3]promise{{{100, 180}}, {{100, 180}}, {{100, 180}, {180, 260}}, {{100, 180}, {180, 260}, {260, 340}}} {
		s := newSite(t, &Backfill{Mode: BackfillEASY, Depth: int32(depth)}, map[string]int64{"a": 4})
		s.submit(0, "runs", "a", 4, 100)
		s.decide(0, "runs")
		for i, uid := range []string{"1st", "2nd", "3rd"} {
			s.submit(int64(i), uid, "a", 4, 50)
		}
		s.decide(2)
		for i, uid := range []string{"1st", "2nd", "3rd"} {
			s.holds(uid, want[i])
		}
	}
	none := int32(0)
	s := newSite(t, &Backfill{Mode: BackfillEASY, BorrowingDepth: &none}, map[string]int64{"a": 4, "b": 4})
	s.submit(0, "runs", "a", 6, 100)
	s.submit(0, "more", "a", 5, 50)
	s.decide(0, "more")
	s.holds("runs", promise{})
}

// Without a limit nobody starts ahead of a reservation, short as the default may
// be, unless that is to be trusted.
func TestWithoutLimitAhead(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		b := &Backfill{Mode: BackfillEASY, DefaultLimit: 10 * second, BackfillUnlimited: trusted}
		s := newSite(t, b, map[string]int64{"a": 4, "b": 0})
		s.submit(0, "runs", "a", 3, 100)
		s.submit(0, "wide", "a", 4, 50)
		s.decide(0, "runs")
		s.submit(1, "anon", "b", 1, 0)
		if trusted {
			s.decide(1, "anon")
		} else {
			s.decide(1)
		}
	}
}

// An edit that leaves the nodes as they are leaves reservations as they are, and
// what has outlived its limit is expected until then as before. Where the nodes
// are others all is planned anew, in order.
func TestReservationsThroughEdits(t *testing.T) {
	s := newSite(t, nil, nil)
	for _, name := range []string{"x", "y"} {
		s.e.Step(0, SetCohort{Cohort{Name: name, Parent: "all", Backfill: easy}})
	}
	groups := func(cores int64) []ResourceGroup {
		return []ResourceGroup{{Resources: []string{"cpu"}, Flavors: []FlavorQuotas{{Flavor: "f", Quotas: []ResourceQuota{{Resource: "cpu", Nominal: cores}}}}}}
	}
	set := func(at int64, name, cohort string, weight int64) {
		s.e.Step(at*second, SetClusterQueue{ClusterQueue{Name: name, Cohort: cohort, Namespaces: &Selector{}, WeightMilli: weight, Groups: groups(4)}})
		s.e.Step(at*second, SetLocalQueue{LocalQueue{Namespace: "n", Name: name, ClusterQueue: name}})
	}
	set(0, "a", "x", 1000)
	set(0, "b", "y", 1000)
	s.submit(0, "runs", "a", 8, 100)
	s.decide(0, "runs")
	s.send(1, Workload{UID: "low", Queue: "a", Limit: 50 * second}, 8, "")
	s.decide(1)
	s.send(2, Workload{UID: "high", Queue: "b", Priority: 9, Limit: 50 * second}, 8, "")
	s.decide(100)
	s.holds("low", promise{160, 240})
	s.holds("high", promise{240, 320})
	s.decide(120)
	set(130, "b", "y", 2000)
	s.decide(130)
	s.holds("low", promise{160, 240})
	s.holds("high", promise{240, 320})
	set(140, "b", "x", 2000)
	s.decide(140)
	s.holds("high", promise{190, 270}) // runs goes on for a minute from when it was looked at last
	s.holds("low", promise{270, 350})
}

// Where its queue plans, the head of a StrictFIFO queue idles nothing, and only
// it holds a reservation of what others behind it wait for as well. Where its
// queue does not, it holds quota, but none that a reservation needs some time.
func TestHeadsBesideReservations(t *testing.T) {
	s := newSite(t, easy, map[string]int64{"a": 4, "b": 2})
	deep := int32(2)
	s.queue(0, "a", 4, &Backfill{Mode: BackfillEASY, Depth: deep, BorrowingDepth: &deep}, StrictFIFO)
	s.submit(0, "runs", "a", 3, 100)
	s.submit(0, "wide", "a", 4, 50)
	s.submit(0, "xtra", "a", 6, 60)
	s.decide(0, "runs")
	s.submit(1, "brief", "b", 3, 50)
	s.decide(1, "brief")
	s.holds("wide", promise{100, 180})
	s.holds("xtra", promise{})

	s = newSite(t, easy, map[string]int64{"a": 4, "b": 4})
	s.queue(0, "b", 4, &Backfill{Mode: BackfillNone}, StrictFIFO)
	s.submit(0, "runs", "a", 5, 100)
	s.submit(0, "wide", "a", 8, 50)
	s.decide(0, "runs")
	s.submit(1, "head", "b", 4, 1000)
	s.decide(1)
	s.holds("wide", promise{100, 180})
	if h := s.e.workloads["head"].held(); len(h) > 0 {
		t.Errorf("the head holds %v", h)
	}
}

// What is found running ends its limit after it was started, however long ago
// it was admitted. Who is being evicted is expected no more, also after an edit.
func TestEndOfWhatIsFound(t *testing.T) {
	s := newSite(t, easy, map[string]int64{"a": 4})
	s.send(40, Workload{UID: "runs", Queue: "a", ReservedAt: 10 * second, AdmittedAt: 10 * second, Started: 30 * second, Limit: 100 * second}, 4, "a")
	s.submit(40, "next", "a", 4, 50)
	s.decide(40)
	s.holds("next", promise{130, 210})
	s.send(50, Workload{UID: "runs", Queue: "a", ReservedAt: 10 * second, AdmittedAt: 10 * second, Started: 30 * second, Limit: 100 * second, Evicted: true}, 4, "a")
	s.queue(50, "a", 4, &Backfill{Mode: BackfillEASY, Depth: 2}, BestEffortFIFO)
	s.decide(50)
	s.holds("next", promise{50, 130})
}

// A reservation gives way to a workload of its queue that might preempt its
// holder, and to no other.
func TestWhoGivesWay(t *testing.T) {
	for policy, first := range map[string]string{"Never": "newer", "LowerPriority": "newer", "LowerOrNewerEqualPriority": "older"} {
		s := &site{T: t, e: New(Config{Preemption: &PreemptionConfig{}})}
		s.e.Step(0, SetFlavor{Flavor{Name: "f"}})
		s.e.Step(0, SetNamespace{Name: "n"})
		s.e.Step(0, SetClusterQueue{ClusterQueue{
			Name: "a", Namespaces: &Selector{}, Preemption: Preemption{WithinClusterQueue: policy}, Backfill: easy,
			Groups: []ResourceGroup{{Resources: []string{"cpu"}, Flavors: []FlavorQuotas{{Flavor: "f", Quotas: []ResourceQuota{{Resource: "cpu", Nominal: 4}}}}}},
		}})
		s.e.Step(0, SetLocalQueue{LocalQueue{Namespace: "n", Name: "a", ClusterQueue: "a"}})
		s.send(0, Workload{UID: "runs", Queue: "a", Priority: 9, Limit: 100 * second}, 4, "a")
		s.send(1, Workload{UID: "newer", Queue: "a", QueueTime: 2, Limit: 50 * second}, 4, "")
		s.decide(1)
		s.send(2, Workload{UID: "older", Queue: "a", QueueTime: 1, Limit: 50 * second}, 4, "")
		s.decide(2)
		s.holds(first, promise{100, 180})
	}
}

// So it does in a StrictFIFO queue, whatever the two ask for: who might preempt the
// holder takes over its place among the first.
func TestWhoGivesWayInLine(t *testing.T) {
	for policy, first := range map[string]string{"Never": "low", "LowerPriority": "high"} {
		for _, strategy := range []QueueingStrategy{StrictFIFO, BestEffortFIFO} {
			s := &site{T: t, e: New(Config{Preemption: &PreemptionConfig{}})}
			s.e.Step(0, SetFlavor{Flavor{Name: "f"}})
			s.e.Step(0, SetNamespace{Name: "n"})
			s.e.Step(0, SetClusterQueue{ClusterQueue{
				Name: "a", Namespaces: &Selector{}, Strategy: strategy, Preemption: Preemption{WithinClusterQueue: policy}, Backfill: easy,
				Groups: []ResourceGroup{
					{Resources: []string{"cpu"}, Flavors: []FlavorQuotas{{Flavor: "f", Quotas: []ResourceQuota{{Resource: "cpu", Nominal: 6}}}}},
					{Resources: []string{"memory"}, Flavors: []FlavorQuotas{{Flavor: "g", Quotas: []ResourceQuota{{Resource: "memory", Nominal: 4}}}}},
				},
			}})
			s.e.Step(0, SetFlavor{Flavor{Name: "g"}})
			s.e.Step(0, SetLocalQueue{LocalQueue{Namespace: "n", Name: "a", ClusterQueue: "a"}})
			asks := func(w Workload, resource string, amount int64) {
				w.Name, w.Namespace, w.Queue, w.Limit = w.UID, "n", "a", 100*second
				w.PodSets = []PodSet{{Name: "main", Count: 1, Requests: []quota.ResourceAmount{{Resource: resource, Amount: amount}}}}
				s.e.Step(0, SetWorkload{&w})
			}
			asks(Workload{UID: "cores", Priority: 2}, "cpu", 6)
			asks(Workload{UID: "bytes", Priority: 2}, "memory", 4)
			s.decide(0, "bytes", "cores")
			asks(Workload{UID: "low", QueueTime: 1}, "memory", 4)
			s.decide(0)
			s.holds("low", promise{100, 230})
			asks(Workload{UID: "high", QueueTime: 2, Priority: 1}, "cpu", 6)
			s.decide(0)
			for _, uid := range []string{"low", "high"} {
				want := promise{}
				if uid == first {
					want = promise{100, 230}
				}
				s.holds(uid, want)
			}
		}
	}
}

// newPair has two queues of one Cohort, 4 cores each, that plan and may preempt.
func newPair(t *testing.T, policy Preemption, names ...string) *site {
	s := &site{T: t, e: New(Config{Preemption: &PreemptionConfig{}})}
	s.e.Step(0, SetFlavor{Flavor{Name: "f"}})
	s.e.Step(0, SetNamespace{Name: "n"})
	s.e.Step(0, SetCohort{Cohort{Name: "k"}})
	for _, name := range names {
		s.e.Step(0, SetClusterQueue{ClusterQueue{
			Name: name, Cohort: "k", Namespaces: &Selector{}, Preemption: policy, Backfill: easy,
			Groups: []ResourceGroup{{Resources: []string{"cpu"}, Flavors: []FlavorQuotas{{Flavor: "f", Quotas: []ResourceQuota{{Resource: "cpu", Nominal: 4}}}}}},
		}})
		s.e.Step(0, SetLocalQueue{LocalQueue{Namespace: "n", Name: name, ClusterQueue: name}})
	}
	return s
}

// Who can have no place, here because his pod sets never fit together, displaces
// nobody whom he might preempt: another queue's holder would move into that place.
func TestWhoHasNoPlaceDisplacesNobody(t *testing.T) {
	s := newPair(t, Preemption{WithinClusterQueue: "LowerPriority"}, "a", "b")
	s.send(0, Workload{UID: "runs", Queue: "a", Priority: 2, Limit: 100 * second}, 8, "a")
	s.send(0, Workload{UID: "holder", Queue: "a", QueueTime: 1, Limit: 50 * second}, 8, "")
	s.decide(0)
	s.send(0, Workload{UID: "other", Queue: "b", QueueTime: 2, Limit: 50 * second}, 8, "")
	s.decide(0)
	part := PodSet{Count: 1, Requests: []quota.ResourceAmount{{Resource: "cpu", Amount: 5}}}
	first, second := part, part
	first.Name, second.Name = "first", "second"
	s.e.Step(0, SetWorkload{&Workload{UID: "never", Name: "never", Namespace: "n", Queue: "a", Priority: 1, QueueTime: 3, Limit: 100, PodSets: []PodSet{first, second}}})
	s.decide(0)
	s.holds("never", promise{})
	s.holds("holder", promise{100, 180})
	s.holds("other", promise{180, 260})
}

// Who gives way when he is due, before his turn, keeps his place among the first:
// one behind him, who could not have preempted him, does not start into it.
func TestWhoGivesWayKeepsHisPlace(t *testing.T) {
	s := newPair(t, Preemption{WithinClusterQueue: "LowerPriority", ReclaimWithinCohort: "Any"}, "first", "second")
	s.send(0, Workload{UID: "runs", Queue: "second", Limit: 100 * second}, 4, "second")
	s.send(0, Workload{UID: "due", Queue: "second", QueueTime: 1, Limit: 100 * second}, 6, "")
	s.send(0, Workload{UID: "behind", Queue: "second", QueueTime: 2, Limit: 90 * second}, 5, "")
	s.decide(0)
	s.holds("due", promise{100, 230})
	s.e.Step(50*second, Finish{UID: "runs"})
	s.send(50, Workload{UID: "owner", Queue: "first", QueueTime: 3, Limit: 60 * second}, 3, "")
	s.decide(50, "owner")
	s.holds("due", promise{110, 240})
}

// What is held for a preemptor is planned until its limit and the slack are over.
func TestHoldIsPlanned(t *testing.T) {
	s := &site{T: t, e: New(Config{Preemption: &PreemptionConfig{}})}
	s.e.Step(0, SetFlavor{Flavor{Name: "f"}})
	s.e.Step(0, SetNamespace{Name: "n"})
	s.e.Step(0, SetClusterQueue{ClusterQueue{
		Name: "a", Namespaces: &Selector{}, Preemption: Preemption{WithinClusterQueue: "LowerPriority"}, Backfill: easy,
		Groups: []ResourceGroup{{Resources: []string{"cpu"}, Flavors: []FlavorQuotas{{Flavor: "f", Quotas: []ResourceQuota{{Resource: "cpu", Nominal: 4}}}}}},
	}})
	s.e.Step(0, SetLocalQueue{LocalQueue{Namespace: "n", Name: "a", ClusterQueue: "a"}})
	s.send(0, Workload{UID: "runs", Queue: "a", Limit: 100 * second}, 4, "a")
	s.send(10, Workload{UID: "first", Queue: "a", Priority: 1, Limit: 50 * second}, 4, "")
	s.send(10, Workload{UID: "next", Queue: "a", Limit: 50 * second}, 4, "")
	s.decide(10)
	s.holds("next", promise{90, 170})
}

// A share is rounded up: of 3 cores half is 2.
func TestShareOfAWindow(t *testing.T) {
	s := newSite(t, nil, map[string]int64{"a": 3})
	s.e.Step(0, SetReservation{Reservation{Name: "half", ClusterQueue: "a", ShareMilli: 500, Windows: []Window{{Start: 100 * second, End: 200 * second}}}})
	s.submit(0, "two", "a", 2, 150)
	s.decide(0)
	s.submit(1, "one", "a", 1, 150)
	s.decide(1, "one")
}

// A head that gives back what was held for it, because it is refused now, is not
// looked at again for that: what comes after it in the same pass may have it.
func TestHeadGivesBackOnce(t *testing.T) {
	s := newSite(t, easy, map[string]int64{"a": 8, "b": 4})
	s.queue(0, "b", 4, &Backfill{Mode: BackfillNone}, StrictFIFO)
	s.submit(0, "long", "a", 6, 100)
	s.submit(0, "brief", "a", 3, 20)
	s.submit(0, "own", "b", 1, 100)
	s.submit(0, "wide", "a", 10, 100)
	s.decide(0, "brief", "own", "long")
	s.submit(1, "head", "b", 4, 1000)
	s.decide(1)
	if h := s.e.workloads["head"].held(); len(h) != 1 || h[0].Amount != 2 {
		t.Fatalf("the head holds %v", h)
	}
	s.e.Step(20*second, Finish{UID: "brief"})
	s.submit(20, "next", "a", 3, 10)
	s.decide(20, "next")
	if h := s.e.workloads["head"].held(); len(h) > 0 {
		t.Errorf("the head holds %v", h)
	}
}

// Also in a StrictFIFO queue whoever holds a reservation keeps his place among
// the depth from those who come to stand before him and ask for something else.
func TestStrictQueueKeepsReservation(t *testing.T) {
	s := newSite(t, nil, nil)
	s.e.Step(0, SetClusterQueue{ClusterQueue{
		Name: "a", Namespaces: &Selector{}, Backfill: easy, Strategy: StrictFIFO,
		Groups: []ResourceGroup{{Resources: []string{"cpu", "memory"}, Flavors: []FlavorQuotas{
			{Flavor: "f", Quotas: []ResourceQuota{{Resource: "cpu", Nominal: 4}, {Resource: "memory", Nominal: 4}}},
		}}},
	}})
	s.e.Step(0, SetLocalQueue{LocalQueue{Namespace: "n", Name: "a", ClusterQueue: "a"}})
	ask := func(uid string, priority int32, resources ...string) {
		w := Workload{UID: uid, Name: uid, Namespace: "n", Queue: "a", Priority: priority, Limit: 100 * second, PodSets: []PodSet{{Name: "main", Count: 1}}}
		for _, r := range resources {
			w.PodSets[0].Requests = append(w.PodSets[0].Requests, quota.ResourceAmount{Resource: r, Amount: 4})
		}
		s.e.Step(0, SetWorkload{&w})
	}
	ask("runs", 9, "cpu", "memory")
	s.decide(0, "runs")
	ask("late", 0, "memory")
	s.decide(1)
	s.holds("late", promise{100, 230})
	ask("first", 1, "cpu")
	s.decide(2)
	s.holds("late", promise{100, 230})
	s.holds("first", promise{})
	ask("same", 2, "memory")
	s.decide(3)
	s.holds("late", promise{})
}

// When one of the first starts, or is deleted, for whom there was no reservation to
// be had, the next is among the first in the same pass.
func TestNextAmongTheFirst(t *testing.T) {
	for _, deleted := range []bool{false, true} {
		none := int32(0)
		s := newSite(t, nil, map[string]int64{"a": 4, "b": 6})
		s.queue(0, "a", 4, &Backfill{Mode: BackfillEASY, Depth: 2, BorrowingDepth: &none}, BestEffortFIFO)
		s.submit(0, "runs", "a", 4, 100)
		s.submit(0, "lent", "b", 6, 50)
		s.decide(0, "lent", "runs")
		s.submit(1, "wide", "a", 5, 50)
		s.submit(2, "next", "a", 4, 100)
		s.submit(3, "last", "a", 3, 100)
		s.decide(3)
		s.decide(4)
		s.holds("wide", promise{})
		s.holds("next", promise{100, 230})
		s.holds("last", promise{})
		if deleted {
			s.e.Step(10*second, DeleteWorkload{UID: "wide"})
			s.decide(10)
		} else {
			s.e.Step(10*second, Finish{UID: "lent"})
			s.decide(10, "wide")
		}
		s.holds("last", promise{230, 360})
	}
}

// Who uses nothing takes nothing off the timeline when he ends: nobody who was
// refused is looked at again.
func TestNothingIsEased(t *testing.T) {
	s := newSite(t, easy, map[string]int64{"a": 4, "b": 4})
	s.submit(0, "none", "a", 0, 100)
	s.submit(0, "runs", "a", 4, 100)
	s.submit(0, "wide", "a", 8, 100)
	s.decide(0, "none", "runs")
	s.submit(1, "long", "b", 1, 1000)
	s.decide(1)
	asked := s.e.workloads["long"].Class().ParkedAt
	s.e.Step(2*second, Finish{UID: "none"})
	s.decide(2)
	if s.e.workloads["long"].Class().ParkedAt != asked {
		t.Error("a workload that was refused has been looked at again")
	}
}

// Of two of equal shape that hold reservations each takes a turn of its own: so b2,
// before which one waits, starts before a3, before which two do.
func TestHoldersTakeTurns(t *testing.T) {
	s := newSite(t, &Backfill{Mode: BackfillEASY}, map[string]int64{"a": 5, "b": 5})
	s.queue(0, "a", 5, &Backfill{Mode: BackfillEASY, Depth: 2}, BestEffortFIFO)
	s.submit(0, "long", "b", 8, 1000)
	s.submit(0, "short", "b", 2, 500)
	s.decide(0, "long", "short")
	s.submit(1, "a1", "a", 5, 100)
	s.submit(2, "a2", "a", 5, 100)
	s.submit(3, "a3", "a", 2, 50)
	s.submit(4, "b1", "b", 5, 100)
	s.submit(5, "b2", "b", 2, 50)
	s.decide(5)
	s.e.Step(10*second, Finish{UID: "short"})
	s.decide(10, "b2")
}

// Who outlives his limit and is charged less from then on is planned on from
// that moment, also if an edit came between the last pass and that.
func TestChargedLessAfterAnEdit(t *testing.T) {
	for _, edited := range []bool{false, true} {
		s := newSite(t, easy, map[string]int64{"a": 4})
		s.e.config.Overrun = 20 * second
		runs := Workload{UID: "runs", Queue: "a", ReservedAt: second, AdmittedAt: second, Started: second, Limit: 9 * second}
		s.send(1, runs, 4, "a")
		s.submit(1, "next", "a", 4, 50)
		s.decide(10)
		s.holds("next", promise{30, 110})
		s.decide(15)
		if edited {
			s.queue(15, "a", 4, &Backfill{Mode: BackfillEASY, Depth: 2}, BestEffortFIFO)
		}
		s.send(15, runs, 3, "a")
		s.decide(16)
		s.holds("next", promise{35, 115})
	}
}

// Who fits when he is looked at is not among the first any more. If somebody is
// parked before his turn comes the place is the next one's, whom he may not delay.
func TestWhoFitsLeavesHisPlace(t *testing.T) {
	none := int32(0)
	s := newSite(t, nil, map[string]int64{"a": 4, "b": 4, "c": 4})
	for _, name := range []string{"a", "b"} {
		s.queue(0, name, 4, &Backfill{Mode: BackfillEASY, BorrowingDepth: &none}, BestEffortFIFO)
	}
	s.submit(0, "runs", "a", 2, 100)
	s.submit(0, "lent", "c", 10, 50)
	s.decide(0, "runs", "lent")
	s.submit(1, "wide", "a", 10, 200)
	s.submit(2, "next", "a", 4, 50)
	s.submit(3, "vast", "b", 11, 50)
	s.decide(3)
	s.decide(4)
	s.holds("next", promise{})
	s.e.Step(10*second, Finish{UID: "lent"})
	s.decide(10, "next")
}

// Whoever comes before the one looked at last is not looked at again in the same
// search for a representative, as it has been woken, if at all, by what that found.
func TestWalkGoesOn(t *testing.T) {
	s := newSite(t, easy, map[string]int64{"a": 4})
	s.submit(0, "first", "a", 1, 100)
	s.submit(0, "second", "a", 2, 100)
	s.submit(0, "third", "a", 3, 100)
	w := s.e.workloads["second"].local.target.walkAfter(&s.e.workloads["second"].Item)
	if c := w.next(); c == nil || c.First().UID != "third" || w.next() != nil {
		t.Error("the walk does not go on with third, and end there")
	}
}

// When something is taken off the timeline in a pass, the representatives of all
// queues in which somebody was refused are judged anew, also if he was awake
// already: cc's key is that of flavor g by then, and it comes before bb.
func TestRefusedLookAgain(t *testing.T) {
	s := newSite(t, nil, map[string]int64{"a": 0, "b": 0, "c": 0})
	s.e.Step(0, SetFlavor{Flavor{Name: "g"}})
	s.queue(0, "a", 0, easy, BestEffortFIFO)
	for name, own := range map[string][2]int64{"c": {0, 3}, "d": {8, 0}, "e": {0, 0}} {
		cq := ClusterQueue{Name: name, Cohort: "all", Namespaces: &Selector{}, WeightMilli: 1000}
		g := ResourceGroup{Resources: []string{"cpu"}}
		for i, flavor := range []string{"f", "g"} {
			g.Flavors = append(g.Flavors, FlavorQuotas{Flavor: flavor, Quotas: []ResourceQuota{{Resource: "cpu", Nominal: own[i]}}})
		}
		if name != "c" {
			g.Flavors = g.Flavors[:1]
		}
		if name == "e" {
			cq.Backfill = easy
		}
		cq.Groups = []ResourceGroup{g}
		s.e.Step(0, SetClusterQueue{cq})
		s.e.Step(0, SetLocalQueue{LocalQueue{Namespace: "n", Name: name, ClusterQueue: name}})
	}
	ask := func(uid, queue string, priority int32, cores, limit int64) {
		s.send(10, Workload{UID: uid, Queue: queue, Priority: priority, Limit: limit * second}, cores, "")
	}
	s.submit(0, "runs", "d", 4, 100)
	s.decide(0, "runs")
	ask("ww", "a", 9, 5, 20)
	ask("big", "e", 0, 8, 20)
	s.decide(1)
	ask("rr", "c", 0, 4, 1000)
	s.decide(2)
	s.holds("ww", promise{100, 150})
	s.holds("big", promise{150, 200})
	ask("taker", "d", 0, 2, 10)
	ask("bb", "b", 5, 1, 10)
	ask("cc", "c", 1, 3, 10)
	s.e.Step(10*second, Finish{UID: "runs"})
	s.decide(10, "taker", "ww", "cc", "bb")
}

// Who loses his reservation because there is no place for it any more leaves his
// place among the first to the next at once.
func TestLostPlaceIsTaken(t *testing.T) {
	none := int32(0)
	deep := &Backfill{Mode: BackfillEASY, Depth: 2, BorrowingDepth: &none}
	s := newSite(t, nil, map[string]int64{"a": 4, "b": 6})
	s.queue(0, "a", 4, deep, BestEffortFIFO)
	s.submit(0, "long", "b", 5, 1000)
	s.submit(0, "runs", "a", 4, 100)
	s.decide(0, "long", "runs")
	s.submit(1, "wide", "a", 4, 50)
	s.submit(1, "slim", "a", 2, 50)
	s.decide(1)
	s.send(2, Workload{UID: "high", Queue: "a", Priority: 9, Limit: 50 * second}, 3, "")
	s.decide(2)
	s.queue(3, "a", 3, deep, BestEffortFIFO)
	s.decide(3)
	s.holds("slim", promise{100, 180})
	s.holds("wide", promise{180, 260})
	s.decide(100) // runs goes on
	s.holds("slim", promise{160, 240})
	s.holds("wide", promise{})
	s.holds("high", promise{240, 320})
}

// What a head gives back in a pass after somebody has been planned beside it lets
// him move in the same pass.
func TestHeadsRoomIsPlanned(t *testing.T) {
	s := newSite(t, easy, map[string]int64{"a": 4, "b": 4})
	s.queue(0, "b", 4, &Backfill{Mode: BackfillNone}, StrictFIFO)
	s.submit(0, "long", "a", 4, 50)
	s.submit(0, "own", "b", 1, 1000)
	s.submit(0, "brief", "b", 1, 1000)
	s.decide(0, "brief", "long", "own")
	s.submit(1, "head", "b", 4, 1000)
	s.decide(1)
	s.send(10, Workload{UID: "found", Queue: "a", ReservedAt: 10 * second, Started: 10 * second, Limit: 20 * second}, 3, "a")
	s.e.Step(10*second, Finish{UID: "brief"})
	s.send(10, Workload{UID: "next", Queue: "a", Priority: 1, Limit: 100 * second}, 3, "")
	s.decide(10)
	if h := s.e.workloads["head"].held(); len(h) > 0 {
		t.Errorf("the head holds %v", h)
	}
	s.holds("next", promise{30, 160})
}

// A head for which nothing could be held leaves nothing behind for which others
// would be planned anew when it is admitted: next, whose turn has not come, is not in
// the way of who comes after it.
func TestHeadThatHeldNothing(t *testing.T) {
	none := int32(0)
	s := newSite(t, nil, map[string]int64{"a": 4, "b": 4, "c": 4})
	s.queue(0, "a", 4, &Backfill{Mode: BackfillEASY, BorrowingDepth: &none}, BestEffortFIFO)
	s.queue(0, "b", 4, nil, StrictFIFO)
	s.submit(0, "lent", "c", 12, 50)
	s.decide(0, "lent")
	s.submit(1, "wide", "a", 5, 200)
	s.submit(2, "next", "a", 4, 50)
	s.send(3, Workload{UID: "head", Queue: "b", Priority: 9, Limit: 50 * second}, 2, "")
	s.send(3, Workload{UID: "long", Queue: "c", Priority: 8}, 9, "")
	s.decide(3)
	s.e.Step(10*second, Finish{UID: "lent"})
	s.decide(10, "head", "long")
}
