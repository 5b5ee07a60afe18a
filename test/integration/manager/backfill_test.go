package manager

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// waiting waits until a Job's Workload says that it waits for quota, and
// returns its words.
func (t *tenant) waiting(j *batchv1.Job) string {
	GinkgoHelper()
	message := t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)
	Expect(isSuspended(t.fresh(j))).To(BeTrue(), "job %s was started", j.Name)
	return message
}

// plans sets the backfill of the tenant's ClusterQueue.
func (t *tenant) plans(b *v1beta1.Backfill) {
	GinkgoHelper()
	edit(t, &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, func(cq *v1beta1.ClusterQueue) { cq.Spec.Backfill = b })
}

var _ = Describe("Backfill", func() {
	It("starts before a waiting Job only who does not delay it, by the limits of the Jobs, with whoever is the manager", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		t.plans(&v1beta1.Backfill{Mode: v1beta1.BackfillEASY})
		m := startManager()
		t.running("now", cpu("3"), atMost("3600"))
		big := t.submit("big", cpu("4"), atMost("600"))
		t.waiting(big)
		long := t.submit("long", atMost("7200"))
		t.waiting(long)
		t.started(t.submit("short", atMost("60")))
		m.kill()
		m = startManager()
		Consistently(func() bool { return isSuspended(t.fresh(long)) && isSuspended(t.fresh(big)) }).WithTimeout(quiet).Should(BeTrue())
		Expect(m.refusals()).To(BeEmpty())
		t.plans(&v1beta1.Backfill{Mode: v1beta1.BackfillNone})
		Expect(isSuspended(t.fresh(big))).To(BeTrue())
	})

	It("is that of the Cohort where the ClusterQueue says nothing, and the queue's default limits who states none", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		cohort := &v1beta1.Cohort{ObjectMeta: metav1.ObjectMeta{Name: t.ns}, Spec: v1beta1.CohortSpec{Backfill: &v1beta1.Backfill{Mode: v1beta1.BackfillConservative}}}
		t.create(cohort)
		DeferCleanup(func() { Expect(client.IgnoreNotFound(admin.Delete(t.ctx, cohort))).To(Succeed()) })
		usual := int32(60)
		edit(t, &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, func(cq *v1beta1.ClusterQueue) {
			cq.Spec.CohortName, cq.Spec.DefaultExecutionTimeSeconds = v1beta1.CohortReference(t.ns), &usual
		})
		startManager()
		t.running("now", cpu("3"), atMost("3600"))
		t.waiting(t.submit("big", cpu("4"), atMost("600")))
		t.waiting(t.submit("long", atMost("7200")))
		t.started(t.submit("usual"))
	})
})
