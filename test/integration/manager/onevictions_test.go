package manager

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

func onEviction(what string) func(*batchv1.Job) {
	return func(j *batchv1.Job) { j.Annotations = map[string]string{v1beta1.OnEvictionAnnotation: what} }
}

var _ = Describe("Annotation on-eviction", func() {
	It("Hold keeps an evicted Job until somebody activates it, through restarts", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		pilot := t.submit("pilot", onEviction(v1beta1.OnEvictionHold))
		t.started(pilot)
		t.run(pilot)
		t.stop(v1beta1.StopPolicyHoldAndDrain)
		t.suspended(pilot)
		m.kill()
		startManager()
		t.halt(pilot)
		t.says(pilot, v1beta1.WorkloadRequeued, metav1.ConditionFalse, v1beta1.EvictedClusterQueueStopped)
		Expect(t.workloadOf(pilot).IsActive()).To(BeFalse())
		t.stop(v1beta1.StopPolicyNone)
		other := t.submit("other") // it fits, so that the held one would have, too
		t.started(other)
		t.finish(other, batchv1.JobComplete)
		Expect(isSuspended(t.fresh(pilot))).To(BeTrue())
		on := true
		edit(t, t.workloadOf(pilot), func(wl *v1beta1.Workload) { wl.Spec.Active = &on })
		t.started(pilot)
	})

	It("Delete deletes an evicted Job when its pods are gone", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		pilot := t.submit("pilot", onEviction(v1beta1.OnEvictionDelete))
		t.started(pilot)
		t.run(pilot)
		wl := t.workloadOf(pilot)
		t.stopLocal(v1beta1.StopPolicyHoldAndDrain)
		t.suspended(pilot)
		Consistently(func() error {
			return admin.Get(ctx, client.ObjectKeyFromObject(pilot), &batchv1.Job{})
		}).WithTimeout(quiet).Should(Succeed(), "deleted while it had pods")
		t.halt(pilot)
		Eventually(func() bool {
			return apierrors.IsNotFound(admin.Get(ctx, client.ObjectKeyFromObject(pilot), &batchv1.Job{}))
		}).Should(BeTrue())
		Expect(m.counts()["DELETE jobs"]).To(Equal(1))
		t.states(wl, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedOwnerNotFound) // no garbage collector here
		t.stopLocal(v1beta1.StopPolicyNone)
		t.started(t.submit("next"))
		Expect(m.refusals()).To(BeEmpty())
	})

	It("is about Jobs that have run: one that never did waits again", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		j := t.submit("pilot", onEviction(v1beta1.OnEvictionDelete))
		m := startManager(withFaults(func(r request, _ int) fault {
			if r.kind() == "PATCH jobs" {
				return dieBefore
			}
			return pass
		}))
		Eventually(m.died).Should(BeClosed())
		m.stop()
		t.stop(v1beta1.StopPolicyHoldAndDrain)
		startManager()
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionFalse, v1beta1.EvictedClusterQueueStopped)
		t.stop(v1beta1.StopPolicyNone)
		t.started(j)
	})
})
