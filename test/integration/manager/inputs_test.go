package manager

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// badWorkloads can never be admitted as they are.
var badWorkloads = map[string]struct {
	template string
	count    int32
	reason   string
	message  []string
}{
	"undecodable-quantity": {`{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"banana"}}}]}}`, 1,
		v1beta1.PendingMisconfigured, []string{"pod set main", "cannot be read", "quantities must match"}},
	"another-shape": {`{"spec":{"containers":"none"}}`, 1,
		v1beta1.PendingMisconfigured, []string{"pod set main", "cannot be read", "containers"}},
	"negative": {`{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"-1"}}}]}}`, 1,
		v1beta1.PendingMisconfigured, []string{"container main", "request of cpu is -1", "must not be negative"}},
	"beyond-counting": {`{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"9223372036854775807"}}}]}}`, 1,
		v1beta1.PendingMisconfigured, []string{"request of cpu", "more than can be counted"}},
	"beyond-counting-in-all": {`{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"9000000000000000"}}}]}}`, 2000000000,
		v1beta1.PendingMisconfigured, []string{"for 2000000000 pods", "more than can be counted"}},
	"above-all-quota": {`{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"1000000"}}}]}}`, 1,
		v1beta1.PendingExceedsMaxQuota, []string{"cpu"}},
	"uncovered-resource": {`{"spec":{"containers":[{"name":"main","resources":{"requests":{"example.com/gpu":"1"}}}]}}`, 1,
		v1beta1.PendingNoMatchingFlavor, []string{"example.com/gpu"}},
	"contradicting-selector": {
		`{"spec":{"nodeSelector":{"example.com/kind":"gold"},"containers":[{"name":"main","resources":{"requests":{"cpu":"1"}}}]}}`, 1,
		v1beta1.PendingNoMatchingFlavor, []string{"node selector", "match none of the flavors"}},
}

