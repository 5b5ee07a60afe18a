package oracle

import "testing"

// A preemption plans the others anew: what the victim leaves is there for b as soon as that is decided.
func TestPreemptionPlans(t *testing.T) {
	s := plans(t, Options{Overrun: 1})
	s.withPolicies("usatlas", "c", reclaims(AnyPriority), easy(), q("f", 1))
	s.withPolicies("osg", "c", Preemption{}, easy(), q("f", 3))
	s.job("osg", "v", 4, limited(2))
	s.decide("v")
	s.job("osg", "b", 2, limited(1))
	s.decide("")
	s.reserved("b 2-3")
	s.at(1)
	s.job("usatlas", "p", 1, limited(1))
	out := s.evicts("p: v InCohortReclamation")
	s.waits(out, "b", WaitingForPreemptedWorkloads, Preempt)
	s.holds(map[UID]int64{"p": 1, "b": 2})
	s.leaves("v")
	s.decide("b p")
}

// So does a StrictFIFO head that comes to hold less, after others have been planned beside what it held.
func TestHeadGivesBackAndOthersMove(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f")
	s.planned("a", "c", easy(), q("f", 4))
	s.strict("b", "c", q("f", 4))
	s.job("a", "long", 4, limited(50))
	s.job("b", "own", 1, limited(1000))
	s.job("b", "brief", 1, limited(50))
	s.job("b", "head", 4, limited(10))
	s.decide("long own brief")
	s.holds(map[UID]int64{"head": 2})
	s.at(10)
	s.job("a", "found", 3, found("a", "f"), limited(20))
	s.Apply(Finish{"brief"})
	s.job("a", "next", 3, limited(10), priority(1))
	s.decide("")
	s.holds(map[UID]int64{})
	s.reserved("next 30-40")
}

// Who does not give way, since there is no place for the other, has not come due by that: else he would be looked at without end.
func TestSameReservationAgain(t *testing.T) {
	s := plans(t, Options{Overrun: 1, HoldTimeout: 5})
	b := easy(depth(2), func(b *Backfill) { b.DefaultLimit = 0 })
	s.withPolicies("A", "c", Preemption{WithinClusterQueue: LowerPriority, ReclaimWithinCohort: AnyPriority}, b, q("f", 4))
	s.withPolicies("B", "c", Preemption{}, b, q("f", 0))
	s.job("A", "for ever", 2, priority(9))
	s.job("B", "v", 2, limited(20))
	s.decide("for ever v")
	s.job("A", "late", 2, limited(10))
	s.evicts("late: v InCohortReclamation")
	s.at(5)
	s.decide("")
	s.holds(map[UID]int64{})
	s.reserved("late 5-15")
	s.job("A", "never", 4, limited(10), priority(1))
	out := s.decide("")
	s.reserved("late 5-15")
	s.waits(out, "never", WaitingForQuota, Preempt)
	s.leaves("v")
	s.decide("late")
}

// Who is admitted and uses nothing gives his reservation up: w waits for 3 of pods, until its queue counts them no more. Its place
// goes in the same pass to next, which has been looked at and parked before it.
func TestWhoUsesNothingKeepsNoReservation(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f")
	both := q("f", 4)
	both.Resources["pods"] = Quota{Nominal: 3}
	groups := []ResourceGroup{{Covered: []string{"cpu", "pods"}, Flavors: []FlavorQuotas{both}}}
	s.edited(ClusterQueue{Name: "A", Groups: groups, Backfill: easy()})
	s.job("A", "long", 4, limited(5))
	s.decide("long")
	s.job("A", "w", 0, pods(3), limited(10))
	s.decide("")
	s.job("A", "next", 4, limited(10), priority(1))
	s.decide("")
	s.reserved("w 5-15")
	s.planned("A", "", easy(), q("f", 4))
	s.decide("w")
	s.reserved("next 5-15")
}

