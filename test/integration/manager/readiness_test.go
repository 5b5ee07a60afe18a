package manager

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/apis/v1beta1"
)

// waitForPods configures waitForPodsReady with these times.
func waitForPods(timeout, recovery time.Duration, base int32, change ...func(*configv1beta1.WaitForPodsReady)) option {
	return withConfig(func(c *configv1beta1.Configuration) {
		c.WaitForPodsReady = &configv1beta1.WaitForPodsReady{
			Timeout:           metav1.Duration{Duration: timeout},
			RecoveryTimeout:   &metav1.Duration{Duration: recovery},
			RequeuingStrategy: &configv1beta1.RequeuingStrategy{BackoffBaseSeconds: &base},
		}
		for _, f := range change {
			f(c.WaitForPodsReady)
		}
	})
}

func limited(n int32) func(*configv1beta1.WaitForPodsReady) {
	return func(w *configv1beta1.WaitForPodsReady) { w.RequeuingStrategy.BackoffLimitCount = &n }
}

// ready plays the job controller on a Job whose pods are ready, or are not.
func (t *tenant) ready(j *batchv1.Job, n int32) {
	GinkgoHelper()
	t.report(j, func(s *batchv1.JobStatus) {
		now := metav1.Now()
		s.StartTime, s.Active, s.Ready = &now, 1, &n
	})
}

