package oracle

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

// generator makes random event logs of about ten queues and forty workloads.
type generator struct {
	*rand.Rand
	time int64
}

func (g *generator) oneIn(n int) bool { return g.IntN(n) == 0 }

func (g *generator) limit(n int) *int64 {
	if g.oneIn(3) {
		return ptr(int64(g.IntN(n)))
	}
	return nil
}

func (g *generator) groups(most int) []ResourceGroup {
	quota := func() Quota {
		return Quota{Nominal: int64(g.IntN(most)), BorrowingLimit: g.limit(6), LendingLimit: g.limit(6)}
	}
	one := ResourceGroup{Covered: []string{"cpu", "memory"}}
	for _, f := range []string{"f1", "f2"} {
		if len(one.Flavors) == 0 || g.oneIn(2) {
			one.Flavors = append(one.Flavors, FlavorQuotas{f, map[string]Quota{"cpu": quota(), "memory": quota()}})
		}
	}
	groups := []ResourceGroup{one}
	if g.oneIn(3) {
		groups = append(groups, ResourceGroup{[]string{"gpu"}, []FlavorQuotas{{"f3", map[string]Quota{"gpu": quota()}}}})
	}
	return groups
}

func (g *generator) weight() *int64 {
	return []*int64{nil, nil, ptr(0), ptr(500), ptr(3000)}[g.IntN(5)]
}

func (g *generator) clusterQueue(i int) Event {
	cq := ClusterQueue{Name: fmt.Sprint("q", i), NamespaceSelector: &Selector{}, Groups: g.groups(6), WeightMilli: g.weight()}
	if !g.oneIn(8) {
		cq.Cohort = fmt.Sprint("c", g.IntN(4))
	}
	if g.oneIn(3) {
		cq.Strategy = StrictFIFO
	}
	if g.oneIn(3) {
		cq.Fungibility.WhenCanBorrow = TryNextFlavor
	}
	if g.oneIn(12) {
		cq.Stop = Hold
	}
	return SetClusterQueue{cq}
}

func (g *generator) cohort(i int) Event {
	c := Cohort{Name: fmt.Sprint("c", i), Groups: g.groups(4), WeightMilli: g.weight()}
	if i > 0 && g.oneIn(2) {
		c.Parent = fmt.Sprint("c", g.IntN(i))
	} else if g.oneIn(40) {
		c.Parent = "c3"
	}
	return SetCohort{c}
}

func (g *generator) flavor(i int) Event {
	f := Flavor{Name: fmt.Sprint("f", i)}
	if i < 3 && g.oneIn(2) {
		f.NodeLabels = map[string]string{"zone": fmt.Sprint(i)}
	}
	return SetFlavor{f}
}

func (g *generator) workload(i int) Event {
	g.time++
	w := Workload{UID: UID(fmt.Sprint("w", i)), Namespace: "ns", LocalQueue: fmt.Sprint("q", g.IntN(10)), Priority: int64(g.IntN(3)),
		QueueTime: g.time, Active: !g.oneIn(20)}
	for p := range 1 + g.IntN(5)/4 {
		ps := PodSet{Name: fmt.Sprint("p", p), Count: 1 + int64(g.IntN(4)), Requests: map[string]int64{"cpu": int64(g.IntN(3))}}
		if g.oneIn(2) {
			ps.Requests["memory"] = int64(g.IntN(3))
		}
		if g.oneIn(8) {
			ps.Requests["gpu"] = 1
		}
		if g.oneIn(6) {
			ps.MinCount = ptr(1)
		}
		if g.oneIn(5) {
			ps.NodeSelector = map[string]string{"zone": fmt.Sprint(1 + g.IntN(2))}
		}
		w.PodSets = append(w.PodSets, ps)
	}
	if g.oneIn(10) {
		a := &Admission{ClusterQueue: w.LocalQueue}
		for _, ps := range w.PodSets {
			a.PodSets = append(a.PodSets, PodSetAssignment{Name: ps.Name, Count: ps.Count,
				Flavors: map[string]string{"cpu": "f1"}, Usage: map[string]int64{"cpu": ps.Count * ps.Requests["cpu"]}})
		}
		w.Admission = a
	}
	return SetWorkload{w}
}

