package oracle

import (
	"fmt"
	"sort"
	"strings"
	"testing"
)

// awake lists the pending workloads that are not parked.
func (s *story) awake(want string) {
	s.t.Helper()
	var got []string
	for uid, w := range s.workloads {
		if w.state == pending && !w.parked {
			got = append(got, string(uid))
		}
	}
	sort.Strings(got)
	if g := strings.Join(got, " "); g != want {
		s.t.Errorf("awake: %q, want %q", g, want)
	}
}

// Two trees, in one of them two flavors and a lending limit that keeps A2's fall to itself.
func crowded(t *testing.T) *story {
	s := newStory(t, Options{}, "f", "g")
	s.queue("A1", "c", q("f", 2))
	s.queue("A2", "c", q("f", 2, 0, 0))
	s.queue("A3", "c", q("g", 2))
	s.queue("B", "d", q("f", 2))
	for _, name := range []string{"A1", "A2", "A3", "B"} {
		for i := range 2 {
			s.job(name, UID(fmt.Sprint(name, "run", i)), 1)
		}
		s.job(name, UID(name), 2)
	}
	s.decide("A1run0 A2run0 A3run0 A1run1 A2run1 A3run1 Brun0 Brun1")
	s.awake("")
	return s
}

func TestFallWakesUnderTopmostChangedNode(t *testing.T) {
	s := crowded(t)
	s.Apply(Finish{"A1run0"}) // A1 and c change, in f: A3 never looked at f, and B is in another tree
	s.awake("A1 A2")
	s.decide("")
	s.awake("")
	s.Apply(Finish{"A2run0"}) // local quota absorbs it: only A2 changes
	s.awake("A2")
	s.decide("")
	s.Apply(Forget{"A3run0"}) // in g; the forgotten one is pending again
	s.awake("A3 A3run0")
	s.decide("A3run0")
	s.Apply(Confirm{"A3run0"})
	s.Apply(Forget{"A3run0"}) // confirmed: nothing to forget
	s.awake("")
}

func TestAdmissionsAndArrivalsWakeNobody(t *testing.T) {
	s := crowded(t)
	s.job("A1", "adopted", 5, found("A1", "f"))
	s.awake("")
	s.job("A1", "new", 2)
	s.awake("new")
	s.decide("")
	s.awake("")
}

func TestEditsWakeTheTree(t *testing.T) {
	tree := "A1 A2 A3"
	for name, x := range map[string]struct {
		edit func(s *story)
		want string
	}{
		"ClusterQueue edited":   {func(s *story) { s.queue("A1", "c", q("f", 1)) }, tree},
		"ClusterQueue as it is": {func(s *story) { s.queue("A1", "c", q("f", 2)) }, ""},
		"ClusterQueue moved":    {func(s *story) { s.queue("A1", "d", q("f", 2)) }, "A1 A2 A3 B"},
		"ClusterQueue created":  {func(s *story) { s.Apply(SetClusterQueue{ClusterQueue{Name: "N", Cohort: "d"}}) }, "B"},
		"ClusterQueue deleted":  {func(s *story) { s.Apply(DeleteClusterQueue{"A3"}) }, tree},
		"Cohort created":        {func(s *story) { s.cohort("c", "") }, tree},
		"Cohort above both":     {func(s *story) { s.cohort("c", "d") }, "A1 A2 A3 B"},
		"Cohort elsewhere":      {func(s *story) { s.cohort("e", "") }, ""},
		"flavor g":              {func(s *story) { s.Apply(SetFlavor{Flavor{Name: "g", NodeLabels: map[string]string{"a": "b"}}}) }, tree},
		"flavor of nobody":      {func(s *story) { s.Apply(SetFlavor{Flavor{Name: "h"}}) }, ""},
		"LocalQueue created": {func(s *story) {
			s.Apply(SetLocalQueue{LocalQueue{Namespace: "x", Name: "x", ClusterQueue: "B"}})
		}, "B"},
		"LocalQueue moved": {func(s *story) {
			s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: "B", ClusterQueue: "A1"}})
		}, "A1 A2 A3 B"},
		"priority of a waiting one": {func(s *story) { s.time = 2; s.job("A1", "A1", 2, priority(1)) }, tree},
		"priority of a running one": {func(s *story) { s.job("B", "Brun0", 1, priority(1), found("B", "f")) }, "B"},
		"minimum runtime of a class is lowered": {func(s *story) {
			s.job("B", "Brun0", 1, found("B", "f"), func(w *Workload) { w.MinimumRuntime = 9 })
			s.decide("")
			s.job("B", "Brun0", 1, found("B", "f"), func(w *Workload) { w.MinimumRuntime = 8 })
			s.awake("")
			s.job("B", "Brun0", 1, found("B", "f"))
		}, "B"},
		"own request":       {func(s *story) { s.time = 2; s.job("A1", "A1", 3) }, "A1"},
		"nothing":           {func(s *story) { s.time = 2; s.job("A1", "A1", 2) }, ""},
		"namespace labels":  {func(s *story) { s.Apply(SetNamespace{"ns", map[string]string{"a": "b"}}) }, "A1 A2 A3 B"},
		"another namespace": {func(s *story) { s.Apply(SetNamespace{"x", map[string]string{"a": "b"}}) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := crowded(t)
			x.edit(s)
			s.awake(x.want)
		})
	}
}

