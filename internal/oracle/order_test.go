package oracle

import (
	"fmt"
	"math/big"
	"testing"
)

// "Without rounds: cohort quota 10, A has ten jobs of 1, B one of 7; A would take 10 and B nothing. With rounds: 3 and 7."
func TestRoundsThreeAndSeven(t *testing.T) {
	for _, fair := range []bool{false, true} {
		s := newStory(t, Options{FairSharing: fair}, "f")
		s.cohort("c", "", q("f", 10))
		s.queue("A", "c", q("f", 0))
		s.queue("B", "c", q("f", 0))
		for i := range 10 {
			s.job("A", UID(fmt.Sprint("a", i)), 1)
		}
		s.job("B", "b", 7)
		s.decide("a0 b a1 a2")
	}
}

func TestOrderInsideQueue(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.queue("A", "", q("f", 10))
	s.job("A", "late", 1)
	s.job("A", "first", 1, priority(5))
	s.job("A", "z", 1, func(w *Workload) { w.QueueTime = -1 })
	s.job("A", "y", 1, func(w *Workload) { w.QueueTime = -1 })
	s.decide("first y z late")
}

// Without fair sharing the smaller borrowing level goes first, whatever the priority.
func TestFlatOrder(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.cohort("c", "", q("f", 2))
	s.queue("A", "c", q("f", 0))
	s.queue("B", "c", q("f", 1))
	s.queue("C", "c", q("f", 0))
	s.job("A", "a", 1, priority(9))
	s.job("B", "b", 1)
	s.job("C", "c", 1, priority(10))
	s.decide("b c a")
}

// A loses to B on the level that A's second workload has only after its first is in.
func TestRepresentativeIsRekeyed(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.cohort("c", "", q("f", 1))
	s.queue("A", "c", q("f", 1))
	s.queue("B", "c", q("f", 1))
	s.job("A", "a1", 1)
	s.job("A", "a2", 1, priority(-1)) // round 2: borrows, level 1
	s.job("B", "b1", 1)
	s.job("B", "b2", 1, priority(-2))
	out := s.decide("a1 b1 a2")
	s.waits(out, "b2", WaitingForQuota, Preempt) // nominal >= request
}

// Fair sharing: equal weights split the borrowed part; A has weight 3 and gets three times as much.
func TestFairShareByWeight(t *testing.T) {
	s := newStory(t, Options{FairSharing: true}, "f")
	s.cohort("c", "", q("f", 8))
	s.edited(ClusterQueue{Name: "A", Cohort: "c", WeightMilli: ptr(3000), Groups: cpuGroup(q("f", 0))})
	s.edited(ClusterQueue{Name: "B", Cohort: "c", Groups: cpuGroup(q("f", 0))})
	for i := range 8 {
		s.job("A", UID(fmt.Sprint("a", i)), 1)
		s.job("B", UID(fmt.Sprint("b", i)), 1)
	}
	// A pass goes in rounds, so both get 4 when they come together.
	s.decide("a0 b0 a1 b1 a2 b2 a3 b3")
	share := func(n string) string { return s.Share(QueueNode(n)).Weighted().String() }
	if share("A") != "500/3" || share("B") != "500/1" { // 4 x 1000 / 8 / 3, and / 1
		t.Errorf("shares %s and %s", share("A"), share("B"))
	}
	if s.Share(QueueNode("A")).Status() != 167 {
		t.Errorf("status shows %d", s.Share(QueueNode("A")).Status())
	}
	// One place at a time goes to the smaller share after it: A with 5 has 208 1/3, B with 5 has 625.
	for _, x := range [][2]string{{"b0", "a4"}, {"b1", "a5"}, {"a0", "a6"}} {
		s.Apply(Finish{UID(x[0])})
		s.decide(x[1])
	}
	// A 7 - 1 = 6 and B 2: A after one more 7/3, B 3/1.
}

