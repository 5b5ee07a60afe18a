package admission

import (
	"slices"
	"testing"
)

// newTakers is a site with 4 cores in each of the ClusterQueues a and b, whose
// workloads may preempt, and none in c, whose may not.
func newTakers(t *testing.T, a, b Preemption) *site {
	s := &site{T: t, e: New(Config{Preemption: &PreemptionConfig{HoldTimeout: 300 * second}})}
	s.e.Step(0, SetFlavor{Flavor{Name: "f"}})
	s.e.Step(0, SetNamespace{Name: "n"})
	s.takes("a", 4, easy, a)
	s.takes("b", 4, easy, b)
	s.takes("c", 0, easy, Preemption{})
	return s
}

// takes makes a ClusterQueue with a policy of preemption.
func (s *site) takes(name string, cores int64, b *Backfill, policy Preemption) {
	s.e.Step(0, SetClusterQueue{ClusterQueue{
		Name: name, Cohort: "all", Namespaces: &Selector{}, WeightMilli: 1000, Backfill: b, Preemption: policy,
		Groups: []ResourceGroup{{Resources: []string{"cpu"}, Flavors: []FlavorQuotas{{Flavor: "f", Quotas: []ResourceQuota{{Resource: "cpu", Nominal: cores}}}}}},
	}})
	s.e.Step(0, SetLocalQueue{LocalQueue{Namespace: "n", Name: name, ClusterQueue: name}})
}

// takesFrom decides, and checks who is evicted.
func (s *site) takesFrom(at int64, want ...string) {
	s.Helper()
	var evicted []string
	for _, d := range s.e.Step(at*second, Decide{}) {
		if d, ok := d.(Evict); ok {
			for _, v := range d.Victims {
				evicted = append(evicted, v.UID)
			}
		}
	}
	if !slices.Equal(evicted, want) {
		s.Fatalf("at %d: evicted %v, not %v", at, evicted, want)
	}
	if err := s.e.CheckInvariants(); err != nil {
		s.Fatal(err)
	}
}

// A reservation that borrows gives way to one of another queue that might reclaim
// what its holder would use, by policy and priority, and is planned anew.
func TestBorrowerGivesWay(t *testing.T) {
	for _, c := range []struct {
		policy   string
		priority int32
		starts   bool
	}{{"Never", 9, false}, {"LowerPriority", 1, false}, {"LowerPriority", 2, true}, {"Any", 0, true}} {
		s := newTakers(t, Preemption{ReclaimWithinCohort: c.policy}, Preemption{})
		s.send(0, Workload{UID: "runs", Queue: "b", Limit: 100 * second, Started: 1}, 4, "b")
		s.send(1, Workload{UID: "wide", Queue: "b", Priority: 1, Limit: 50 * second}, 6, "")
		s.decide(1)
		s.send(10, Workload{UID: "mine", Queue: "a", Priority: c.priority, Limit: 200 * second}, 4, "")
		if c.starts {
			s.decide(10, "mine")
			s.holds("wide", promise{210, 290})
		} else {
			s.decide(10)
			s.holds("wide", promise{100, 180})
		}
	}
}

// A reservation within its queue's own quota gives way to nobody elsewhere, though
// policy would let him take whoever borrows.
func TestLenderDoesNotGiveWay(t *testing.T) {
	s := newTakers(t, Preemption{ReclaimWithinCohort: "Any"}, Preemption{})
	s.send(0, Workload{UID: "lent", Queue: "c", Limit: 1000 * second, Started: 1}, 5, "c")
	s.send(0, Workload{UID: "runs", Queue: "b", Limit: 100 * second, Started: 1}, 1, "b")
	s.send(1, Workload{UID: "own", Queue: "b", Limit: 50 * second}, 3, "")
	s.decide(1)
	s.send(10, Workload{UID: "mine", Queue: "a", Priority: 9, Limit: 200 * second}, 2, "")
	s.takesFrom(10)
	s.decide(10)
	s.holds("own", promise{100, 180})
	s.holds("mine", promise{180, 410})
}

// Who needs victims is asked about the future as well, with the slack: it evicts
// nobody if it would delay a reservation whose holder it might not preempt.
func TestPreemptorIsAsked(t *testing.T) {
	for limit, victims := range map[int64][]string{60: {"short"}, 61: nil} {
		s := newTakers(t, Preemption{ReclaimWithinCohort: "LowerPriority"}, Preemption{})
		s.send(0, Workload{UID: "long", Queue: "b", Priority: 9, Limit: 1000 * second, Started: 1}, 4, "b")
		s.send(0, Workload{UID: "short", Queue: "b", Limit: 100 * second, Started: 1}, 4, "b")
		s.send(1, Workload{UID: "guest", Queue: "c", Priority: 5, Limit: 50 * second}, 4, "")
		s.decide(1)
		s.send(10, Workload{UID: "mine", Queue: "a", Priority: 1, Limit: limit * second}, 4, "")
		s.takesFrom(10, victims...)
		s.holds("guest", promise{100, 180})
	}
}

