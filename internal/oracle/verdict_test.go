package oracle

import (
	"reflect"
	"testing"
)

func twoFlavors(t *testing.T, p Fungibility, limits ...FlavorQuotas) *story {
	s := newStory(t, Options{}, "f", "g")
	s.cohort("c", "", q("f", 10), q("g", 10))
	s.edited(ClusterQueue{Name: "A", Cohort: "c", Fungibility: p, Groups: cpuGroup(limits...)})
	return s
}

func flavorOf(out Outcome, i int) string { return out.Admits[i].Admission.PodSets[0].Flavors["cpu"] }

// By default the search stops at a flavor that borrows; with TryNextFlavor the next within nominal wins.
func TestWhenCanBorrow(t *testing.T) {
	for policy, want := range map[FungibilityPolicy]string{"": "f", MayStopSearch: "f", TryNextFlavor: "g"} {
		s := twoFlavors(t, Fungibility{WhenCanBorrow: policy}, q("f", 1), q("g", 2))
		s.job("A", "a", 2)
		if got := flavorOf(s.decide("a"), 0); got != want {
			t.Errorf("%q: flavor %s, want %s", policy, got, want)
		}
	}
}

// If nothing stopped the search, of equal flavors the earlier wins, and any fit beats no-candidates.
func TestBestOfSearch(t *testing.T) {
	s := twoFlavors(t, Fungibility{WhenCanBorrow: TryNextFlavor}, q("f", 0), q("g", 0))
	s.job("A", "a", 1)
	if got := flavorOf(s.decide("a"), 0); got != "f" {
		t.Errorf("flavor %s, want f", got)
	}
	s = twoFlavors(t, Fungibility{Preference: PreemptionOverBorrowing}, q("f", 3), q("g", 0))
	s.queue("B", "c", q("f", 0), q("g", 0))
	s.job("B", "used", 13, found("B", "f")) // nothing of f is left, though A's nominal would do
	s.job("A", "a", 2)
	if got := flavorOf(s.decide("a"), 0); got != "g" {
		t.Errorf("flavor %s, want g", got)
	}
}

// A search starts at the first flavor every time.
func TestSearchFromTheFirst(t *testing.T) {
	s := newStory(t, Options{}, "f", "g")
	s.queue("A", "", q("f", 2), q("g", 2))
	s.job("A", "a", 2)
	s.job("A", "b", 2)
	s.job("A", "c", 2)
	out := s.decide("a b")
	if flavorOf(out, 0) != "f" || flavorOf(out, 1) != "g" {
		t.Error("want f, then g")
	}
	s.Apply(Finish{"a"})
	if flavorOf(s.decide("c"), 0) != "f" {
		t.Error("want f again")
	}
}

