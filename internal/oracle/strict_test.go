package oracle

import "testing"

// One behind may pass only on flavor-resources that nobody before it requests in any flavor open to it.
func TestStrictPassing(t *testing.T) {
	s := newStory(t, Options{}, "g")
	s.Apply(SetFlavor{Flavor{Name: "f", NodeLabels: map[string]string{"zone": "a"}}})
	s.edited(ClusterQueue{Name: "A", Strategy: StrictFIFO, Groups: []ResourceGroup{
		{Covered: []string{"cpu"}, Flavors: []FlavorQuotas{q("f", 5), q("g", 5)}},
		{Covered: []string{"gpu"}, Flavors: []FlavorQuotas{{Name: "g", Resources: map[string]Quota{"gpu": {Nominal: 1}}}}},
	}})
	gpu := func(w *Workload) { w.PodSets[0].Requests = map[string]int64{"gpu": 1} }
	s.job("A", "head", 6, selects("zone", "b")) // only g is open, and it is too small
	s.job("A", "on f", 1)                       // its verdict is f: may pass
	s.job("A", "on g", 1, selects("zone", "b")) // may not
	s.job("A", "gpu", 0, gpu)                   // another resource: may pass
	out := s.decide("on f gpu")
	s.waits(out, "head", ExceedsMaxQuota, NoFit)
	s.waits(out, "on g", WaitingForQuota, Fit)
	// A held-back workload blocks too: "next" would take f, which "wide", held back, may use.
	s.job("A", "wide", 5) // f has 4 left, so its verdict is g
	s.job("A", "next", 1)
	out = s.decide("")
	s.waits(out, "wide", WaitingForQuota, Fit)
	s.waits(out, "next", WaitingForQuota, Fit)
	s.Apply(DeleteWorkload{"head"})
	out = s.decide("on g") // of g 4 are left too: "wide" is head now and holds the 4 of f, and "next" waits behind it
	s.waits(out, "wide", WaitingForQuota, Preempt)
	s.holds(map[UID]int64{"wide": 4})
}

// Those who stand in no queue block nobody, a namespace mismatch in particular; one that is misconfigured by
// itself does (reading 9).
func TestStrictBlockers(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.edited(ClusterQueue{Name: "A", Strategy: StrictFIFO, Groups: cpuGroup(q("f", 5))})
	cq := *s.queues["A"]
	cq.NamespaceSelector = &Selector{Expressions: []Requirement{{"team", "NotIn", []string{"x"}}}}
	s.Apply(SetClusterQueue{cq})
	s.Apply(SetNamespace{"other", map[string]string{"team": "x"}})
	s.Apply(SetLocalQueue{LocalQueue{Namespace: "other", Name: "A", ClusterQueue: "A"}})
	s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: "stopped", ClusterQueue: "A", Stop: Hold}})
	s.job("A", "mismatch", 1, func(w *Workload) { w.Namespace = "other" })
	s.job("A", "inactive", 1, func(w *Workload) { w.Active = false })
	s.job("A", "backoff", 1, func(w *Workload) { w.Withheld = PendingEvaluation })
	s.job("stopped", "stopped", 1)
	s.job("A", "a", 1)
	s.job("A", "bad", 1, func(w *Workload) { w.Misconfigured = "requests exceed limits" })
	s.job("A", "b", 1)
	out := s.decide("a")
	s.waits(out, "mismatch", Misconfigured, Untried)
	s.waits(out, "inactive", Deactivated, Untried)
	s.waits(out, "backoff", PendingEvaluation, Untried)
	s.waits(out, "stopped", Suspended, Untried)
	s.waits(out, "bad", Misconfigured, NoFit)
	s.waits(out, "b", WaitingForQuota, Fit)
	s.Apply(SetNamespace{"other", nil})
	s.decide("mismatch")
	s.Apply(DeleteWorkload{"bad"})
	s.decide("b")
}

