package manager

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/job/batchjob"
)

func unlabel(j *batchv1.Job) { delete(j.Labels, v1beta1.QueueLabel) }

func resume(j *batchv1.Job) {
	off := false
	j.Spec.Suspend = &off
}

func pause(j *batchv1.Job) {
	on := true
	j.Spec.Suspend = &on
}

// A Job may leave its queue in any state (an administrator may do what the
// policies refuse to tenants). Whatever it was doing, no Workload of it may be
// left waiting: it would be admitted for nobody.
var _ = Describe("A Job that leaves its queue", func() {
	free := func(t *tenant) {
		GinkgoHelper()
		next := t.submit("next")
		t.started(next)
	}

	It("while it waits, started in the same breath, runs outside and holds nothing", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager()
		j := t.submit("leaver", cpu("3"))
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		edit(t, t.fresh(j), func(j *batchv1.Job) { unlabel(j); resume(j) })
		Eventually(func() *v1beta1.Workload { return t.workloadOf(j) }).Should(BeNil())
		Expect(isSuspended(t.fresh(j))).To(BeFalse())
		free(t)
	})

	It("while it runs keeps its quota until it has ended", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager()
		j := t.submit("leaver")
		t.started(j)
		t.run(j)
		edit(t, t.fresh(j), unlabel)
		next := t.submit("next")
		t.says(next, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)
		Expect(isSuspended(t.fresh(j))).To(BeFalse())
		t.finish(j, batchv1.JobComplete)
		t.says(j, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
		t.started(next)
	})

	It("while it runs, deactivated, is stopped, restored and forgotten", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		edit(t, &v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: t.plain}}, func(f *v1beta1.ResourceFlavor) {
			f.Spec.NodeLabels = map[string]string{"example.com/kind": "plain"}
			f.Spec.Tolerations = []corev1.Toleration{{Key: "plain", Operator: corev1.TolerationOpExists}}
		})
		startManager()
		j := t.submit("leaver")
		Expect(t.started(j).Spec.Template.Spec.NodeSelector).To(HaveKey("example.com/kind"))
		t.run(j)
		edit(t, t.fresh(j), unlabel)
		off := false
		edit(t, t.workloadOf(j), func(wl *v1beta1.Workload) { wl.Spec.Active = &off })
		t.suspended(j)
		t.halt(j)
		Eventually(func() *v1beta1.Workload { return t.workloadOf(j) }).Should(BeNil())
		Expect(t.fresh(j).Annotations).NotTo(HaveKey(v1beta1.InjectedAnnotation))
		Expect(equality.Semantic.DeepEqual(t.fresh(j).Spec.Template, j.Spec.Template)).To(BeTrue(), "the template is not as it was")
		free(t)
	})

	It("while it runs, suspended in the same breath, is restored and forgotten; it can come back", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		edit(t, &v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: t.plain}}, func(f *v1beta1.ResourceFlavor) {
			f.Spec.NodeLabels = map[string]string{"example.com/kind": "plain"}
		})
		startManager()
		j := t.submit("leaver")
		t.started(j)
		t.run(j)
		edit(t, t.fresh(j), func(j *batchv1.Job) { unlabel(j); pause(j) })
		next := t.submit("next")
		t.says(next, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)
		Expect(t.workloadOf(j)).NotTo(BeNil(), "the quota was freed while pods ran")
		t.halt(j)
		Eventually(func() *v1beta1.Workload { return t.workloadOf(j) }).Should(BeNil())
		Expect(equality.Semantic.DeepEqual(t.fresh(j).Spec.Template, j.Spec.Template)).To(BeTrue(), "the template is not as it was")
		t.started(next)
		edit(t, t.fresh(j), func(j *batchv1.Job) { j.Labels = map[string]string{v1beta1.QueueLabel: t.ns} })
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)
		t.finish(next, batchv1.JobComplete)
		t.started(j)
	})

	It("with its quota reserved but not started yet, frees it", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager(withFaults(first(3, "PATCH jobs", internal)))
		j := t.submit("leaver")
		t.says(j, v1beta1.WorkloadAdmitted, metav1.ConditionTrue, v1beta1.ReasonAdmitted)
		edit(t, t.fresh(j), unlabel)
		Eventually(func() *v1beta1.Workload { return t.workloadOf(j) }).Should(BeNil())
		Expect(isSuspended(t.fresh(j))).To(BeTrue())
		free(t)
	})

	It("while the manager is away leaves nothing behind", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		waits, runs := t.submit("waits", cpu("3")), t.submit("runs")
		t.says(waits, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		t.started(runs)
		t.run(runs)
		m.kill()
		edit(t, t.fresh(waits), func(j *batchv1.Job) { unlabel(j); resume(j) })
		edit(t, t.fresh(runs), unlabel)
		t.finish(runs, batchv1.JobFailed)
		startManager()
		Eventually(func() *v1beta1.Workload { return t.workloadOf(waits) }).Should(BeNil())
		t.says(runs, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedFailed)
		free(t)
	})

	It("for one that does not exist waits there and says so; back again it starts", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager()
		j := t.submit("mover", cpu("2"))
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		edit(t, t.fresh(j), label(v1beta1.QueueLabel, "nowhere"))
		Expect(t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)).To(ContainSubstring("nowhere"))
		edit(t, t.fresh(j), func(j *batchv1.Job) { label(v1beta1.QueueLabel, t.ns)(j); cpu("1")(j) })
		t.started(j)
	})
})

var _ = Describe("A Job that another controller runs (spec.managedBy)", func() {
	other := func(j *batchv1.Job) {
		name := "example.com/other"
		j.Spec.ManagedBy = &name
	}
	suspendedSays := func(t *tenant, j *batchv1.Job) func() string {
		return func() string {
			for _, c := range t.fresh(j).Status.Conditions {
				if c.Type == batchv1.JobSuspended {
					return string(c.Status) + " " + c.Reason
				}
			}
			return ""
		}
	}

	It("says that it is suspended while it waits, and that it is not once it has started", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		j := t.submit("theirs", other, cpu("2"))
		Eventually(suspendedSays(t, j)).Should(Equal("True " + batchjob.HeldReason))
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		edit(t, t.fresh(j), cpu("1"))
		t.started(j)
		Eventually(suspendedSays(t, j)).Should(Equal("False " + batchjob.StartedReason))
		t.finish(j, batchv1.JobComplete)
		t.says(j, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
		Expect(m.counts()["PATCH jobs/status"]).To(Equal(2))
		Expect(m.refusals()).To(BeEmpty())
	})

	It("is not argued with when its controller says so itself", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		j := t.submit("theirs", other)
		t.report(j, func(s *batchv1.JobStatus) {
			s.Conditions = []batchv1.JobCondition{{Type: batchv1.JobSuspended, Status: corev1.ConditionTrue, Reason: "Theirs"}}
		})
		m := startManager()
		t.started(j)
		Expect(m.counts()).NotTo(HaveKey("PATCH jobs/status"))
	})

	It("is the only kind of Job whose status is written", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		j := t.submit("ours", func(j *batchv1.Job) {
			name := batchv1.JobControllerName
			j.Spec.ManagedBy = &name
		})
		t.started(j)
		Expect(m.counts()).NotTo(HaveKey("PATCH jobs/status"))
	})
})
