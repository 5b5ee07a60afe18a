package oracle

import (
	"fmt"
	"strings"
	"testing"
)

// plans is a story in which evictions are looked for.
func plans(t *testing.T, o Options, flavors ...string) *story {
	o.Preemption, o.Judge = true, (*World).CheckEvict
	if flavors == nil {
		flavors = []string{"f"}
	}
	return newStory(t, o, flavors...)
}

func (s *story) policies(name, cohort string, p Preemption, flavors ...FlavorQuotas) {
	s.edited(ClusterQueue{Name: name, Cohort: cohort, Groups: cpuGroup(flavors...), Preemption: p})
}

// runs makes a workload that holds quota of flavor f since its queue time.
func (s *story) runs(queue string, uid UID, cpu int64, change ...func(*Workload)) {
	change = append(change, found(queue, "f"), func(w *Workload) { w.ReservedAt, w.AdmittedAt = w.QueueTime, w.QueueTime })
	s.job(queue, uid, cpu, change...)
}

// evicts runs a pass that admits nobody and compares the evictions with "preemptor: victim reason, victim reason; ...".
func (s *story) evicts(want string) Outcome {
	s.t.Helper()
	out := s.decide("")
	var got []string
	for _, e := range out.Evicts {
		var victims []string
		for _, v := range e.Victims {
			victims = append(victims, fmt.Sprint(v.UID, " ", v.Reason))
		}
		got = append(got, fmt.Sprint(e.Preemptor, ": ", strings.Join(victims, ", ")))
	}
	if g := strings.Join(got, "; "); g != want {
		s.t.Fatalf("evicted %q, want %q; waiting: %+v", g, want, out.Waits)
	}
	if wrong := s.IllegalPlans(); len(wrong) > 0 {
		s.t.Fatalf("illegal: %v", wrong)
	}
	return out
}

// leaves lets an evicted workload give its quota back; it is finished then and does not come again.
func (s *story) leaves(uids ...UID) {
	for _, uid := range uids {
		s.Apply(Finish{uid})
	}
}

func within(p PreemptionPolicy) Preemption   { return Preemption{WithinClusterQueue: p} }
func reclaims(p PreemptionPolicy) Preemption { return Preemption{ReclaimWithinCohort: p} }

// Queue A has 10, used by low1 4, low2 4 and mid 2. "new" asks for 4: of the two of lowest priority the one that
// got its quota later goes.
func TestWithinClusterQueue(t *testing.T) {
	for policy, x := range map[PreemptionPolicy]struct {
		priority int64
		want     string
	}{
		Never:                     {5, ""},
		LowerPriority:             {1, "new: low2 InClusterQueue"},
		LowerOrNewerEqualPriority: {0, "new: low2 InClusterQueue"}, // low2 is newer: its queue time is put to 100
	} {
		t.Run(string(policy), func(t *testing.T) {
			s := plans(t, Options{})
			s.policies("A", "", within(policy), q("f", 10))
			s.runs("A", "low1", 4)
			s.runs("A", "mid", 2, priority(1))
			s.runs("A", "low2", 4, func(w *Workload) { w.QueueTime = 100 })
			s.job("A", "new", 4, priority(x.priority))
			s.evicts(x.want)
		})
	}
	s := plans(t, Options{})
	s.policies("A", "", within(LowerPriority), q("f", 10))
	s.runs("A", "low", 10)
	s.job("A", "equal", 4)
	s.evicts("")
}

// A and B lend each other 10; B uses 15, of which 5 are A's. A asks for its 10: 5 are free, so one victim of 5 is
// enough, the latest. X is A: 0 + 10 are within its quota.
func TestReclaim(t *testing.T) {
	for policy, want := range map[PreemptionPolicy]string{
		Never: "", AnyPriority: "a: b3 InCohortReclamation", LowerPriority: "a: b2 InCohortReclamation",
	} {
		t.Run(string(policy), func(t *testing.T) {
			s := plans(t, Options{})
			s.policies("A", "c", reclaims(policy), q("f", 10))
			s.queue("B", "c", q("f", 10))
			s.runs("B", "b1", 5)
			s.runs("B", "b2", 5)
			s.runs("B", "b3", 5, func(w *Workload) {
				if policy == LowerPriority {
					w.Priority = 3
				}
			})
			s.job("A", "a", 10, priority(3))
			out := s.evicts(want)
			if policy == Never {
				s.waits(out, "a", WaitingForQuota, Preempt)
				s.holds(map[UID]int64{})
				return
			}
			s.waits(out, "a", WaitingForPreemptedWorkloads, Preempt)
			s.holds(map[UID]int64{"a": 10})
			s.evicts("") // the victim is in flight
			s.job("B", "b4", 1, priority(9))
			s.evicts("") // 5 are free, but held
			s.leaves(out.Evicts[0].Victims[0].UID)
			s.decide("a")
			s.holds(map[UID]int64{})
		})
	}
}