// A gang at the head of a StrictFIFO queue gathers what its own quota leaves free, against borrowers.
func TestHeadHolds(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.strict("A", "c", q("f", 10))
	s.queue("B", "c", q("f", 0))
	s.job("A", "small", 2)
	s.job("B", "b1", 5)
	s.decide("small b1")
	s.job("A", "gang", 8, priority(1)) // usage 2 + 8 is within nominal, but 5 are lent
	s.job("B", "b2", 3)
	s.job("B", "b3", 1)
	// b2 and b3 are at level 1, gang is at 0: it acts first, and holds 8 of A's 10.
	out := s.decide("")
	s.waits(out, "gang", WaitingForQuota, Preempt)
	s.holds(map[UID]int64{"gang": 8})
	s.number("usage", s.Usage, QueueNode("A"), 2)
	s.number("usage", s.UsageWithHolds, QueueNode("A"), 10)
	s.number("usage", s.UsageWithHolds, CohortNode("c"), 15)
	s.Apply(Finish{"b1"}) // 5 come back: enough for the gang, which takes its hold into account only for others
	s.decide("gang")
	s.holds(map[UID]int64{})
}

// A head that borrows holds up to nominal + borrowingLimit, under Any nothing; a BestEffortFIFO head holds nothing.
func TestHeadHoldsBorrowing(t *testing.T) {
	for name, x := range map[string]struct {
		change func(*ClusterQueue)
		want   map[UID]int64
	}{
		"borrowing limit": {func(cq *ClusterQueue) { cq.Groups = cpuGroup(q("f", 4, 3)) }, map[UID]int64{"a": 4 + 3 - 2}},
		"no limit":        {func(cq *ClusterQueue) {}, map[UID]int64{"a": 6}},
		"under Any":       {func(cq *ClusterQueue) { cq.Preemption.ReclaimWithinCohort = AnyPriority }, map[UID]int64{}},
		"best effort":     {func(cq *ClusterQueue) { cq.Strategy = BestEffortFIFO }, map[UID]int64{}},
	} {
		s := newStory(t, Options{}, "f")
		s.cohort("r", "", q("f", 1))
		s.cohort("c", "r", q("f", 6))
		s.queue("R", "r", q("f", 0))
		cq := ClusterQueue{Name: "A", Cohort: "c", Strategy: StrictFIFO, Groups: cpuGroup(q("f", 4))}
		x.change(&cq)
		s.edited(cq)
		s.job("R", "r", 5, found("R", "f"))
		s.job("A", "used", 2, found("A", "f"))
		s.job("A", "a", 6) // c holds 2 + 6 of 10, so X is c; 11 - 7 = 4 are available
		out := s.decide("")
		if name == "borrowing limit" { // 6 is above 7 - 2, but not above the potential 7
			s.waits(out, "a", WaitingForQuota, Preempt)
		}
		t.Run(name, func(t *testing.T) { s.t = t; s.holds(x.want) })
	}
}

// b1 of B preempts b2, and holds 2. Then the head of A comes, who borrows: by the text it holds all of the 4 that it asks for,
// although only 3 are left, of which 2 are b1's, and neither ever fits. With amendment A7 it holds 1, and b1 gets its 2.
func TestHeadLeavesHolds(t *testing.T) {
	for _, leaves := range []bool{false, true} {
		s := plans(t, Options{HeadsLeaveHolds: leaves})
		s.cohort("c", "", q("f", 6))
		s.edited(ClusterQueue{Name: "A", Cohort: "c", Strategy: StrictFIFO, Groups: cpuGroup(q("f", 0)),
			Preemption: Preemption{BorrowWithinCohort: LowerPriority}})
		s.policies("B", "c", within(LowerPriority), q("f", 4))
		s.queue("C", "c", q("f", 0))
		s.runs("C", "c", 7, important)
		s.runs("B", "b2", 3)
		s.job("B", "b1", 2, priority(1))
		s.evicts("b1: b2 InClusterQueue")
		s.job("A", "head", 4)
		s.evicts("")
		s.Apply(DeleteWorkload{"b2"})
		if leaves {
			s.decide("b1")
			s.holds(map[UID]int64{"head": 1})
		} else {
			s.decide("")
			s.holds(map[UID]int64{"head": 4, "b1": 2})
		}
	}
}

