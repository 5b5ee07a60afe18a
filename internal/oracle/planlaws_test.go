package oracle

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"testing"
)

// timed makes a small tree of queues with backfill, and arrivals; exact says that everybody runs for as long as planned.
func (g *generator) timed(s *World, exact bool) []Arrival {
	for _, f := range []string{"f1", "f2"} {
		s.Apply(SetFlavor{Flavor{Name: f}})
	}
	backfill := func() Backfill {
		b := Backfill{Mode: []BackfillMode{EASY, EASY, Conservative, BackfillNone, ""}[g.IntN(5)], DefaultLimit: 1 + int64(g.IntN(8)),
			Depth: g.IntN(4) - 1, Unlimited: g.oneIn(4)}
		if g.oneIn(3) {
			n := g.IntN(3) - 1
			b.BorrowingDepth = &n
		}
		return b
	}
	defaults := map[string]int64{}
	s.Apply(SetCohort{Cohort{Name: "c0", Backfill: Backfill{Mode: EASY, DefaultLimit: 4}}})
	s.Apply(SetCohort{Cohort{Name: "c1", Parent: "c0"}})
	for i := range 2 + g.IntN(3) {
		cq := ClusterQueue{Name: fmt.Sprint("q", i), NamespaceSelector: &Selector{}, Backfill: backfill()}
		cq.Cohort = []string{"c0", "c1", ""}[g.IntN(3)]
		var flavors []FlavorQuotas
		for _, f := range []string{"f1", "f2"} {
			if len(flavors) == 0 || g.oneIn(2) {
				flavors = append(flavors, FlavorQuotas{f, map[string]Quota{
					"cpu": {Nominal: int64(g.IntN(6)), BorrowingLimit: g.limit(6), LendingLimit: g.limit(6)}}})
			}
		}
		cq.Groups = cpuGroup(flavors...)
		if g.oneIn(4) {
			cq.Strategy = StrictFIFO
		}
		if g.policies {
			cq.Preemption = g.preemption()
		}
		if g.oneIn(3) {
			cq.Fungibility.WhenCanBorrow = TryNextFlavor
		}
		s.Apply(SetClusterQueue{cq})
		s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: cq.Name, ClusterQueue: cq.Name}})
		defaults[cq.Name] = cq.Backfill.DefaultLimit
		if cq.Backfill.Mode == "" {
			defaults[cq.Name] = map[string]int64{"": 1000}[cq.Cohort]
			if cq.Cohort != "" {
				defaults[cq.Name] = 4
			}
		}
	}
	var all []Arrival
	at := int64(1)
	for i := range 6 + g.IntN(10) {
		at += int64(g.IntN(3))
		w := Workload{UID: UID(fmt.Sprintf("w%02d", i)), Namespace: "ns", LocalQueue: fmt.Sprint("q", g.IntN(len(s.queues))), Active: true,
			QueueTime: at, Priority: int64(g.IntN(3)), Limit: 1 + int64(g.IntN(8)),
			PodSets: []PodSet{{Name: "main", Count: 1 + int64(g.IntN(2)), Requests: map[string]int64{"cpu": 1 + int64(g.IntN(4))}}}}
		if g.oneIn(6) {
			w.Limit = 0
		}
		length := w.Limit
		if length == 0 {
			length = defaults[w.LocalQueue]
		}
		a := Arrival{At: at, Workload: w, Runs: length, Grace: int64(g.IntN(3))}
		if !exact && !g.oneIn(3) {
			a.Runs = 1 + int64(g.IntN(int(length)))
		}
		all = append(all, a)
	}
	return all
}

// lawful plays the arrivals and lists the laws that are broken: a reservation is delayed by later arrivals, though limits are upper
// bounds; the plan breaks quota at some instant; somebody who fits and may start is left; an admission breaks a limit; one of
// the first N holds no reservation. With exact, limits are the true durations, and then no planned start may move once
// the last has arrived: estimates are exact.
func lawful(s *World, arrivals []Arrival, exact bool) (broken []string, promised int) {
	var promises Promises
	estimates := map[UID]int64{}
	arrived := 0
	played := s.Play(arrivals, func(pass bool) {
		for ; !pass && arrived < len(arrivals) && arrivals[arrived].At <= s.now; arrived++ {
			promises.Arrived(s, arrivals[arrived].Workload.UID)
		}
		if !pass {
			return
		}
		promised += len(s.Reservations())
		broken = append(append(broken, promises.Look(s)...), s.PlanOverQuota()...)
		for _, uid := range s.Unserved() {
			broken = append(broken, fmt.Sprint(uid, " is not served"))
		}
		for _, uid := range s.RefusedForNothing() {
			broken = append(broken, fmt.Sprint(uid, " is refused and would delay nobody"))
		}
		for _, uid := range s.Unreserved() {
			broken = append(broken, fmt.Sprint(uid, " holds no reservation"))
		}
		for _, r := range s.Reservations() {
			if _, known := estimates[r.UID]; !known && arrived == len(arrivals) {
				estimates[r.UID] = r.Start
			}
		}
	})
	for uid, at := range estimates {
		if exact && played.Starts[uid] != at {
			broken = append(broken, fmt.Sprintf("%s was to start at %d and started at %d", uid, at, played.Starts[uid]))
		}
	}
	broken = append(broken, s.OverLimit()...)
	sort.Strings(broken)
	return broken, promised
}

