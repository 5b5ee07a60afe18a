package oracle

import "testing"

// withPolicies makes a ClusterQueue with backfill that may preempt.
func (s *story) withPolicies(name, cohort string, p Preemption, b Backfill, flavors ...FlavorQuotas) {
	s.edited(ClusterQueue{Name: name, Cohort: cohort, Groups: cpuGroup(flavors...), Preemption: p, Backfill: b})
}

// Whoever could preempt another of his queue, if that ran, is planned before it; who could not is not.
func TestPlannedBeforeWhomItMayPreempt(t *testing.T) {
	for _, policy := range []PreemptionPolicy{Never, LowerPriority} {
		s := newStory(t, Options{Overrun: 1, Preemption: true}, "f")
		s.withPolicies("A", "", Preemption{WithinClusterQueue: policy}, easy(), q("f", 4))
		s.job("A", "runs", 4, limited(5), priority(9))
		s.decide("runs")
		s.job("A", "waits", 4, limited(10))
		s.decide("")
		s.reserved("waits 5-15")
		s.job("A", "vip", 3, limited(3), priority(5))
		s.decide("")
		if policy == Never {
			s.reserved("waits 5-15")
		} else {
			s.reserved("vip 5-8") // of depth 1
		}
	}
}

// It takes his place among the depth even if they ask for different resources, in a StrictFIFO queue too, where nobody else may take it: else
// its head, which holds no quota, would have no reservation either.
func TestPlaceAmongTheDepthYields(t *testing.T) {
	for _, strategy := range []Strategy{BestEffortFIFO, StrictFIFO} {
		for policy, want := range map[PreemptionPolicy]string{Never: "low 10-13", LowerPriority: "high 10-13"} {
			s := plans(t, Options{Overrun: 1})
			s.edited(ClusterQueue{Name: "A", Strategy: strategy, Backfill: easy(), Preemption: within(policy), Groups: []ResourceGroup{{Covered: []string{"cpu", "memory"},
				Flavors: []FlavorQuotas{{"f", map[string]Quota{"cpu": {Nominal: 6}, "memory": {Nominal: 4}}}}}}})
			memory := func(w *Workload) { w.PodSets[0].Requests = map[string]int64{"memory": 4} }
			s.job("A", "cores", 6, limited(10), priority(9))
			s.job("A", "bytes", 0, memory, limited(10), priority(9))
			s.decide("cores bytes")
			s.job("A", "low", 0, memory, limited(3))
			s.decide("")
			s.reserved("low 10-13")
			s.job("A", "high", 6, limited(3), priority(1))
			s.decide("")
			s.reserved(want)
		}
	}
}

// b borrows and holds a reservation from 5 on. a, within the quota of its queue, fits now and would run into it: if b ran, a could
// reclaim from it, so that b's reservation gives way. It does not where nobody may be reclaimed from, nor to c, who borrows too.
func TestReservationOfABorrowerGivesWay(t *testing.T) {
	for _, policy := range []PreemptionPolicy{Never, AnyPriority} {
		s := newStory(t, Options{Overrun: 1, Preemption: true}, "f")
		s.withPolicies("A", "co", reclaims(policy), easy(), q("f", 4))
		s.withPolicies("B", "co", reclaims(AnyPriority), easy(), q("f", 4))
		s.withPolicies("C", "co", reclaims(AnyPriority), easy(), q("f", 0))
		s.job("B", "runs", 4, limited(5))
		s.decide("runs")
		s.job("B", "b", 6, limited(10))
		s.decide("")
		s.reserved("b 5-15")
		s.job("C", "c", 3, limited(6))
		s.decide("")
		s.reserved("b 5-15, c 15-21")
		s.job("A", "a", 3, limited(6))
		if policy == Never {
			s.decide("")
			s.reserved("a 15-21, b 5-15, c 15-21")
			continue
		}
		s.decide("a")
		s.reserved("b 11-21, c 5-11") // c, who has one, moves up before b gets another
	}
}