// Who comes to hold without victims has all planned, of all queues: x2, which has been looked at but has not had its turn, gets its place then,
// and not only when d has taken a victim, after x has moved to 5.
func TestWhoHoldsPlansAll(t *testing.T) {
	s := plans(t, Options{Overrun: 1})
	for _, owner := range []string{"A", "D"} {
		s.withPolicies(owner, "c", reclaims(AnyPriority), Backfill{}, q("f", map[string]int64{"A": 4, "D": 2}[owner]))
	}
	s.withPolicies("B", "c", Preemption{}, Backfill{}, q("f", 0))
	s.withPolicies("C", "c", Preemption{}, easy(depth(2)), q("f", 8))
	s.job("C", "c1", 4, limited(10))
	s.job("C", "c2", 2, limited(5))
	s.job("B", "w", 2, limited(50), priority(9))
	s.job("B", "u", 3, limited(20), priority(1))
	s.job("B", "v", 3, limited(20))
	s.decide("c1 w c2 u v")
	s.at(1)
	s.job("D", "first", 0, priority(9))
	s.job("A", "a1", 2, limited(30), priority(5))
	s.job("A", "a2", 1, limited(30), priority(5))
	s.job("D", "d", 1, limited(30), priority(5))
	s.job("C", "x", 4, limited(5))
	s.job("C", "x2", 2, limited(5))
	if out := s.decide("first"); len(out.Evicts) != 2 {
		t.Errorf("evicted %+v, want v for a1 and u for d", out.Evicts)
	}
	s.holds(map[UID]int64{"a1": 2, "a2": 1, "d": 1, "x2": 2})
	s.reserved("x 6-11")
}

// Whoever would run into wide's reservation is looked at again when something is taken off the timeline, though what else he asks for cannot be had:
// too much, or elsewhere. Only where he asks for more than can be counted in the same flavor nothing was asked at all.
func TestUncountableIsNotRefused(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f")
	s.edited(ClusterQueue{Name: "A", Backfill: easy(), Groups: []ResourceGroup{{Covered: []string{"cpu", "memory"},
		Flavors: []FlavorQuotas{{"f", map[string]Quota{"cpu": {Nominal: 8}, "memory": {Nominal: 4}}}}}}})
	s.job("A", "runs", 4, limited(10))
	s.job("A", "wide", 8, limited(10))
	s.decide("runs")
	also := func(r string, amount int64) func(*Workload) {
		return func(w *Workload) { w.PodSets[0].Requests[r] = amount }
	}
	second := func(w *Workload) {
		w.PodSets = append(w.PodSets, PodSet{Name: "second", Count: 4, Requests: map[string]int64{"memory": 1 << 62}})
	}
	for uid, change := range map[UID]func(*Workload){
		"too much": also("memory", 5), "uncovered": also("gpu", 1), "uncountable elsewhere": second, "uncountable": also("memory", 1<<62),
	} {
		s.job("A", uid, 1, limited(20), pods(4), change)
	}
	s.decide("")
	s.reserved("wide 10-20")
	s.plannerOf(s.trees().byName[QueueNode("A")]).plan.Eased = true
	s.wakeAllRefused()
	for uid, parked := range map[UID]bool{"too much": false, "uncovered": false, "uncountable elsewhere": false, "uncountable": true} {
		if w := s.workloads[uid]; w.parked != parked {
			t.Errorf("%s parked: %t; its verdict: %+v", uid, w.parked, w.last)
		}
	}
}

// A turn that holds plans once. In p's turn x gives up its place to y, who has been looked at: beside y there would be a place for wide,
// but that is asked at the next plan() only, beside what stands before that: then low gives up its place to wide.
func TestTurnThatHoldsPlansOnce(t *testing.T) {
	s := plans(t, Options{Overrun: 1})
	b := easy(func(b *Backfill) { b.DefaultLimit = 0 })
	s.withPolicies("A", "c", within(LowerPriority), b, q("f", 4))
	s.withPolicies("B", "c", within(LowerPriority), b, q("f", 2))
	s.withPolicies("C", "c", within(LowerPriority), b, q("f", 1))
	s.job("B", "runs", 6, limited(10), priority(9))
	s.job("C", "v", 1, limited(100))
	s.decide("v runs")
	s.job("A", "low", 3, limited(5))
	s.job("B", "x", 1)
	s.decide("")
	s.job("A", "wide", 7, limited(5), priority(1))
	s.decide("")
	s.reserved("low 10-15, x 10-9223372036854775807")
	s.job("B", "y", 1, limited(5), priority(1))
	s.job("C", "p", 1, limited(100), priority(2))
	s.evicts("p: v InClusterQueue")
	s.reserved("low 10-15, y 10-15")
	s.decide("")
	s.reserved("wide 100-105, y 10-15")
}
