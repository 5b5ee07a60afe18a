package loop

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
)

func elsewhere(wl *v1beta1.Workload) { wl.Namespace = "usatlas" }

// feedAll gives the engine the inbox as the loop does.
func (b *bench) feedAll() []string {
	b.loop.feeder.feedAll(0, b.inbox.take())
	return b.engine.take()
}

func TestSurroundingsConcernWhatWaits(t *testing.T) {
	b := newBench(nil)
	b.inbox.Reshape("") // before anything is known
	for _, wl := range []*v1beta1.Workload{workload("c"), workload("a"), workload("held", is(v1beta1.WorkloadQuotaReserved)),
		workload("b", elsewhere), workload("ended", is(v1beta1.WorkloadFinished))} {
		b.inbox.Workload(wl)
	}
	expect(t, b.feedAll(), "SetWorkload c", "SetWorkload a", "SetWorkload held in cq", "SetWorkload b", "Finish ended")
	b.inbox.Reshape("osg")
	b.inbox.Reshape("osg")
	expect(t, b.feedAll(), "SetWorkload a", "SetWorkload c")
	b.inbox.Reshape("")
	b.inbox.Workload(workload("c"))
	expect(t, b.feedAll(), "SetWorkload a", "SetWorkload b", "SetWorkload c", "SetWorkload c")
	for uid, again := range map[string]bool{"a": false, "held": true} {
		if r := b.loop.feeder.records[uid]; (r.generation == -1) != again {
			t.Errorf("%s: the shape is of generation %d", uid, r.generation)
		}
	}
}

func TestStrictNamespacesAreAskedAgain(t *testing.T) {
	b := newBench(nil)
	queue := func(resources ...string) admission.SetClusterQueue {
		return admission.SetClusterQueue{ClusterQueue: admission.ClusterQueue{Name: "cq", Groups: []admission.ResourceGroup{{Resources: resources}}}}
	}
	namespace := func(labels map[string]string) admission.SetNamespace {
		return admission.SetNamespace{Name: "osg", Labels: labels}
	}
	cpu := func(wl *v1beta1.Workload) {
		wl.Spec.PodSets[0].Template = runtime.RawExtension{Raw: []byte(`{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"1"}}}]}}`)}
	}
	b.inbox.Workload(workload("a", cpu))
	b.inbox.Workload(workload("b", cpu, elsewhere))
	b.inbox.Object("ClusterQueue/cq", queue("cpu", "memory"))
	b.inbox.Object("LocalQueue/osg/main", admission.SetLocalQueue{LocalQueue: admission.LocalQueue{Namespace: "osg", Name: "main", ClusterQueue: "cq"}})
	expect(t, b.feedAll(), "SetClusterQueue", "SetLocalQueue", "SetWorkload a", "SetWorkload b")
	b.inbox.Object("Namespace/osg", namespace(map[string]string{v1beta1.ManagedLabel: v1beta1.ManagedStrict}))
	expect(t, b.feedAll(), "SetNamespace", "SetWorkload a")
	b.inbox.Object("ClusterQueue/cq", queue("cpu"))
	expect(t, b.feedAll(), "SetClusterQueue", "SetWorkload a")
	b.inbox.Object("ClusterQueue/cq", queue("cpu", "pods"))
	expect(t, b.feedAll(), "SetClusterQueue")
	b.inbox.Object("ClusterQueue/cq", queue("cpu", "gpu"))
	b.inbox.Object("Namespace/osg", namespace(nil))
	expect(t, b.feedAll(), "SetClusterQueue", "SetNamespace")
}