// TestPromises: the laws hold along random histories in which everybody ends no later than planned.
func TestPromises(t *testing.T) {
	promised := 0
	for seed := range uint64(400 * *scale) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 11))}
		s := New(Options{FairSharing: seed%2 == 0, Overrun: 1, Slack: int64(seed % 3), LimitlessBehind: seed%4 < 2})
		arrivals := g.timed(s, false)
		if seed%3 == 1 {
			g.windows(s, arrivals)
		}
		broken, n := lawful(s, arrivals, false)
		if promised += n; len(broken) > 0 {
			t.Errorf("seed %d: %v", seed, broken)
		}
	}
	if promised < 800**scale {
		t.Errorf("too tame: %d reservations", promised)
	}
}

// TestPromisesUnderPreemption: the same with preemption, where victims take their time to leave.
func TestPromisesUnderPreemption(t *testing.T) {
	promised := 0
	for seed := range uint64(300 * *scale) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 13)), policies: true}
		s := New(Options{FairSharing: seed%2 == 0, Overrun: 1, Slack: 2, LimitlessBehind: true, Preemption: true, HeadsLeaveHolds: true,
			Judge: (*World).CheckEvict})
		arrivals := g.timed(s, false)
		if seed%3 == 1 {
			g.windows(s, arrivals)
		}
		broken, n := lawful(s, arrivals, false)
		broken = append(broken, s.IllegalPlans()...)
		if promised += n; len(broken) > 0 {
			t.Errorf("seed %d: %v", seed, broken)
		}
	}
	if promised < 600**scale {
		t.Errorf("too tame: %d reservations", promised)
	}
}

// windows makes windows that can be kept, some for LocalQueues by which it lets some of the workloads arrive.
func (g *generator) windows(s *World, arrivals []Arrival) {
	for i := range arrivals {
		if g.oneIn(3) {
			vip := LocalQueue{Namespace: "ns", Name: "vip" + arrivals[i].Workload.LocalQueue, ClusterQueue: arrivals[i].Workload.LocalQueue}
			s.Apply(SetLocalQueue{vip})
			arrivals[i].Workload.LocalQueue = vip.Name
		}
	}
	for i := range 1 + g.IntN(2) {
		r := Reservation{Name: fmt.Sprint("r", i), Node: QueueNode(fmt.Sprint("q", g.IntN(len(s.queues)))), Start: 5 + int64(g.IntN(15)),
			Duration: 1 + int64(g.IntN(10)), Amounts: map[FlavorResource]int64{{"f1", "cpu"}: int64(g.IntN(4))}}
		switch g.IntN(3) {
		case 0:
			r.LocalQueues = [][2]string{{"ns", "vip" + r.Node.Name}}
		case 1:
			r.Node, r.Amounts, r.ShareMilli = CohortNode("c0"), nil, int64(g.IntN(1001))
		}
		if s.Apply(SetReservation{r}); len(s.Conflicting()) > 0 {
			s.Apply(DeleteReservation{r.Name})
		}
	}
}

// TestWindowsAreFree: a window that can be kept when it is made is kept: whoever starts and runs no longer than planned is out of it
// when it begins, with and without preemption, for LocalQueues and for nobody.
func TestWindowsAreFree(t *testing.T) {
	kept, members := 0, 0
	for seed := range uint64(400 * *scale) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 14)), policies: seed%4 < 2}
		s := New(Options{FairSharing: seed%2 == 0, Overrun: 1, Slack: 2, LimitlessBehind: true, Preemption: g.policies, HeadsLeaveHolds: true})
		arrivals := g.timed(s, false)
		for i := range arrivals {
			arrivals[i].Grace = 0
		}
		g.windows(s, arrivals)
		s.Play(arrivals, func(bool) {
			if broken := s.Conflicting(); len(broken) > 0 {
				t.Fatalf("seed %d: at %d %v", seed, s.now, broken)
			}
			for _, r := range s.windows {
				if r.Start <= s.now && s.now < r.end() {
					kept++
					members += min(1, len(r.LocalQueues)*len(s.Admissions()))
				}
			}
		})
	}
	if kept < 500 || members < 100 {
		t.Errorf("too tame: %d, %d", kept, members)
	}
}

