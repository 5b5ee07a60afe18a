package admission

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	naive "fairlead.dev/fairlead/internal/oracle/timeline"
)

// TestNobodyIsDelayed: where everybody ends by his limit and nothing is edited, no
// reservation is delayed or lost by whoever comes later, whoever holds one starts
// by the time first promised, and everybody holds one who is to: of each queue
// the first N by EASY, all by Conservative. At every instant, now and to come,
// quota holds at every node beside what runs and is reserved.
func TestNobodyIsDelayed(t *testing.T) {
	t.Parallel()
	var sum spread
	rapid.Check(t, func(t *rapid.T) {
		s := newStage(t, rapid.Bool().Draw(t, "everybody plans"), false)
		s.playPromising()
		sum.add(s)
	})
	sum.enough(t)
}

// TestNobodyIsDelayedButByWhoMayPreempt is the same where some preempt: a
// reservation is delayed or lost only to one who might preempt its holder if that
// ran. Nobody else's is by an eviction, however late its victims leave.
func TestNobodyIsDelayedButByWhoMayPreempt(t *testing.T) {
	t.Parallel()
	var sum spread
	rapid.Check(t, func(t *rapid.T) {
		s := newStage(t, rapid.Bool().Draw(t, "everybody plans"), true)
		s.playPromising()
		sum.add(s)
	})
	sum.enough(t)
	if sum.cases >= 100 && (sum.evicted*2 < sum.cases || sum.yielded*8 < sum.cases) {
		t.Errorf("too tame: %d evicted, %d reservations have given way in %d cases", sum.evicted, sum.yielded, sum.cases)
	}
	if sum.cases >= 100 && sum.outlived*100 > sum.cases {
		t.Errorf("%d reservations in %d cases were late while something was held for too long", sum.outlived, sum.cases)
	}
}

// playPromising plays a story and checks after each pass that promises are kept.
func (s *stage) playPromising() {
	s.play(nil, func() {
		held := s.reserved()
		s.keepsPromises(held)
		s.reservesForTheFirst(held)
		for what, c := range map[string]*naive.Chart{"": s.chart(nil, ""), ", planned,": s.chart(held, "")} {
			if wrong := s.over(c); wrong != "" {
				s.Fatalf("at %d quota%s is broken: %s", s.now/second, what, wrong)
			}
		}
	})
	s.nobodyIsLeft()
}

// keepsPromises compares the reservations with those of the last look. One that
// is due waits for those who are on their way out, for so long as they take. Who
// holds quota for longer than the slack, because he waits for others who hold it,
// ends later than was planned: that is in everybody's way (docs/backfill.md,
// "Outliving a limit").
func (s *stage) keepsPromises(held map[string]reserved) {
	outlived := slices.ContainsFunc(s.order, func(j *job) bool {
		return j.heldSince > 0 && j.began == 0 && j.heldSince+j.span+s.slack <= s.now || j.began == s.now && j.heldFor > s.slack
	})
	leaving := slices.ContainsFunc(s.order, func(j *job) bool { return j.leaves > 0 })
	promises := map[string]int64{}
	for _, uid := range slices.Sorted(maps.Keys(s.promises)) {
		j, was := s.jobs[uid], s.promises[uid]
		h, holds := held[uid]
		switch late := !holds || h.start > was; {
		case j.began > 0 || j.heldSince > 0:
			continue
		case late && s.yields(j):
			s.yielded++
		case !holds:
			s.Fatalf("at %d: %s has lost its reservation at %d", s.now/second, uid, was/second)
		case late && leaving && h.start == s.now:
			promises[uid] = was
		case late && outlived:
			s.outlived++
		case late:
			s.Fatalf("at %d: %s is planned at %d instead of %d", s.now/second, uid, h.start/second, was/second)
		case h.start < was:
			s.moved++
		}
	}
	for _, uid := range slices.Sorted(maps.Keys(held)) {
		h := held[uid]
		if _, was := s.promises[uid]; !was {
			s.promised++
			s.Logf("    %s is planned at %d", uid, h.start/second)
		}
		if h.start <= s.now && !leaving {
			s.Fatalf("at %d: %s, planned at %d, has not started", s.now/second, uid, h.start/second)
		}
		if _, waits := promises[uid]; !waits {
			promises[uid] = h.start
		}
	}
	s.promises = promises
}

