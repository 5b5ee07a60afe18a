package oracle

import (
	"reflect"
	"strings"
	"testing"
)

// story builds a world step by step; every name is short, as in a drawing of a quota tree.
type story struct {
	*World
	t    *testing.T
	time int64
}

func newStory(t *testing.T, o Options, flavors ...string) *story {
	s := &story{World: New(o), t: t}
	for _, f := range flavors {
		s.Apply(SetFlavor{Flavor{Name: f}})
	}
	return s
}

func ptr(n int64) *int64 { return &n }

// q is the quota of one flavor for cpu: nominal, then optionally borrowing and lending limit, -1 for none.
func q(flavor string, nominal int64, limits ...int64) FlavorQuotas {
	quota := Quota{Nominal: nominal}
	if len(limits) > 0 && limits[0] >= 0 {
		quota.BorrowingLimit = &limits[0]
	}
	if len(limits) > 1 && limits[1] >= 0 {
		quota.LendingLimit = &limits[1]
	}
	return FlavorQuotas{Name: flavor, Resources: map[string]Quota{"cpu": quota}}
}

func cpuGroup(flavors ...FlavorQuotas) []ResourceGroup {
	if len(flavors) == 0 {
		return nil
	}
	return []ResourceGroup{{Covered: []string{"cpu"}, Flavors: flavors}}
}

func (s *story) cohort(name, parent string, flavors ...FlavorQuotas) {
	s.Apply(SetCohort{Cohort{Name: name, Parent: parent, Groups: cpuGroup(flavors...)}})
}

// queue makes a ClusterQueue and a LocalQueue of the same name in namespace "ns".
func (s *story) queue(name, cohort string, flavors ...FlavorQuotas) {
	s.edited(ClusterQueue{Name: name, Cohort: cohort, Groups: cpuGroup(flavors...)})
}

func (s *story) strict(name, cohort string, flavors ...FlavorQuotas) {
	s.edited(ClusterQueue{Name: name, Cohort: cohort, Groups: cpuGroup(flavors...), Strategy: StrictFIFO})
}

func (s *story) edited(cq ClusterQueue) {
	cq.NamespaceSelector = &Selector{}
	s.Apply(SetClusterQueue{cq})
	s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: cq.Name, ClusterQueue: cq.Name}})
}

// job is a workload of one pod that asks for so much cpu. Later ones have a later queue time.
func (s *story) job(queue string, uid UID, cpu int64, change ...func(*Workload)) {
	s.time++
	w := Workload{UID: uid, Namespace: "ns", LocalQueue: queue, QueueTime: s.time, Active: true,
		PodSets: []PodSet{{Name: "main", Count: 1, Requests: map[string]int64{"cpu": cpu}}}}
	for _, c := range change {
		c(&w)
	}
	s.Apply(SetWorkload{w})
}

func priority(p int64) func(*Workload) { return func(w *Workload) { w.Priority = p } }

func pods(count int64) func(*Workload) { return func(w *Workload) { w.PodSets[0].Count = count } }

func selects(key, value string) func(*Workload) {
	return func(w *Workload) { w.PodSets[0].NodeSelector = map[string]string{key: value} }
}

// found gives the workload an admission that is already there.
func found(queue, flavor string) func(*Workload) {
	return func(w *Workload) {
		a := &Admission{ClusterQueue: queue}
		for _, ps := range w.PodSets {
			p := PodSetAssignment{Name: ps.Name, Count: ps.Count, Flavors: map[string]string{}, Usage: map[string]int64{}}
			for r, n := range ps.Requests {
				p.Flavors[r], p.Usage[r] = flavor, n*ps.Count
			}
			a.PodSets = append(a.PodSets, p)
		}
		w.Admission = a
	}
}

// decide runs a pass and compares the admissions with "a b c", in this order. It checks the laws too.
func (s *story) decide(want string) Outcome {
	s.t.Helper()
	out := s.Apply(Decide{})
	var got []string
	for _, a := range out.Admits {
		got = append(got, string(a.UID))
	}
	if g := strings.Join(got, " "); g != want {
		s.t.Fatalf("admitted %q, want %q; waiting: %+v", g, want, out.Waits)
	}
	if len(s.OverLimit()) > 0 || len(s.Unserved()) > 0 {
		s.t.Fatalf("laws: over limit %v, unserved %v", s.OverLimit(), s.Unserved())
	}
	return out
}

// waits compares the wait of one workload.
func (s *story) waits(out Outcome, uid UID, reason Reason, kind Kind) {
	s.t.Helper()
	for _, w := range out.Waits {
		if w.UID == uid {
			if w.Reason != reason || w.Verdict != kind {
				s.t.Errorf("%s waits with %s, %s; want %s, %s", uid, w.Reason, w.Verdict, reason, kind)
			}
			return
		}
	}
	s.t.Errorf("%s does not wait", uid)
}

func (s *story) holds(want map[UID]int64) {
	s.t.Helper()
	got := map[UID]int64{}
	for uid, h := range s.Holds() {
		for _, n := range h {
			got[uid] += n
		}
	}
	if !reflect.DeepEqual(got, want) {
		s.t.Errorf("holds %v, want %v", got, want)
	}
}

// number compares one amount of flavor "f", resource cpu.
func (s *story) number(what string, of func(Node, FlavorResource) int64, n Node, want int64) {
	s.t.Helper()
	if got := of(n, FlavorResource{"f", "cpu"}); got != want {
		s.t.Errorf("%s of %s = %d, want %d", what, n.Name, got, want)
	}
}
