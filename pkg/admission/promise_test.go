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
		s := newStage(t, rapid.Bool().Draw(t, "everybody plans"))
		s.play(nil, func() {
			held := s.reserved()
			s.keepsPromises(held)
			s.reservesForTheFirst(held)
			if wrong := s.over(s.chart(held, "")); wrong != "" {
				t.Fatalf("at %d quota is broken: %s", s.now/second, wrong)
			}
		})
		s.nobodyIsLeft()
		sum.add(s)
	})
	sum.enough(t)
}

// keepsPromises compares the reservations with those of the last look.
func (s *stage) keepsPromises(held map[string]reserved) {
	for _, uid := range slices.Sorted(maps.Keys(s.promises)) {
		was := s.promises[uid]
		h, holds := held[uid]
		switch {
		case s.jobs[uid].began > 0:
			continue
		case !holds:
			s.Fatalf("at %d: %s has lost its reservation at %d", s.now/second, uid, was/second)
		case h.start > was:
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
		if h.start <= s.now {
			s.Fatalf("at %d: %s, planned at %d, has not started", s.now/second, uid, h.start/second)
		}
	}
	clear(s.promises)
	for uid, h := range held {
		s.promises[uid] = h.start
	}
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
			} else if j.leaf == leaf && j.began == 0 && !j.strict && s.canEver(j) {
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
		s := newStage(t, false)
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