// Weight 0 borrows last, and with nothing borrowed it is like the others.
func TestWeightZero(t *testing.T) {
	s := newStory(t, Options{FairSharing: true}, "f")
	s.cohort("c", "", q("f", 3))
	s.edited(ClusterQueue{Name: "A", Cohort: "c", WeightMilli: ptr(0), Groups: cpuGroup(q("f", 1))})
	s.edited(ClusterQueue{Name: "B", Cohort: "c", Groups: cpuGroup(q("f", 0))})
	s.edited(ClusterQueue{Name: "C", Cohort: "c", WeightMilli: ptr(0), Groups: cpuGroup(q("f", 0))})
	s.job("A", "a1", 1, priority(5))
	s.job("A", "a2", 1, priority(5))
	s.job("B", "b1", 2)
	s.job("C", "c1", 1, priority(9))
	// Round 1: a1 does not borrow; then b1 (weight 1), then c1. Round 2: nothing is left of 4.
	s.decide("a1 b1 c1")
	c := s.Share(QueueNode("C"))
	if c.Status() != Unlimited || c.Weighted() != nil || c.Unweighted.Cmp(big.NewRat(250, 1)) != 0 {
		t.Errorf("share of C: %+v", c)
	}
	if a := s.Share(QueueNode("A")); a.Status() != 0 || a.InfiniteBorrower() {
		t.Errorf("share of A: %+v", a)
	}
	if c.Compare(s.Share(QueueNode("B"))) <= 0 {
		t.Error("a borrower of weight 0 is not after one of weight 1")
	}
	s.Apply(Finish{"c1"})
	s.decide("a2")
}

// The share of a Cohort counts at its parent: X's members use more together than Y's one, so Y goes first.
func TestTournamentByCohort(t *testing.T) {
	s := newStory(t, Options{FairSharing: true}, "f")
	s.cohort("r", "", q("f", 10))
	s.cohort("x", "r")
	s.cohort("y", "r")
	s.queue("A", "x", q("f", 0))
	s.queue("B", "x", q("f", 0))
	s.queue("C", "y", q("f", 0))
	s.job("A", "used1", 3, found("A", "f"))
	s.job("C", "used2", 2, found("C", "f"))
	s.job("A", "a", 2)
	s.job("B", "b", 3)
	s.job("C", "c", 2)
	// At r: x after b (B: 3, A: 5, B wins inside x) would have 6, y after c 4: c. Then x: b to 6, then A: 2 left is 8+...
	s.decide("c b")
	if got := s.Share(CohortNode("x")).Weighted(); got.Cmp(big.NewRat(600, 1)) != 0 {
		t.Errorf("share of x = %s", got)
	}
	if !s.Share(CohortNode("r")).Root {
		t.Error("a root has no share")
	}
}

// Lending limits absorb their part of a charge before it reaches the Cohort, whose share is then zero.
func TestShareAfterLendingLimit(t *testing.T) {
	s := newStory(t, Options{FairSharing: true}, "f")
	s.cohort("r", "", q("f", 10))
	s.cohort("x", "r")
	s.queue("A", "x", q("f", 4, -1, 0))
	s.job("A", "a", 5, found("A", "f"))
	if got := s.Share(CohortNode("x")).Weighted(); got.Cmp(big.NewRat(100, 1)) != 0 {
		t.Errorf("share of x = %s, want 1 x 1000 / 10", got)
	}
	if got := s.Share(QueueNode("A")).Weighted(); got.Cmp(big.NewRat(100, 1)) != 0 {
		t.Errorf("share of A = %s, want 1 x 1000 / 10", got)
	}
}

// First those not borrowing, after the charge, on a flavor-resource that the candidate requests.
func TestNotBorrowingOnRequestedFlavorFirst(t *testing.T) {
	s := newStory(t, Options{FairSharing: true}, "f", "g")
	s.cohort("c", "", q("f", 4), q("g", 4))
	s.queue("A", "c", q("f", 2), q("g", 2))
	s.queue("B", "c", q("f", 0), q("g", 0))
	s.job("A", "big", 4, found("A", "g")) // A borrows 2 on g, share 2000/12
	s.job("B", "b", 1)                    // would borrow 1 on f, share 1000/12
	s.job("A", "a", 1)                    // within nominal on f
	s.decide("a b")
}

func TestIndependentTreesByRootName(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.queue("A", "z", q("f", 2))
	s.queue("B", "", q("f", 2))
	s.job("A", "a1", 1, priority(9))
	s.job("A", "a2", 1)
	s.job("B", "b1", 1)
	s.job("B", "b2", 1)
	s.decide("b1 b2 a1 a2")
}

// A key that is stale is corrected at the pop: a1 is stored at level 1, but after x1 its level is 2, and b1, which is
// younger, goes first.
func TestStaleKeyIsCheckedAtThePop(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.cohort("r", "", q("f", 2))
	s.cohort("c", "r", q("f", 2))
	s.cohort("d", "r", q("f", 2))
	s.queue("X", "c", q("f", 0))
	s.queue("A", "c", q("f", 0))
	s.queue("B", "d", q("f", 0))
	s.job("X", "x1", 1)
	s.job("A", "a1", 2)
	s.job("B", "b1", 1)
	s.decide("x1 b1 a1")
}
