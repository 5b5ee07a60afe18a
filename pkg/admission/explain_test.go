package admission

import (
	"strings"
	"testing"

	"fairlead.dev/fairlead/pkg/quota"
)

// standings is an engine of one queue of 4 cores, of which 3 are used, and of
// one that is stopped.
func standings(strategy QueueingStrategy) *Engine {
	e := New(Config{})
	e.Step(0, SetFlavor{Flavor{Name: "plain"}})
	for _, name := range []string{"q", "stopped"} {
		cq := ClusterQueue{Name: name, WeightMilli: 1000, Namespaces: &Selector{}, Strategy: strategy, Groups: []ResourceGroup{{
			Resources: []string{"cpu"}, Flavors: []FlavorQuotas{{Flavor: "plain", Quotas: []ResourceQuota{{Resource: "cpu", Nominal: 4000}}}}}}}
		if name == "stopped" {
			cq.Stop = StopHold
		}
		e.Step(0, SetClusterQueue{cq})
		e.Step(0, SetLocalQueue{LocalQueue{Namespace: "ns", Name: name, ClusterQueue: name}})
	}
	add := func(uid, to string, cores quota.Amount) {
		e.Step(0, SetWorkload{&Workload{UID: uid, Namespace: "ns", Queue: to, QueueTime: int64(len(e.workloads)), PodSets: []PodSet{
			{Name: "main", Count: 1, Requests: []quota.ResourceAmount{{Resource: "cpu", Amount: cores * 1000}}}}}})
	}
	add("runs", "q", 3)
	e.Step(0, Decide{})
	add("first", "q", 2)
	add("large", "q", 9)
	add("held", "stopped", 1)
	add("lost", "nowhere", 1)
	e.Step(0, Decide{})
	add("small", "q", 1)
	if strategy == StrictFIFO {
		e.Step(0, Decide{})
	}
	return e
}

func TestStanding(t *testing.T) {
	for _, c := range []struct {
		uid, want string
		reason    PendingReason
		ahead     int
		missing   quota.Amount
		held      quota.Amount // for others
	}{
		{"first", "needs 2 cpu of flavor plain; 1 available to ClusterQueue q", WaitingForQuota, 0, 1000, 0},
		{"large", "needs 9 cpu of flavor plain, more than the 4 that ClusterQueue q could ever use", ExceedsMaxQuota, 1, 9000, 1000},
		{"small", "needs 1 cpu of flavor plain; 0 available", WaitingForQuota, 2, 1000, 1000},
		{"held", "stopPolicy is Hold", Suspended, -1, 0, 0},
		{"lost", "LocalQueue nowhere does not exist in namespace ns", Misconfigured, -1, 0, 0},
	} {
		s, ok := standings(StrictFIFO).Standing(c.uid)
		if !ok || s.Charged || s.Reason != c.reason || !strings.Contains(s.Message, c.want) {
			t.Errorf("%s: %v %+v", c.uid, ok, s)
		}
		if s.Queued != (c.ahead >= 0) || s.Queued && (s.Ahead != c.ahead || s.Length != 3) {
			t.Errorf("%s: %+v", c.uid, s)
		}
		if (c.missing > 0) != (len(s.Short) == 1) || c.missing > 0 && (s.Short[0].Missing() != c.missing || s.Short[0].Used != 3000 || s.Short[0].Held != c.held) {
			t.Errorf("%s: %+v", c.uid, s.Short)
		}
	}
	e := standings(BestEffortFIFO)
	if s, ok := e.Standing("runs"); !ok || !s.Charged || s.ClusterQueue != "q" {
		t.Errorf("runs: %v %+v", ok, s)
	}
	if s, ok := e.Standing("small"); !ok || s.Reason != "" || s.Ahead != 2 {
		t.Errorf("no pass has looked at it: %v %+v", ok, s)
	}
	if _, ok := e.Standing("nobody"); ok {
		t.Error("nobody is known")
	}
}