// log makes a whole event log: the objects, then a mix of changes and decisions.
func (g *generator) log() []Event {
	var events []Event
	for i := 1; i <= 3; i++ {
		events = append(events, g.flavor(i))
	}
	for i := range 4 {
		if !g.oneIn(4) {
			events = append(events, g.cohort(i))
		}
	}
	for i := range 10 {
		events = append(events, g.clusterQueue(i),
			SetLocalQueue{LocalQueue{Namespace: "ns", Name: fmt.Sprint("q", i), ClusterQueue: fmt.Sprint("q", i)}})
	}
	for i := range 30 {
		events = append(events, g.workload(i))
	}
	for range 60 {
		events = append(events, g.change())
	}
	return append(events, Decide{})
}

func (g *generator) change() Event {
	uid := UID(fmt.Sprint("w", g.IntN(40)))
	switch g.IntN(14) {
	case 0, 1, 2, 3:
		return g.workload(g.IntN(40))
	case 4, 5, 6:
		return Finish{uid}
	case 7:
		return Forget{uid}
	case 8:
		return Confirm{uid}
	case 9:
		switch g.IntN(8) {
		case 0:
			return g.flavor(1 + g.IntN(3))
		case 1:
			return DeleteFlavor{fmt.Sprint("f", 1+g.IntN(3))}
		case 2, 3:
			return g.cohort(g.IntN(4))
		case 4:
			return DeleteCohort{fmt.Sprint("c", g.IntN(4))}
		case 5, 6:
			return g.clusterQueue(g.IntN(10))
		}
		return DeleteClusterQueue{fmt.Sprint("q", g.IntN(10))}
	}
	return Decide{}
}

// TestRandomLogs replays random logs twice and along the first replay's decisions, and checks the laws that the oracle can
// judge by itself: passes end, they are deterministic, no admission breaks a limit, and nobody who fits is left.
func TestRandomLogs(t *testing.T) {
	admits, holds, rises := 0, 0, 0
	for seed := range uint64(400) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 2))}
		events := g.log()
		options := Options{FairSharing: seed%2 == 0}
		one, two, follower := New(options), New(options), New(options)
		for i, e := range events {
			out := one.Apply(e)
			if again := two.Apply(e); !reflect.DeepEqual(out, again) {
				t.Fatalf("seed %d, event %d: %+v, then %+v", seed, i, out, again)
			}
			if _, decided := e.(Decide); !decided {
				follower.Apply(e)
				continue
			}
			for _, a := range out.Admits {
				follower.Apply(Assume(a))
			}
			admits, holds, rises = admits+len(out.Admits), holds+len(one.Holds()), rises+len(one.UnservedAfterRise())
			if u := one.Unserved(); len(u) > 0 {
				t.Fatalf("seed %d, event %d: unserved %v", seed, i, u)
			}
			if o := one.Apply(Decide{}); len(o.Admits) > 0 {
				t.Fatalf("seed %d, event %d: not at rest: %+v", seed, i, o.Admits)
			}
			two.Apply(Decide{})
			if !reflect.DeepEqual(one.Admissions(), follower.Admissions()) {
				t.Fatalf("seed %d, event %d: the follower has other admissions", seed, i)
			}
		}
		if wrong := append(one.OverLimit(), follower.OverLimit()...); len(wrong) > 0 {
			t.Fatalf("seed %d: %v", seed, wrong)
		}
	}
	t.Logf("%d admissions, %d holds, %d fit after a rise", admits, holds, rises)
	if admits < 4000 || holds < 100 {
		t.Errorf("the logs are too tame: %d admissions, %d holds", admits, holds)
	}
}

func BenchmarkLog(b *testing.B) {
	for i := 0; b.Loop(); i++ {
		g := &generator{Rand: rand.New(rand.NewPCG(uint64(i), 2))}
		w := New(Options{FairSharing: i%2 == 0})
		for _, e := range g.log() {
			w.Apply(e)
		}
	}
}