// The hold lasts while its holder is head: an overtaken one gives it back, and the new head holds in its turn.
func TestHoldEndsWithHeadship(t *testing.T) {
	s := newStory(t, Options{}, "f", "g")
	s.strict("A", "c", q("f", 4), q("g", 0))
	s.queue("B", "c", q("f", 0), q("g", 4))
	s.job("B", "b", 1, found("B", "f"))
	s.job("A", "old", 4)
	s.decide("old") // g is free: 4 borrowed there
	s.job("A", "one", 4)
	s.decide("")
	s.holds(map[UID]int64{"one": 4})
	s.job("A", "vip", 4, priority(9))
	s.holds(map[UID]int64{})
	s.decide("")
	s.holds(map[UID]int64{"vip": 4})
	s.Apply(DeleteWorkload{"vip"})
	s.decide("")
	s.holds(map[UID]int64{"one": 4})
	s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: "A", ClusterQueue: "A", Stop: Hold}})
	s.holds(map[UID]int64{})
}

// When a head leaves, whoever is next holds in its turn, although nothing that it looked at has fallen.
func TestNextHeadIsExaminedAgain(t *testing.T) {
	for name, leave := range map[string]func(s *story){
		"deleted": func(s *story) { s.Apply(DeleteWorkload{"first"}) },
		"stopped": func(s *story) { s.time = 4; s.job("A", "first", 2, selects("zone", "1"), inactive) },
		"admitted": func(s *story) {
			s.Apply(Finish{"uses 1"})
			s.decide("first")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, Options{})
			s.Apply(SetFlavor{Flavor{Name: "f", NodeLabels: map[string]string{"zone": "1"}}})
			s.Apply(SetFlavor{Flavor{Name: "g", NodeLabels: map[string]string{"zone": "2"}}})
			s.strict("A", "c", q("f", 2), q("g", 2))
			s.queue("B", "c", q("f", 0), q("g", 0))
			s.job("B", "uses 1", 1, found("B", "f"))
			s.job("B", "uses 2", 1, found("B", "g"))
			s.job("A", "first", 2, selects("zone", "1"))
			s.job("A", "second", 2, selects("zone", "2"))
			s.job("A", "third", 2, selects("zone", "2"))
			s.decide("")
			s.holds(map[UID]int64{"first": 2}) // "second" may act, but holds nothing while it is not head
			leave(s)
			s.decide("")
			s.holds(map[UID]int64{"second": 2})
		})
	}
}

func inactive(w *Workload) { w.Active = false }

// A hold that falls in mid-pass, since its holder is admitted to another flavor, wakes at once (reading 14): b, which
// comes first by priority, acts before c1, which alone fitted beside the hold.
func TestHoldFallsInMidPass(t *testing.T) {
	s := newStory(t, Options{}, "f", "g")
	s.cohort("c", "", q("f", 1))
	s.strict("A", "c", q("f", 4, 0), q("g", 4))
	s.queue("B", "c", q("f", 0))
	s.queue("C", "c", q("f", 0))
	s.job("A", "on f", 2, found("A", "f"))
	s.job("A", "on g", 4, found("A", "g"))
	s.job("A", "head", 4)
	s.decide("")
	s.holds(map[UID]int64{"head": 2}) // of 5 - 2 it leaves 1
	s.job("B", "b", 3, priority(5))
	s.decide("")
	s.Apply(Finish{"on g"}) // wakes the head alone
	s.awake("head")
	s.job("C", "c1", 1)
	s.decide("head b")
}