// B uses 6 of its 4, C 6 of its 4, A (4) none; of 12 all are used. A asks for 4. In order: c1 (later than b1) leaves C
// with 5; b1 leaves B with 3, within its quota: 1 + 3 are enough.
func TestTakenOnlyFromBorrowers(t *testing.T) {
	s := plans(t, Options{})
	s.policies("A", "r", reclaims(AnyPriority), q("f", 4))
	s.queue("B", "r", q("f", 4))
	s.queue("C", "r", q("f", 4))
	s.runs("B", "b1", 3)
	s.runs("B", "b2", 3, priority(1))
	s.runs("C", "c1", 1)
	s.runs("C", "c2", 5, priority(2))
	s.job("A", "a", 4, priority(9))
	s.evicts("a: c1 InCohortReclamation, b1 InCohortReclamation")

	// With b1 of 2 and b2 of 4, 1 + 2 are not enough; b2 is passed over, since B then uses 4 of 4; c2 follows, after
	// which c1 and b1 are given back in reverse order: 5 alone are enough.
	s = plans(t, Options{})
	s.policies("A", "r", reclaims(AnyPriority), q("f", 4))
	s.queue("B", "r", q("f", 4))
	s.queue("C", "r", q("f", 4))
	s.runs("B", "b1", 2)
	s.runs("B", "b2", 4, priority(1))
	s.runs("C", "c1", 1)
	s.runs("C", "c2", 5, priority(2))
	s.job("A", "a", 4, priority(9))
	s.evicts("a: c2 InCohortReclamation")
}

// A (4, used up) asks for 2 more while B, of 4, uses 8 of the cohort's 12 and C nothing: X does not exist, since
// 12 + 2 exceeds 12, so victims must stand below the threshold of borrowWithinCohort.
func TestReclaimWhileBorrowing(t *testing.T) {
	for name, x := range map[string]struct {
		policy    PreemptionPolicy
		threshold *int64
		priority  int64
		want      string
	}{
		"lower":         {LowerPriority, nil, 5, "a: b2 InCohortReclaimWhileBorrowing"},
		"not lower":     {LowerPriority, nil, 1, ""},
		"threshold":     {LowerPriority, ptr(1), 5, "a: b2 InCohortReclaimWhileBorrowing"},
		"too important": {LowerPriority, ptr(0), 5, ""},
		"never":         {Never, nil, 5, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := plans(t, Options{})
			s.policies("A", "c", Preemption{ReclaimWithinCohort: AnyPriority, BorrowWithinCohort: x.policy,
				MaxPriorityThreshold: x.threshold}, q("f", 4))
			s.queue("B", "c", q("f", 4))
			s.queue("C", "c", q("f", 4))
			s.runs("A", "used", 4, priority(9))
			s.runs("B", "b1", 6, priority(1))
			s.runs("B", "b2", 2, priority(1))
			s.job("A", "a", 2, priority(x.priority))
			s.evicts(x.want)
		})
	}
}

