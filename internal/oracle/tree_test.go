package oracle

import "testing"

// Two queues under c, c under r: A nominal 10 lends 4; B nominal 5 borrows at most 3; c has 2 of its own and lends
// 7 upwards; r has 20.
//
//	subtree(c) = 2 + (10-6) + 5 = 11, local(A) = 6, local(c) = 11-7 = 4, subtree(r) = 20 + 7 = 27
func lendingTree(t *testing.T) *story {
	s := newStory(t, Options{}, "f")
	s.cohort("r", "", q("f", 20))
	s.cohort("c", "r", q("f", 2, -1, 7))
	s.queue("A", "c", q("f", 10, -1, 4))
	s.queue("B", "c", q("f", 5, 3))
	return s
}

func TestQuotaArithmetic(t *testing.T) {
	s := lendingTree(t)
	A, B, c, r := QueueNode("A"), QueueNode("B"), CohortNode("c"), CohortNode("r")
	for _, x := range []struct {
		n                        Node
		subtree, local, potental int64
	}{
		{A, 10, 6, 6 + 4 + 27},
		{B, 5, 0, 8},
		{c, 11, 4, 4 + 27},
		{r, 27, 0, 27},
	} {
		s.number("subtree", s.Subtree, x.n, x.subtree)
		s.number("local", s.Local, x.n, x.local)
		s.number("potential", s.Potential, x.n, x.potental)
	}
	// A uses 9: 6 of it local, 3 reaches c, within c's local 4.
	s.job("A", "a", 9, found("A", "f"))
	s.number("usage", s.Usage, A, 9)
	s.number("usage", s.Usage, c, 3)
	s.number("usage", s.Usage, r, 0)
	s.number("available", s.Available, r, 27)
	s.number("available", s.Available, c, 1+27)
	s.number("available", s.Available, A, 0+28)
	s.number("available", s.Available, B, 8) // capped: 5 - 0 - 0 + 3
	// A uses 39, adopted over every limit: c gets 33, r gets 29, 2 more than it has.
	s.job("A", "b", 30, found("A", "f"))
	s.number("usage", s.Usage, c, 33)
	s.number("usage", s.Usage, r, 29)
	s.number("available", s.Available, r, -2)
	s.number("available", s.Available, c, -2)
	s.number("available", s.Available, B, -2)
	if s.Fits("B", map[FlavorResource]int64{{"f", "cpu"}: 1}) {
		t.Error("one more fits although the root is over")
	}
	if len(s.OverLimit()) != 0 {
		t.Error("an adopted workload is no violation")
	}
}

// A parent that is over takes from what a queue keeps to itself: available = max(0, local - usage) + p.
func TestNegativeParentReducesLocal(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.queue("A", "c", q("f", 10, -1, 2)) // local 8, 2 in c
	s.queue("B", "c", q("f", 0))
	s.job("B", "b", 5, found("B", "f"))
	s.number("available", s.Available, CohortNode("c"), -3)
	s.number("available", s.Available, QueueNode("A"), 5)
	s.job("A", "a6", 6)
	s.job("A", "a5", 5)
	s.decide("a5")
}

func TestUnlimitedSaturates(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.queue("A", "c", q("f", Unlimited))
	s.queue("B", "c", q("f", Unlimited, -1, 5))
	s.number("subtree", s.Subtree, CohortNode("c"), Unlimited)
	s.number("local", s.Local, QueueNode("B"), Unlimited-5)
	s.number("potential", s.Potential, QueueNode("B"), Unlimited)
	s.job("A", "big", Unlimited-1)
	s.job("A", "two", 2)
	s.job("A", "overflow", Unlimited, pods(2))
	out := s.decide("big")
	s.waits(out, "two", WaitingForQuota, Preempt)
	s.waits(out, "overflow", ExceedsMaxQuota, NoFit)
}

