package loop

import (
	"fmt"
	"testing"
	"time"

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

func TestLimitsOfAQueueConcernWhatWaitsInIt(t *testing.T) {
	b := newBench(nil)
	cq := &v1beta1.ClusterQueue{}
	b.loop.feeder.shapes.ClusterQueue = func(namespace, _ string) *v1beta1.ClusterQueue {
		if namespace != "osg" {
			return nil
		}
		return cq
	}
	own := func(wl *v1beta1.Workload) { wl.Spec.MaximumExecutionTimeSeconds = seconds(100) }
	for _, wl := range []*v1beta1.Workload{workload("c"), workload("a"), workload("own", own), workload("b", elsewhere),
		workload("held", is(v1beta1.WorkloadQuotaReserved)), workload("ended", is(v1beta1.WorkloadFinished))} {
		b.inbox.Workload(wl)
	}
	b.feedAll()
	limits := func(want string, times ...int64) {
		t.Helper()
		got := []int64{}
		for _, name := range []string{"a", "b", "c", "own", "held"} {
			got = append(got, b.engine.limits[name]/int64(time.Second))
		}
		if fmt.Sprint(got) != fmt.Sprint(times) {
			t.Errorf("%s: limits %v, want %v", want, got, times)
		}
	}
	limits("none", 0, 0, 0, 130, 0)
	cq.Spec.DefaultExecutionTimeSeconds = seconds(60)
	b.inbox.LimitsChanged()
	expect(t, b.feedAll(), "SetWorkload a", "SetWorkload c")
	limits("a default", 90, 0, 90, 130, 0)
	cq.Spec.MaximumExecutionTimeSeconds = seconds(50)
	b.inbox.LimitsChanged()
	expect(t, b.feedAll(), "SetWorkload a", "SetWorkload c", "SetWorkload own")
	limits("a maximum", 80, 0, 80, 80, 0)
	b.inbox.LimitsChanged()
	expect(t, b.feedAll())
}

func seconds(n int32) *int32 { return &n }

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
