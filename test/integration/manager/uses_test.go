package manager

import (
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// kept waits until an object has our finalizer.
func (t *tenant) kept(obj client.Object) {
	GinkgoHelper()
	Eventually(func() []string {
		Expect(admin.Get(t.ctx, client.ObjectKeyFromObject(obj), obj)).To(Succeed())
		return obj.GetFinalizers()
	}).Should(ContainElement(v1beta1.ResourceInUseFinalizer), "%s is not kept", obj.GetName())
}

// gone waits until an object is deleted.
func (t *tenant) gone(obj client.Object) {
	GinkgoHelper()
	Eventually(func() bool {
		return apierrors.IsNotFound(admin.Get(t.ctx, client.ObjectKeyFromObject(obj), obj))
	}).Should(BeTrue(), "%s is still there", obj.GetName())
}

var _ = Describe("What is in use", func() {
	It("is kept: a deleted ClusterQueue is Terminating until what runs has ended, across restarts", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		reserved := t.reserve("reserved", "1", undecided())
		m := startManager()
		cq := &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}
		t.kept(cq)
		runs := t.running("runs")
		Expect(admin.Delete(ctx, cq)).To(Succeed())
		Eventually(func() string { return t.activeOf(&v1beta1.ClusterQueue{}, t.ns).Reason }).Should(Equal(v1beta1.ClusterQueueTerminating))
		t.states(reserved, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingSuspended)
		late := t.submit("late")
		t.says(late, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingSuspended)
		m.kill()
		m = startManager()
		Consistently(func() error { return admin.Get(ctx, client.ObjectKeyFromObject(cq), cq) }).WithTimeout(quiet).Should(Succeed())
		Expect(isSuspended(t.fresh(runs))).To(BeFalse())
		t.finish(runs, batchv1.JobComplete)
		t.gone(cq)
		t.says(late, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)
		for _, obj := range []client.Object{late, t.workloadOf(late), t.localQueue(t.ns, t.ns)} {
			Expect(admin.Get(ctx, client.ObjectKeyFromObject(obj), obj)).To(Succeed())
			Expect(obj.GetFinalizers()).To(BeEmpty(), "a finalizer on a namespaced object")
		}
		Expect(slices.DeleteFunc(m.refusals(), func(r request) bool { return r.Code == 409 })).To(BeEmpty())
	})

	It("is kept: a deleted ResourceFlavor goes on admitting until its last queue drops it", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		startManager()
		flavor := &v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: t.plain}}
		t.kept(flavor)
		Expect(admin.Delete(ctx, flavor)).To(Succeed())
		t.started(t.submit("after"))
		t.create(&v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: t.ns + "-other"}})
		DeferCleanup(func() {
			Expect(admin.Delete(t.ctx, &v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: t.ns + "-other"}})).To(Succeed())
		})
		edit(t, &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, func(cq *v1beta1.ClusterQueue) {
			cq.Spec.ResourceGroups[0].Flavors[0].Name = v1beta1.ResourceFlavorReference(t.ns + "-other")
		})
		t.gone(flavor)
	})
})

var _ = Describe("A cut of quota below what is in use", func() {
	It("evicts nothing, stops new admissions, and is told on the queue", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		startManager()
		one, two := t.running("one"), t.running("two")
		edit(t, &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, func(cq *v1beta1.ClusterQueue) {
			cq.Spec.ResourceGroups[0].Flavors[0].Resources[0].NominalQuota = resource.MustParse("1")
		})
		Eventually(func() string { return t.activeOf(&v1beta1.ClusterQueue{}, t.ns).Message }).Should(
			ContainSubstring("overcommitted: it uses 1 cpu of flavor " + t.plain))
		Eventually(func() bool {
			list := &corev1.EventList{}
			Expect(admin.List(ctx, list, client.InNamespace(metav1.NamespaceDefault))).To(Succeed())
			return slices.ContainsFunc(list.Items, func(e corev1.Event) bool {
				return e.InvolvedObject.Name == t.ns && e.Reason == "Overcommitted" && e.Type == corev1.EventTypeWarning
			})
		}).Should(BeTrue(), "no event")
		next := t.submit("next")
		t.says(next, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)
		t.finish(one, batchv1.JobComplete)
		Eventually(func() string { return t.activeOf(&v1beta1.ClusterQueue{}, t.ns).Message }).ShouldNot(ContainSubstring("overcommitted"))
		Expect(isSuspended(t.fresh(next))).To(BeTrue())
		Expect(isSuspended(t.fresh(two))).To(BeFalse())
		t.finish(two, batchv1.JobComplete)
		t.started(next)
	})
})

var _ = Describe("Priority", func() {
	It("of a class changes the order of those who wait, and the Workloads of those who run", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		class := &v1beta1.WorkloadPriorityClass{ObjectMeta: metav1.ObjectMeta{Name: t.ns + "-p"}, Value: 1}
		t.create(class)
		DeferCleanup(func() { Expect(client.IgnoreNotFound(admin.Delete(t.ctx, class))).To(Succeed()) })
		startManager()
		runs := t.submit("runs", label(v1beta1.PriorityClassLabel, class.Name))
		t.started(runs)
		t.run(runs)
		t.later(runs)
		first := t.submit("first")
		t.later(first)
		second := t.submit("second", label(v1beta1.PriorityClassLabel, class.Name))
		t.says(second, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)
		edit(t, class, func(c *v1beta1.WorkloadPriorityClass) { c.Value = -5 })
		for _, j := range []*batchv1.Job{runs, second} {
			Eventually(func() int32 { return *t.workloadOf(j).Spec.Priority }).Should(BeEquivalentTo(-5))
		}
		t.finish(runs, batchv1.JobComplete)
		t.started(first)
		Expect(isSuspended(t.fresh(second))).To(BeTrue())
	})

	It("of a Job changes by its label, waiting or running", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		for name, value := range map[string]int32{"-low": 1, "-high": 9} {
			class := &v1beta1.WorkloadPriorityClass{ObjectMeta: metav1.ObjectMeta{Name: t.ns + name}, Value: value}
			t.create(class)
			DeferCleanup(func() { Expect(client.IgnoreNotFound(admin.Delete(t.ctx, class))).To(Succeed()) })
		}
		low, high := label(v1beta1.PriorityClassLabel, t.ns+"-low"), label(v1beta1.PriorityClassLabel, t.ns+"-high")
		startManager()
		runs := t.submit("runs", low)
		t.started(runs)
		t.run(runs)
		first := t.submit("first", low)
		t.later(first)
		second := t.submit("second", low)
		t.says(second, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)
		for _, j := range []*batchv1.Job{runs, second} {
			edit(t, t.fresh(j), high)
			Eventually(func() int32 { return *t.workloadOf(j).Spec.Priority }).Should(BeEquivalentTo(9))
		}
		Expect(isSuspended(t.fresh(runs))).To(BeFalse())
		t.finish(runs, batchv1.JobComplete)
		t.started(second)
		Expect(isSuspended(t.fresh(first))).To(BeTrue())
	})
})

var _ = Describe("A Workload whose Job is gone", func() {
	It("is finished, across a restart, and frees its quota", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		j := t.running("lost")
		wl := t.workloadOf(j)
		m.kill()
		Expect(admin.Delete(ctx, t.fresh(j), client.PropagationPolicy(metav1.DeletePropagationOrphan))).To(Succeed())
		edit(t, t.fresh(j), func(j *batchv1.Job) { j.Finalizers = nil })
		t.gone(j)
		startManager()
		next := t.submit("next")
		t.states(wl, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedOwnerNotFound)
		t.started(next)
	})
})