// TestSmallWorlds: all histories of three workloads of one or two ClusterQueues with nominal quotas 2 and 1, under EASY, EASY beside a
// queue without backfill, and Conservative; with -scale 21 all of them, else as large a part.
func TestSmallWorlds(t *testing.T) {
	type choice struct{ queue, cpu, limit, runs, at int64 }
	var choices []choice
	for i := range int64(2 * 3 * 3 * 2) {
		c := choice{queue: i % 2, cpu: 1 + i/2%3, limit: 1 + 2*(min(i/6%3, 1)), at: i / 18}
		if c.runs = c.limit; i/6%3 == 2 {
			c.runs = 1 // of 3
		}
		choices = append(choices, c)
	}
	n := len(choices)
	cases, promised, all := 0, 0, -1
	borrows := func(b *Backfill) { b.BorrowingDepth = &all }
	careful := Backfill{Mode: Conservative, BorrowingDepth: &all}
	for i := 0; i < n*n*n; i += max(1, 21 / *scale) {
		three := []choice{choices[i%n], choices[i/n%n], choices[i/n/n]}
		exact := true
		for _, c := range three {
			exact = exact && c.runs == c.limit
		}
		for _, backfill := range [][2]Backfill{
			{easy(borrows), easy(borrows)}, {easy(borrows), {Mode: BackfillNone}}, {careful, careful}} {
			s := New(Options{Overrun: 1})
			s.Apply(SetFlavor{Flavor{Name: "f"}})
			for q, b := range backfill {
				name := string(rune('A' + q))
				s.Apply(SetClusterQueue{ClusterQueue{Name: name, Cohort: "c", NamespaceSelector: &Selector{}, Backfill: b,
					Groups: cpuGroup(FlavorQuotas{"f", map[string]Quota{"cpu": {Nominal: int64(2 - q)}}})}})
				s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: name, ClusterQueue: name}})
			}
			var arrivals []Arrival
			for k, c := range three {
				arrivals = append(arrivals, Arrival{At: 1 + c.at, Runs: c.runs, Workload: Workload{UID: UID(fmt.Sprint("w", k)), Namespace: "ns",
					LocalQueue: string(rune('A' + c.queue)), Active: true, QueueTime: 1 + c.at, Limit: c.limit,
					PodSets: []PodSet{{Name: "main", Count: 1, Requests: map[string]int64{"cpu": c.cpu}}}}})
			}
			sort.SliceStable(arrivals, func(i, j int) bool { return arrivals[i].At < arrivals[j].At })
			broken, found := lawful(s, arrivals, exact)
			if promised += found; len(broken) > 0 {
				t.Fatalf("%+v %+v: %v", three, backfill, broken)
			}
			cases++
		}
	}
	t.Logf("%d cases, %d reservations", cases, promised)
	if promised < cases/4 {
		t.Error("too tame")
	}
}

// TestExactEstimates: where limits are exact and nobody else arrives, planned starts are the true ones, in queues whose
// reservations may all borrow.
func TestExactEstimates(t *testing.T) {
	for seed := range uint64(300 * *scale) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 12))}
		s := New(Options{FairSharing: seed%2 == 0, Overrun: 1, LimitlessBehind: true})
		arrivals := g.timed(s, true)
		all := -1
		for _, name := range sortedKeys(s.queues) {
			cq := s.queues[name]
			edited := *cq
			if edited.Backfill.BorrowingDepth = &all; edited.Backfill.Mode == "" {
				edited.Backfill = Backfill{Mode: EASY, DefaultLimit: 4, BorrowingDepth: &all}
			}
			if edited.Cohort == "" && cq.Backfill.Mode == "" {
				edited.Backfill.DefaultLimit = 1000
			}
			edited.Groups = cpuGroup(cq.Groups[0].Flavors[0]) // a choice between flavors may start somebody in another than planned
			s.Apply(SetClusterQueue{edited})
		}
		if broken, _ := lawful(s, arrivals, true); len(broken) > 0 {
			t.Errorf("seed %d: %v", seed, broken)
		}
	}
}