var _ = Describe("Bad input", func() {
	It("in a Workload is told in its condition, and a good Job beside it does not notice", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		edit(t, &v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: t.plain}}, func(f *v1beta1.ResourceFlavor) {
			f.Spec.NodeLabels = map[string]string{"example.com/kind": "plain"}
		})
		startManager()
		made := map[string]*v1beta1.Workload{}
		for name, bad := range badWorkloads {
			wl := t.workload(name, "1")
			wl.Spec.PodSets[0].Template = runtime.RawExtension{Raw: []byte(bad.template)}
			wl.Spec.PodSets[0].Count = max(bad.count, 1)
			t.create(wl)
			made[name] = wl
		}
		t.started(t.submit("good"))
		for name, bad := range badWorkloads {
			message := t.states(made[name], v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, bad.reason)
			for _, words := range bad.message {
				Expect(message).To(ContainSubstring(words), name)
			}
		}
	})

	It("there before the manager starts does not keep it from starting", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		wl := t.workload("bad", "banana")
		t.create(wl)
		good := t.submit("good")
		startManager()
		t.started(good)
		t.states(wl, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)
	})

	It("a queue that does not exist is named, and the Job starts once it does", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		startManager()
		j := t.submit("early", label(v1beta1.QueueLabel, "later"))
		Expect(t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)).To(ContainSubstring("later"))
		t.create(t.localQueue("later", t.ns))
		t.started(j)
	})

	It("a ClusterQueue that does not exist is named, and the Job starts once it does", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		t.create(t.localQueue("dangling", t.ns+"-later"))
		startManager()
		j := t.submit("early", label(v1beta1.QueueLabel, "dangling"))
		Expect(t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)).To(ContainSubstring(t.ns + "-later"))
		cq := t.clusterQueue(t.ns+"-later", "1", t.plain)
		t.create(cq)
		DeferCleanup(func() { Expect(admin.Delete(t.ctx, cq)).To(Succeed()) })
		t.started(j)
	})

	It("a flavor that does not exist holds the queue, which says so", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		edit(t, t.clusterQueue(t.ns, "0"), func(cq *v1beta1.ClusterQueue) {
			cq.Spec.ResourceGroups = t.clusterQueue("", "4", t.ns+"-missing").Spec.ResourceGroups
		})
		startManager()
		j := t.submit("held")
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingSuspended)
		Eventually(func() string { return t.activeOf(&v1beta1.ClusterQueue{}, t.ns).Reason }).Should(Equal(v1beta1.ClusterQueueFlavorNotFound))
		Expect(t.activeOf(&v1beta1.ClusterQueue{}, t.ns).Message).To(ContainSubstring(t.ns + "-missing"))
		Eventually(func() string { return t.activeOf(&v1beta1.LocalQueue{}, t.ns).Reason }).Should(Equal(v1beta1.LocalQueueClusterQueueIsInactive))
		flavor := &v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: t.ns + "-missing"}}
		t.create(flavor)
		DeferCleanup(func() { Expect(admin.Delete(t.ctx, flavor)).To(Succeed()) })
		t.started(j)
		Eventually(func() string { return t.activeOf(&v1beta1.ClusterQueue{}, t.ns).Reason }).Should(Equal(v1beta1.ClusterQueueReady))
	})

	It("a priority class that does not exist is a warning, no Workload, and mended by creating it", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		startManager()
		j := t.submit("vip", label(v1beta1.PriorityClassLabel, t.ns+"-vip"))
		Eventually(func() []corev1.Event { return t.events("vip", "MissingPriorityClass") }).Should(HaveLen(1))
		Expect(t.events("vip", "MissingPriorityClass")[0].Message).To(ContainSubstring(fmt.Sprintf("WorkloadPriorityClass %q does not exist", t.ns+"-vip")))
		Expect(t.workloadOf(j)).To(BeNil())
		class := &v1beta1.WorkloadPriorityClass{ObjectMeta: metav1.ObjectMeta{Name: t.ns + "-vip"}, Value: 9}
		t.create(class)
		DeferCleanup(func() { Expect(admin.Delete(t.ctx, class)).To(Succeed()) })
		t.started(j)
		Expect(*t.workloadOf(j).Spec.Priority).To(BeEquivalentTo(9))
	})

	It("a namespace that the queue does not serve", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		edit(t, t.clusterQueue(t.ns, "0"), func(cq *v1beta1.ClusterQueue) {
			cq.Spec.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"served": "yes"}}
		})
		startManager()
		j := t.submit("stranger")
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)
		edit(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, func(ns *corev1.Namespace) {
			ns.Labels["served"] = "yes"
		})
		t.started(j)
	})
})

