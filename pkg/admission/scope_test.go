package admission

import (
	"fmt"
	"testing"

	"fairlead.dev/fairlead/pkg/quota"
)

// An edit takes a flavor from a tree and has the workloads of one of its queues
// placed anew, in a tree that numbers flavor-resources otherwise.
func TestAnEditThatRenumbersAndReopens(t *testing.T) {
	e := New(Config{})
	e.Step(0, SetNamespace{Name: "in", Labels: map[string]string{"team": "a"}})
	e.Step(0, SetNamespace{Name: "out"})
	e.Step(0, SetCohort{Cohort{Name: "all", WeightMilli: 1000}})
	edit := func(namespaces *Selector, flavors ...string) {
		for _, name := range []string{"a", "b"} {
			cq := ClusterQueue{Name: name, Cohort: "all", WeightMilli: 1000, Namespaces: namespaces, Groups: []ResourceGroup{{Resources: []string{"cpu"}}}}
			for _, f := range flavors {
				cq.Groups[0].Flavors = append(cq.Groups[0].Flavors, FlavorQuotas{Flavor: f, Quotas: []ResourceQuota{{Resource: "cpu", Nominal: 4}}})
			}
			e.Step(0, SetClusterQueue{cq})
		}
	}
	for f := range 4 {
		e.Step(0, SetFlavor{Flavor{Name: fmt.Sprint("f", f)}})
	}
	edit(&Selector{Requirements: []Requirement{{Key: "team", Operator: "In", Values: []string{"a"}}}}, "f0", "f1", "f2", "f3")
	for _, ns := range []string{"in", "out"} {
		e.Step(0, SetLocalQueue{LocalQueue{Namespace: ns, Name: "a", ClusterQueue: "a"}})
	}
	submit := func(uid, namespace string, priority int32, cpu quota.Amount) {
		e.Step(0, SetWorkload{&Workload{UID: uid, Namespace: namespace, Queue: "a", Priority: priority, PodSets: []PodSet{
			{Name: "main", Count: 1, Requests: []quota.ResourceAmount{{Resource: "cpu", Amount: cpu}}},
		}}})
	}
	submit("large", "in", 0, 100)
	submit("outside", "out", 1, 100)
	e.Step(0, Decide{})
	edit(&Selector{}, "f3")
	if err := e.CheckInvariants(); err != nil {
		t.Fatal(err)
	}
	submit("small", "in", 0, 4)
	out := e.Step(0, Decide{})
	if len(out) == 0 {
		t.Fatal("nothing is decided")
	}
	if a, ok := out[0].(Admit); !ok || a.UID != "small" || a.Assignment.PodSets[0].Flavors[0].Flavor != "f3" {
		t.Errorf("decided %v, want small to be admitted in f3", out)
	}
}
