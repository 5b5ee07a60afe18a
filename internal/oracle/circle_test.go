package oracle

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Circles of three and of six that had no end before amendment A11.
func TestCircles(t *testing.T) {
	both := Preemption{WithinClusterQueue: LowerOrNewerEqualPriority, ReclaimWithinCohort: AnyPriority}
	for name, x := range map[string]struct {
		fair  bool
		story func(s *story)
		want  string
	}{
		// b takes old, of lower priority, and so borrows; new is A's by right and reclaims from b; old evicts new, who is newer, and
		// borrows as well. wide, who never fits, has its turn before b, so that b is looked at last.
		"who takes while borrowing": {
			story: func(s *story) {
				s.policies("A", "c", both, q("f", 2, -1, 1))
				s.policies("B", "c", Preemption{ReclaimWithinCohort: LowerPriority, BorrowWithinCohort: LowerPriority}, q("f", 1))
				s.queue("C", "c", q("f", 2))
				s.runs("C", "c", 2)
				s.runs("A", "own", 1, important)
				s.job("A", "old", 2)
				s.job("A", "new", 1)
				s.job("B", "wide", 3, priority(1))
				s.job("B", "b", 2, priority(1))
			},
			want: "+old; b evicts old; +b; new evicts b; +new; old evicts new; +old",
		},
		// In each queue one of 2 evicts another of 1 and so borrows, and one of 1 of the other queue reclaims that: a1 and b2 by turns, who came
		// first and so are charged last.
		"who takes its own queue's and borrows": {story: twoOwners(both), want: inTurn},
		"the same under fair sharing":           {fair: true, story: twoOwners(both), want: inTurn},
	} {
		t.Run(name, func(t *testing.T) {
			s := plans(t, Options{FairSharing: x.fair})
			x.story(s)
			if told, broken := s.until(60); told != x.want || len(broken) > 0 {
				t.Errorf("%s %v, want %s", told, broken, x.want)
			}
		})
	}
}

const inTurn = "+a1; +b2; +a2; b1 evicts a1; +b1; a1 evicts a2; b3 evicts b1; +a1; +b3; a3 evicts b2; +a3; " +
	"b2 evicts b3; a2 evicts a3; +b2; +a2; b1 evicts a1; +b1; a1 evicts a2; +a1; +a3"

func twoOwners(p Preemption) func(s *story) {
	return func(s *story) {
		s.policies("A", "c", p, q("f", 2))
		s.policies("B", "c", p, q("f", 2))
		s.job("A", "a1", 1, priority(2))
		s.job("A", "a2", 2, priority(2))
		s.job("A", "a3", 1, priority(1))
		s.job("B", "b1", 1, priority(1))
		s.job("B", "b2", 1, priority(2))
		s.job("B", "b3", 2, priority(2))
	}
}

// Whom A11 spares, and where: B (2) runs o, of 1 or 3, C (2) what is left of 4, and w of B asks.
func TestSparedByBorrowers(t *testing.T) {
	taken, own := spared{"v", InCohortReclaimWhileBorrows}, spared{"o", InClusterQueue}
	for name, x := range map[string]struct {
		fair      bool
		o, w      int64
		important bool // v is
		before    []spared
		want      string
		after     []spared
	}{
		"borrows":                          {o: 1, w: 2, want: "w: v InCohortReclaimWhileBorrowing", after: []spared{taken}},
		"ends within nominal":              {o: 1, w: 2, before: []spared{taken}, want: "w: v InCohortReclaimWhileBorrowing, o InClusterQueue", after: []spared{taken}},
		"would not":                        {o: 1, w: 3, before: []spared{taken}, after: []spared{taken}},
		"for another reason":               {o: 1, w: 2, before: []spared{{"v", InClusterQueue}}, want: "w: v InCohortReclaimWhileBorrowing", after: []spared{taken, {"v", InClusterQueue}}},
		"outside X":                        {w: 2, before: []spared{taken}, want: "w: v InCohortReclamation", after: []spared{taken}},
		"own, borrows":                     {o: 3, w: 3, important: true, want: "w: o InClusterQueue", after: []spared{own}},
		"own, within nominal":              {o: 3, w: 2, important: true, want: "w: o InClusterQueue"},
		"own, spared":                      {o: 3, w: 3, important: true, before: []spared{own}, after: []spared{own}},
		"own, spared, plan A alone":        {o: 3, w: 2, important: true, before: []spared{own}, after: []spared{own}},
		"own, fair":                        {fair: true, o: 3, w: 3, important: true, want: "w: o InClusterQueue", after: []spared{own}},
		"own, fair, spared":                {fair: true, o: 3, w: 3, important: true, before: []spared{own}, after: []spared{own}},
		"own, fair, spared by shares only": {fair: true, o: 3, w: 3, important: true, before: []spared{{"o", InCohortFairSharing}}, want: "w: o InClusterQueue", after: []spared{{"o", InCohortFairSharing}, own}},
	} {
		t.Run(name, func(t *testing.T) {
			s := plans(t, Options{FairSharing: x.fair})
			s.policies("B", "c", Preemption{WithinClusterQueue: LowerPriority, ReclaimWithinCohort: LowerPriority, BorrowWithinCohort: LowerPriority}, q("f", 2))
			s.queue("C", "c", q("f", 2))
			s.runs("C", "v", 4-x.o, func(w *Workload) {
				if x.important {
					w.Priority = 9
				}
			})
			if x.o > 0 {
				s.runs("B", "o", x.o)
			}
			s.job("B", "w", x.w, priority(1))
			for _, b := range x.before {
				s.spared[b] = true
			}
			before := maps.Clone(s.spared)
			out := s.evicts(x.want)
			after := map[spared]bool{}
			for _, a := range x.after {
				after[a] = true
			}
			if !maps.Equal(s.spared, after) {
				t.Errorf("spared %v, want %v", s.spared, after)
			}
			for _, e := range out.Evicts {
				for _, v := range e.Victims {
					s.Apply(EvictFailed{v.UID})
				}
				if !maps.Equal(s.spared, before) {
					t.Errorf("spared %v after the evictions failed, before %v", s.spared, before)
				}
				if s.Apply(AssumeEvict{e}); !maps.Equal(s.spared, after) {
					t.Errorf("spared %v by one who decides elsewhere", s.spared)
				}
			}
			s.Apply(SetFlavor{Flavor{Name: "a change"}})
			if len(s.spared) > 0 {
				t.Error("a change does not count")
			}
		})
	}
}

