package manager

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/lifecycle"
)

// namespace reads the tenant's namespace.
func (t *tenant) namespace() *corev1.Namespace {
	GinkgoHelper()
	ns := &corev1.Namespace{}
	Expect(admin.Get(t.ctx, client.ObjectKey{Name: t.ns}, ns)).To(Succeed())
	return ns
}

// relabel sets labels of the tenant's namespace; an empty value takes one away.
func (t *tenant) relabel(key, value string) {
	GinkgoHelper()
	edit(t, t.namespace(), func(ns *corev1.Namespace) {
		if value == "" {
			delete(ns.Labels, key)
			return
		}
		ns.Labels[key] = value
	})
}

var _ = Describe("The LocalQueue named default", func() {
	queueLabel := func(t *tenant) func() string {
		return func() string { return t.namespace().Labels[v1beta1.DefaultQueueLabel] }
	}

	It("takes unlabelled Jobs from when it is there until it goes", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		m := startManager()
		t.started(t.submit("first"))
		Expect(queueLabel(t)()).To(BeEmpty())

		queue := t.localQueue("default", t.ns)
		t.create(queue)
		Eventually(queueLabel(t)).Should(Equal("default"))
		var taken *batchv1.Job
		Eventually(func() bool { // the API server learns of the label in its own time
			taken = job(t.ns, "", "")
			taken.GenerateName = "plain-"
			t.create(taken)
			return isSuspended(taken)
		}).Should(BeTrue())
		Expect(taken.Labels).To(HaveKeyWithValue(v1beta1.QueueLabel, "default"))
		t.started(taken)

		Expect(admin.Delete(ctx, queue)).To(Succeed())
		Eventually(queueLabel(t)).Should(BeEmpty())
		Eventually(func() bool {
			free := job(t.ns, "", "")
			free.GenerateName = "free-"
			t.create(free)
			return isSuspended(free)
		}).Should(BeFalse())
		Expect(m.counts()["PATCH "+t.ns]).To(Equal(2))
	})

	It("is found, or missed, by a manager that was away", func(ctx SpecContext) {
		t, gone := newTenant(ctx, "4"), newTenant(ctx, "4")
		t.create(t.localQueue("default", t.ns))
		gone.relabel(v1beta1.DefaultQueueLabel, "default")
		startManager()
		Eventually(queueLabel(t)).Should(Equal("default"))
		Eventually(queueLabel(gone)).Should(BeEmpty())
	})

	It("leaves an administrator's choice alone", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		t.relabel(v1beta1.DefaultQueueLabel, t.ns)
		m := startManager()
		t.create(t.localQueue("default", t.ns))
		t.started(t.submit("after"))
		Expect(queueLabel(t)()).To(Equal(t.ns))
		Expect(m.counts()).NotTo(HaveKey("PATCH " + t.ns))
		By("until he takes it back")
		t.relabel(v1beta1.DefaultQueueLabel, "")
		Eventually(queueLabel(t)).Should(Equal("default"))
	})

	It("is no matter in namespaces that are not managed", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		startManager(withConfig(onlyBatch))
		t.create(t.localQueue("default", t.ns))
		Eventually(func() string { return t.activeOf(&v1beta1.LocalQueue{}, "default").Reason }).Should(Equal(v1beta1.LocalQueueReady))
		Expect(queueLabel(t)()).To(BeEmpty())
		t.relabel("batch", "yes")
		Eventually(queueLabel(t)).Should(Equal("default"))
	})
})

// onlyBatch manages the namespaces with label batch=yes.
func onlyBatch(c *configv1beta1.Configuration) {
	c.ManagedJobsNamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"batch": "yes"}}
}

var _ = Describe("A namespace that is not managed", func() {
	It("has its Jobs left alone until it is", func(ctx SpecContext) {
		t, other := newTenant(ctx, "4"), newTenant(ctx, "4")
		other.relabel("batch", "yes")
		startManager(withConfig(onlyBatch))
		j := t.submit("alone")
		other.started(other.submit("managed"))
		Expect(t.workloadOf(j)).To(BeNil())
		t.relabel("batch", "yes")
		t.started(j)

		By("and from when it is not managed any more; what runs keeps its quota until it ends")
		waits := t.submit("waits", cpu("5"))
		t.says(waits, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		t.relabel("batch", "no")
		Eventually(func() *v1beta1.Workload { return t.workloadOf(waits) }).Should(BeNil())
		Expect(t.workloadOf(j).Status.Admission).NotTo(BeNil())
		t.run(j)
		t.finish(j, batchv1.JobComplete)
		t.says(j, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
	})
})

var _ = Describe("Where all Jobs are managed", func() {
	It("one without queue is told so, once, and starts when it has one", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		t.relabel("batch", "yes")
		startManager(withConfig(onlyBatch), withConfig(func(c *configv1beta1.Configuration) { c.ManageJobsWithoutQueueName = true }))
		j := job(t.ns, "free", "")
		hold := true
		j.Spec.Suspend = &hold // as the policy does, which is not installed here
		t.create(j)
		Eventually(func() []corev1.Event { return t.events("free", lifecycle.WithoutQueue) }).Should(HaveLen(1))
		Expect(t.events("free", lifecycle.WithoutQueue)[0].Message).To(Equal(
			"Job free names no queue and is kept suspended: set label fairlead.dev/queue-name to the name of a LocalQueue (kubectl get localqueues -n " + t.ns + ")"))
		Expect(t.workloadOf(j)).To(BeNil())
		edit(t, t.fresh(j), func(j *batchv1.Job) { j.Labels = map[string]string{v1beta1.QueueLabel: t.ns} })
		t.started(j)
		Expect(t.events("free", lifecycle.WithoutQueue)).To(HaveLen(1))
	})

	It("nothing happens to those that run already", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		j := job(t.ns, "free", "")
		t.create(j)
		t.run(j)
		m := startManager(withConfig(func(c *configv1beta1.Configuration) { c.ManageJobsWithoutQueueName = true }))
		t.started(t.submit("queued"))
		Expect(isSuspended(t.fresh(j))).To(BeFalse())
		Expect(m.counts()["PATCH jobs"]).To(Equal(1))
	})
})

var _ = Describe("Under a label alias", func() {
	It("a Job is queued, moved and finished as under our own label", func(ctx SpecContext) {
		const alias = "kueue.x-k8s.io"
		t := newTenant(ctx, "1")
		t.create(t.localQueue("other", t.ns))
		startManager(withConfig(func(c *configv1beta1.Configuration) {
			c.Integrations = &configv1beta1.Integrations{LabelAliases: []string{alias}}
		}))
		hold := true
		j := job(t.ns, "aliased", "", cpu("2"))
		j.Labels, j.Spec.Suspend = map[string]string{alias + "/queue-name": t.ns}, &hold
		t.create(j)
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		edit(t, t.fresh(j), label(alias+"/queue-name", "other"))
		Eventually(func() v1beta1.LocalQueueName { return t.workloadOf(j).Spec.QueueName }).Should(BeEquivalentTo("other"))
		edit(t, t.fresh(j), cpu("1"))
		t.started(j)
		t.run(j)
		t.finish(j, batchv1.JobComplete)
		t.says(j, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
	})
})