var _ = Describe("waitForPodsReady", func() {
	It("tells when pods are ready, lost and back, in one write each", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager(waitForPods(time.Hour, time.Hour, 60))
		j := t.submit("ready")
		t.started(j)
		t.says(j, v1beta1.WorkloadPodsReady, metav1.ConditionFalse, v1beta1.PodsReadyWaitForStart)
		Expect(m.counts()["PUT workloads/status"]).To(Equal(1))
		t.ready(j, 0)
		t.ready(j, 1)
		t.says(j, v1beta1.WorkloadPodsReady, metav1.ConditionTrue, v1beta1.PodsReadyStarted)
		t.ready(j, 0)
		t.says(j, v1beta1.WorkloadPodsReady, metav1.ConditionFalse, v1beta1.PodsReadyWaitForRecovery)
		t.ready(j, 1)
		t.says(j, v1beta1.WorkloadPodsReady, metav1.ConditionTrue, v1beta1.PodsReadyRecovered)
		t.finish(j, batchv1.JobComplete)
		t.says(j, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
		Expect(m.counts()["PUT workloads/status"]).To(Equal(5))
		Expect(m.refusals()).To(BeEmpty())
	})

	It("evicts a Job whose pods are not ready in time, and lets another go before it", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager(waitForPods(2*time.Second, time.Hour, 1))
		j := t.running("late")
		t.later(j)
		next := t.submit("next")
		message := t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, v1beta1.EvictedPodsReadyTimeout)
		Expect(message).To(ContainSubstring("2s"))
		t.suspended(j)
		t.halt(j)
		// By default it queues as of its eviction, and next is older than that.
		t.started(next)
		t.ready(next, 1)
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionTrue, v1beta1.RequeuedBackoffFinished)
		wl := t.workloadOf(j)
		Expect(wl.Status.RequeueState.Count).To(HaveValue(BeEquivalentTo(1)))
		Expect(wl.Status.SchedulingStats.Evictions).To(ConsistOf(v1beta1.WorkloadSchedulingStatsEviction{
			Reason: v1beta1.EvictedPodsReadyTimeout, UnderlyingCause: v1beta1.PodsReadyWaitForStart, Count: 1}))
		t.finish(next, batchv1.JobComplete)
		t.started(j)
	})

	It("keeps the place of an evicted Job where that is configured", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager(waitForPods(2*time.Second, time.Hour, 0, func(w *configv1beta1.WaitForPodsReady) {
			creation := configv1beta1.CreationTimestamp
			w.RequeuingStrategy.Timestamp = &creation
		}))
		j := t.running("late")
		t.later(j)
		next := t.submit("next")
		t.suspended(j)
		t.halt(j)
		t.started(j)
		Expect(isSuspended(t.fresh(next))).To(BeTrue())
	})

	It("evicts a Job that does not get a lost pod back in time, across a restart", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager(waitForPods(time.Hour, 2*time.Second, 1))
		j := t.running("robbed")
		t.ready(j, 1)
		t.says(j, v1beta1.WorkloadPodsReady, metav1.ConditionTrue, v1beta1.PodsReadyStarted)
		t.ready(j, 0)
		t.says(j, v1beta1.WorkloadPodsReady, metav1.ConditionFalse, v1beta1.PodsReadyWaitForRecovery)
		m.kill()
		m = startManager(waitForPods(time.Hour, 2*time.Second, 1))
		t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, v1beta1.EvictedPodsReadyTimeout)
		m.kill()
		m = startManager(waitForPods(time.Hour, 2*time.Second, 1))
		t.suspended(j)
		t.halt(j)
		t.says(j, v1beta1.WorkloadAdmitted, metav1.ConditionFalse, v1beta1.NotAdmittedNoReservation)
		m.kill()
		startManager(waitForPods(time.Hour, 2*time.Second, 1))
		t.started(j)
		Expect(t.workloadOf(j).Status.RequeueState.Count).To(HaveValue(BeEquivalentTo(1)))
		Expect(t.workloadOf(j).Status.SchedulingStats.Evictions[0].UnderlyingCause).To(Equal(v1beta1.PodsReadyWaitForRecovery))
	})

	It("deactivates a Job that was evicted too often, and forgets that when it is activated again", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager(waitForPods(time.Second, time.Hour, 0, limited(0)))
		j := t.running("hopeless")
		t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, v1beta1.EvictedDeactivatedDueToPrefix+v1beta1.DeactivatedRequeuingLimitExceeded)
		Expect(t.workloadOf(j).IsActive()).To(BeFalse())
		t.suspended(j)
		t.halt(j)
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionFalse, v1beta1.EvictedDeactivatedDueToPrefix+v1beta1.DeactivatedRequeuingLimitExceeded)
		Expect(condition(t.workloadOf(j), v1beta1.WorkloadDeactivationTarget).Status).NotTo(Equal(metav1.ConditionTrue))
		on := true
		edit(t, t.workloadOf(j), func(wl *v1beta1.Workload) { wl.Spec.Active = &on })
		t.started(j)
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionTrue, v1beta1.RequeuedReactivated)
		Expect(t.workloadOf(j).Status.RequeueState).To(BeNil())
	})

	It("with blockAdmission starts the next Job when the pods of the last are ready, in all queues together", func(ctx SpecContext) {
		t, other := newTenant(ctx, "4"), newTenant(ctx, "4")
		block := func(w *configv1beta1.WaitForPodsReady) { on := true; w.BlockAdmission = &on }
		m := startManager(waitForPods(time.Hour, time.Hour, 60, block))
		first := t.submit("first")
		t.started(first)
		second := other.submit("second")
		other.says(second, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForPodsReady)
		m.kill()
		startManager(waitForPods(time.Hour, time.Hour, 60, block))
		Consistently(func() bool { return isSuspended(other.fresh(second)) }).WithTimeout(quiet).Should(BeTrue())
		t.ready(first, 1)
		other.started(second)
		third := t.submit("third")
		t.says(third, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForPodsReady)
		other.finish(second, batchv1.JobFailed)
		t.started(third)
	})

	It("writes no condition where it is not configured", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager()
		j := t.running("plain")
		t.ready(j, 1)
		t.finish(j, batchv1.JobComplete)
		t.says(j, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
		Expect(condition(t.workloadOf(j), v1beta1.WorkloadPodsReady).Type).To(BeEmpty())
	})
})
