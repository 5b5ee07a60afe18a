package manager

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// timeIsOver is why a workload is evicted that has run for as long as it may.
const timeIsOver = v1beta1.EvictedDeactivatedDueToPrefix + v1beta1.DeactivatedMaximumExecutionTimeExceeded

func atMost(seconds string) func(*batchv1.Job) {
	return label(v1beta1.MaxExecTimeSecondsLabel, seconds)
}

func ownDeadline(ofJob, ofPods int64) func(*batchv1.Job) {
	return func(j *batchv1.Job) {
		if ofJob > 0 {
			j.Spec.ActiveDeadlineSeconds = &ofJob
		}
		if ofPods > 0 {
			j.Spec.Template.Spec.ActiveDeadlineSeconds = &ofPods
		}
	}
}

// times gives the tenant's ClusterQueue a default and a maximum; 0 is none.
func (t *tenant) times(usual, most int32) {
	GinkgoHelper()
	edit(t, &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, func(cq *v1beta1.ClusterQueue) {
		cq.Spec.DefaultExecutionTimeSeconds, cq.Spec.MaximumExecutionTimeSeconds = nil, nil
		if usual > 0 {
			cq.Spec.DefaultExecutionTimeSeconds = &usual
		}
		if most > 0 {
			cq.Spec.MaximumExecutionTimeSeconds = &most
		}
	})
}

// given is the time that a started Job was given.
func (t *tenant) given(j *batchv1.Job) *int32 {
	GinkgoHelper()
	t.started(j)
	return t.workloadOf(j).Status.Admission.MaximumExecutionTimeSeconds
}

var _ = Describe("Maximum execution time", func() {
	It("evicts and deactivates a Job when it is over; whoever activates it again gives it all of its time", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		j := t.running("slow", atMost("2"))
		t.later(j)
		next := t.submit("next")
		message := t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, timeIsOver)
		Expect(message).To(ContainSubstring("its maximum execution time of 2 s is over"))
		Expect(t.workloadOf(j).IsActive()).To(BeFalse())
		t.suspended(j)
		Expect(isSuspended(t.fresh(next))).To(BeTrue(), "the quota was given away while pods ran")
		t.halt(j)
		t.started(next)
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionFalse, timeIsOver)
		Expect(t.workloadOf(j).Status.AccumulatedPastExecutionTimeSeconds).To(BeNil())
		Expect(t.workloadOf(j).Status.SchedulingStats.Evictions).To(ConsistOf(v1beta1.WorkloadSchedulingStatsEviction{
			Reason: v1beta1.EvictedDeactivated, UnderlyingCause: v1beta1.DeactivatedMaximumExecutionTimeExceeded, Count: 1}))
		Expect(t.events(j.Name, v1beta1.WorkloadEvicted)).To(HaveLen(1))
		Expect(m.refusals()).To(BeEmpty())

		t.finish(next, batchv1.JobComplete)
		on := true
		edit(t, t.workloadOf(j), func(wl *v1beta1.Workload) { wl.Spec.Active = &on })
		t.started(j)
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionTrue, v1beta1.RequeuedReactivated)
		Eventually(func() bool { return t.workloadOf(j).IsActive() }).Should(BeFalse(), "its time is over once more")
		t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, timeIsOver)
	})

	It("counts over all attempts, whoever is the manager meanwhile", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		j := t.running("again", atMost("5"))
		m.kill()
		t.later(t.fresh(j))
		m = startManager()
		Expect(admin.Patch(ctx, t.fresh(j), client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"suspend":true}}`)))).To(Succeed())
		t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, "Suspended")
		Eventually(func() time.Time { return time.Now() }).Should(BeTemporally(">",
			condition(t.workloadOf(j), v1beta1.WorkloadAdmitted).LastTransitionTime.Add(2*time.Second)))
		t.halt(j)
		t.started(j)
		t.run(j)
		past := t.workloadOf(j).Status.AccumulatedPastExecutionTimeSeconds
		Expect(past).To(HaveValue(BeNumerically(">=", 2)))
		m.kill()
		m = startManager()
		message := t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, timeIsOver)
		Expect(message).To(And(ContainSubstring("5 s is over"), ContainSubstring("earlier attempts took %d s of it", *past)))
		m.kill()
		m = startManager()
		t.suspended(j)
		t.halt(j)
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionFalse, timeIsOver)
		Expect(m.refusals()).To(BeEmpty())
	})

	It("has run out while there was no manager", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		j := t.running("unwatched", atMost("2"))
		m.kill()
		Eventually(func() time.Time { return time.Now() }).Should(BeTemporally(">",
			condition(t.workloadOf(j), v1beta1.WorkloadAdmitted).LastTransitionTime.Add(3*time.Second)))
		Expect(condition(t.workloadOf(j), v1beta1.WorkloadEvicted).Type).To(BeEmpty())
		startManager()
		t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, timeIsOver)
	})

	It("is the smallest of what the Job states, or the queue's default, at most the queue's maximum", func(ctx SpecContext) {
		t := newTenant(ctx, "9")
		startManager()
		Expect(t.given(t.submit("none"))).To(BeNil())
		Expect(t.given(t.submit("label", atMost("300"), ownDeadline(500, 400)))).To(HaveValue(BeEquivalentTo(300)))
		Expect(t.given(t.submit("own", atMost("300"), ownDeadline(200, 0)))).To(HaveValue(BeEquivalentTo(200)))
		Expect(t.given(t.submit("pods", atMost("300"), ownDeadline(200, 100)))).To(HaveValue(BeEquivalentTo(100)))
		t.times(600, 1000)
		Expect(t.given(t.submit("usual"))).To(HaveValue(BeEquivalentTo(600)))
		Expect(t.given(t.submit("more", atMost("700")))).To(HaveValue(BeEquivalentTo(700)))
		Expect(t.given(t.submit("typo", ownDeadline(0, 4*24*23600)))).To(HaveValue(BeEquivalentTo(1000)))
		t.times(0, 50)
		Expect(t.given(t.submit("bounded"))).To(HaveValue(BeEquivalentTo(50)))
	})

	It("given by the queue ends a Job as its own does, and an edit of the queue leaves those alone that run", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		startManager()
		t.times(3600, 0)
		before := t.running("before")
		t.times(2, 2)
		after := t.running("after")
		Expect(t.says(after, v1beta1.WorkloadEvicted, metav1.ConditionTrue, timeIsOver)).To(ContainSubstring("2 s"))
		Expect(t.given(before)).To(HaveValue(BeEquivalentTo(3600)))
		Expect(condition(t.workloadOf(before), v1beta1.WorkloadEvicted).Type).To(BeEmpty())
	})

	It("lets Kubernetes end a Job by its own deadline: it has failed and was not evicted", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager()
		j := t.running("deadline", ownDeadline(1, 0))
		next := t.submit("next")
		admitted := condition(t.workloadOf(j), v1beta1.WorkloadAdmitted).LastTransitionTime
		Eventually(func() time.Time { return time.Now() }).Should(BeTemporally(">", admitted.Add(3*time.Second)))
		Expect(condition(t.workloadOf(j), v1beta1.WorkloadDeactivationTarget).Type).To(BeEmpty())
		t.finish(j, batchv1.JobFailed)
		t.says(j, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedFailed)
		t.started(next)
		Expect(condition(t.workloadOf(j), v1beta1.WorkloadEvicted).Type).To(BeEmpty())
	})
})