// Root r has A and B in l, and D. A, of 2, uses 2 and asks for 2 more: l holds 2 + 2 of its 6, so X is l, and D is
// reclaimed from although A borrows. b would need A within nominal.
func TestOutsideX(t *testing.T) {
	s := plans(t, Options{})
	s.cohort("l", "r")
	s.policies("A", "l", reclaims(AnyPriority), q("f", 2))
	s.queue("B", "l", q("f", 4))
	s.queue("D", "r", q("f", 4))
	s.runs("A", "used", 2, priority(9))
	s.runs("D", "d", 8, priority(3))
	s.job("A", "a", 2)
	s.evicts("a: d InCohortReclamation")

	// With 5 used by B, l holds 7 + 2 no more. r has 10, of which 10 are used: no X at all, A would borrow.
	s = plans(t, Options{})
	s.cohort("l", "r")
	s.policies("A", "l", reclaims(AnyPriority), q("f", 2))
	s.queue("B", "l", q("f", 4))
	s.queue("D", "r", q("f", 4))
	s.runs("A", "used", 2, priority(9))
	s.runs("B", "b", 5)
	s.runs("D", "d", 3)
	s.job("A", "a", 2)
	out := s.evicts("") // b might be taken only if A ended within nominal
	s.waits(out, "a", WaitingForQuota, Preempt)
}

// Plan B ends within nominal: A (4) uses 4 of its own low priority and asks for 3; it may reclaim only if own
// workloads go first. usage >= nominal in a short resource, and borrowWithinCohort Never: A alone.
func TestPlansAAndB(t *testing.T) {
	both := Preemption{WithinClusterQueue: LowerPriority, ReclaimWithinCohort: AnyPriority}
	build := func(p Preemption, used int64) *story {
		s := plans(t, Options{})
		s.policies("A", "c", p, q("f", 4))
		s.queue("B", "c", q("f", 4))
		s.runs("A", "own", used)
		s.runs("B", "b", 8-used)
		s.job("A", "a", 3, priority(1))
		return s
	}
	// own uses 4, B its 4: B is within its quota, nobody elsewhere is a candidate: plan A takes own.
	build(both, 4).evicts("a: own InClusterQueue")
	// own uses 2, B 6. X: A would need 5 of 4; c 8 + 3 of 8: none. b needs A within nominal: plan B first (nobody is
	// outside X): b (A then uses 2 + 3 = 5: not within), own (3 of 4): enough. Give back own: 5 of 4. Give back b:
	// 8 - 2 + 3 = 9 of 8. Checked: b, with own gone: B uses 6 of 4.
	build(both, 2).evicts("a: b InCohortReclamation, own InClusterQueue")
	// With borrowWithinCohort A comes first and takes b alone.
	both.BorrowWithinCohort = LowerPriority
	build(both, 2).evicts("a: b InCohortReclaimWhileBorrowing")
}

// B (4) uses 6. Both small (1) and large (4) are taken while it exceeds its quota, small first, but with large gone B is within it, and
// small may not be taken any more: the plan is dropped whole.
func TestIllegalPlanIsDropped(t *testing.T) {
	s := plans(t, Options{})
	s.policies("A", "c", reclaims(LowerPriority), q("f", 7))
	s.queue("B", "c", q("f", 4))
	s.queue("C", "c", q("f", 0))
	s.runs("C", "c1", 2, important)
	s.runs("C", "c2", 3, important)
	s.runs("B", "other", 1, important)
	s.runs("B", "small", 1)
	s.runs("B", "large", 4, priority(1))
	s.job("A", "a", 5, priority(5))
	out := s.evicts("")
	s.waits(out, "a", WaitingForQuota, Preempt)
	// Once B exceeds it without large, too, the plan is legal.
	s.runs("B", "more", 3, important)
	s.leaves("c2")
	s.evicts("a: small InCohortReclamation, large InCohortReclamation")
}

// L uses memory and B exceeds its quota in cpu alone, by s: nothing that L uses is A's (amendment A10). Once B exceeds it in memory, too,
// L goes as well.
func TestLeavesWhatIsWithin(t *testing.T) {
	s := plans(t, Options{})
	queue := func(name string, cpu, memory int64, p Preemption) {
		s.edited(ClusterQueue{Name: name, Cohort: "c", Preemption: p, Groups: []ResourceGroup{{Covered: []string{"cpu", "memory"},
			Flavors: []FlavorQuotas{{"f", map[string]Quota{"cpu": {Nominal: cpu}, "memory": {Nominal: memory}}}}}}})
	}
	memory := func(n int64) func(*Workload) {
		return func(w *Workload) { w.PodSets[0].Requests["memory"] = n }
	}
	queue("A", 4, 4, reclaims(LowerPriority))
	queue("B", 4, 4, Preemption{})
	queue("C", 0, 0, Preemption{})
	s.runs("C", "c", 3, memory(4), priority(9))
	s.runs("B", "other", 4, memory(2), priority(9))
	s.runs("B", "L", 0, memory(2))
	s.runs("B", "s", 1, priority(1))
	s.job("A", "a", 1, memory(1), priority(5))
	out := s.evicts("")
	s.waits(out, "a", WaitingForQuota, Preempt)
	s.runs("B", "more", 0, memory(1), priority(9))
	s.Apply(Finish{"c"})
	s.runs("C", "c", 3, memory(3), priority(9))
	s.evicts("a: L InCohortReclamation, s InCohortReclamation")
}

