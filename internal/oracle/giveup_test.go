package oracle

import "testing"

// w stands before h in A, and could preempt it. h keeps its reservation if w can have no place at all, though b of B, which it
// could not preempt, would move up into it; it gives it up where w can have one, even if it is later than h's.
func TestPlaceIsGivenUpForAPlace(t *testing.T) {
	for name, x := range map[string]struct {
		asks    int64
		depth   int // of reservations that borrow
		forEver bool
		want    string
	}{
		"in the way for ever":      {4, -1, true, "b 20-30, h 10-20"},
		"no more may borrow":       {4, 0, false, "b 20-30, h 10-20"},
		"room for it, but later":   {4, -1, false, "b 10-20, w 20-30"},
		"room for it without more": {3, 0, true, "b 10-20, w 20-30"},
	} {
		t.Run(name, func(t *testing.T) {
			s := plans(t, Options{Overrun: 1})
			s.cohort("c", "", q("f", 1))
			s.withPolicies("A", "c", within(LowerPriority), easy(func(b *Backfill) { b.BorrowingDepth = &x.depth }), q("f", 3))
			s.withPolicies("B", "c", Preemption{}, easy(func(b *Backfill) { b.DefaultLimit = 0 }), q("f", 0))
			s.job("A", "runs", 3, limited(10), priority(9))
			started := "runs"
			if x.forEver {
				s.job("B", "for ever", 1, priority(9))
				started = "runs for ever"
			}
			s.decide(started)
			s.job("A", "h", 3, limited(10))
			s.decide("")
			s.job("B", "b", 3, limited(10))
			s.decide("")
			s.reserved("b 20-30, h 10-20")
			s.job("A", "w", x.asks, limited(10), priority(5))
			s.decide("")
			s.reserved(x.want)
			s.at(1)
			s.decide("")
			s.reserved(x.want)
		})
	}
}

// With nobody else in between, w takes the very place.
func TestPlaceIsTakenOver(t *testing.T) {
	s := plans(t, Options{Overrun: 1})
	s.withPolicies("A", "", within(LowerPriority), easy(depth(2), func(b *Backfill) { b.DefaultLimit = 0 }), q("f", 4))
	s.job("A", "runs", 3, limited(10), priority(9))
	s.job("A", "for ever", 1, priority(9))
	s.decide("runs for ever")
	s.job("A", "h1", 3, limited(10))
	s.job("A", "h2", 3, limited(10))
	s.decide("")
	s.reserved("h1 10-20, h2 20-30")
	s.job("A", "never", 4, limited(10), priority(5))
	s.decide("")
	s.reserved("h1 10-20, h2 20-30")
	s.job("A", "w", 3, limited(20), priority(4)) // one of those who stand before them is enough
	s.decide("")
	s.reserved("w 10-30")
}

// All queues are asked before anybody gives up his place: in B there is room for w2 only once h1 of A, who would run for ever, is gone.
func TestAllAreAskedFirst(t *testing.T) {
	s := plans(t, Options{Overrun: 1})
	s.cohort("c", "", q("f", 4))
	for _, name := range []string{"A", "B"} {
		s.withPolicies(name, "c", within(LowerPriority), easy(func(b *Backfill) { b.DefaultLimit = 0 }), q("f", 0))
	}
	s.job("A", "runs", 4, limited(10), priority(9))
	s.decide("runs")
	s.job("A", "h1", 2)
	s.job("B", "h2", 2, limited(10))
	s.decide("")
	s.job("B", "w2", 3, limited(10), priority(5))
	s.decide("")
	for _, r := range s.Reservations() {
		if r.Start != 10 {
			t.Errorf("%s is planned at %d, want 10", r.UID, r.Start)
		}
	}
	s.job("A", "w1", 2, limited(10), priority(5))
	s.decide("")
	s.reserved("h2 10-20, w1 10-20")
	s.decide("") // h1 is gone now
	s.reserved("w1 10-20, w2 20-30")
}