// ring makes a random tree with little quota and all policies, and who will want it, after the first so many one by one.
func ring(g *generator, fair bool, flavors, resources []string) (s *World, jobs []Workload, first int) {
	s = New(Options{FairSharing: fair, Preemption: true, HeadsLeaveHolds: true, HoldersKeep: true})
	for _, f := range flavors {
		s.Apply(SetFlavor{Flavor{Name: f}})
	}
	rarely := func(n int) *int64 {
		if g.oneIn(2) {
			return nil
		}
		return g.limit(n)
	}
	quota := func(most int) []ResourceGroup {
		group := ResourceGroup{Covered: resources}
		for _, f := range flavors {
			fq := FlavorQuotas{f, map[string]Quota{}}
			for _, r := range resources {
				fq.Resources[r] = Quota{Nominal: int64(g.IntN(most + 2*len(resources) - 2)), BorrowingLimit: rarely(5), LendingLimit: rarely(3)}
			}
			group.Flavors = append(group.Flavors, fq)
		}
		return []ResourceGroup{group}
	}
	cohorts, queues := 1+g.IntN(3), 2+g.IntN(3)
	for i := range cohorts {
		c := Cohort{Name: fmt.Sprint("c", i), WeightMilli: g.weight()}
		if g.oneIn(2) {
			c.Groups = quota(3)
		}
		if i > 0 {
			c.Parent = fmt.Sprint("c", g.IntN(i))
		}
		s.Apply(SetCohort{c})
	}
	for i := range queues {
		cq := ClusterQueue{Name: fmt.Sprint("q", i), Cohort: fmt.Sprint("c", g.IntN(cohorts)), Groups: quota(4), NamespaceSelector: &Selector{},
			WeightMilli: g.weight(), Preemption: g.preemption(), Fungibility: Fungibility{[]FungibilityPolicy{"", TryNextFlavor}[g.IntN(2)],
				[]FungibilityPolicy{"", MayStopSearch}[g.IntN(2)], []Preference{"", PreemptionOverBorrowing}[g.IntN(2)]}}
		if i < 2 || g.oneIn(3) {
			cq.Preemption.ReclaimWithinCohort = AnyPriority
		}
		if i == 0 || g.oneIn(2) {
			cq.Preemption.WithinClusterQueue = LowerOrNewerEqualPriority
		}
		if i == 1 || g.oneIn(2) {
			cq.Preemption.BorrowWithinCohort = LowerPriority
		}
		s.Apply(SetClusterQueue{cq})
		s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: cq.Name, ClusterQueue: cq.Name}})
	}
	first = 7 + g.IntN(5)
	for i := range first + 4 {
		w := Workload{UID: UID(fmt.Sprintf("w%02d", i)), Namespace: "ns", Active: true, Priority: int64(g.IntN(3)), QueueTime: int64(g.IntN(12))}
		for range 8 { // rather one that can be had at all
			w.LocalQueue = fmt.Sprint("q", g.IntN(queues))
			w.PodSets = []PodSet{{Name: "main", Count: 1, Requests: map[string]int64{}}}
			ever := true
			for _, r := range resources {
				n := 1 + int64(g.IntN(4))
				if len(resources) > 1 && g.oneIn(3) {
					n = 0
				}
				w.PodSets[0].Requests[r] = n
				ever = ever && slices.ContainsFunc(flavors, func(f string) bool { return n <= s.Potential(QueueNode(w.LocalQueue), FlavorResource{f, r}) })
			}
			if ever {
				break
			}
		}
		jobs = append(jobs, w)
	}
	return s, jobs, first
}

