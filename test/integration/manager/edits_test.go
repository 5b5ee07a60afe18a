package manager

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

var _ = Describe("Editing a Job", func() {
	It("that waits updates its Workload in place", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		startManager()
		j := t.submit("wide", pods(5))
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		before := t.workloadOf(j)
		edit(t, t.fresh(j), func(j *batchv1.Job) {
			two := int32(2)
			j.Spec.Parallelism = &two
		})
		t.started(j)
		after := t.workloadOf(j)
		Expect(after.UID).To(Equal(before.UID))
		Expect(after.Spec.PodSets[0].Count).To(BeEquivalentTo(2))
	})

	It("that waits so that it asks for less lets it start", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		startManager()
		j := t.submit("big", cpu("3"))
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		edit(t, t.fresh(j), cpu("1"))
		t.started(j)
		Expect(t.workloadOf(j).Status.Admission.PodSetAssignments[0].ResourceUsage.Cpu().String()).To(Equal("1"))
	})

	It("moves it to another queue by its label", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		t.create(t.localQueue("other", t.ns))
		startManager()
		j := t.submit("mover", cpu("3"))
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		edit(t, t.fresh(j), label(v1beta1.QueueLabel, "other"))
		Eventually(func() v1beta1.LocalQueueName { return t.workloadOf(j).Spec.QueueName }).Should(BeEquivalentTo("other"))
	})

	It("that leaves the queue takes its Workload away", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		startManager()
		j := t.submit("leaver", cpu("3"))
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		edit(t, t.fresh(j), func(j *batchv1.Job) { delete(j.Labels, v1beta1.QueueLabel) })
		Eventually(func() *v1beta1.Workload { return t.workloadOf(j) }).Should(BeNil())
		Expect(isSuspended(t.fresh(j))).To(BeTrue())
	})

	It("between reservation and start releases the reservation", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		m := startManager(withFaults(first(3, "PATCH jobs", internal)))
		j := t.submit("late")
		t.says(j, v1beta1.WorkloadAdmitted, metav1.ConditionTrue, v1beta1.ReasonAdmitted)
		edit(t, t.fresh(j), cpu("2"))
		running := t.started(j)
		Expect(running.Spec.Template.Spec.Containers[0].Resources.Requests.Cpu().String()).To(Equal("2"))
		Expect(t.workloadOf(j).Status.Admission.PodSetAssignments[0].ResourceUsage.Cpu().String()).To(Equal("2"))
		Expect(m.counts()["PUT workloads"]).To(Equal(1))
	})

	It("changes its priority with its class", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		class := &v1beta1.WorkloadPriorityClass{ObjectMeta: metav1.ObjectMeta{Name: t.ns + "-urgent"}, Value: 100}
		t.create(class)
		DeferCleanup(func() { Expect(admin.Delete(t.ctx, class)).To(Succeed()) })
		startManager()
		j := t.submit("urgent", cpu("3"), label(v1beta1.PriorityClassLabel, class.Name))
		Eventually(func() *v1beta1.Workload { return t.workloadOf(j) }).ShouldNot(BeNil())
		wl := t.workloadOf(j)
		Expect(*wl.Spec.Priority).To(BeEquivalentTo(100))
		Expect(*wl.Spec.PriorityClassRef).To(Equal(v1beta1.PriorityClassRef{
			Group: v1beta1.WorkloadPriorityClassGroup, Kind: v1beta1.WorkloadPriorityClassKind, Name: class.Name}))
		edit(t, class, func(c *v1beta1.WorkloadPriorityClass) { c.Value = 7 })
		Eventually(func() int32 { return *t.workloadOf(j).Spec.Priority }).Should(BeEquivalentTo(7))
		edit(t, t.fresh(j), func(j *batchv1.Job) { delete(j.Labels, v1beta1.PriorityClassLabel) })
		Eventually(func() *v1beta1.PriorityClassRef { return t.workloadOf(j).Spec.PriorityClassRef }).Should(BeNil())
	})
})