// The level of an assignment is the height of the lowest ancestor that holds it.
//
//	top(10) - mid(4) - low(0) - A(2)
//	       \- C(0)    \- B(3)
func TestBorrowingLevel(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.cohort("top", "", q("f", 10))
	s.cohort("mid", "top", q("f", 4))
	s.cohort("low", "mid")
	s.cohort("childless", "top")
	s.queue("A", "low", q("f", 2))
	s.queue("B", "mid", q("f", 3))
	s.queue("C", "top", q("f", 0))
	s.queue("alone", "", q("f", 1))
	f := FlavorResource{"f", "cpu"}
	for _, x := range []struct {
		queue   string
		request int64
		want    int
	}{
		{"A", 2, 0},
		{"A", 3, 2}, // low (height 1) has only A's 2; mid has 4+2+3 = 9
		{"A", 9, 2},
		{"A", 10, 3},
		{"A", 19, 3},
		{"A", 20, 3}, // none holds it: the root's height
		{"B", 4, 2},
		{"C", 1, 3},
		{"alone", 5, 0}, // without cohort
	} {
		if got := s.BorrowingLevel(x.queue, f, x.request); got != x.want {
			t.Errorf("level of %d at %s = %d, want %d", x.request, x.queue, got, x.want)
		}
	}
	// B uses 7 of mid's 9, so that 2 more still lie in A's own quota but 3 do not lie in mid any more.
	s.job("B", "b", 7, found("B", "f"))
	if got := s.BorrowingLevel("A", f, 3); got != 3 {
		t.Errorf("level = %d, want 3", got)
	}
	if got := s.BorrowingLevel("A", f, 2); got != 0 {
		t.Errorf("level = %d, want 0", got)
	}
}

// Local quota on the way covers a part of the request: A keeps 4 of 5, and asks for 6; 2 reach the cohort, which
// has 1 + 1 of B's.
func TestLevelCountsLocalQuota(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.cohort("r", "", q("f", 100))
	s.cohort("c", "r")
	s.queue("A", "c", q("f", 5, -1, 1))
	s.queue("B", "c", q("f", 1))
	f := FlavorResource{"f", "cpu"}
	for request, want := range map[int64]int{5: 0, 6: 1, 7: 2} {
		if got := s.BorrowingLevel("A", f, request); got != want {
			t.Errorf("level of %d = %d, want %d", request, got, want)
		}
	}
}

func TestCycleStopsItsTree(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.cohort("x", "y", q("f", 5))
	s.cohort("y", "z")
	s.cohort("z", "x")
	s.cohort("below", "z")
	s.queue("A", "below", q("f", 5))
	s.queue("B", "other", q("f", 5))
	s.job("A", "a", 1)
	s.job("B", "b", 1)
	out := s.decide("b")
	s.waits(out, "a", Suspended, Untried)
	if !s.InCycle(QueueNode("A")) || !s.InCycle(CohortNode("y")) || s.InCycle(QueueNode("B")) {
		t.Error("the cycle is not where it should be")
	}
	s.cohort("z", "")
	s.decide("a")
}

// A Cohort that is only named has no quota of its own, and gets its quota when it is created, waking the tree.
func TestCohortCreatedLater(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.queue("A", "c", q("f", 2))
	s.queue("B", "c", q("f", 1))
	s.job("A", "a", 3)
	s.job("B", "b", 4)
	out := s.decide("a")
	s.waits(out, "b", ExceedsMaxQuota, NoFit)
	s.cohort("c", "", q("f", 4))
	s.decide("b")
	s.Apply(DeleteCohort{"c"})
	s.number("available", s.Available, CohortNode("c"), -4)
}

// Re-parenting moves usage and quota with the node and wakes both trees.
func TestMoveCohort(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.cohort("p", "", q("f", 5))
	s.cohort("c", "p")
	s.queue("A", "c", q("f", 0))
	s.queue("P", "p", q("f", 0))
	s.queue("R", "r", q("f", 3))
	s.job("A", "a1", 5)
	s.job("P", "p1", 4)
	s.job("A", "a2", 3)
	s.decide("a1")
	s.cohort("c", "r") // a1 goes along, r is over now; p is free
	s.number("usage", s.Usage, CohortNode("r"), 5)
	s.number("available", s.Available, CohortNode("r"), -2)
	s.decide("p1")
	s.Apply(Finish{"a1"})
	s.decide("a2")
}

// Only what passes the local quota reaches the Cohort, also when a sum is checked against the largest int64: A keeps 10 to itself
// and lends what exceeds it, uses 13, and asks for 5 of the 5 that are left of an unlimited Cohort.
func TestOverflowOnThePath(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.queue("A", "c", q("f", 10, -1, 0))
	s.queue("B", "c", q("f", Unlimited))
	s.job("A", "a", 13, found("A", "f"))
	s.job("B", "b", Unlimited-8, found("B", "f"))
	s.number("available", s.Available, CohortNode("c"), 5)
	s.job("A", "six", 6)
	s.job("A", "five", 5)
	s.decide("five")
}
