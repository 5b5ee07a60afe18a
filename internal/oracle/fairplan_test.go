package oracle

import (
	"fmt"
	"testing"
)

// fairStory has A, B and C without quota under a cohort of 10; A reclaims.
func fairStory(t *testing.T, strategies ...FairStrategy) *story {
	s := plans(t, Options{FairSharing: true, FairStrategies: strategies})
	s.cohort("c", "", q("f", 10))
	s.policies("A", "c", Preemption{ReclaimWithinCohort: AnyPriority, WithinClusterQueue: LowerPriority}, q("f", 0))
	s.queue("B", "c", q("f", 0))
	s.queue("C", "c", q("f", 0))
	return s
}

// B uses 10 in pieces of 2. A asks for 2: its share after is 200, B's after 800: one victim. With A at 4 and B at 6 A
// would be at 600 and B at 400 after, at 600 before: nobody yields.
func TestFinalShare(t *testing.T) {
	s := fairStory(t)
	for i := range 5 {
		s.runs("B", UID(fmt.Sprint("b", i)), 2)
	}
	s.job("A", "a1", 2)
	s.evicts("a1: b4 InCohortFairSharing")
	s.leaves("b4")
	s.decide("a1")
	s.job("A", "a2", 2) // 400 against 600
	s.evicts("a2: b3 InCohortFairSharing")
	s.leaves("b3")
	s.decide("a2")
	s.job("A", "a3", 2)
	s.evicts("")
}

// B uses 6 in one piece, A 4. A asks for 1: 500 against 0 after, but 600 before: only the second strategy takes b.
func TestInitialShare(t *testing.T) {
	for _, x := range []struct {
		strategies []FairStrategy
		want       string
	}{
		{nil, "a: b InCohortFairSharing"}, {[]FairStrategy{FinalShare}, ""}, {[]FairStrategy{InitialShare}, "a: b InCohortFairSharing"},
	} {
		s := fairStory(t, x.strategies...)
		s.runs("A", "used", 4, priority(1))
		s.runs("B", "b", 6)
		s.job("A", "a", 1)
		s.evicts(x.want)
	}
}

// The second strategy takes at most one victim a queue. A uses 2 and asks for 5; B uses 8, two pieces of 4: 700 against
// 400 after, and before 800. Taking one leaves 4 for 5: not enough, and B is left alone.
func TestOneVictimAQueue(t *testing.T) {
	s := fairStory(t)
	s.runs("A", "used", 2, priority(1))
	s.runs("B", "b1", 4)
	s.runs("B", "b2", 4)
	s.job("A", "a", 5)
	s.evicts("")
}

// Victims come from the highest share: B has 5, C 5 of weight 0. C yields first, though b is of lower priority.
func TestHighestShareYieldsFirst(t *testing.T) {
	s := fairStory(t)
	s.edited(ClusterQueue{Name: "C", Cohort: "c", WeightMilli: ptr(0), Groups: cpuGroup(q("f", 0))})
	s.runs("C", "c1", 1, priority(3))
	s.runs("C", "c2", 4, priority(3))
	s.runs("B", "b", 5)
	s.job("A", "a", 1)
	// c2, the later, is taken first: 1 is needed, 4 come.
	s.evicts("a: c2 InCohortFairSharing")
}

// On a tie queues go by their first candidate, and a Cohort goes before a queue.
func TestTies(t *testing.T) {
	s := fairStory(t)
	s.runs("B", "b", 5, priority(1))
	s.runs("C", "c", 5)
	s.job("A", "a", 1)
	s.evicts("a: c InCohortFairSharing")

	s = fairStory(t)
	s.cohort("d", "c")
	s.queue("D", "d", q("f", 0))
	s.runs("B", "b", 5)
	s.runs("D", "d", 5, priority(1))
	s.job("A", "a", 1)
	s.evicts("a: d InCohortFairSharing")
}

