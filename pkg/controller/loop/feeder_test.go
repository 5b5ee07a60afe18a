package loop

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/job"
)

// feed gives the engine everything in the inbox and returns what it noted.
func (b *bench) feed() []string {
	for _, it := range b.inbox.take() {
		b.loop.feeder.feed(0, it)
	}
	return b.engine.take()
}

func TestOnlyTheNewestSightIsFed(t *testing.T) {
	b := newBench(nil)
	b.inbox.Workload(workload("a"))
	b.inbox.Workload(workload("b"))
	b.inbox.Workload(workload("a", is(v1beta1.WorkloadQuotaReserved)))
	expect(t, b.feed(), "SetWorkload a in cq", "SetWorkload b")
	b.inbox.Workload(workload("a"))
	b.inbox.WorkloadGone("a")
	expect(t, b.feed(), "DeleteWorkload a")
}

func TestFinishedWorkloadsAreNeverFedAgain(t *testing.T) {
	b := newBench(nil)
	b.inbox.Workload(workload("a", is(v1beta1.WorkloadQuotaReserved)))
	b.inbox.Finished("a") // its Job has ended
	b.inbox.Workload(workload("a", is(v1beta1.WorkloadQuotaReserved)))
	expect(t, b.feed(), "SetWorkload a in cq", "Finish a")
	b.inbox.Workload(workload("a", is(v1beta1.WorkloadQuotaReserved)))
	b.inbox.Workload(workload("b", is(v1beta1.WorkloadQuotaReserved), is(v1beta1.WorkloadFinished)))
	b.inbox.Finished("b")
	b.ended[ledger.Key{Namespace: "osg", Name: "c"}] = true
	b.inbox.Workload(workload("c", is(v1beta1.WorkloadQuotaReserved)))
	expect(t, b.feed(), "Finish b", "Finish c")
}

func TestForgetIsOnlyForWhatIsNotHeld(t *testing.T) {
	b := newBench(nil)
	b.inbox.Workload(workload("a"))
	b.inbox.Forget("a", 0)
	expect(t, b.feed(), "SetWorkload a", "Forget a")
	b.inbox.Workload(workload("a", is(v1beta1.WorkloadQuotaReserved)))
	b.inbox.Forget("a", 0) // somebody's admission stands
	b.inbox.Forget("stranger", 0)
	expect(t, b.feed(), "SetWorkload a in cq")
}

func TestAFoundJobIsChargedWhereItsQueueLeads(t *testing.T) {
	b := newBench(nil)
	b.loop.feeder.feed(0, item{event: admission.SetClusterQueue{ClusterQueue: admission.ClusterQueue{Name: "cq",
		Groups: []admission.ResourceGroup{{Resources: []string{"cpu"}, Flavors: []admission.FlavorQuotas{{Flavor: "plain"}}}}}}})
	b.loop.feeder.feed(0, item{event: admission.SetLocalQueue{LocalQueue: admission.LocalQueue{Namespace: "osg", Name: "main", ClusterQueue: "cq"}}})
	b.engine.take()
	found := func(wl *v1beta1.Workload) { wl.Annotations = map[string]string{job.AdoptedAnnotation: "true"} }
	b.inbox.Workload(workload("a", found))
	b.inbox.Workload(workload("b", found, func(wl *v1beta1.Workload) { wl.Spec.QueueName = "nowhere" }))
	b.inbox.Workload(workload("c", found, is(v1beta1.WorkloadEvicted)))
	expect(t, b.feed(), "SetWorkload a in cq", "SetWorkload b", "SetWorkload c")
	expect(t, b.sink.given, "adopt a in cq")
}

func TestTheShapeIsReadOncePerGeneration(t *testing.T) {
	b := newBench(nil)
	b.inbox.Workload(workload("a"))
	b.feed()
	unreadable := func(wl *v1beta1.Workload) { wl.Spec.PodSets[0].Template = runtime.RawExtension{Raw: []byte("{")} }
	b.inbox.Workload(workload("a", unreadable)) // same generation: not looked at
	b.feed()
	if problem := b.loop.feeder.records["a"].shape.Problem; problem != "" {
		t.Errorf("read again: %s", problem)
	}
	b.inbox.Workload(workload("a", unreadable, func(wl *v1beta1.Workload) { wl.Generation = 2 }))
	b.feed()
	if b.loop.feeder.records["a"].shape.Problem == "" {
		t.Error("the new generation was not read")
	}
}

func TestDecisionsAboutTheGoneAreDropped(t *testing.T) {
	b := newBench(nil)
	b.inbox.Workload(workload("a"))
	b.feed()
	b.loop.feeder.handOut([]admission.Decision{admission.Admit{UID: "a"}, admission.Wait{UID: "a"}, admission.Admit{UID: "gone"}, admission.Wait{UID: "gone"}})
	expect(t, b.sink.given, "admit a", "wait a")
}