// yields says whether somebody might preempt a job that holds a reservation, or
// held one before the last pass, who has acted in it or stands before it and holds
// none; or whether one returned, in a StrictFIFO queue, to stand before it.
func (s *stage) yields(h *job) bool {
	returned := func(w *job) bool { return h.strict && w.returned && w.leaf == h.leaf }
	if slices.ContainsFunc(s.acted, func(w *job) bool { return returned(w) || s.mightPreempt(w, h) }) {
		return true
	}
	return slices.ContainsFunc(s.order[:s.arrived], func(w *job) bool {
		waits := w.leaf == h.leaf && w.began == 0 && w.heldSince == 0
		return waits && (returned(w) || s.mightPreempt(w, h))
	})
}

// mightPreempt says whether policies would let a job preempt another if that ran,
// as far as can be told from outside: of another queue only one that would borrow.
func (s *stage) mightPreempt(w, h *job) bool {
	lower := h.Priority < w.Priority
	policy := s.takes[w.leaf]
	if w.leaf == h.leaf {
		newer := h.Priority == w.Priority && h.QueueTime > w.QueueTime
		return policy.WithinClusterQueue == "LowerPriority" && lower || policy.WithinClusterQueue == "LowerOrNewerEqualPriority" && (lower || newer)
	}
	return (policy.ReclaimWithinCohort == "Any" || policy.ReclaimWithinCohort == "LowerPriority" && lower) && s.mightBorrow(h)
}

// mightBorrow says whether a job would take its queue above its own quota, if it
// got any of what it asks for, beside all that may have run there in the last pass.
func (s *stage) mightBorrow(h *job) bool {
	return slices.ContainsFunc(h.asks, func(ask []int64) bool {
		for f, amount := range ask {
			use := amount
			for _, j := range s.order {
				if j != h && j.leaf == h.leaf && j.began > 0 && !j.gone {
					use += j.uses[f]
				}
			}
			if amount > 0 && use > s.tree.Quota[h.leaf][f].Nominal {
				return true
			}
		}
		return false
	})
}

// reservesForTheFirst checks who holds reservations: of those that wait in a queue
// those who hold one already, then the others, in order, up to its depth, unless
// there is no place for them.
func (s *stage) reservesForTheFirst(held map[string]reserved) {
	borrowing := map[int]int{}
	for uid, h := range held {
		if h.borrows {
			borrowing[s.jobs[uid].leaf]++
		}
	}
	for leaf, policy := range s.policies {
		depth := int(policy.Depth)
		switch {
		case !policy.plans():
			depth = 0
		case depth == 0 && policy.Mode == BackfillEASY:
			depth = 1
		case depth == 0:
			depth = 100
		}
		var rest []*job
		holders := 0
		for _, j := range s.order[:s.arrived] {
			if _, holds := held[j.UID]; j.leaf == leaf && holds {
				holders++
			} else if j.leaf == leaf && j.began == 0 && j.heldSince == 0 && !j.strict && s.canEver(j) {
				rest = append(rest, j)
			}
		}
		if holders > depth {
			s.Fatalf("at %d: %d of node %d hold reservations, of %d", s.now/second, holders, leaf, depth)
		}
		slices.SortFunc(rest, func(a, b *job) int {
			if a.Priority != b.Priority {
				return int(b.Priority - a.Priority)
			}
			return strings.Compare(a.UID, b.UID)
		})
		most := 1
		if policy.BorrowingDepth != nil {
			most = int(*policy.BorrowingDepth)
		}
		for _, j := range rest[:min(len(rest), depth-holders)] {
			if at, could := s.place(j, held, borrowing[leaf] >= most); could {
				s.Fatalf("at %d: %s holds no reservation, and could have one at %d", s.now/second, j.UID, at/second)
			}
		}
	}
}

// canEver says whether a job fits when nothing is used.
func (s *stage) canEver(j *job) bool {
	empty := (&naive.World{Tree: s.tree}).Chart(s.now)
	return slices.ContainsFunc(j.asks, func(ask []int64) bool { return empty.Fits(j.leaf, ask, s.now, s.now+1) })
}