// What gives way to who evicts is planned anew after what is held for him.
func TestGivesWayToPreemptor(t *testing.T) {
	s := newTakers(t, Preemption{ReclaimWithinCohort: "LowerPriority"}, Preemption{})
	s.send(0, Workload{UID: "long", Queue: "b", Priority: 9, Limit: 1000 * second, Started: 1}, 4, "b")
	s.send(0, Workload{UID: "short", Queue: "b", Limit: 100 * second, Started: 1}, 4, "b")
	s.send(1, Workload{UID: "guest", Queue: "c", Limit: 50 * second}, 4, "")
	s.decide(1)
	s.holds("guest", promise{100, 180})
	s.send(10, Workload{UID: "mine", Queue: "a", Priority: 1, Limit: 200 * second}, 4, "")
	s.takesFrom(10, "short")
	s.holds("guest", promise{240, 320})
}

// Who has lost by time what was held for him is planned again. That one before him,
// for whom there is no place, makes him give way again and again, and that he gets
// the same each time, does not let him act again.
func TestTimedOutIsPlanned(t *testing.T) {
	none := int32(0)
	s := newTakers(t, Preemption{}, Preemption{})
	s.takes("a", 4, &Backfill{Mode: BackfillEASY, Depth: 2, BorrowingDepth: &none}, Preemption{WithinClusterQueue: "LowerPriority"})
	s.send(0, Workload{UID: "lent", Queue: "b", Limit: 1000 * second, Started: 1}, 4, "b")
	s.send(0, Workload{UID: "short", Queue: "a", Limit: 500 * second, Started: 1}, 4, "a")
	s.send(1, Workload{UID: "wide", Queue: "a", Priority: 9, Limit: 50 * second}, 6, "")
	s.send(1, Workload{UID: "mine", Queue: "a", Priority: 5, Limit: 50 * second}, 4, "")
	s.takesFrom(1, "short")
	s.holds("mine", promise{})
	s.decide(301)
	s.holds("mine", promise{301, 381})
	s.holds("wide", promise{})
}

// Who comes to hold without victims has all planned, those of other queues too who
// have been looked at and have not had their turn; and wakes nobody.
func TestWhoHoldsHasAllPlanned(t *testing.T) {
	s := &site{T: t, e: New(Config{Slack: 1, Overrun: second, Preemption: &PreemptionConfig{HoldTimeout: 300 * second}})}
	s.e.Step(0, SetFlavor{Flavor{Name: "f"}})
	s.e.Step(0, SetNamespace{Name: "n"})
	reclaims := Preemption{ReclaimWithinCohort: "Any"}
	s.takes("a", 4, nil, reclaims)
	s.takes("b", 0, nil, Preemption{})
	s.takes("c", 8, &Backfill{Mode: BackfillEASY, Depth: 2}, Preemption{})
	s.takes("d", 2, nil, reclaims)
	s.send(0, Workload{UID: "c1", Queue: "c", Limit: 10 * second}, 4, "")
	s.send(0, Workload{UID: "c2", Queue: "c", QueueTime: 1, Limit: 5 * second}, 2, "")
	s.send(0, Workload{UID: "w", Queue: "b", Priority: 9, Limit: 50 * second}, 2, "")
	s.send(0, Workload{UID: "u", Queue: "b", Priority: 1, Limit: 20 * second}, 3, "")
	s.send(0, Workload{UID: "v", Queue: "b", Limit: 20 * second}, 3, "")
	s.decide(0, "c1", "w", "c2", "u", "v")
	s.send(1, Workload{UID: "first", Queue: "d", Priority: 9}, 0, "")
	s.send(1, Workload{UID: "a1", Queue: "a", Priority: 5, QueueTime: 1, Limit: 30 * second}, 2, "")
	s.send(1, Workload{UID: "a2", Queue: "a", Priority: 5, QueueTime: 2, Limit: 30 * second}, 1, "")
	s.send(1, Workload{UID: "d", Queue: "d", Priority: 5, QueueTime: 3, Limit: 30 * second}, 1, "")
	s.send(1, Workload{UID: "x", Queue: "c", QueueTime: 4, Limit: 5 * second}, 4, "")
	s.send(1, Workload{UID: "x2", Queue: "c", QueueTime: 5, Limit: 5 * second}, 2, "")
	s.takesFrom(1, "v", "u")
	s.holds("x", promise{6, 11})
	s.holds("x2", promise{})
}
