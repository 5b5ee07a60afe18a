package oracle

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sort"
	"testing"
)

// crowd makes a random small tree with holders of quota and several who want it; with strict, every other queue is StrictFIFO,
// and heads leave holds alone.
func crowd(g *generator, fair, strict bool) *World {
	s, _ := posed(g, fair)
	s.headsLeaveHolds = strict
	for i := 0; strict && i < len(s.queues); i += 2 {
		cq := *s.queues[fmt.Sprint("q", i)]
		cq.Strategy = StrictFIFO
		s.Apply(SetClusterQueue{cq})
	}
	for i := range g.IntN(8) {
		s.Apply(SetWorkload{Workload{UID: UID(fmt.Sprint("n", i)), Namespace: "ns", LocalQueue: fmt.Sprint("q", g.IntN(len(s.queues))),
			Active: true, Priority: int64(g.IntN(4)), QueueTime: int64(g.IntN(20)),
			PodSets: []PodSet{{Name: "main", Count: 1, Requests: map[string]int64{"cpu": int64(g.IntN(6))}}}}})
	}
	return s
}

var scale = flag.Int("scale", 1, "how many times as many random cases the oracle's own tests look at")

// TestBringToRest lets crowds preempt each other while victims leave in random order and wait again: all laws hold always.
func TestBringToRest(t *testing.T) {
	for _, x := range []struct{ fair, strict bool }{{}, {fair: true}, {strict: true}, {true, true}} {
		worlds, evicts, overtaken, most := 300**scale, 0, 0, 0
		for seed := range uint64(worlds) {
			g := &generator{Rand: rand.New(rand.NewPCG(seed, 7))}
			s := crowd(g, x.fair, x.strict)
			r := s.BringToRest(g.IntN, 100)
			for _, o := range r.Outcomes {
				evicts += len(o.Evicts)
			}
			for _, e := range r.Ends {
				if e.Cause == EndOvertaken {
					overtaken++
				}
			}
			most = max(most, r.Passes)
			wrong := append(append(r.Broken, s.OverLimit()...), s.IllegalPlans()...)
			for _, uid := range s.Unserved() {
				wrong = append(wrong, fmt.Sprint(uid, " is not served"))
			}
			if sort.Strings(wrong); len(wrong) > 0 {
				t.Errorf("%+v, seed %d: %v", x, seed, wrong)
			}
		}
		t.Logf("%+v: %d worlds, %d preemptions, %d overtaken, at most %d passes", x, worlds, evicts, overtaken, most)
		if evicts < worlds/2 || x.strict && overtaken == 0 {
			t.Error("too tame")
		}
	}
}

// n, of B, uses the 1 cpu of B's quota and nothing else, but B borrows memory. p, of A, is short of both. Without amendment A2
// it took n as well as m2, since B exceeds its quota in one of them; n, within nominal, reclaimed its cpu from p; m2 returned; p
// found them again: a pair without end.
func TestFairPairWithoutEnd(t *testing.T) {
	s := plans(t, Options{FairSharing: true})
	queue := func(name string, cpu int64) {
		s.edited(ClusterQueue{Name: name, Cohort: "c", Preemption: reclaims(AnyPriority), Groups: []ResourceGroup{{Covered: []string{"cpu", "memory"},
			Flavors: []FlavorQuotas{{"f", map[string]Quota{"cpu": {Nominal: cpu}, "memory": {}}}}}}})
	}
	memory := func(n int64) func(*Workload) { return func(w *Workload) { w.PodSets[0].Requests["memory"] = n } }
	s.Apply(SetCohort{Cohort{Name: "c", Groups: []ResourceGroup{{Covered: []string{"memory"},
		Flavors: []FlavorQuotas{{"f", map[string]Quota{"memory": {Nominal: 10}}}}}}}})
	queue("A", 0)
	queue("B", 1)
	queue("C", 9)
	s.runs("C", "c", 9)
	s.runs("B", "m1", 0, memory(4))
	s.runs("B", "m2", 0, memory(4))
	s.runs("B", "n", 1)
	s.job("A", "p", 1, memory(4))
	s.runs("C", "x1", 0, memory(1))
	s.runs("C", "x2", 0, memory(1))
	var ledger Ledger
	var broken []string
	for _, bystander := range []UID{"nobody", "x1", "x2"} { // a fall of usage wakes p; admissions do not
		s.Apply(Finish{bystander})
		for _, o := range s.BringToRest(func(int) int { return 0 }, 50).Outcomes {
			for _, e := range o.Evicts {
				broken = append(broken, ledger.Evict(e)...)
			}
		}
	}
	if len(broken) > 0 || s.Admissions()["n"].ClusterQueue != "B" {
		t.Error(broken, s.Admissions())
	}
}