// Parking in a BestEffortFIFO queue parks later ones of equal shape with it, priority included, and those
// take no turns: the last one, which fits, goes in the round after the first of them.
func TestEqualShapesParkTogether(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.queue("A", "c", q("f", 4))
	s.queue("B", "c", q("f", 0))
	s.job("B", "b", 3, found("B", "f"))
	s.job("A", "a1", 2)
	s.job("A", "a2", 2)
	s.job("A", "other", 2, priority(-1))
	s.decide("")
	looks := map[*verdict]string{}
	for _, uid := range []UID{"a1", "a2", "other"} {
		looks[s.workloads[uid].last] += string(uid)
	}
	if len(looks) != 2 || looks[s.workloads["a1"].last] != "a1a2" {
		t.Errorf("looks: %v", looks)
	}
}

// Preempt without victims takes a turn, NoFit does not: B goes before A's second only if A's turn in the first round
// went to one that cannot be helped.
func TestPreemptTakesATurn(t *testing.T) {
	for size, want := range map[int64]string{3: "b a", 12: "a b"} {
		s := newStory(t, Options{}, "f")
		s.cohort("c", "", q("f", 5))
		s.queue("A", "c", q("f", 3))
		s.queue("B", "c", q("f", 0))
		s.job("B", "used", 6, found("B", "f"))
		s.job("A", "first", size, priority(1)) // 3 is within nominal: Preempt; 12 exceeds 8: NoFit
		s.job("A", "a", 1)                     // level 0
		s.job("B", "b", 1)                     // level 1
		out := s.decide(want)
		s.waits(out, "first", map[int64]Reason{3: WaitingForQuota, 12: ExceedsMaxQuota}[size],
			map[int64]Kind{3: Preempt, 12: NoFit}[size])
	}
}

// An assumed workload whose object carries no admission yet is older than our write.
func TestStaleObjectLeavesAssumption(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.queue("A", "", q("f", 2))
	s.job("A", "a", 2)
	s.decide("a")
	s.time = 0
	s.job("A", "a", 2)
	s.number("usage", s.Usage, QueueNode("A"), 2)
	s.decide("")
	s.time = 0
	s.job("A", "a", 2, found("A", "f"))
	if s.Assumed("a") {
		t.Error("still assumed")
	}
	s.job("A", "b", 2)
	s.decide("")
	s.time = 0
	s.job("A", "a", 2) // somebody cleared the admission
	s.number("usage", s.Usage, QueueNode("A"), 0)
	s.decide("a")
}

// Evicted workloads keep their quota until their admission is cleared.
func TestEvictedKeepsQuota(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.queue("A", "", q("f", 2))
	evicted := func(w *Workload) { w.Evicted = true }
	s.job("A", "a", 2, found("A", "f"), evicted)
	s.job("A", "b", 2)
	s.decide("")
	s.job("A", "a", 2, evicted)
	s.decide("b")
}