// A preemptor asks with its victims off the timeline, and holds until its limit and the slack from its decision on; they are
// planned no more. It is not asked again when they have gone late.
func TestPreemptorIsPlanned(t *testing.T) {
	s := newStory(t, Options{Overrun: 1, Slack: 2, Preemption: true}, "f")
	s.withPolicies("A", "co", reclaims(AnyPriority), easy(), q("f", 4))
	s.planned("B", "co", easy(), q("f", 0))
	s.job("B", "b", 4, limited(20))
	s.decide("b")
	s.job("B", "next", 2, limited(5))
	s.decide("")
	s.reserved("next 20-27")
	s.at(1)
	s.job("A", "a", 3, limited(6))
	s.evicts("a: b InCohortReclamation")
	s.decide("")
	s.reserved("next 9-16") // a holds until 1 + 6 + 2
	s.at(4)
	s.leaves("b")
	s.decide("a") // until 10; next to it there is 1
	s.reserved("next 10-17")
}

// It is refused by a reservation whose holder it may not preempt, of its own queue and priority, unless it ends before.
func TestPreemptorIsRefused(t *testing.T) {
	s := newStory(t, Options{Overrun: 1, Preemption: true}, "f")
	s.withPolicies("A", "co", reclaims(AnyPriority), easy(), q("f", 4))
	s.planned("B", "co", easy(), q("f", 0))
	s.job("A", "runs", 3, limited(5))
	s.job("B", "b", 1, limited(20))
	s.decide("runs b")
	s.job("A", "wide", 4, limited(5))
	s.evicts("") // b is not enough
	s.reserved("wide 20-25")
	s.job("A", "long", 1, limited(30))
	s.waits(s.evicts(""), "long", WaitingForQuota, NoFit)
	s.job("A", "short", 1, limited(15))
	s.evicts("short: b InCohortReclamation")
}

// When w acts, its flavor-resources are asked in the order in which they are charged, each with those gone who gave way before. Asked for
// cpu first, both cheap and wide give way, the one for cpu and the other for memory; asked for memory first, the cpu of wide is enough.
func TestGivingWayInOrder(t *testing.T) {
	for first, want := range map[string]string{"cpu": "cheap 17-27, stays 5-7, wide 7-17", "memory": "cheap 5-15, stays 5-7, wide 15-25"} {
		s := plans(t, Options{Overrun: 1})
		covered := []string{"cpu", "memory"}
		if first == "memory" {
			covered = []string{"memory", "cpu"}
		}
		s.edited(ClusterQueue{Name: "A", Backfill: easy(depth(-1)), Preemption: Preemption{WithinClusterQueue: LowerPriority},
			Groups: []ResourceGroup{{Covered: covered, Flavors: []FlavorQuotas{{"f", map[string]Quota{"cpu": {Nominal: 4}, "memory": {Nominal: 5}}}}}}})
		memory := func(n int64) func(*Workload) { return func(w *Workload) { w.PodSets[0].Requests["memory"] = n } }
		s.job("A", "runs", 3, memory(4), limited(5), priority(10))
		s.decide("runs")
		s.job("A", "stays", 0, memory(2), limited(2), priority(10))
		s.job("A", "wide", 2, memory(3), limited(10))
		s.job("A", "cheap", 2, limited(10))
		s.decide("")
		s.reserved("cheap 5-15, stays 5-7, wide 5-15")
		s.job("A", "w", 1, memory(1), limited(100), priority(9))
		s.decide("w")
		s.reserved(want)
	}
}

// b's reservation is due and b fits, but a, who does not borrow, acts first and makes it give way. b is planned anew at once, from
// when a has ended: c, who stands behind it, could not preempt it and would delay it, may not start. Once b has been looked at
// again that it gave way says nothing more.
func TestWhoGivesWayWhileHeFitsStaysBlocked(t *testing.T) {
	s := plans(t, Options{Overrun: 1, Slack: 1})
	both := Preemption{WithinClusterQueue: LowerPriority, ReclaimWithinCohort: AnyPriority}
	s.withPolicies("A", "co", both, easy(), q("f", 4))
	s.withPolicies("B", "co", both, easy(), q("f", 4))
	s.job("B", "r", 4, limited(10))
	s.at(1)
	s.decide("r")
	s.job("B", "b", 6, limited(10))
	s.job("B", "c", 5, limited(9))
	s.decide("")
	s.reserved("b 11-22")
	s.at(5)
	s.Apply(Finish{"r"})
	s.job("A", "a", 3, limited(6))
	out := s.decide("a")
	s.reserved("b 11-22")
	s.waits(out, "b", WaitingForQuota, NoFit)
	s.waits(out, "c", WaitingForQuota, NoFit)
	if s.workloads["b"].gave {
		t.Error("b is still marked as one that gave way")
	}
	s.at(11)
	s.Apply(Finish{"a"})
	s.decide("b")
	s.reserved("c 21-31")
}