var _ = Describe("Flavors", func() {
	It("put their labels and tolerations on the Job and take them away again, exactly", func(ctx SpecContext) {
		t := newTenant(ctx, "0")
		fast := &v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: t.ns + "-fast"}, Spec: v1beta1.ResourceFlavorSpec{
			NodeLabels:  map[string]string{"example.com/kind": "fast"},
			Tolerations: []corev1.Toleration{{Key: "fast", Operator: corev1.TolerationOpExists}},
		}}
		t.create(fast)
		DeferCleanup(func() { Expect(admin.Delete(t.ctx, fast)).To(Succeed()) })
		edit(t, t.clusterQueue(t.ns, "0"), func(cq *v1beta1.ClusterQueue) {
			cq.Spec.ResourceGroups = t.clusterQueue("", "4", fast.Name).Spec.ResourceGroups
		})
		startManager()
		j := t.submit("picky", func(j *batchv1.Job) {
			j.Annotations = map[string]string{"kept": "by its user"}
			j.Spec.Template.Spec.NodeSelector = map[string]string{"example.com/site": "bnl"}
			j.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Key: "own", Operator: corev1.TolerationOpExists}}
		})
		running := t.started(j)
		Expect(running.Spec.Template.Spec.NodeSelector).To(Equal(map[string]string{"example.com/kind": "fast", "example.com/site": "bnl"}))
		Expect(running.Spec.Template.Spec.Tolerations).To(HaveLen(2))
		Expect(running.Annotations).To(HaveKeyWithValue("kept", "by its user"))

		t.run(j)
		wl := t.workloadOf(j)
		off := false
		edit(t, wl, func(wl *v1beta1.Workload) { wl.Spec.Active = &off })
		t.suspended(j)
		t.halt(j)
		Eventually(func() map[string]string { return t.fresh(j).Annotations }).Should(Equal(map[string]string{"kept": "by its user"}))
		Expect(equality.Semantic.DeepEqual(t.fresh(j).Spec.Template, j.Spec.Template)).To(BeTrue(), "the template is not as it was")
	})

	It("are found by node selector for a Job that runs already", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		tagged := &v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: t.ns + "-tagged"},
			Spec: v1beta1.ResourceFlavorSpec{NodeLabels: map[string]string{"example.com/kind": "tagged"}}}
		t.create(tagged)
		DeferCleanup(func() { Expect(admin.Delete(t.ctx, tagged)).To(Succeed()) })
		edit(t, t.clusterQueue(t.ns, "0"), func(cq *v1beta1.ClusterQueue) {
			cq.Spec.ResourceGroups = t.clusterQueue("", "1", t.plain, tagged.Name).Spec.ResourceGroups
		})
		j := t.alreadyRunning("old", func(j *batchv1.Job) {
			j.Spec.Template.Spec.NodeSelector = map[string]string{"example.com/kind": "tagged"}
		})
		startManager()
		t.says(j, v1beta1.WorkloadAdmitted, metav1.ConditionTrue, v1beta1.ReasonAdmitted)
		Expect(t.workloadOf(j).Status.Admission.PodSetAssignments[0].Flavors).To(
			HaveKeyWithValue(corev1.ResourceCPU, v1beta1.ResourceFlavorReference(tagged.Name)))
	})
})

// alreadyRunning makes a queued Job that runs without a Workload, as if
// Fairlead had been installed over running work.
func (t *tenant) alreadyRunning(name string, change ...func(*batchv1.Job)) *batchv1.Job {
	GinkgoHelper()
	j := t.submit(name, change...)
	edit(t, t.fresh(j), func(j *batchv1.Job) {
		off := false
		j.Spec.Suspend = &off
	})
	t.run(j)
	return t.fresh(j)
}

var _ = Describe("A running Job without Workload", func() {
	It("is adopted and charged, even over quota", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		old := t.alreadyRunning("old", pods(3))
		startManager()
		t.says(old, v1beta1.WorkloadAdmitted, metav1.ConditionTrue, v1beta1.ReasonAdmitted)
		Expect(t.workloadOf(old).Status.Admission.PodSetAssignments[0].ResourceUsage.Cpu().String()).To(Equal("3"))
		late := t.submit("late")
		t.says(late, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)
		Expect(isSuspended(t.fresh(old))).To(BeFalse())
		t.finish(old, batchv1.JobComplete)
		t.started(late)
	})

	It("is adopted when its Workload is deleted under it", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager()
		j := t.submit("orphan")
		t.started(j)
		t.run(j)
		before := t.workloadOf(j)
		Expect(admin.Delete(ctx, before)).To(Succeed())
		Eventually(func() bool {
			wl := t.workloadOf(j)
			return wl != nil && wl.UID != before.UID && wl.Status.Admission != nil
		}).Should(BeTrue())
		Expect(isSuspended(t.fresh(j))).To(BeFalse())
		Expect(condition(t.workloadOf(j), v1beta1.WorkloadQuotaReserved).Message).To(ContainSubstring("running already"))
	})

	It("is left alone while its queue leads nowhere", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		j := t.alreadyRunning("lost", label(v1beta1.QueueLabel, "nowhere"))
		m := startManager()
		Eventually(func() *v1beta1.Workload { return t.workloadOf(j) }).ShouldNot(BeNil())
		Consistently(func() int { return m.counts()["PATCH jobs"] }).WithTimeout(quiet).Should(BeZero())
		t.create(t.localQueue("nowhere", t.ns))
		t.says(j, v1beta1.WorkloadAdmitted, metav1.ConditionTrue, v1beta1.ReasonAdmitted)
		Expect(isSuspended(t.fresh(j))).To(BeFalse())
	})
})

var _ = Describe("A Job that is unsuspended without quota", func() {
	It("is suspended again", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager()
		j := t.submit("impatient", cpu("2"))
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		// The policies refuse this to tenants; an administrator may.
		Expect(admin.Patch(ctx, t.fresh(j), client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"suspend":false}}`)))).To(Succeed())
		t.suspended(j)
		Expect(resource.MustParse("2")).To(Equal(t.fresh(j).Spec.Template.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU]))
	})
})
