package oracle

import (
	"reflect"
	"testing"
)

// A preemptor's hold in a StrictFIFO queue ends when its holder is overtaken by one whom it may not pass (amendment A4): what
// its victims free goes to the head, and then it has its turn again.
func TestOvertakenHolder(t *testing.T) {
	s := plans(t, Options{HoldTimeout: 10})
	s.edited(ClusterQueue{Name: "A", Cohort: "c", Strategy: StrictFIFO, Groups: cpuGroup(q("f", 4)), Preemption: reclaims(AnyPriority)})
	s.queue("B", "c", q("f", 0))
	s.runs("B", "b", 4)
	s.job("A", "a", 4)
	s.evicts("a: b InCohortReclamation")
	s.time++
	vip := Workload{UID: "vip", Namespace: "ns", LocalQueue: "A", QueueTime: s.time, Active: true, Priority: 9,
		PodSets: []PodSet{{Name: "main", Count: 1, Requests: map[string]int64{"cpu": 4}}}}
	ends := s.Apply(SetWorkload{vip}).Ends
	if want := []End{{UID: "a", Queue: "A", Cause: EndOvertaken}}; !reflect.DeepEqual(ends, want) {
		t.Errorf("%+v", ends)
	}
	out := s.evicts("")
	s.holds(map[UID]int64{"vip": 4})
	s.waits(out, "vip", WaitingForPreemptedWorkloads, Preempt)
	s.waits(out, "a", WaitingForQuota, Preempt)
	s.leaves("b")
	s.decide("vip")
	s.job("B", "b2", 1)
	s.leaves("vip")
	s.decide("a")
}

// Nor does it keep a hold on f while its verdict is g, where it may not pass: once x is gone a fits in g, which vip waits for.
func TestHeldBackHolderEnds(t *testing.T) {
	s := plans(t, Options{}, "f")
	s.Apply(SetFlavor{Flavor{Name: "g", NodeLabels: map[string]string{"zone": "2"}}})
	s.edited(ClusterQueue{Name: "A", Cohort: "c", Strategy: StrictFIFO, Groups: cpuGroup(q("f", 4), q("g", 0)), Preemption: reclaims(AnyPriority)})
	s.queue("B", "c", q("f", 0), q("g", 4))
	s.runs("B", "b", 4)
	s.job("B", "x", 2, found("B", "g"))
	s.job("B", "y", 2, found("B", "g"))
	s.edited(ClusterQueue{Name: "A", Cohort: "c", Strategy: StrictFIFO, Groups: cpuGroup(q("g", 0), q("f", 4)), Preemption: reclaims(AnyPriority)})
	s.job("A", "vip", 4, priority(9))
	s.workloads["vip"].seen.PodSets[0].NodeSelector = map[string]string{"zone": "2"}
	s.Apply(SetFlavor{Flavor{Name: "f", NodeLabels: map[string]string{"zone": "1"}}})
	s.job("A", "a", 2)
	s.evicts("a: b InCohortReclamation")
	s.Apply(Finish{"x"})
	if got := s.decide("").Ends; !reflect.DeepEqual(got, []End{{UID: "a", Queue: "A", Cause: EndOvertaken}}) {
		t.Errorf("%+v", got)
	}
}

// Not by one whom it may pass, who wants another flavor; nor is anybody overtaken in a BestEffortFIFO queue.
func TestNotOvertaken(t *testing.T) {
	for _, strategy := range []Strategy{StrictFIFO, BestEffortFIFO} {
		s := plans(t, Options{})
		s.Apply(SetFlavor{Flavor{Name: "f", NodeLabels: map[string]string{"zone": "1"}}})
		s.Apply(SetFlavor{Flavor{Name: "g", NodeLabels: map[string]string{"zone": "2"}}})
		s.edited(ClusterQueue{Name: "A", Cohort: "c", Strategy: strategy, Groups: cpuGroup(q("f", 4), q("g", 4)), Preemption: reclaims(AnyPriority)})
		s.queue("B", "c", q("f", 0), q("g", 0))
		s.runs("B", "b", 4)
		s.job("B", "on g", 4, found("B", "g"), func(w *Workload) { w.MinimumRuntime = 100 })
		s.job("A", "a", 4)
		s.evicts("a: b InCohortReclamation")
		if strategy == StrictFIFO {
			s.job("A", "vip", 4, priority(9), selects("zone", "2"))
		} else {
			s.job("A", "vip", 4, priority(9))
		}
		s.evicts("")
		if s.Holds()["a"] == nil {
			t.Error(strategy, s.Holds())
		}
		s.leaves("b")
		s.decide("a")
	}
}

// Ends are visible: by NoFit in a pass, by time, and when the holder is changed or gone.
func TestEnds(t *testing.T) {
	for _, x := range []struct {
		cause EndCause
		by    func(s *story) Event
	}{
		{EndTimeout, func(*story) Event { return Time{10} }},
		{EndLeft, func(*story) Event { return DeleteWorkload{"a"} }},
		{EndLeft, func(s *story) Event {
			w := s.workloads["a"].seen
			w.Priority++
			return SetWorkload{w}
		}},
		{EndLeft, func(*story) Event {
			return SetLocalQueue{LocalQueue{Namespace: "ns", Name: "A", ClusterQueue: "A", Stop: Hold}}
		}},
		{EndNoFit, func(s *story) Event {
			s.queue("A", "c", q("f", 3, 0))
			return Decide{}
		}},
		{"", func(*story) Event { return Finish{"b"} }},
	} {
		s := plans(t, Options{HoldTimeout: 10})
		s.policies("A", "c", reclaims(AnyPriority), q("f", 4))
		s.queue("B", "c", q("f", 0))
		s.runs("B", "b", 4)
		s.job("A", "a", 4)
		s.evicts("a: b InCohortReclamation")
		ends := s.Apply(x.by(s)).Ends
		if x.cause == "" && len(ends) > 0 || x.cause != "" && !reflect.DeepEqual(ends, []End{{UID: "a", Queue: "A", Cause: x.cause}}) {
			t.Errorf("%s: %+v", x.cause, ends)
		}
		if x.cause != "" && s.Holds()["a"] != nil {
			t.Error("still holds")
		}
	}
}
