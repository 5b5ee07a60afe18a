package forecast

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/simulation"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// second is one, in nanoseconds.
const second = int64(time.Second)

// begin is when the simulations of the tests begin, Unix nanoseconds.
const begin int64 = 1e18

// drawBackfill draws how those plan who say it.
func drawBackfill(t *rapid.T) *admission.Backfill {
	b := &admission.Backfill{
		Mode:  rapid.SampledFrom([]admission.BackfillMode{admission.BackfillEASY, admission.BackfillConservative, admission.BackfillNone}).Draw(t, "mode"),
		Depth: int32(rapid.IntRange(0, 3).Draw(t, "depth")),
	}
	if deep := int32(rapid.IntRange(-2, 2).Draw(t, "borrowing depth")); deep >= 0 {
		b.BorrowingDepth = &deep
	}
	return b
}

// drawWindows draws advance reservations: for nobody, or for a LocalQueue.
func drawWindows(t *rapid.T, names []string) (events []admission.Event) {
	for i := range rapid.IntRange(0, 2).Draw(t, "windows") {
		r := admission.Reservation{Name: fmt.Sprintf("r%d", i), ClusterQueue: rapid.SampledFrom(names).Draw(t, "kept of"), ShareMilli: rapid.Int64Range(1, 1000).Draw(t, "share")}
		if rapid.Bool().Draw(t, "for some") {
			r.For = []admission.LocalQueueName{{Namespace: "ns", Name: r.ClusterQueue}}
		}
		at := begin
		for range rapid.IntRange(1, 2).Draw(t, "times") {
			at += second * rapid.Int64Range(0, 40).Draw(t, "from")
			x := admission.Window{Start: at, End: at + second*rapid.Int64Range(1, 20).Draw(t, "for")}
			r.Windows, at = append(r.Windows, x), x.End
		}
		events = append(events, admission.SetReservation{Reservation: r})
	}
	return events
}

// drawQueues draws up to four queues in at most two cohorts, one perhaps below the
// other, and whether they share fairly. Some plan ahead, and some quota is kept in
// windows. Preemption comes without fair sharing, StrictFIFO outside cohorts, as in
// the simulator's own laws.
func drawQueues(t *rapid.T) (admission.Config, []admission.Event, []string) {
	plans := rapid.Bool().Draw(t, "plans")
	config := admission.Config{FairSharing: rapid.Bool().Draw(t, "fair"), IgnoreUndeclared: true, Preemption: &admission.PreemptionConfig{}}
	events := []admission.Event{admission.SetFlavor{Flavor: admission.Flavor{Name: "plain"}}, admission.SetFlavor{Flavor: admission.Flavor{Name: "old"}}}
	if rapid.Bool().Draw(t, "d below c") {
		events = append(events, admission.SetCohort{Cohort: admission.Cohort{Name: "d", Parent: "c", WeightMilli: 1000}})
	}
	var names []string
	for i := range rapid.IntRange(1, 4).Draw(t, "queues") {
		name := fmt.Sprintf("q%d", i)
		cq := admission.ClusterQueue{Name: name, Cohort: rapid.SampledFrom([]string{"", "c", "d"}).Draw(t, "cohort"), WeightMilli: 1000, Namespaces: &admission.Selector{}}
		q := admission.ResourceQuota{Resource: "cpu", Nominal: rapid.Int64Range(0, 8).Draw(t, "cores") * 1000}
		if cq.Cohort == "" {
			if rapid.Bool().Draw(t, "strict") {
				cq.Strategy = admission.StrictFIFO
			}
		} else if n := rapid.Int64Range(-4, q.Nominal/1000).Draw(t, "lend"); n >= 0 {
			lend := n * 1000
			q.LendingLimit = &lend
		}
		if n := rapid.Int64Range(-4, 4).Draw(t, "borrow"); cq.Cohort != "" && n >= 0 {
			borrow := n * 1000
			q.BorrowingLimit = &borrow
		}
		if plans {
			cq.Backfill = drawBackfill(t)
		}
		if !config.FairSharing {
			cq.Preemption.WithinClusterQueue = rapid.SampledFrom([]string{"", "LowerPriority"}).Draw(t, "within")
			cq.Preemption.ReclaimWithinCohort = rapid.SampledFrom([]string{"", "LowerPriority", "Any"}).Draw(t, "reclaim")
		}
		cq.Groups = []admission.ResourceGroup{{Resources: []string{"cpu"}, Flavors: []admission.FlavorQuotas{{Flavor: "plain", Quotas: []admission.ResourceQuota{q}}}}}
		if rapid.IntRange(0, 2).Draw(t, "two flavors") == 0 {
			old := admission.ResourceQuota{Resource: "cpu", Nominal: rapid.Int64Range(0, 3).Draw(t, "old cores") * 1000}
			cq.Groups[0].Flavors = append(cq.Groups[0].Flavors, admission.FlavorQuotas{Flavor: "old", Quotas: []admission.ResourceQuota{old}})
		}
		events = append(events, admission.SetClusterQueue{ClusterQueue: cq},
			admission.SetLocalQueue{LocalQueue: admission.LocalQueue{Namespace: "ns", Name: name, ClusterQueue: name, WeightMilli: 1000}})
		names = append(names, name)
	}
	if plans {
		events = append(events, drawWindows(t, names)...)
	}
	return config, events, names
}