// Within nominal shares do not matter: A has 4 of 10 and asks for them while B, of 1000 times the weight, uses all.
func TestFairReclamation(t *testing.T) {
	s := fairStory(t)
	s.cohort("c", "", q("f", 6))
	s.policies("A", "c", reclaims(AnyPriority), q("f", 4))
	s.edited(ClusterQueue{Name: "B", Cohort: "c", WeightMilli: ptr(1000_000), Groups: cpuGroup(q("f", 0))})
	s.runs("B", "b1", 5)
	s.runs("B", "b2", 5)
	s.job("A", "a", 4)
	s.evicts("a: b2 InCohortReclamation")
}

// The own queue competes by its share, the request included: A uses 6 and asks for 2 more: 800 against B's 400.
func TestOwnQueueCompetes(t *testing.T) {
	s := fairStory(t)
	s.runs("A", "own", 6)
	s.runs("B", "b", 4)
	s.job("A", "a", 2, priority(1))
	s.evicts("a: own InClusterQueue")
}

// A queue within its nominal quota, or one that borrows only what is not short, is never reclaimed from.
func TestFairLeavesNominalAlone(t *testing.T) {
	s := fairStory(t)
	s.queue("B", "c", q("f", 5))
	s.runs("B", "b", 5)
	s.runs("C", "c", 10, priority(9))
	s.job("A", "a", 4)
	s.evicts("a: c InCohortFairSharing")
}

// Not even a victim who uses what is short, if what he uses beyond his queue's quota is not (amendment A2): n is within B's 1 of
// cpu; B borrows gpu, which n does not use, and memory, which is not short.
func TestFairLeavesWhatIsWithin(t *testing.T) {
	s := plans(t, Options{FairSharing: true})
	queue := func(name string, cpu, gpu, memory int64) {
		weight := map[string]int64{"A": 1000, "B": 500, "C": 1000}[name]
		s.edited(ClusterQueue{Name: name, Cohort: "c", Preemption: reclaims(AnyPriority), WeightMilli: &weight, Groups: []ResourceGroup{{
			Covered: []string{"cpu", "gpu", "memory"}, Flavors: []FlavorQuotas{{"f",
				map[string]Quota{"cpu": {Nominal: cpu}, "gpu": {Nominal: gpu}, "memory": {Nominal: memory}}}}}}})
	}
	asks := func(gpu, memory int64) func(*Workload) {
		return func(w *Workload) { w.PodSets[0].Requests["gpu"], w.PodSets[0].Requests["memory"] = gpu, memory }
	}
	queue("A", 0, 0, 0)
	queue("B", 1, 0, 0)
	queue("C", 0, 1, 9)
	s.runs("B", "stays", 0, asks(0, 8), func(w *Workload) { w.MinimumRuntime = 100 })
	s.runs("B", "n", 1, asks(0, 1))
	s.runs("B", "g", 0, asks(1, 0))
	s.job("A", "p", 1, asks(1, 0))
	s.evicts("")
	queue("B", 0, 0, 0)
	queue("C", 1, 1, 9)
	s.evicts("p: g InCohortFairSharing, n InCohortFairSharing")
}

// Any fall of usage anywhere in the tree wakes a Preempt verdict under fair sharing: here of another flavor, by which the
// shares of others fall.
func TestAnyFallWakesFairPreemptors(t *testing.T) {
	s := plans(t, Options{FairSharing: true}, "f", "g")
	s.cohort("c", "", q("f", 10), q("g", 10))
	s.policies("A", "c", reclaims(AnyPriority), q("f", 0))
	s.queue("B", "c", q("f", 0), q("g", 0))
	s.queue("G", "c", q("g", 0))
	s.runs("A", "used", 5)
	s.runs("B", "b", 5)
	s.job("G", "g", 1, found("G", "g"))
	s.job("A", "a", 1)
	s.evicts("")
	if !s.workloads["a"].parked {
		t.Fatal("a is not parked")
	}
	s.leaves("g")
	if s.workloads["a"].parked {
		t.Error("a still sleeps")
	}
}
