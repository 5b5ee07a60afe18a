package loop

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
)

// BenchmarkRebuild is a start over a full cluster: 100,000 listed Workloads, a
// fifth of them admitted, in 1,000 ClusterQueues, from the first sight to a
// snapshot and the first pass. What the API server takes to list them is not
// in it.
func BenchmarkRebuild(b *testing.B) {
	const queues, workloads = 1000, 100_000
	listed := make([]*v1beta1.Workload, workloads)
	for i := range listed {
		queue := fmt.Sprintf("q%03d", i%queues)
		listed[i] = workload(fmt.Sprintf("00000000-0000-0000-0000-%012d", i), func(wl *v1beta1.Workload) {
			wl.Spec.QueueName = v1beta1.LocalQueueName(queue)
			wl.Spec.PodSets[0].Template.Raw = fmt.Appendf(nil,
				`{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"%d","memory":"%dGi"}}}]}}`, 1+i%8, 2+i%16)
		})
		if i%5 != 0 {
			continue
		}
		is(v1beta1.WorkloadQuotaReserved)(listed[i])
		held := corev1.ResourceList{
			corev1.ResourceCPU:    *resource.NewQuantity(int64(1+i%8), resource.DecimalSI),
			corev1.ResourceMemory: *resource.NewQuantity(int64(2+i%16)<<30, resource.BinarySI),
		}
		count := int32(1)
		listed[i].Status.Admission = &v1beta1.Admission{ClusterQueue: v1beta1.ClusterQueueReference(queue),
			PodSetAssignments: []v1beta1.PodSetAssignment{{Name: "main", Count: &count, ResourceUsage: held,
				Flavors: map[corev1.ResourceName]v1beta1.ResourceFlavorReference{"cpu": "plain", "memory": "plain"}}}}
	}
	for b.Loop() {
		admitted := rebuild(queues, listed)
		if admitted != 0 {
			b.Fatalf("%d workloads admitted over a full quota", admitted)
		}
	}
}

// rebuild feeds everything to a new loop and says what its first pass admits.
func rebuild(queues int, listed []*v1beta1.Workload) (admitted int) {
	engine := admission.New(admission.Config{FairSharing: true})
	inbox, out := NewInbox(), &sink{}
	l := New(Config{Engine: engine, Inbox: inbox, Sink: out, JobEnded: func(ledger.Key) bool { return false }, Log: logr.Discard()})
	inbox.Object("ResourceFlavor/plain", admission.SetFlavor{Flavor: admission.Flavor{Name: "plain"}})
	for i := range queues {
		name := fmt.Sprintf("q%03d", i)
		inbox.Object("ClusterQueue/"+name, admission.SetClusterQueue{ClusterQueue: admission.ClusterQueue{
			Name: name, Cohort: fmt.Sprintf("c%02d", i/20), WeightMilli: 1000, Namespaces: &admission.Selector{},
			Groups: []admission.ResourceGroup{{Resources: []string{"cpu", "memory"}, Flavors: []admission.FlavorQuotas{{Flavor: "plain",
				Quotas: []admission.ResourceQuota{{Resource: "cpu", Nominal: 0}, {Resource: "memory", Nominal: 0}}}}}}}})
		inbox.Object("LocalQueue/"+name, admission.SetLocalQueue{LocalQueue: admission.LocalQueue{Namespace: "osg", Name: name, ClusterQueue: name}})
	}
	for _, wl := range listed {
		inbox.Workload(wl)
	}
	now := time.Now()
	l.feed(now)
	l.publish(now)
	for _, d := range engine.Step(now.UnixNano(), admission.Decide{}) {
		if _, ok := d.(admission.Admit); ok {
			admitted++
		}
	}
	return admitted
}
