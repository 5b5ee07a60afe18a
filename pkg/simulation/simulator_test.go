package simulation

import (
	"math"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// By hand: 4 cores. Job 3 asks for all; job 4 is small and passes it in a
// BestEffortFIFO queue, not in a StrictFIFO one.
func TestByHand(t *testing.T) {
	text := `
0  10 q 2
0  20 q 2
5  10 q 4
6   9 q 2
12  8 q 2`
	for _, c := range []struct {
		strict bool
		want   string
	}{
		{false, "0-10 0-20 27-37 10-19 19-27"},
		{true, "0-10 0-20 20-30 30-39 30-38"},
	} {
		r := run(t, newSite(queue{name: "q", cores: 4, strict: c.strict}).config(jobs(t, text)))
		if got := r.spans(); got != c.want {
			t.Errorf("strict %v: got %s, want %s", c.strict, got, c.want)
		}
		s := r.Summarize()
		if s.All.Jobs != 5 || s.All.Ended != 5 || s.Unstarted != 0 || s.Capacity != 4 {
			t.Errorf("strict %v: %+v", c.strict, s)
		}
	}
}

func TestNumbersByHand(t *testing.T) {
	r := run(t, newSite(queue{name: "a", cohort: "c", cores: 2}, queue{name: "b", cohort: "c", cores: 2}).config(jobs(t, `
0 100 a 4
0   5 b 2
200 100 b 1`)))
	if got, want := r.spans(), "5-105 0-5 200-300"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	s := r.Summarize()
	near := func(what string, got, want float64) {
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %g, want %g", what, got, want)
		}
	}
	near("capacity", s.Capacity, 4)
	near("offered load", s.OfferedLoad, (400.0+10+100)/(200*4))
	near("use", s.Use, 410.0/(200*4))
	near("use to the end", s.UseToEnd, 510.0/(300*4))
	near("mean wait", s.All.Wait.Mean, 5.0/3)
	near("longest wait", s.All.Wait.Max, 5)
	near("median wait", s.All.Wait.P50, 0)
	near("slowdown of a", s.Queues[0].Slowdown.Mean, 1.05)
	near("slowdown of b", s.Queues[1].Slowdown.Mean, 1)
	near("core-hours", s.All.CoreHours, 510.0/3600)
	near("use of a", s.Queues[0].Use, 2)
	// Both want more than they own until 5 s: a is due 2, b 2; then a is due 4.
	if len(s.Sizes) != 3 || s.Sizes[2].Name != "largest 1 %" || s.Sizes[2].Jobs != 1 || s.Sizes[2].Wait.Max != 5 {
		t.Errorf("sizes: %+v", s.Sizes)
	}
}

// What can never start is taken out and told, and is in nobody's way.
func TestNeverFits(t *testing.T) {
	c := newSite(queue{name: "q", cores: 4, strict: true}).config(jobs(t, `
0 10 q 5
1 10 q 4
2 10 q 9
3 10 q 1`))
	r := run(t, c)
	if got, want := r.spans(), "- 1-11 - 11-21"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if r.Refused != 2 || r.Problems.Counts[trace.NeverFits] != 2 || !strings.HasPrefix(r.Problems.List[0].String(), "line 1: never fits: ExceedsMaxQuota") {
		t.Errorf("refused %d: %v", r.Refused, r.Problems.List)
	}
	if n := len(c.Jobs.Problems.List); n != 0 {
		t.Errorf("the trace itself has got %d problems: a second simulation would tell them twice", n)
	}
}

// A queue that is stopped keeps its jobs; the simulation ends all the same.
func TestHeldJobsStayPending(t *testing.T) {
	s := newSite(queue{name: "q", cores: 4}, queue{name: "held", cores: 4, change: func(cq *admission.ClusterQueue) { cq.Stop = admission.StopHold }})
	sum := run(t, s.config(jobs(t, "0 10 q 1\n0 10 held 1\n0 10 nowhere 1"))).Summarize()
	if sum.All.Ended != 1 || sum.Refused != 1 || sum.Unstarted != 1 {
		t.Errorf("%+v, refused %d, unstarted %d", sum.All, sum.Refused, sum.Unstarted)
	}
}