func drawJobs(t *rapid.T, names []string) *trace.Trace {
	b := trace.NewBuilder()
	for i := range rapid.IntRange(1, 30).Draw(t, "jobs") {
		b.Add(trace.Job{
			Submit: time.Duration(rapid.IntRange(0, 40).Draw(t, "submit")) * time.Second,
			Run:    time.Duration(rapid.IntRange(1, 30).Draw(t, "run")) * time.Second,
			Queue:  b.Queue(rapid.SampledFrom(names).Draw(t, "queue")), User: b.User("ann"), Line: int32(i + 1),
			Priority: int32(rapid.IntRange(0, 2).Draw(t, "priority")),
			Shape:    b.Shape(trace.Request{Pods: int32(rapid.IntRange(1, 2).Draw(t, "pods")), Cores: rapid.Int64Range(1, 3).Draw(t, "cores") * 1000}),
		})
	}
	return b.Trace()
}

// asker asks, before passes of a simulation after which nobody comes any more,
// when those that wait will start, and notes when they do.
type asker struct {
	*admission.Engine
	t        *rapid.T
	jobs     *trace.Trace
	grace    time.Duration
	told     map[string]admission.Workload
	seen     map[string]bool
	expected []map[string]int64 // by question, by UID
	// asked are when, starts the starts of each workload.
	asked  []int64
	starts map[string][]int64
}

func (a *asker) Step(now int64, ev admission.Event) []admission.Decision {
	switch ev := ev.(type) {
	case admission.SetWorkload:
		w := *ev.Workload
		var job int
		if _, err := fmt.Sscanf(w.UID, "job-%d", &job); err != nil {
			a.t.Fatal(err)
		}
		w.Limit = int64(a.jobs.Jobs[job].Run) // exact
		ev.Workload, a.told[w.UID], a.seen[w.UID] = &w, w, true
		return a.Engine.Step(now, ev)
	case admission.Finish:
		delete(a.told, ev.UID)
	case admission.DeleteWorkload:
		delete(a.told, ev.UID)
	case admission.Decide:
		if len(a.seen) == len(a.jobs.Jobs) && !a.ending() && rapid.IntRange(0, 3).Draw(a.t, "ask") == 0 {
			a.ask(now)
		}
		decisions := a.Engine.Step(now, ev)
		for _, d := range decisions {
			if admit, ok := d.(admission.Admit); ok {
				a.starts[admit.UID] = append(a.starts[admit.UID], now)
			}
		}
		return decisions
	}
	return a.Engine.Step(now, ev)
}

// ending says whether pods of evicted workloads are ending: nobody tells a
// forecast since when.
func (a *asker) ending() bool {
	for _, w := range a.told {
		if w.Evicted {
			return true
		}
	}
	return false
}

