package simulation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// site is a queue set for tests: ClusterQueues of some cores in one cohort,
// each with a LocalQueue of its name.
type site struct {
	events []admission.Event
	fair   bool
}

// queue is a ClusterQueue of whole cores.
type queue struct {
	name, cohort string
	cores        int64
	strict       bool
	change       func(*admission.ClusterQueue)
}

func newSite(list ...queue) *site {
	s := &site{fair: true, events: []admission.Event{admission.SetFlavor{Flavor: admission.Flavor{Name: "plain"}}}}
	for _, q := range list {
		cq := admission.ClusterQueue{
			Name: q.name, Cohort: q.cohort, WeightMilli: 1000, Namespaces: &admission.Selector{},
			Groups: []admission.ResourceGroup{{Resources: []string{"cpu"}, Flavors: []admission.FlavorQuotas{
				{Flavor: "plain", Quotas: []admission.ResourceQuota{{Resource: "cpu", Nominal: q.cores * 1000}}}}}},
		}
		if q.strict {
			cq.Strategy = admission.StrictFIFO
		}
		if q.change != nil {
			q.change(&cq)
		}
		s.events = append(s.events, admission.SetClusterQueue{ClusterQueue: cq},
			admission.SetLocalQueue{LocalQueue: admission.LocalQueue{Namespace: "ns", Name: q.name, ClusterQueue: q.name, WeightMilli: 1000}})
	}
	return s
}

// config is for jobs that name the site's LocalQueues.
func (s *site) config(t *trace.Trace) Config {
	c := Config{Engine: admission.New(admission.Config{FairSharing: s.fair, IgnoreUndeclared: true, Preemption: &admission.PreemptionConfig{}}), Objects: s.events, Jobs: t, Begin: 1e18}
	for _, name := range t.Queues {
		c.Queues = append(c.Queues, LocalQueue{Namespace: "ns", Name: name})
	}
	return c
}

// jobs reads lines "submit run queue cores".
func jobs(t *testing.T, text string) *trace.Trace {
	t.Helper()
	b := trace.NewBuilder()
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		var submit, run, cores int64
		var name string
		if _, err := fmt.Sscan(line, &submit, &run, &name, &cores); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		b.Add(trace.Job{
			Submit: time.Duration(submit) * time.Second, Run: time.Duration(run) * time.Second, Line: int32(i + 1),
			Queue: b.Queue(name), User: b.User("ann"), Shape: b.Shape(trace.Request{Pods: 1, Cores: cores * 1000}),
		})
	}
	return b.Trace()
}

// spans writes starts and ends in seconds: "0-60 10-70", "-" for never.
func (r *Result) spans() string {
	var out []string
	for i := range r.Starts {
		text := "-"
		if r.Starts[i] >= 0 {
			text = fmt.Sprintf("%d-%d", r.Starts[i]/1e9, r.Ends[i]/1e9)
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func run(t *testing.T, c Config) *Result {
	t.Helper()
	r, err := Run(c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// limit is for the fields that take one.
func limit(cores quota.Amount) *quota.Amount {
	milli := cores * 1000
	return &milli
}