// Four did: n5 preempts v1 in its queue q0 by priority, and q0 then borrows; v9, of q3, preempts n5 by its share; v2, of q3,
// preempts v9 by priority; and v1, with which q0 is within nominal, reclaims from v2 or its like. With amendment A3 it ends.
func TestFairCycleWithoutEnd(t *testing.T) {
	g := &generator{Rand: rand.New(rand.NewPCG(2135, 7))}
	if r := crowd(g, true, false).BringToRest(g.IntN, 100); len(r.Broken) > 0 {
		t.Errorf("%+v", r.Broken)
	}
}

// Whoever fair sharing has evicted is spared until something changes (amendment A3): b, evicted for a, returns while a is in
// backoff, and a does not find it again, unless what happens then is a change.
func TestSparedUntilChange(t *testing.T) {
	for name, x := range map[string]struct {
		event  Event
		change bool
	}{
		"time":                {Time{1}, false},
		"confirmed":           {Confirm{"b"}, false},
		"the same again":      {SetLocalQueue{LocalQueue{Namespace: "ns", Name: "C", ClusterQueue: "C"}}, false},
		"quota comes back":    {Finish{"going"}, false},
		"unknown":             {DeleteWorkload{"nobody"}, false},
		"an end":              {Finish{"used"}, true},
		"a waiting one's end": {DeleteWorkload{"waits"}, true},
		"an edit":             {DeleteLocalQueue{"ns", "C"}, true},
		"a flavor":            {SetFlavor{Flavor{Name: "g"}}, true},
		"a namespace":         {SetNamespace{"other", map[string]string{"a": "b"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			s := fairStory(t)
			s.runs("C", "used", 0)
			s.runs("C", "going", 0, func(w *Workload) { w.Evicted = true })
			s.runs("B", "b", 10)
			s.job("C", "waits", 99)
			s.job("A", "a", 3)
			s.evicts("a: b InCohortFairSharing")
			s.release("b")
			s.decide("a")
			a := s.workloads["a"].seen
			a.Withheld = PendingEvaluation
			s.workloads["a"].seen.Evicted, s.workloads["a"].state = true, admitted
			s.Apply(SetWorkload{a})
			s.decide("b")
			a.Withheld = ""
			s.Apply(SetWorkload{a})
			s.evicts("")
			s.Apply(x.event)
			s.wake(s.workloads["a"])
			if x.change {
				s.evicts("a: b InCohortFairSharing")
			} else {
				s.evicts("")
			}
		})
	}
}

// Who is admitted late may make victims for one that sleeps, since admissions wake nobody: b2 takes B over its quota.
func TestUnclaimed(t *testing.T) {
	s := plans(t, Options{})
	s.policies("A", "c", reclaims(LowerPriority), q("f", 4))
	s.queue("B", "c", q("f", 4))
	s.queue("C", "c", q("f", 0))
	s.runs("B", "b1", 4)
	s.runs("C", "c1", 1, important)
	s.runs("C", "c2", 1, important)
	s.job("A", "a", 4, priority(5))
	s.evicts("") // 2 are free, B is within its quota
	if got := s.Unclaimed(); len(got) > 0 {
		t.Error(got)
	}
	s.job("B", "b2", 1)
	s.decide("b2")
	if got := s.Unclaimed(); len(got) != 1 || got[0] != "a" {
		t.Error(got)
	}
	s.leaves("c1")
	s.evicts("a: b1 InCohortReclamation") // woken by the fall; b1 got its quota at 1, b2 at 0
}

func TestLedger(t *testing.T) {
	var l Ledger
	evict := func(preemptor UID, victims ...UID) int {
		e := Evict{Preemptor: preemptor}
		for _, v := range victims {
			e.Victims = append(e.Victims, Victim{UID: v})
		}
		return len(l.Evict(e))
	}
	got := []int{evict("a", "b", "c"), evict("a", "b"), evict("b", "a"), evict("c", "b"), evict("a", "b"), evict("b", "a")}
	if want := []int{0, 0, 0, 0, 1, 1}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	l.Changed()
	if evict("a", "b") > 0 {
		t.Error("a change does not count")
	}
}

// What the judge must refuse, on one state: B of nominal 4 uses b1 3, b2 3 and b3 2, A (nominal 4) asks for 4 of 8, all used.
func TestCheckEvict(t *testing.T) {
	s := plans(t, Options{})
	s.policies("A", "c", reclaims(LowerPriority), q("f", 4))
	s.queue("B", "c", q("f", 4))
	s.runs("B", "b1", 3)
	s.runs("B", "b2", 3, priority(9))
	s.runs("B", "b3", 2)
	s.job("A", "a", 4, priority(5))
	for name, x := range map[string]struct {
		victims []UID
		wrong   int
	}{
		"b1 and b3":     {[]UID{"b1", "b3"}, 0},
		"not enough":    {[]UID{"b3"}, 1},
		"nobody":        {nil, 1},
		"no candidate":  {[]UID{"b2", "b3"}, 2}, // nor is b3 enough alone
		"twice":         {[]UID{"b1", "b3", "b3"}, 1},
		"never existed": {[]UID{"b1", "b3", "x"}, 1},
	} {
		e := Evict{Preemptor: "a", Queue: "A", Hold: map[FlavorResource]int64{{"f", "cpu"}: 4}}
		for _, v := range x.victims {
			e.Victims = append(e.Victims, Victim{v, "B", InCohortReclamation})
		}
		if wrong := s.CheckEvict(e); len(wrong) != x.wrong {
			t.Errorf("%s: %v", name, wrong)
		}
	}
	p := s.Problem("a", map[FlavorResource]int64{{"f", "cpu"}: 4})
	if best, found := p.BruteForce(); !found || len(best) != 2 || !p.Minimal(best) || p.Exception() != "" {
		t.Errorf("%v %v", best, found)
	}
	// For 3 b1 alone is enough: with b3 the plan is not minimal. A wrong reason is noticed.
	e := Evict{Preemptor: "a", Queue: "A", Hold: map[FlavorResource]int64{{"f", "cpu"}: 3},
		Victims: []Victim{{"b1", "B", InCohortReclamation}, {"b3", "B", InClusterQueue}}}
	if wrong := s.CheckEvict(e); len(wrong) != 2 {
		t.Error(wrong)
	}
	// With b2 of 1, B exceeds its 4 by 2: b3 may go, and b1 not after it.
	s.job("B", "b2", 1, priority(9), found("B", "f"))
	e.Hold, e.Victims = map[FlavorResource]int64{{"f", "cpu"}: 4}, []Victim{{"b1", "B", InCohortReclamation}, {"b3", "B", InCohortReclamation}}
	if wrong, nominal := s.CheckEvict(e), s.WithinNominal(e); len(wrong) == 0 || len(nominal) == 0 {
		t.Error(wrong, nominal)
	}
}