func (a *asker) ask(now int64) {
	config := Config{Engine: a.Engine, Now: now, Grace: a.grace, Samples: 2}
	for _, uid := range slices.Sorted(maps.Keys(a.told)) {
		w := a.told[uid]
		config.Workloads = append(config.Workloads, w)
		if w.Admission == nil {
			config.Of = append(config.Of, uid)
		}
	}
	answer, err := Of(config)
	if err != nil {
		a.t.Fatal(err)
	}
	expected := map[string]int64{}
	for _, e := range answer.Estimates {
		expected[e.UID] = e.Planned
		if e.Earliest > e.P50 && e.P50 != 0 || e.P50 > e.P90 && e.P90 != 0 || e.Earliest == 0 && e.P50 != 0 {
			a.t.Fatalf("quantiles in disorder: %+v", e)
		}
	}
	a.asked, a.expected = append(a.asked, now), append(a.expected, expected)
}

// TestExactLimitsGiveExactEstimates is the law of issue 6: with limits that are
// exact and nobody coming later, everybody starts when that was foretold,
// however often one asks.
func TestExactLimitsGiveExactEstimates(t *testing.T) {
	questions, waited, planned := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		config, events, names := drawQueues(t)
		tr := drawJobs(t, names)
		a := &asker{
			Engine: admission.New(config), t: t, jobs: tr, grace: time.Duration(rapid.IntRange(0, 3).Draw(t, "grace")) * time.Second,
			told: map[string]admission.Workload{}, seen: map[string]bool{}, starts: map[string][]int64{},
		}
		c := simulation.Config{Engine: a, Objects: events, Jobs: tr, Begin: begin, Grace: a.grace}
		for _, name := range tr.Queues {
			c.Queues = append(c.Queues, simulation.LocalQueue{Namespace: "ns", Name: name})
		}
		r, err := simulation.Run(c)
		if err != nil {
			t.Fatal(err)
		}
		if r.Refused > 0 {
			return // the simulator takes out what never fits; a cluster lets it wait
		}
		for q, at := range a.asked {
			questions++
			for uid, want := range a.expected[q] {
				var got int64
				for _, start := range a.starts[uid] {
					if start >= at && got == 0 {
						got = start
					}
				}
				if got != want {
					t.Fatalf("asked at %d, %s was to start at %d and started at %v", at-c.Begin, uid, want-c.Begin, a.starts[uid])
				}
				if got > at {
					waited++
					if slices.ContainsFunc(events, func(e admission.Event) bool {
						q, is := e.(admission.SetClusterQueue)
						return is && q.Backfill != nil && q.Backfill.Mode != admission.BackfillNone
					}) {
						planned++
					}
				}
			}
		}
	})
	t.Logf("%d questions; %d had to wait, %d of them where some plan", questions, waited, planned)
	if questions >= 100 && (waited < questions || planned < questions/4) {
		t.Errorf("in %d questions only %d workloads had to wait, %d where some plan", questions, waited, planned)
	}
}

// full is an engine of one queue of 4 cores and the workloads that it knows.
func full(t *testing.T, list ...admission.Workload) Config {
	t.Helper()
	e := admission.New(admission.Config{})
	c := Config{Engine: e, Now: 1000 * int64(time.Second)}
	for _, ev := range []admission.Event{
		admission.SetFlavor{Flavor: admission.Flavor{Name: "plain"}},
		admission.SetClusterQueue{ClusterQueue: admission.ClusterQueue{Name: "q", WeightMilli: 1000, Namespaces: &admission.Selector{}, Groups: []admission.ResourceGroup{{
			Resources: []string{"cpu"}, Flavors: []admission.FlavorQuotas{{Flavor: "plain", Quotas: []admission.ResourceQuota{{Resource: "cpu", Nominal: 4000}}}}}}}},
		admission.SetLocalQueue{LocalQueue: admission.LocalQueue{Namespace: "ns", Name: "q", ClusterQueue: "q"}},
	} {
		e.Step(0, ev)
	}
	for i, w := range list {
		w.Namespace, w.Queue, w.QueueTime = "ns", "q", int64(i)
		if w.Started != 0 {
			w.ReservedAt, w.AdmittedAt = w.Started, w.Started
			w.Admission = &admission.Assignment{ClusterQueue: "q", PodSets: []admission.PodSetAssignment{{Name: "main", Count: 1,
				Flavors: []admission.ResourceFlavorName{{Resource: "cpu", Flavor: "plain"}}, Usage: w.PodSets[0].Requests}}}
		} else {
			c.Of = append(c.Of, w.UID)
		}
		e.Step(c.Now, admission.SetWorkload{Workload: &w})
		c.Workloads = append(c.Workloads, w)
	}
	return c
}