// place is the earliest start of a job beside all others; own, if its queue may
// not borrow for it.
func (s *stage) place(j *job, held map[string]reserved, own bool) (at int64, found bool) {
	length := j.span + s.slack
	if j.Limit == 0 && !s.policies[j.leaf].BackfillUnlimited {
		length = naive.Forever
	}
	for _, ask := range j.asks {
		if t, ok := s.chart(held, j.UID).EarliestStart(j.leaf, ask, length, s.now, own); ok && (!found || t < at) {
			at, found = t, true
		}
	}
	return at, found
}

// nobodyIsLeft checks that in the end only those wait who could never start.
func (s *stage) nobodyIsLeft() {
	for _, j := range s.order {
		if j.began == 0 && !j.strict && s.canEver(j) {
			s.Fatalf("%s has never started", j.UID)
		}
	}
}

// TestWindowsFindRoom: an advance reservation for which there was room when it was
// made finds it free at every instant of it, whatever came in the meantime: for
// nobody or for LocalQueues, of amounts or shares, at ClusterQueues and Cohorts,
// once or again and again.
func TestWindowsFindRoom(t *testing.T) {
	t.Parallel()
	var sum spread
	rapid.Check(t, func(t *rapid.T) {
		s := newStage(t, false, false)
		made := 0
		s.play(func() {
			if made < 3 && s.oneIn(3, "window") {
				made++
				s.window(fmt.Sprint("r", s.n(3, "name")))
			}
		}, func() {
			held := s.reserved()
			if wrong := s.over(s.chart(held, "")); wrong != "" {
				t.Fatalf("at %d: %s", s.now/second, wrong)
			}
			s.keepsPromises(held)
			s.reservesForTheFirst(held)
			s.countWindows()
		})
		s.nobodyIsLeft()
		sum.add(s)
	})
	sum.enough(t)
	if sum.cases >= 100 && (sum.begun < sum.cases || sum.members*4 < sum.cases) {
		t.Errorf("too tame: %d looks at windows that were on, %d at members in theirs, in %d cases", sum.begun, sum.members, sum.cases)
	}
}

// countWindows counts the windows that are on, and who is in them by right.
func (s *stage) countWindows() {
	for _, name := range slices.Sorted(maps.Keys(s.windows)) {
		for _, x := range s.windows[name].Windows {
			if x.Start > s.now || x.End <= s.now {
				continue
			}
			s.begun++
			for _, l := range s.windows[name].For {
				for _, j := range s.order {
					if j.began > 0 && !j.gone && j.Queue == l.Name {
						s.members++
					}
				}
			}
		}
	}
}

// window makes an advance reservation, or another in its place, if there is room
// for it beside what runs; else there is none of that name. Nothing is promised
// any more to those who gave way to it.
func (s *stage) window(name string) {
	r := Reservation{Name: name, ShareMilli: int64(1 + s.n(1000, "share"))}
	queues := 0
	for n := range s.index {
		if n[0] == 'q' {
			queues++
		}
	}
	if s.oneIn(3, "at a Cohort") {
		r.Cohort = fmt.Sprint("c", s.n(3, "cohort"))
	} else {
		r.ClusterQueue = fmt.Sprint("q", s.n(queues, "queue"))
		if s.oneIn(2, "for some") {
			r.For = []LocalQueueName{{"n", "vip" + r.ClusterQueue}}
		}
	}
	if s.oneIn(2, "amounts") {
		r.ShareMilli = 0
		r.Amounts = []FlavorAmount{{Flavor: fmt.Sprint("f", s.n(fewFlavors, "flavor")), Resource: "cpu", Amount: int64(1 + s.n(4, "amount"))}}
	}
	at := s.now
	for range 1 + s.n(3, "times") {
		at += second * int64(s.n(8, "from"))
		x := Window{Start: at, End: at + second*int64(1+s.n(5, "for"))}
		r.Windows, at = append(r.Windows, x), x.End
	}
	_, was := s.windows[name]
	s.windows[name] = r
	if s.over(s.chart(nil, "")) == "" {
		s.step(SetReservation{r})
		clear(s.promises)
		return
	}
	delete(s.windows, name)
	if was {
		s.step(DeleteReservation{Name: name})
	}
}