func TestMissingAndInactiveQueues(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: "lost", ClusterQueue: "nowhere"}})
	s.job("none", "no local queue", 1)
	s.job("lost", "no cluster queue", 1)
	s.queue("A", "", q("f", 2), q("gone", 2))
	s.job("A", "no flavor", 1)
	s.edited(ClusterQueue{Name: "S", Stop: HoldAndDrain, Groups: cpuGroup(q("f", 2))})
	s.job("S", "stopped", 1)
	s.edited(ClusterQueue{Name: "T", Terminating: true, Groups: cpuGroup(q("f", 2))})
	s.job("T", "terminating", 1)
	out := s.decide("")
	for uid, want := range map[UID]Reason{"no local queue": Misconfigured, "no cluster queue": Misconfigured,
		"no flavor": Suspended, "stopped": Suspended, "terminating": Suspended} {
		s.waits(out, uid, want, Untried)
	}
	s.Apply(SetFlavor{Flavor{Name: "gone"}})
	s.queue("none", "", q("f", 1))
	s.queue("nowhere", "", q("f", 1))
	s.queue("S", "", q("f", 1))
	s.decide("no flavor stopped no local queue no cluster queue")
	s.Apply(DeleteFlavor{"gone"})
	s.job("A", "again", 1)
	s.decide("")
}

func TestMustEvict(t *testing.T) {
	s := newStory(t, Options{}, "f")
	reserved := func(w *Workload) { w.Admission.Reserved = true }
	for _, name := range []string{"A", "H", "D", "L"} {
		s.queue(name, "", q("f", 9))
		s.job(name, UID(name+"adm"), 1, found(name, "f"))
		s.job(name, UID(name+"res"), 1, found(name, "f"), reserved)
		s.job(name, UID(name+"off"), 1, found(name, "f"), func(w *Workload) { w.Active = false })
		s.job(name, UID(name+"ev"), 1, found(name, "f"), func(w *Workload) { w.Evicted = true })
	}
	s.edited(ClusterQueue{Name: "H", Stop: Hold, Groups: cpuGroup(q("f", 9))})
	s.edited(ClusterQueue{Name: "D", Stop: HoldAndDrain, Groups: cpuGroup(q("f", 9))})
	s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: "L", ClusterQueue: "L", Stop: Hold}})
	want := "[{Aoff Deactivated} {Dadm ClusterQueueStopped} {Doff Deactivated} {Dres ClusterQueueStopped} " +
		"{Hoff Deactivated} {Hres ClusterQueueStopped} {Loff Deactivated} {Lres LocalQueueStopped}]"
	if got := fmt.Sprint(s.MustEvict()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Quota edits below use evict nothing; they only stop new admissions.
func TestCutBelowUse(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.queue("A", "", q("f", 3))
	s.job("A", "a", 2)
	s.decide("a")
	s.queue("A", "", q("f", 1))
	s.job("A", "b", 1)
	s.decide("")
	s.number("available", s.Available, QueueNode("A"), -1)
	if len(s.MustEvict()) != 0 {
		t.Error("a cut evicts")
	}
}

// A rise of usage can make a workload fit; it waits nevertheless, since admissions wake nobody (reading 19).
func TestFitAfterRise(t *testing.T) {
	s := newStory(t, Options{}, "g")
	s.Apply(SetFlavor{Flavor{Name: "f", NodeLabels: map[string]string{"zone": "1"}}})
	s.queue("A", "", q("f", 10), q("g", 20))
	s.job("A", "two", 8, func(w *Workload) {
		w.PodSets = append(w.PodSets, PodSet{Name: "on f", Count: 1, Requests: map[string]int64{"cpu": 5},
			NodeSelector: map[string]string{"zone": "1"}})
	})
	s.Apply(SetFlavor{Flavor{Name: "g", NodeLabels: map[string]string{"zone": "2"}}})
	s.decide("") // 8 on f, and 5 more do not fit there
	s.job("A", "rise", 4)
	s.decide("rise") // now 8 would go to g
	if got := fmt.Sprint(s.UnservedAfterRise()); got != "[two]" {
		t.Errorf("unserved after the rise: %s", got)
	}
	s.queue("A", "", q("f", 10), q("g", 21))
	s.decide("two")
}

// A flavor matters to equal shape only in a resource group of which the pod set asks something, be it zero: where it asks nothing it gets
// no flavor, and no verdict depends on which are open.
func TestEqualShapeWithoutGroupsNotAsked(t *testing.T) {
	gpu := func(n int64) func(*Workload) {
		return func(w *Workload) { w.PodSets[0].Requests["gpu"] = n }
	}
	tolerates := func(w *Workload) { w.PodSets[0].Tolerations = []Toleration{{Operator: "Exists"}} }
	selectsNode := selects("gpu", "large") // contradicts f0
	for name, x := range map[string]struct {
		both, second func(*Workload)
		equal        bool
	}{
		"asks nothing, a taint":    {func(*Workload) {}, tolerates, true},
		"asks nothing, a selector": {func(*Workload) {}, selectsNode, true},
		"asks zero, a taint":       {gpu(0), tolerates, false},
		"asks one, a taint":        {gpu(1), tolerates, false},
		"asks one, a selector":     {gpu(1), selectsNode, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, Options{}, "f")
			s.Apply(SetFlavor{Flavor{Name: "f0", NodeLabels: map[string]string{"gpu": "small"}}})
			s.Apply(SetFlavor{Flavor{Name: "f1", NodeLabels: map[string]string{"gpu": "large"}, NodeTaints: []Taint{{"gpu", "large", "NoSchedule"}}}})
			gpus := func(flavor string) FlavorQuotas {
				return FlavorQuotas{Name: flavor, Resources: map[string]Quota{"gpu": {Nominal: 4}}}
			}
			s.edited(ClusterQueue{Name: "A", Cohort: "c", Groups: []ResourceGroup{
				{Covered: []string{"cpu"}, Flavors: []FlavorQuotas{q("f", 4)}},
				{Covered: []string{"gpu"}, Flavors: []FlavorQuotas{gpus("f0"), gpus("f1")}},
			}})
			s.queue("B", "c", q("f", 0))
			s.job("B", "b", 3, found("B", "f"))
			s.job("A", "a1", 2, x.both)
			s.job("A", "a2", 2, x.both, x.second)
			s.decide("")
			if one := s.workloads["a1"].last == s.workloads["a2"].last; one != x.equal {
				t.Errorf("parked by one verdict: %v, want %v", one, x.equal)
			}
		})
	}
}