func workload(uid string, cores quota.Amount, limit time.Duration, started int64) admission.Workload {
	return admission.Workload{UID: uid, Limit: int64(limit), Started: started * int64(time.Second), PodSets: []admission.PodSet{
		{Name: "main", Count: 1, Requests: []quota.ResourceAmount{{Resource: "cpu", Amount: cores * 1000}}}}}
}

func answer(t *testing.T, c Config) *Answer {
	t.Helper()
	a, err := Of(c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// By hand: it is 1000 s. a ends by 1100 s, b by 1600 s; c takes a's cores, d
// needs all.
func TestByHand(t *testing.T) {
	c := full(t, workload("a", 2, 200*time.Second, 900), workload("b", 2, 1000*time.Second, 600),
		workload("c", 2, 300*time.Second, 0), workload("d", 4, 10*time.Second, 0), workload("huge", 5, 10*time.Second, 0))
	ends := ""
	c.Ended = func(uid string, at int64) { ends += fmt.Sprint(uid, " ", (at-c.Now)/1e9, " ") }
	got := answer(t, c)
	in := func(e Estimate) int64 { return (e.Planned - c.Now) / 1e9 }
	if in(got.Estimates[0]) != 100 || in(got.Estimates[1]) != 600 || got.Estimates[2].Planned != 0 || ends != "a 100 c 400 b 600 d 610 " {
		t.Errorf("got %+v, ends %s", got, ends)
	}
	if got.Samples != 0 || got.Estimates[0].P50 != 0 {
		t.Errorf("nothing was to be drawn: %+v", got)
	}
	if e, _ := c.Engine.Standing("c"); e.Charged {
		t.Error("the engine that was asked has moved on")
	}
}

// What runs without a limit is taken to run as long as its queue assumes, and
// where that says nothing as long as is asked for.
func TestWithoutLimit(t *testing.T) {
	c := full(t, workload("a", 4, 0, 900), workload("b", 4, 10*time.Second, 0))
	c.DefaultLimit = 300 * time.Second
	in := func(a *Answer) int64 { return (a.Estimates[0].Planned - c.Now) / 1e9 }
	if a := answer(t, c); in(a) != 200 || a.Unlimited != 1 || a.Assumed != 0 {
		t.Errorf("with 300 s assumed by the question: in %d s, %+v", in(a), a)
	}
	c.Engine.Step(c.Now, admission.SetCohort{Cohort: admission.Cohort{Name: "all", WeightMilli: 1000, Backfill: &admission.Backfill{DefaultLimit: int64(500 * time.Second)}}})
	c.Engine.Step(c.Now, admission.SetClusterQueue{ClusterQueue: admission.ClusterQueue{Name: "q", Cohort: "all", WeightMilli: 1000, Namespaces: &admission.Selector{}, Groups: []admission.ResourceGroup{{
		Resources: []string{"cpu"}, Flavors: []admission.FlavorQuotas{{Flavor: "plain", Quotas: []admission.ResourceQuota{{Resource: "cpu", Nominal: 4000}}}}}}}})
	c.Engine.Step(c.Now, admission.Decide{})
	if a := answer(t, c); in(a) != 400 || a.Unlimited != 0 || a.Assumed != 1 {
		t.Errorf("with 500 s assumed by the Cohort: in %d s, %+v", in(a), a)
	}
}

// One core each for 100 s at most: with every part of the limit equally likely
// half of the futures see a's end within half of what is left.
func TestQuantiles(t *testing.T) {
	c := full(t, workload("a", 4, 200*time.Second, 900), workload("b", 4, 200*time.Second, 0))
	c.Samples, c.Seed = 1000, 7
	first, second := answer(t, c), answer(t, c)
	e := first.Estimates[0]
	if e != second.Estimates[0] {
		t.Errorf("asked twice: %+v, %+v", e, second.Estimates[0])
	}
	seconds := func(at int64) int64 { return (at - c.Now) / 1e9 }
	if seconds(e.Planned) != 100 || seconds(e.P50) < 46 || seconds(e.P50) > 54 || seconds(e.P90) < 87 || seconds(e.P90) > 93 || seconds(e.Earliest) > 2 {
		t.Errorf("planned in %d s, first %d, half %d, nine of ten %d", seconds(e.Planned), seconds(e.Earliest), seconds(e.P50), seconds(e.P90))
	}
	c.History = NewHistory()
	for range enough {
		c.History.Add("ns", "q", 100*time.Second, 20*time.Second) // a has passed that
		c.History.Add("ns", "q", 100*time.Second, 75*time.Second)
	}
	got := answer(t, c)
	if e := got.Estimates[0]; seconds(e.P50) != 50 || seconds(e.P90) != 50 || got.Known != 2 {
		t.Errorf("three quarters of the limit, mostly: %+v", got)
	}
}

func TestHistory(t *testing.T) {
	h := NewHistory()
	for i := range kept + 100 {
		h.Add("ns", "a", time.Hour, time.Duration(i)*time.Second)
	}
	h.Add("ns", "b", 0, time.Hour) // without limit: nothing is learned
	h.Add("other", "c", time.Hour, time.Minute)
	for _, c := range []struct {
		namespace, queue, of string
		n                    int
	}{{"ns", "a", "LocalQueue a", kept}, {"ns", "b", "namespace ns", kept}, {"other", "c", "all queues", kept}} {
		if n, of := h.Known(c.namespace, c.queue); n != c.n || of != c.of {
			t.Errorf("%v: %d of %s", c, n, of)
		}
	}
	if list, _ := h.fractions("ns", "a"); list[0] != 100.0/3600 {
		t.Errorf("the oldest still known is %g", list[0])
	}
	for _, h := range []*History{nil, NewHistory()} {
		if n, _ := h.Known("ns", "a"); n != 0 {
			t.Errorf("%d of nothing are known", n)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		known := rapid.SliceOfN(rapid.Float64Range(0, 2), 0, 30).Draw(t, "known")
		slices.Sort(known)
		past := rapid.Float64Range(0, 2).Draw(t, "past")
		got, ok := fraction(known, past, rapid.Float64Range(0, 0.999).Draw(t, "u"))
		longer := slices.ContainsFunc(known, func(f float64) bool { return f > past })
		if ok != (longer || past < 1) || ok && (got < past || got > 1 && !slices.Contains(known, got)) {
			t.Fatalf("%g, %v", got, ok)
		}
	})
	for longer, want := range map[int]int{1: 200, 4: 800, 5: 1000, 15: 1000} { // of 1000
		drawn := 0
		for i := range 1000 {
			if got, _ := fraction(slices.Repeat([]float64{0.75}, longer), 0, (float64(i)+0.5)/1000); got == 0.75 {
				drawn++
			}
		}
		if drawn != want {
			t.Errorf("of %d that are longer %d of 1000 are drawn, want %d", longer, drawn, want)
		}
	}
}

func TestWhatCannotBeAsked(t *testing.T) {
	c := full(t, workload("a", 1, time.Minute, 0))
	for want, change := range map[string]func(*Config){
		"nobody is asked about and is not among": func(c *Config) { c.Of = []string{"nobody"} },
		"asked about twice":                      func(c *Config) { c.Of = []string{"a", "a"} },
		"needs an engine":                        func(c *Config) { c.Engine = nil },
	} {
		bad := c
		change(&bad)
		if _, err := Of(bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