var _ = Describe("Odd but good input", func() {
	It("a Job of no pods starts at once", func(ctx SpecContext) {
		t := newTenant(ctx, "0")
		startManager()
		j := t.submit("nothing", func(j *batchv1.Job) {
			none := int32(0)
			j.Spec.Parallelism = &none
		})
		t.started(j)
		Expect(*t.workloadOf(j).Status.Admission.PodSetAssignments[0].Count).To(BeZero())
	})

	It("a Job without queue is left alone", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		m := startManager()
		free := job(t.ns, "free", "")
		t.create(free)
		t.started(t.submit("queued"))
		Expect(isSuspended(t.fresh(free))).To(BeFalse())
		Expect(t.workloadOf(free)).To(BeNil())
		for _, w := range m.all() {
			Expect(w.Path).NotTo(ContainSubstring("free"))
		}
	})

	It("Jobs created while the manager is away start when it comes", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		j := t.submit("patient")
		Expect(isSuspended(t.fresh(j))).To(BeTrue())
		startManager()
		t.started(j)
	})

	It("limits stand in for missing requests, and completions bound the pods", func(ctx SpecContext) {
		t := newTenant(ctx, "10")
		startManager()
		j := t.submit("limits", func(j *batchv1.Job) {
			two, three := int32(2), int32(3)
			j.Spec.Parallelism, j.Spec.Completions = &three, &two
			c := &j.Spec.Template.Spec.Containers[0].Resources
			c.Limits, c.Requests = c.Requests, nil
		})
		t.started(j)
		psa := t.workloadOf(j).Status.Admission.PodSetAssignments[0]
		Expect(*psa.Count).To(BeEquivalentTo(2))
		Expect(psa.ResourceUsage.Cpu().String()).To(Equal("2"))
	})

	It("the default classes give their priority", func(ctx SpecContext) {
		t := newTenant(ctx, "10")
		global := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: t.ns + "-global"}, Value: 3, GlobalDefault: true}
		t.create(global)
		startManager()
		j := t.submit("global", cpu("20"))
		Eventually(func() *v1beta1.Workload { return t.workloadOf(j) }).ShouldNot(BeNil())
		Expect(t.workloadOf(j).Spec.PriorityClassRef.Name).To(Equal(global.Name))
		byDefault := &v1beta1.WorkloadPriorityClass{ObjectMeta: metav1.ObjectMeta{Name: v1beta1.DefaultWorkloadPriorityClassName}, Value: 5}
		t.create(byDefault)
		Eventually(func() int32 { return *t.workloadOf(j).Spec.Priority }).Should(BeEquivalentTo(5))
		Expect(admin.Delete(ctx, byDefault)).To(Succeed())
		Expect(admin.Delete(ctx, global)).To(Succeed())
		Eventually(func() int32 { return *t.workloadOf(j).Spec.Priority }).Should(BeZero())
	})

	It("a Job that is deleted frees its quota at once", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager()
		j, next := t.submit("doomed"), t.submit("next")
		Eventually(func() bool { return isSuspended(t.fresh(j)) != isSuspended(t.fresh(next)) }).Should(BeTrue())
		if isSuspended(t.fresh(j)) {
			j, next = next, j
		}
		Expect(admin.Delete(ctx, j, client.PropagationPolicy(metav1.DeletePropagationBackground))).To(Succeed())
		t.started(next)
		// No garbage collector runs here: the Workload is told.
		t.says(j, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedOwnerNotFound)
	})

	It("Workloads without a Job are admitted by their status, and end when somebody says so", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		one, two := t.workload("one", "1"), t.workload("two", "1")
		t.create(one)
		t.states(one, v1beta1.WorkloadAdmitted, metav1.ConditionTrue, v1beta1.ReasonAdmitted)
		t.create(two)
		t.states(two, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(one), one)).To(Succeed())
		meta.SetStatusCondition(&one.Status.Conditions, metav1.Condition{Type: v1beta1.WorkloadFinished, Status: metav1.ConditionTrue,
			Reason: v1beta1.FinishedSucceeded, Message: "said the spec"})
		Expect(admin.Status().Update(ctx, one)).To(Succeed())
		t.states(two, v1beta1.WorkloadAdmitted, metav1.ConditionTrue, v1beta1.ReasonAdmitted)
		Expect(ofJobs(m.counts())).To(Equal(map[string]int{"PUT workloads/status": 3}))
	})
})

// activeOf reads condition Active of a ClusterQueue or LocalQueue.
func (t *tenant) activeOf(obj client.Object, name string) metav1.Condition {
	GinkgoHelper()
	key := client.ObjectKey{Name: name}
	if _, namespaced := obj.(*v1beta1.LocalQueue); namespaced {
		key.Namespace = t.ns
	}
	Expect(admin.Get(t.ctx, key, obj)).To(Succeed())
	var conditions []metav1.Condition
	switch o := obj.(type) {
	case *v1beta1.ClusterQueue:
		conditions = o.Status.Conditions
	case *v1beta1.LocalQueue:
		conditions = o.Status.Conditions
	}
	if c := meta.FindStatusCondition(conditions, v1beta1.ConditionActive); c != nil {
		return *c
	}
	return metav1.Condition{}
}
