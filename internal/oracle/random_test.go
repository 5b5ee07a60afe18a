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
	time     int64
	policies bool // make preemption policies, evictions and minimum runtimes too
	timely   bool // make backfill, limits, windows and more times too
}

func (g *generator) backfill() Backfill {
	if !g.timely {
		return Backfill{}
	}
	b := Backfill{Mode: []BackfillMode{EASY, EASY, Conservative, BackfillNone, ""}[g.IntN(5)], DefaultLimit: int64(g.IntN(8)),
		Depth: g.IntN(4) - 1, Unlimited: g.oneIn(4)}
	if g.oneIn(3) {
		n := g.IntN(3) - 1
		b.BorrowingDepth = &n
	}
	return b
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
	cq.Backfill = g.backfill()
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
	if g.policies {
		cq.Preemption = g.preemption()
		cq.Fungibility.WhenCanPreempt = []FungibilityPolicy{"", MayStopSearch}[g.IntN(2)]
		cq.Fungibility.Preference = []Preference{"", PreemptionOverBorrowing}[g.IntN(2)]
		if g.oneIn(10) {
			cq.MinimumRuntime = int64(g.IntN(10))
		}
	}
	return SetClusterQueue{cq}
}

func (g *generator) preemption() Preemption {
	p := Preemption{
		WithinClusterQueue:  []PreemptionPolicy{Never, LowerPriority, LowerOrNewerEqualPriority}[g.IntN(3)],
		ReclaimWithinCohort: []PreemptionPolicy{Never, LowerPriority, AnyPriority, AnyPriority}[g.IntN(4)],
	}
	if g.oneIn(3) {
		p.BorrowWithinCohort = LowerPriority
		if g.oneIn(2) {
			p.MaxPriorityThreshold = ptr(int64(g.IntN(3)))
		}
	}
	return p
}