// watch is a judge of amendment A11 by its words: it lists who is evicted once more for the same reason, other than by right, by a preemptor
// whose ClusterQueue ends beyond nominal.
func (l *again) watch(s *World, e Evict) []string {
	leave := s.Evicting()
	for _, v := range e.Victims {
		leave = append(leave, v.UID)
	}
	beyond := false
	for f, asked := range e.Hold {
		used := s.UsageWithHolds(QueueNode(e.Queue), f) - s.Holds()[e.Preemptor][f] + asked
		for _, uid := range leave {
			if a := s.Admissions()[uid]; a.ClusterQueue == e.Queue {
				for _, ps := range a.PodSets {
					if ps.Flavors[f.Resource] == f.Flavor {
						used -= ps.Usage[f.Resource]
					}
				}
			}
		}
		beyond = beyond || used > s.Nominal(QueueNode(e.Queue), f)
	}
	var wrong []string
	for _, v := range e.Victims {
		if v.Reason == InCohortReclamation || v.Reason != InCohortFairSharing && !beyond {
			continue
		}
		if l.seen[v] {
			wrong = append(wrong, fmt.Sprintf("%s is evicted again: %s", v.UID, v.Reason))
		}
		l.seen[v] = true
	}
	return wrong
}

type again struct{ seen map[Victim]bool }

// TestRingsRest lets rings preempt each other, and again after each of four arrivals or ends: all come to rest, and all laws hold, but for
// a pair now and then that does: reclaim, lose it by borrowing or by shares, reclaim again.
func TestRingsRest(t *testing.T) {
	for _, x := range []struct {
		fair               bool
		flavors, resources []string
		endless            []uint64 // seeds of worlds that had no rest before amendment A11
	}{
		{false, []string{"f"}, []string{"cpu"}, []uint64{40, 186, 200}},
		{false, []string{"f"}, []string{"cpu", "memory"}, []uint64{796, 827}},
		{false, []string{"f", "g"}, []string{"cpu"}, []uint64{138, 190}},
		{false, []string{"f", "g"}, []string{"cpu", "memory"}, []uint64{790, 864}},
		{true, []string{"f"}, []string{"cpu"}, []uint64{1315}},
		{true, []string{"f"}, []string{"cpu", "memory"}, []uint64{57, 72, 201}},
		{true, []string{"f", "g"}, []string{"cpu"}, nil},
		{true, []string{"f", "g"}, []string{"cpu", "memory"}, []uint64{350, 647}},
	} {
		t.Run(fmt.Sprint(x.fair, len(x.flavors), len(x.resources)), func(t *testing.T) {
			seeds := slices.Clone(x.endless)
			for seed := range uint64(10 * *scale) {
				seeds = append(seeds, seed)
			}
			var c course
			for _, seed := range seeds {
				g := &generator{Rand: rand.New(rand.NewPCG(seed, 13))}
				s, jobs, first := ring(g, x.fair, x.flavors, x.resources)
				var l again
				s.judge = func(s *World, e Evict) []string {
					return append(append(s.CheckEvict(e), s.WithinNominal(e)...), l.watch(s, e)...)
				}
				for _, w := range jobs[:first] {
					s.Apply(SetWorkload{w})
				}
				var wrong []string
				waiting := map[UID]bool{}
				for i := range 5 {
					l.seen = map[Victim]bool{}
					r := s.BringToRest(g.IntN, 100)
					c.evictions(r, waiting)
					wrong = append(wrong, r.Broken...)
					for _, uid := range s.Unserved() {
						wrong = append(wrong, fmt.Sprint("unlawful: ", uid, " is not served"))
					}
					running := sortedKeys(text(s.Admissions()))
					if i == 4 {
						break
					}
					if len(running) == 0 || g.oneIn(3) {
						s.Apply(SetWorkload{jobs[first+i]})
					} else {
						s.Apply(Finish{UID(running[g.IntN(len(running))])})
					}
				}
				for _, w := range append(s.OverLimit(), s.IllegalPlans()...) {
					wrong = append(wrong, "unlawful: "+w)
				}
				if c.note(wrong); len(wrong) > 0 {
					t.Logf("seed %d: %s", seed, strings.Join(wrong, "; "))
				}
			}
			t.Logf("%d worlds: %+v", len(seeds), c)
			if c.restless+c.waiting+c.holding+c.unlawful > 0 || c.pairs > len(seeds)/200 {
				t.Error("not at rest")
			}
			if c.victims < len(seeds)/4 {
				t.Error("too tame")
			}
		})
	}
}