func TestFlavorMatching(t *testing.T) {
	zoned := Flavor{Name: "z", NodeLabels: map[string]string{"zone": "a", "gen": "7"},
		NodeTaints: []Taint{{"gpu", "yes", "NoSchedule"}, {"soft", "", "PreferNoSchedule"}}}
	gpu := []Toleration{{Key: "gpu", Operator: "Exists"}}
	for name, x := range map[string]struct {
		ps   PodSet
		want bool
	}{
		"untolerated taint":            {PodSet{}, false},
		"tolerated":                    {PodSet{Tolerations: gpu}, true},
		"tolerated by value":           {PodSet{Tolerations: []Toleration{{Key: "gpu", Value: "yes", Effect: "NoSchedule"}}}, true},
		"another value":                {PodSet{Tolerations: []Toleration{{Key: "gpu", Value: "no"}}}, false},
		"another effect":               {PodSet{Tolerations: []Toleration{{Key: "gpu", Operator: "Exists", Effect: "NoExecute"}}}, false},
		"all tolerated":                {PodSet{Tolerations: []Toleration{{Operator: "Exists"}}}, true},
		"selector":                     {PodSet{Tolerations: gpu, NodeSelector: map[string]string{"zone": "a"}}, true},
		"selector contradicts":         {PodSet{Tolerations: gpu, NodeSelector: map[string]string{"zone": "b"}}, false},
		"selector on an undefined key": {PodSet{Tolerations: gpu, NodeSelector: map[string]string{"disk": "b"}}, true},
		"affinity, one term holds": {PodSet{Tolerations: gpu, Affinity: [][]Requirement{
			{{"zone", "In", []string{"b"}}}, {{"zone", "NotIn", []string{"b"}}, {"gen", "Gt", []string{"6"}}}}}, true},
		"affinity, no term holds": {PodSet{Tolerations: gpu, Affinity: [][]Requirement{
			{{"zone", "In", []string{"b"}}}, {{"gen", "Lt", []string{"7"}}}, {{"gen", "DoesNotExist", nil}}}}, false},
		"a term left empty matches all": {PodSet{Tolerations: gpu, Affinity: [][]Requirement{
			{{"zone", "In", []string{"b"}}}, {{"disk", "Exists", nil}}}}, true},
	} {
		if got := opens(&zoned, &x.ps); got != x.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	zoned.Tolerations = gpu
	if !opens(&zoned, &PodSet{}) {
		t.Error("the flavor's own tolerations do not count")
	}
}

// Per resource group the mildest reason, across groups and pod sets the gravest.
func TestReasons(t *testing.T) {
	s := newStory(t, Options{}, "g")
	s.Apply(SetFlavor{Flavor{Name: "f", NodeLabels: map[string]string{"zone": "a"}}})
	s.edited(ClusterQueue{Name: "A", Groups: []ResourceGroup{
		{Covered: []string{"cpu"}, Flavors: []FlavorQuotas{q("f", 10), q("g", 5)}},
		{Covered: []string{"gpu"}, Flavors: []FlavorQuotas{{Name: "g", Resources: map[string]Quota{"gpu": {Nominal: 1}}}}},
	}})
	asks := func(cpu, gpu, disk int64) func(*Workload) {
		return func(w *Workload) {
			w.PodSets[0].Requests = map[string]int64{"cpu": cpu, "gpu": gpu, "disk": disk}
		}
	}
	s.job("A", "used", 6, found("A", "f"))
	s.job("A", "used2", 1, asks(1, 1, 0), found("A", "g"))
	s.job("A", "fits", 4, asks(4, 0, 0))
	s.job("A", "waits", 0, asks(10, 0, 0))                     // f has 10, all of it potential
	s.job("A", "exceeds", 0, asks(11, 0, 0))                   // more than 10 and 5
	s.job("A", "zone", 0, asks(6, 0, 0), selects("zone", "b")) // only g, which has 5
	s.job("A", "gpus", 0, asks(1, 2, 0))                       // cpu may wait, gpu exceeds
	s.job("A", "disk", 0, asks(1, 2, 1))                       // not covered is graver
	s.job("A", "zero", 0, asks(5, 0, 0), selects("zone", "b"))
	out := s.decide("fits")
	s.waits(out, "waits", WaitingForQuota, Preempt)
	s.waits(out, "exceeds", ExceedsMaxQuota, NoFit)
	s.waits(out, "zone", ExceedsMaxQuota, NoFit)
	s.waits(out, "gpus", ExceedsMaxQuota, NoFit)
	s.waits(out, "disk", NoMatchingFlavor, NoFit)
	s.waits(out, "zero", WaitingForQuota, Preempt)
}

// Preempt without victims where Preempt is possible although all policies are Never, else NoFit.
func TestPreemptIsPossible(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.cohort("r", "", q("f", 4))
	s.cohort("c", "r", q("f", 4))
	s.queue("A", "c", q("f", 2, 9))
	s.queue("B", "c", q("f", 2))
	s.queue("R", "r", q("f", 0))
	s.job("R", "used", 12, found("R", "f")) // all 4 + 8; c's own use is 0
	s.job("A", "nominal", 2)
	s.job("A", "x is c", 8)
	s.job("A", "no x", 9)
	s.job("A", "limit", 12) // above A's 2 + 9
	s.queue("alone", "", q("f", 3))
	s.job("alone", "u", 2, found("alone", "f"))
	s.job("alone", "within", 3)
	s.job("alone", "above", 4)
	out := s.decide("")
	s.waits(out, "nominal", WaitingForQuota, Preempt)
	s.waits(out, "x is c", WaitingForQuota, Preempt)
	s.waits(out, "no x", WaitingForQuota, NoFit) // usage 12 + 9 is above 12 at r, and none below holds it
	s.waits(out, "limit", ExceedsMaxQuota, NoFit)
	s.waits(out, "within", WaitingForQuota, Preempt)
	s.waits(out, "above", ExceedsMaxQuota, NoFit)
}

// X that is the root does not make Preempt possible: the limit of c is in the way, and r holds the request.
func TestRootAsXIsNoFit(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.cohort("r", "", q("f", 10))
	s.cohort("c", "r", q("f", 2, 2))
	s.queue("A", "c", q("f", 0))
	s.queue("B", "c", q("f", 0))
	s.job("B", "b", 2, found("B", "f"))
	s.job("A", "a", 3)
	s.waits(s.decide(""), "a", WaitingForQuota, NoFit)
	s.cohort("r", "", q("f", 0))
	s.cohort("top", "", q("f", 10))
	s.cohort("r", "top", q("f", 10)) // now r is not the root
	s.waits(s.decide(""), "a", WaitingForQuota, Preempt)
}

// Pod sets go in order, the use of earlier ones counted; a flavor for each pod set.
func TestPodSetsInOrder(t *testing.T) {
	s := newStory(t, Options{}, "f", "g")
	s.queue("A", "", q("f", 5), q("g", 5))
	s.job("A", "a", 3, func(w *Workload) {
		w.PodSets = append(w.PodSets, PodSet{Name: "second", Count: 1, Requests: map[string]int64{"cpu": 3}})
	})
	out := s.decide("a")
	if f := out.Admits[0].Admission.PodSets; f[0].Flavors["cpu"] != "f" || f[1].Flavors["cpu"] != "g" {
		t.Errorf("flavors %+v", f)
	}
}

// Every pod counts 1 of "pods" where the queue covers it, and all resources of a group share one flavor.
func TestPodsResource(t *testing.T) {
	s := newStory(t, Options{}, "f", "g")
	quota := func(cpu, pods int64) map[string]Quota {
		return map[string]Quota{"cpu": {Nominal: cpu}, "pods": {Nominal: pods}}
	}
	s.edited(ClusterQueue{Name: "A", Groups: []ResourceGroup{{Covered: []string{"cpu", "pods"},
		Flavors: []FlavorQuotas{{Name: "f", Resources: quota(100, 2)}, {Name: "g", Resources: quota(9, 5)}}}}})
	s.job("A", "a", 3, pods(3))
	out := s.decide("a")
	want := PodSetAssignment{Name: "main", Count: 3, Flavors: map[string]string{"cpu": "g", "pods": "g"},
		Usage: map[string]int64{"cpu": 9, "pods": 3}}
	if got := out.Admits[0].Admission.PodSets[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestQuotaCheckStrategy(t *testing.T) {
	for ignore, want := range map[bool]string{false: "", true: "a"} {
		s := newStory(t, Options{IgnoreUndeclared: ignore}, "f")
		s.queue("A", "", q("f", 5))
		s.job("A", "a", 3, func(w *Workload) { w.PodSets[0].Requests["disk"] = 1 })
		s.decide(want)
	}
}

// Partial admission takes the largest size that fits.
func TestPartialAdmission(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.queue("A", "", q("f", 10))
	s.job("A", "used", 3, found("A", "f"))
	s.job("A", "a", 1, pods(20), func(w *Workload) { w.PodSets[0].MinCount = ptr(4) })
	s.job("A", "b", 1, pods(20), func(w *Workload) { w.PodSets[0].MinCount = ptr(1) })
	out := s.decide("a")
	if got := out.Admits[0].Admission.PodSets[0].Count; got != 7 {
		t.Errorf("size %d, want 7", got)
	}
	s.waits(out, "b", ExceedsMaxQuota, NoFit)
	s.Apply(Finish{"used"})
	if got := s.decide("b").Admits[0].Admission.PodSets[0].Count; got != 3 {
		t.Errorf("size %d, want 3", got)
	}
}

// A pod set of 8 admitted with 5 whose Job says 3 reclaimable (8 - 5) from the start still uses 5.
func TestReclaimablePods(t *testing.T) {
	s := newStory(t, Options{}, "f")
	s.queue("A", "", q("f", 10))
	reclaim := func(n int64) func(*Workload) { return func(w *Workload) { w.PodSets[0].Reclaimable = n } }
	s.job("A", "a", 2, pods(8), func(w *Workload) { w.PodSets[0].MinCount = ptr(1) })
	a := s.decide("a").Admits[0].Admission
	admittedAs := func(w *Workload) { w.Admission = &a }
	for reclaimable, usage := range map[int64]int64{0: 10, 3: 10, 4: 8, 8: 0} {
		s.job("A", "a", 2, pods(8), reclaim(reclaimable), admittedAs)
		s.number("usage", s.Usage, QueueNode("A"), usage)
	}
	s.job("A", "a", 2, pods(8), reclaim(6), admittedAs)
	s.job("A", "b", 2, pods(8), reclaim(5)) // asks for 3 pods
	if got := s.decide("b").Admits[0].Admission.PodSets[0].Count; got != 3 {
		t.Errorf("size %d, want 3", got)
	}
}