func (g *generator) cohort(i int) Event {
	c := Cohort{Name: fmt.Sprint("c", i), Groups: g.groups(4), WeightMilli: g.weight()}
	c.Backfill = g.backfill()
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
	if g.timely {
		w.Limit = int64(g.IntN(10))
	}
	if g.oneIn(10) {
		a := &Admission{ClusterQueue: w.LocalQueue}
		for _, ps := range w.PodSets {
			a.PodSets = append(a.PodSets, PodSetAssignment{Name: ps.Name, Count: ps.Count,
				Flavors: map[string]string{"cpu": "f1"}, Usage: map[string]int64{"cpu": ps.Count * ps.Requests["cpu"]}})
		}
		w.Admission = a
		if g.timely {
			w.Started = max(0, g.time-int64(g.IntN(10)))
		}
		if g.policies {
			w.ReservedAt, w.AdmittedAt, w.Evicted = g.time, g.time, g.oneIn(5)
		}
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

func (g *generator) window() Event {
	r := Reservation{Name: fmt.Sprint("r", g.IntN(3)), Node: QueueNode(fmt.Sprint("q", g.IntN(10))), Amounts: cpu("f1", int64(g.IntN(5))),
		Start: g.time + int64(g.IntN(8)), Duration: 1 + int64(g.IntN(8))}
	switch g.IntN(4) {
	case 0:
		r.LocalQueues = [][2]string{{"ns", r.Node.Name}}
	case 1:
		r.Node, r.Amounts, r.ShareMilli = CohortNode(fmt.Sprint("c", g.IntN(4))), nil, int64(g.IntN(1001))
	case 2:
		return DeleteReservation{r.Name}
	}
	return SetReservation{r}
}

func (g *generator) change() Event {
	uid := UID(fmt.Sprint("w", g.IntN(40)))
	if g.timely && g.oneIn(8) {
		g.time += int64(g.IntN(4))
		return Time{g.time}
	}
	if g.timely && g.oneIn(16) {
		return g.window()
	}
	if g.policies && g.oneIn(8) {
		if g.oneIn(4) {
			return EvictFailed{uid}
		}
		g.time += int64(g.IntN(4))
		return Time{g.time}
	}
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
// judge by itself: passes end, they are deterministic, no admission breaks a limit, nobody who fits is left, and plans
// are legal.
func TestRandomLogs(t *testing.T) {
	t.Run("without preemption", func(t *testing.T) {
		c := replay(t, uint64(200**scale), func(seed uint64) Options { return Options{FairSharing: seed%2 == 0} })
		if c.admits < 2000 || c.holds < 50 {
			t.Errorf("the logs are too tame: %+v", c)
		}
	})
	t.Run("with backfill", func(t *testing.T) {
		c := replay(t, uint64(50**scale), func(seed uint64) Options {
			return Options{FairSharing: seed%2 == 0, Preemption: seed%4 < 2, Judge: (*World).CheckEvict, HoldTimeout: int64(seed % 3 * 5),
				HeadsLeaveHolds: true, HoldersKeep: seed%16 < 8, LimitlessBehind: seed%8 < 4, Slack: int64(seed % 3), Overrun: 1}
		})
		if c.admits < 500 || c.reserved < 400 {
			t.Errorf("the logs are too tame: %+v", c)
		}
	})
	t.Run("with preemption", func(t *testing.T) {
		c := replay(t, uint64(100**scale), func(seed uint64) Options {
			return Options{FairSharing: seed%2 == 0, Preemption: true, Judge: (*World).CheckEvict, HoldTimeout: int64(seed % 3 * 5),
				HeadsLeaveHolds: seed%4 < 2, HoldersKeep: seed%8 < 4, FirstBlind: []Blindness{BlindNobody, BlindHolders}[seed/8%2]}
		})
		if c.admits < 750 || c.holds < 50 || c.evicts < 75 || c.suffice < 250 {
			t.Errorf("the logs are too tame: %+v", c)
		}
	})
}

type counts struct{ admits, holds, rises, evicts, suffice, reserved int }

func replay(t *testing.T, seeds uint64, optionsOf func(seed uint64) Options) (c counts) {
	for seed := range seeds {
		options := optionsOf(seed)
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 2)), policies: options.Preemption, timely: options.Overrun > 0}
		one, two, follower := New(options), New(options), New(options)
		for i, e := range g.log() {
			out := one.Apply(e)
			if again := two.Apply(e); !reflect.DeepEqual(out, again) {
				t.Fatalf("seed %d, event %d: %+v, then %+v", seed, i, out, again)
			}
			if _, decided := e.(Decide); !decided {
				follower.Apply(e)
				continue
			}
			follow(follower, out)
			c.admits, c.holds, c.rises = c.admits+len(out.Admits), c.holds+len(one.Holds()), c.rises+len(one.UnservedAfterRise())
			c.evicts += len(out.Evicts)
			c.reserved += len(one.Reservations())
			for _, w := range out.Waits {
				if w.Reason == WaitingForPreemptedWorkloads {
					c.suffice++
				}
			}
			if u := one.Unserved(); len(u) > 0 {
				t.Fatalf("seed %d, event %d: unserved %v", seed, i, u)
			}
			for more := range 4 { // with backfill the plan made at the beginning of the next pass may let somebody start
				o := one.Apply(Decide{})
				two.Apply(Decide{})
				if len(o.Admits)+len(o.Evicts) == 0 {
					break
				}
				if follow(follower, o); options.Overrun == 0 || more == 3 {
					t.Fatalf("seed %d, event %d: not at rest: %+v", seed, i, o)
				}
			}
			if !reflect.DeepEqual(one.Admissions(), follower.Admissions()) {
				t.Fatalf("seed %d, event %d: the follower has other admissions", seed, i)
			}
		}
		wrong := append(one.OverLimit(), follower.OverLimit()...)
		if wrong = append(wrong, one.IllegalPlans()...); len(wrong) > 0 {
			t.Fatalf("seed %d: %v", seed, wrong)
		}
	}
	t.Logf("%+v", c)
	return c
}

// follow replays decisions made elsewhere in the order in which they were made.
func follow(s *World, out Outcome) {
	for i, a := range out.Admits {
		for _, e := range out.Evicts {
			if e.AfterAdmits == i {
				s.Apply(AssumeEvict{e})
			}
		}
		s.Apply(Assume(a))
	}
	for _, e := range out.Evicts {
		if e.AfterAdmits == len(out.Admits) {
			s.Apply(AssumeEvict{e})
		}
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