// Whoever fits once the evicted are gone holds too; the evicted are no candidates; nobody takes a hold.
func TestInFlightSuffices(t *testing.T) {
	s := plans(t, Options{})
	s.policies("A", "c", reclaims(AnyPriority), q("f", 10))
	s.queue("B", "c", q("f", 0))
	s.runs("B", "big", 8)
	s.job("A", "one", 4)
	s.job("A", "two", 4)
	out := s.evicts("one: big InCohortReclamation") // 10 - 4 held leave 6 for two
	s.waits(out, "two", WaitingForPreemptedWorkloads, Preempt)
	s.holds(map[UID]int64{"one": 4, "two": 4})
	s.job("A", "vip", 4, priority(9))
	out = s.evicts("") // 2 are left when big is gone
	s.waits(out, "vip", WaitingForQuota, Preempt)
	s.number("usage", s.Usage, QueueNode("B"), 8)
	s.leaves("big")
	s.decide("one two")
}

// Evicted=True counts as gone whoever evicted; cleared, it gives its quota back. A failed eviction is planned anew.
func TestEvictedIsGone(t *testing.T) {
	s := plans(t, Options{})
	s.policies("A", "", within(LowerPriority), q("f", 4))
	s.runs("A", "going", 4, func(w *Workload) { w.Evicted = true })
	s.job("A", "a", 4)
	out := s.evicts("")
	s.waits(out, "a", WaitingForPreemptedWorkloads, Preempt)
	s.time = 0
	s.job("A", "going", 4, func(w *Workload) { w.Evicted = true }) // cleared
	s.decide("a")

	s = plans(t, Options{})
	s.policies("A", "", within(LowerPriority), q("f", 4))
	s.runs("A", "low", 4)
	s.job("A", "a", 4, priority(1))
	s.evicts("a: low InClusterQueue")
	s.Apply(EvictFailed{"low"})
	s.evicts("a: low InClusterQueue")
}

// Victims that leave at different times cannot win quota back, nor can others take it.
func TestHoldAgainstReturners(t *testing.T) {
	s := plans(t, Options{})
	s.policies("A", "c", reclaims(AnyPriority), q("f", 6))
	s.queue("B", "c", q("f", 0))
	for _, uid := range []UID{"b1", "b2", "b3"} {
		s.runs("B", uid, 2)
	}
	s.job("A", "a", 6)
	s.evicts("a: b3 InCohortReclamation, b2 InCohortReclamation, b1 InCohortReclamation")
	s.time = 0
	s.job("B", "b1", 2) // gave its quota back and waits again
	s.evicts("")
	s.job("B", "b2", 2)
	s.evicts("")
	s.job("B", "b3", 2)
	s.decide("a")
}

// A hold ends with its time; the preemptor may hold and evict again only after quota came back somewhere in its tree.
func TestHoldTimeout(t *testing.T) {
	s := plans(t, Options{HoldTimeout: 10})
	s.policies("A", "c", reclaims(AnyPriority), q("f", 6))
	s.queue("B", "c", q("f", 0))
	s.runs("B", "stuck", 2)
	s.runs("B", "b", 2)
	s.job("A", "a", 6)
	s.evicts("a: b InCohortReclamation, stuck InCohortReclamation")
	s.Apply(Time{9})
	s.holds(map[UID]int64{"a": 6})
	s.Apply(Time{10})
	s.holds(map[UID]int64{})
	out := s.evicts("") // those in flight would suffice, but it may not hold
	s.waits(out, "a", WaitingForQuota, Preempt)
	s.job("B", "quick", 2)
	s.decide("quick") // of the 2 that were always free
	s.leaves("b")
	s.evicts("a: quick InCohortReclamation") // a release: it holds again, and needs quick too
	s.holds(map[UID]int64{"a": 6})
	s.Apply(Time{20})
	s.holds(map[UID]int64{})
}