// Jobs that are in the cluster already go on from where they are.
func TestFoundJobs(t *testing.T) {
	b := trace.NewBuilder()
	shape := b.Shape(trace.Request{Pods: 1, Cores: 4000})
	sets := []admission.PodSet{{Name: "main", Count: 1, Requests: b.PodSets(shape)[0].Requests}}
	q := b.Queue("q")
	add := func(uid string, queued int64, run time.Duration, a *admission.Assignment) {
		b.AddFound(trace.Job{Queue: q, User: b.User("ann"), Shape: shape, Run: run},
			&admission.Workload{UID: uid, Namespace: "ns", Queue: "q", QueueTime: queued, PodSets: sets, Admission: a})
	}
	add("second", 7, 10*time.Second, nil)
	add("first", 5, 10*time.Second, nil)
	add("runs", 9, 3*time.Second, &admission.Assignment{ClusterQueue: "q", PodSets: []admission.PodSetAssignment{{Name: "main", Count: 1,
		Flavors: []admission.ResourceFlavorName{{Resource: "cpu", Flavor: "plain"}}, Usage: sets[0].Requests[:1]}}})
	r := run(t, newSite(queue{name: "q", cores: 4}).config(b.Trace()))
	if got, want := r.spans(), "13-23 3-13 0-3"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The owner comes back and takes his quota from who borrows it. What the victim
// did is lost; its pods take 3 s to end and use quota until then.
func TestPreemption(t *testing.T) {
	reclaims := func(cq *admission.ClusterQueue) { cq.Preemption.ReclaimWithinCohort = "Any" }
	c := newSite(queue{name: "a", cohort: "c", cores: 4, change: reclaims}, queue{name: "b", cohort: "c", cores: 2}).config(jobs(t, `
0  100 b 6
50  10 a 4`))
	c.Grace = 3 * time.Second
	r := run(t, c)
	if got, want := r.spans(), "0-163 53-63"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	s := r.Summarize()
	b := s.Queues[1]
	if b.Evictions != 1 || b.LostCoreHours != 6*53.0/3600 || b.CoreHours != 6*153.0/3600 || s.Queues[0].Preempted != 1 || s.Evictions["InCohortReclamation"] != 1 {
		t.Errorf("%+v", s.Queues)
	}
}

// Queues may let jobs evict each other in a circle: that is told, and ends.
func TestEvictionsWithoutEnd(t *testing.T) {
	c := newSite(queue{name: "q", cores: 1}).config(jobs(t, "0 10 q 1\n0 10 q 1"))
	c.Engine = &ping{Engine: c.Engine}
	c.Grace = time.Second
	if _, err := Run(c); err == nil || !strings.Contains(err.Error(), "in a circle") {
		t.Errorf("got %v", err)
	}
}

// ping evicts whatever was admitted, for the sake of the other job.
type ping struct {
	Engine
}

func (p *ping) Step(now int64, event admission.Event) []admission.Decision {
	out := p.Engine.Step(now, event)
	for _, d := range out {
		if a, ok := d.(admission.Admit); ok {
			out = append(out, admission.Evict{Preemptor: "x", ClusterQueue: "q", Victims: []admission.Victim{{UID: a.UID}}})
		}
	}
	return out
}

func TestHorizon(t *testing.T) {
	c := newSite(queue{name: "q", cores: 1}).config(jobs(t, "0 10 q 1\n0 10 q 1\n0 10 q 1"))
	c.Horizon = 15 * time.Second
	r := run(t, c)
	if r.Ended != 1 || r.Starts[1] != 10e9 || r.Ends[1] != -1 || r.Length != 15*time.Second {
		t.Errorf("ended %d after %v: %v %v", r.Ended, r.Length, r.Starts, r.Ends)
	}
	if got := r.Used[1]; got != 5000 {
		t.Errorf("the job that runs has used %g, want 5000", got)
	}
}

func TestFaultyConfigurations(t *testing.T) {
	good := func() Config { return newSite(queue{name: "q", cores: 1}).config(jobs(t, "0 1 q 1")) }
	for want, spoil := range map[string]func(*Config){
		"no jobs":            func(c *Config) { c.Jobs = &trace.Trace{} },
		"names 1 queues":     func(c *Config) { c.Queues = nil },
		"no ClusterQueue":    func(c *Config) { c.Objects = nil },
		"is given twice":     func(c *Config) { c.Objects = append(c.Objects, c.Objects...) },
		"which is not waiti": func(c *Config) { c.Engine = stubborn{c.Engine} },
	} {
		c := good()
		spoil(&c)
		if _, err := Run(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// stubborn admits a job that nobody has submitted.
type stubborn struct{ Engine }

func (s stubborn) Step(now int64, event admission.Event) []admission.Decision {
	out := s.Engine.Step(now, event)
	if _, ok := event.(admission.Decide); ok {
		out = append(out, admission.Admit{UID: "job-000000099"})
	}
	return out
}
