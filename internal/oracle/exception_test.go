package oracle

import (
	"fmt"
	"testing"
)

// excepted checks that the procedure finds no plan for a, that brute force finds one of so many, and the name of that.
func (s *story) excepted(request map[string]int64, want Exception, victims int) {
	s.t.Helper()
	s.evicts("")
	asked := map[FlavorResource]int64{}
	for r, n := range request {
		asked[FlavorResource{"f", r}] = n
	}
	p := s.Problem("a", asked)
	best, found := p.BruteForce()
	if !found || len(best) != victims || p.Exception() != want {
		s.t.Errorf("brute force %v %v, exception %q; want %q", best, found, p.Exception(), want)
	}
}

func important(w *Workload) { w.Priority = 9 }

// B (4) uses 6: s1 and s2 of 1, taken first, end its excess of 2, so that L of 4 is passed over. L alone would do.
func TestExcessUsedUp(t *testing.T) {
	s := plans(t, Options{})
	s.policies("A", "c", reclaims(LowerPriority), q("f", 4))
	s.queue("B", "c", q("f", 4))
	s.queue("C", "c", q("f", 0))
	s.runs("B", "s1", 1)
	s.runs("B", "s2", 1)
	s.runs("B", "L", 4, priority(1))
	s.runs("C", "c", 2, important)
	s.job("A", "a", 4, priority(5))
	s.excepted(map[string]int64{"cpu": 4}, ExcessUsedUp, 1)
}

// As in TestIllegalPlanIsDropped, with d in D, who borrows 5: d alone would do.
func TestPlanDropped(t *testing.T) {
	s := plans(t, Options{})
	s.policies("A", "c", reclaims(LowerPriority), q("f", 7))
	s.queue("B", "c", q("f", 4))
	s.queue("D", "c", q("f", 0))
	s.runs("B", "other", 1, important)
	s.runs("B", "small", 1)
	s.runs("B", "large", 4, priority(1))
	s.runs("D", "d", 5, priority(2))
	s.job("A", "a", 5, priority(5))
	s.excepted(map[string]int64{"cpu": 5}, PlanDropped, 1)
}

// A uses 4 of 10 and asks for 5, B uses 6 in one piece. A's share is 900: its own 4 go first, which leave it 500; b yields by
// the second strategy, 500 < 600. Own is not needed to fit then, but given back it would leave A at 900 again (amendment A1).
func TestGivenBack(t *testing.T) {
	s := fairStory(t)
	s.runs("A", "own", 4)
	s.runs("B", "b", 6)
	s.job("A", "a", 5, priority(1))
	s.evicts("a: own InClusterQueue, b InCohortFairSharing")
}

// Of 11 A uses 2 and asks for 4, B uses v1 of 1, v3 of 4 and 4 more that may not be evicted. v1 yields, at 6 against 8 after, v3
// does not, at 6 against 4; own goes, and then v3, by the second strategy. Own is needed for v1: 6 is more than the 4 that
// B has left in the end. But v1 is needed for nobody, and once he is given back, so is own (amendment A6).
func TestGivenBackInTurn(t *testing.T) {
	s := fairStory(t)
	s.cohort("c", "", q("f", 11))
	s.runs("A", "own", 2)
	s.runs("B", "stays", 4, func(w *Workload) { w.MinimumRuntime = 100 })
	s.runs("B", "v3", 4)
	s.runs("B", "v1", 1)
	s.job("A", "a", 4, priority(1))
	s.evicts("a: v3 InCohortFairSharing")
}

// Of 20 B uses 15 in pieces of 3 and A 5; A asks for 9. At 700 all of B's pieces are rejected, 600 after. Then own goes, which
// leaves A 450, but by the second strategy only one of B's follows: 5 + 3 are not 9. Own and two, 450 after, would do.
func TestRejectedEarly(t *testing.T) {
	s := fairStory(t)
	s.cohort("c", "", q("f", 20))
	s.runs("A", "own", 5)
	for i := range 5 {
		s.runs("B", UID(fmt.Sprint("b", i)), 3)
	}
	s.job("A", "a", 9, priority(1))
	s.excepted(map[string]int64{"cpu": 9}, RejectedEarly, 3)
}

// A queue of weight 0 that borrows yields by both strategies (amendment A5): g, B's only one, leaves B with a share of 0, less
// than A's 100, and yet goes before those of C.
func TestWeightZeroYields(t *testing.T) {
	s := fairStory(t)
	s.edited(ClusterQueue{Name: "B", Cohort: "c", WeightMilli: ptr(0), Groups: cpuGroup(q("f", 0))})
	s.runs("B", "g", 5)
	s.runs("C", "c1", 3, priority(1))
	s.runs("C", "c2", 2, priority(1))
	s.job("A", "a", 1, priority(1))
	s.judge = (*World).WeightZeroFirst
	out := s.evicts("a: g InCohortFairSharing")
	s.Apply(EvictFailed{"g"})
	out.Evicts[0].Victims[0] = Victim{"c2", "C", InCohortFairSharing}
	if wrong := s.WeightZeroFirst(out.Evicts[0]); len(wrong) != 1 {
		t.Error(wrong)
	}
	// Not to another of weight 0 that would borrow: A's 100 against 0 after.
	s = fairStory(t)
	for _, name := range []string{"A", "B"} {
		s.edited(ClusterQueue{Name: name, Cohort: "c", WeightMilli: ptr(0), Preemption: reclaims(AnyPriority), Groups: cpuGroup(q("f", 0))})
	}
	s.runs("A", "used", 5)
	s.runs("B", "g", 5)
	s.job("A", "a", 1)
	s.evicts("")
	// In two pieces of 3 and 2 it yields by shares too: 500 of weight 0, 300 after, is more than any share.
	s = fairStory(t)
	s.edited(ClusterQueue{Name: "B", Cohort: "c", WeightMilli: ptr(0), Groups: cpuGroup(q("f", 0))})
	s.runs("B", "g1", 3)
	s.runs("B", "g2", 2)
	s.runs("C", "c", 5)
	s.job("A", "a", 1)
	out = s.evicts("a: g2 InCohortFairSharing")
	s.Apply(EvictFailed{"g2"})
	if wrong := s.WeightZeroFirst(out.Evicts[0]); len(wrong) != 0 {
		t.Error(wrong)
	}
}