// The end of a minimum runtime wakes the tree, unless the workload counts as gone: then it is no candidate before nor after. If it turns out
// to stay, it is one.
func TestEndOfMinimumRuntime(t *testing.T) {
	least := func(w *Workload) { w.MinimumRuntime = 6 }
	evicted := func(w *Workload) { w.Evicted = true }
	nothing := func(*story) {}
	sees := func(change ...func(*Workload)) func(*story) {
		return func(s *story) {
			s.time = 0
			s.runs("A", "r", 4, append(change, least)...)
		}
	}
	decided := func(s *story) {
		s.Apply(AssumeEvict{Evict{Preemptor: "a", Queue: "A", Hold: cpu("f", 4), Victims: []Victim{{"r", "A", InClusterQueue}}}})
	}
	failed := func(s *story) { s.Apply(EvictFailed{"r"}) }
	for name, x := range map[string]struct {
		first, later func(s *story) // before its end, and after
		awake        [2]string      // at its end, and later
		evicts       string
	}{
		"it runs":                  {nothing, nothing, [2]string{"a", "a"}, "a: r InClusterQueue"},
		"it is evicted":            {sees(evicted), nothing, [2]string{}, ""},
		"it is not evicted after":  {sees(evicted), sees(), [2]string{"", "a"}, "a: r InClusterQueue"},
		"its eviction is decided":  {decided, nothing, [2]string{}, ""},
		"its eviction has failed":  {func(s *story) { decided(s); failed(s) }, nothing, [2]string{"a", "a"}, "a: r InClusterQueue"},
		"its eviction fails later": {decided, failed, [2]string{"", "a"}, "a: r InClusterQueue"},
	} {
		t.Run(name, func(t *testing.T) {
			s := plans(t, Options{})
			s.policies("A", "", within(LowerPriority), q("f", 4))
			s.runs("A", "r", 4, least) // admitted at 1
			s.job("A", "a", 4, priority(1))
			s.evicts("")
			x.first(s)
			s.at(6)
			s.evicts("")
			s.awake("")
			s.at(7)
			s.awake(x.awake[0])
			x.later(s)
			s.awake(x.awake[1])
			s.evicts(x.evicts)
		})
	}
}