// Nobody is preempted before the longer of his class's and his queue's minimum runtime is over.
func TestMinimumRuntime(t *testing.T) {
	s := plans(t, Options{})
	s.edited(ClusterQueue{Name: "A", Groups: cpuGroup(q("f", 2)), Preemption: within(LowerPriority), MinimumRuntime: 5})
	s.runs("A", "low", 2, func(w *Workload) { w.MinimumRuntime = 8 }) // admitted at 1
	s.job("A", "a", 2, priority(1))
	s.evicts("")
	s.Apply(Time{8})
	s.evicts("")
	s.Apply(Time{9})
	s.evicts("a: low InClusterQueue")
}

// A BestEffortFIFO holder is tried first in its queue; those behind it go on.
func TestHolderIsTriedFirst(t *testing.T) {
	s := plans(t, Options{})
	s.policies("A", "c", reclaims(AnyPriority), q("f", 6))
	s.queue("B", "c", q("f", 0))
	s.runs("B", "b", 4)
	s.job("A", "a", 5)
	s.job("A", "small", 1)
	s.evicts("a: b InCohortReclamation") // a holds 5 of 6, and small the 1 that is left when b is gone
	s.holds(map[UID]int64{"a": 5, "small": 1})
	s.job("A", "vip", 5, priority(9))
	s.leaves("b")
	out := s.decide("a small")
	s.waits(out, "vip", WaitingForQuota, Preempt)
}

// Partial admission prefers the full size with victims to a smaller one that fits.
func TestPartialWithVictims(t *testing.T) {
	for least, want := range map[int64]string{2: "a: low InClusterQueue", 0: "a: low InClusterQueue"} {
		s := plans(t, Options{})
		s.policies("A", "", within(LowerPriority), q("f", 4))
		s.runs("A", "low", 2)
		s.job("A", "a", 1, priority(1), pods(4), func(w *Workload) {
			if least > 0 {
				w.PodSets[0].MinCount = &least
			}
		})
		s.evicts(want)
	}
}

// Reclaiming in one flavor is preferred to preempting in the queue itself in another; a flavor that fits, to both.
func TestFungibilityByVictims(t *testing.T) {
	for preference, want := range map[string]string{
		"reclaim in g": "a: b InCohortReclamation", "stop at f": "a: own InClusterQueue",
	} {
		s := plans(t, Options{}, "f", "g")
		p := Fungibility{}
		if preference == "stop at f" {
			p.WhenCanPreempt = MayStopSearch
		}
		s.edited(ClusterQueue{Name: "A", Cohort: "c", Fungibility: p, Groups: cpuGroup(q("f", 4), q("g", 4)),
			Preemption: Preemption{WithinClusterQueue: LowerPriority, ReclaimWithinCohort: AnyPriority}})
		s.queue("B", "c", q("f", 0), q("g", 0))
		s.runs("A", "own", 4)
		s.job("B", "b", 4, found("B", "g"))
		s.job("A", "a", 4, priority(1))
		s.evicts(want)
	}
}

// Whoever fits once the evicted are gone holds, even where no Preempt would be possible: A has 2, asks for 3, preempts
// nobody, and the only X is the root: 3 of B + 3 of its 6.
func TestWhoeverFitsThenHolds(t *testing.T) {
	s := plans(t, Options{})
	s.cohort("c", "", q("f", 4))
	s.queue("A", "c", q("f", 2))
	s.queue("B", "c", q("f", 0))
	s.runs("B", "b", 3)
	s.runs("B", "going", 3, func(w *Workload) { w.Evicted = true })
	s.job("A", "a", 3)
	out := s.evicts("")
	s.waits(out, "a", WaitingForPreemptedWorkloads, Preempt)
	s.holds(map[UID]int64{"a": 3})
	s.job("A", "b4", 1, priority(9))
	out = s.evicts("")
	s.waits(out, "b4", WaitingForQuota, Preempt) // 0 + 3 held + 1 of 6 - 3: nominal 2 >= 1, but nothing is left
	s.leaves("going")
	s.decide("a")
}
