package manager

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// stop sets the stop policy of the tenant's ClusterQueue.
func (t *tenant) stop(policy v1beta1.StopPolicy) {
	GinkgoHelper()
	cq := &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}
	edit(t, cq, func(cq *v1beta1.ClusterQueue) { cq.Spec.StopPolicy = policy })
}

// stopLocal sets the stop policy of the tenant's LocalQueue.
func (t *tenant) stopLocal(policy v1beta1.StopPolicy) {
	GinkgoHelper()
	lq := &v1beta1.LocalQueue{ObjectMeta: metav1.ObjectMeta{Namespace: t.ns, Name: t.ns}}
	edit(t, lq, func(lq *v1beta1.LocalQueue) { lq.Spec.StopPolicy = policy })
}

// running submits a Job and plays it until it runs.
func (t *tenant) running(name string, change ...func(*batchv1.Job)) *batchv1.Job {
	GinkgoHelper()
	j := t.submit(name, change...)
	t.started(j)
	t.run(j)
	return j
}

// reserve writes, as a controller of somebody's own would, a reservation that
// waits for an admission check, on a Workload without job. A manager that runs
// would be faster: it is to be started afterwards.
func (t *tenant) reserve(name, amount string, checks ...v1beta1.AdmissionCheckState) *v1beta1.Workload {
	GinkgoHelper()
	wl := t.workload(name, amount)
	t.create(wl)
	one := int32(1)
	Eventually(func() error {
		if err := admin.Get(t.ctx, client.ObjectKeyFromObject(wl), wl); err != nil {
			return err
		}
		wl.Status.Admission = &v1beta1.Admission{
			ClusterQueue: v1beta1.ClusterQueueReference(t.ns),
			PodSetAssignments: []v1beta1.PodSetAssignment{{Name: "main", Count: &one,
				Flavors:       map[corev1.ResourceName]v1beta1.ResourceFlavorReference{corev1.ResourceCPU: v1beta1.ResourceFlavorReference(t.plain)},
				ResourceUsage: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(amount)}}},
		}
		wl.Status.AdmissionChecks = checks
		meta.SetStatusCondition(&wl.Status.Conditions, metav1.Condition{Type: v1beta1.WorkloadQuotaReserved, Status: metav1.ConditionTrue,
			Reason: v1beta1.ReasonQuotaReserved, Message: "reserved by the spec"})
		return admin.Status().Update(t.ctx, wl)
	}).Should(Succeed())
	return wl
}

// undecided is a check that keeps a reservation from being admitted.
func undecided() v1beta1.AdmissionCheckState {
	return v1beta1.AdmissionCheckState{Name: "budget", State: v1beta1.CheckStatePending, LastTransitionTime: metav1.Now(), Message: "asked"}
}

var _ = Describe("A stopped ClusterQueue", func() {
	It("with Hold admits nothing new, takes back what is only reserved, and leaves alone what runs", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		reserved := t.reserve("reserved", "2", undecided())
		startManager()
		runs := t.running("runs")
		t.stop(v1beta1.StopPolicyHold)
		message := t.states(reserved, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingSuspended)
		Expect(message).To(ContainSubstring("ClusterQueue " + t.ns))
		t.states(reserved, v1beta1.WorkloadAdmitted, metav1.ConditionFalse, v1beta1.NotAdmittedNoReservation)
		late := t.submit("late")
		t.says(late, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingSuspended)
		Expect(isSuspended(t.fresh(runs))).To(BeFalse())
		Expect(condition(t.workloadOf(runs), v1beta1.WorkloadEvicted).Type).To(BeEmpty())
		Eventually(func() string { return t.activeOf(&v1beta1.ClusterQueue{}, t.ns).Reason }).Should(Equal(v1beta1.ClusterQueueStopped))

		t.stop(v1beta1.StopPolicyNone)
		t.started(late)
		t.states(reserved, v1beta1.WorkloadQuotaReserved, metav1.ConditionTrue, v1beta1.ReasonQuotaReserved)
	})

	It("with HoldAndDrain evicts what runs, and lets it wait again when it restarts", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager()
		j := t.running("drained")
		t.stop(v1beta1.StopPolicyHoldAndDrain)
		t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, v1beta1.EvictedClusterQueueStopped)
		t.suspended(j)
		Expect(t.workloadOf(j).Status.Admission).NotTo(BeNil(), "the quota was given back while pods ran")
		t.halt(j)
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionFalse, v1beta1.EvictedClusterQueueStopped)
		Expect(t.workloadOf(j).Status.Admission).To(BeNil())
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingSuspended)
		t.stop(v1beta1.StopPolicyNone)
		t.started(j)
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionTrue, v1beta1.RequeuedClusterQueueRestarted)
		t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionFalse, v1beta1.ReasonQuotaReserved)
	})

	It("that restarts says so of a workload that still does not fit", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager()
		j := t.running("drained")
		t.stop(v1beta1.StopPolicyHoldAndDrain)
		t.suspended(j)
		t.halt(j)
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionFalse, v1beta1.EvictedClusterQueueStopped)
		cq := &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}
		edit(t, cq, func(cq *v1beta1.ClusterQueue) {
			cq.Spec.StopPolicy = v1beta1.StopPolicyNone
			cq.Spec.ResourceGroups[0].Flavors[0].Resources[0].NominalQuota = resource.MustParse("0")
		})
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionTrue, v1beta1.RequeuedClusterQueueRestarted)
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
	})

	It("is drained by a manager that was away when it was stopped", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		j := t.running("drained")
		m.kill()
		t.stop(v1beta1.StopPolicyHoldAndDrain)
		m = startManager()
		t.suspended(j)
		m.kill()
		t.halt(j)
		m = startManager()
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionFalse, v1beta1.EvictedClusterQueueStopped)
		m.kill()
		t.stop(v1beta1.StopPolicyNone)
		startManager()
		t.started(j)
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionTrue, v1beta1.RequeuedClusterQueueRestarted)
	})
})

var _ = Describe("A stopped LocalQueue", func() {
	It("with Hold admits nothing new and takes back what is only reserved; others go on", func(ctx SpecContext) {
		t := newTenant(ctx, "5")
		t.create(t.localQueue("open", t.ns))
		reserved := t.reserve("reserved", "2", undecided())
		startManager()
		runs := t.running("runs")
		t.stopLocal(v1beta1.StopPolicyHold)
		t.states(reserved, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingSuspended)
		late := t.submit("late")
		t.says(late, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingSuspended)
		t.started(t.submit("beside", label(v1beta1.QueueLabel, "open")))
		Expect(isSuspended(t.fresh(runs))).To(BeFalse())
		Eventually(func() string { return t.activeOf(&v1beta1.LocalQueue{}, t.ns).Reason }).Should(Equal(v1beta1.LocalQueueStopped))
		t.stopLocal(v1beta1.StopPolicyNone)
		t.started(late)
	})

	It("with HoldAndDrain evicts what came through it", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		t.create(t.localQueue("open", t.ns))
		startManager()
		j := t.running("drained")
		beside := t.submit("beside", label(v1beta1.QueueLabel, "open"))
		t.started(beside)
		t.stopLocal(v1beta1.StopPolicyHoldAndDrain)
		t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, v1beta1.EvictedLocalQueueStopped)
		t.suspended(j)
		t.halt(j)
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionFalse, v1beta1.EvictedLocalQueueStopped)
		Expect(isSuspended(t.fresh(beside))).To(BeFalse())
		t.stopLocal(v1beta1.StopPolicyNone)
		t.started(j)
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionTrue, v1beta1.RequeuedLocalQueueRestarted)
	})
})

var _ = Describe("A queue that is deleted", func() {
	It("takes back what is only reserved, and what runs goes on (LocalQueue)", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		reserved := t.reserve("reserved", "1", undecided())
		startManager()
		runs := t.running("runs")
		Expect(admin.Delete(ctx, t.localQueue(t.ns, t.ns))).To(Succeed())
		t.states(reserved, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)
		waits := t.submit("waits")
		t.says(waits, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)
		Expect(isSuspended(t.fresh(runs))).To(BeFalse())
		t.create(t.localQueue(t.ns, t.ns))
		t.started(waits)
	})
})

var _ = Describe("Admissions written by others", func() {
	It("are charged as found, admitted once their checks are ready, and released when cleared", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		wl := t.reserve("foreign", "2", undecided())
		startManager()
		t.later(&batchv1.Job{ObjectMeta: wl.ObjectMeta})
		waits := t.submit("waits")
		t.says(waits, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)
		Expect(condition(wl, v1beta1.WorkloadAdmitted).Type).To(BeEmpty())
		t.status(wl, func(s *v1beta1.WorkloadStatus) { s.AdmissionChecks[0].State = v1beta1.CheckStateReady })
		t.states(wl, v1beta1.WorkloadAdmitted, metav1.ConditionTrue, v1beta1.ReasonAdmitted)
		t.status(wl, func(s *v1beta1.WorkloadStatus) {
			s.Admission = nil
			meta.SetStatusCondition(&s.Conditions, metav1.Condition{Type: v1beta1.WorkloadQuotaReserved, Status: metav1.ConditionFalse,
				Reason: v1beta1.PendingEvaluation, Message: "cleared by the spec"})
		})
		// It is the older one, and is admitted again before the other.
		t.states(wl, v1beta1.WorkloadQuotaReserved, metav1.ConditionTrue, v1beta1.ReasonQuotaReserved)
		Expect(isSuspended(t.fresh(waits))).To(BeTrue())
		Expect(admin.Delete(ctx, wl)).To(Succeed())
		t.started(waits)
	})

	It("of a running Job that are cleared stop the Job", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager()
		j := t.running("robbed")
		wl := t.workloadOf(j)
		t.status(wl, func(s *v1beta1.WorkloadStatus) {
			s.Admission = nil
			for _, kind := range []string{v1beta1.WorkloadQuotaReserved, v1beta1.WorkloadAdmitted} {
				meta.SetStatusCondition(&s.Conditions, metav1.Condition{Type: kind, Status: metav1.ConditionFalse, Reason: "NoReservation"})
			}
		})
		t.suspended(j)
		t.halt(j)
		t.started(j) // nobody else wants the quota
	})
})

// status changes a Workload's status, again and again on conflicts.
func (t *tenant) status(wl *v1beta1.Workload, change func(*v1beta1.WorkloadStatus)) {
	GinkgoHelper()
	Eventually(func() error {
		if err := admin.Get(t.ctx, client.ObjectKeyFromObject(wl), wl); err != nil {
			return err
		}
		change(&wl.Status)
		return admin.Status().Update(t.ctx, wl)
	}).Should(Succeed())
}

var _ = Describe("Draining a queue", func() {
	for _, when := range []fault{dieBefore, dieAfter} {
		It("ends the same when the manager dies "+map[fault]string{dieBefore: "before", dieAfter: "after"}[when]+" each of its writes", func(ctx SpecContext) {
			t := newTenant(ctx, "1")
			m := startManager()
			j := t.running("drained")
			m.kill()
			t.stop(v1beta1.StopPolicyHoldAndDrain)
			// Evict, suspend, restore, release: one manager dies at each.
			for nth := range 4 {
				written := 0
				m := startManager(withFaults(func(r request, _ int) fault {
					if _, ours := ofJobs(map[string]int{r.kind(): 1})[r.kind()]; !ours {
						return pass
					}
					if written++; when == dieBefore && written <= min(nth, 1) {
						return pass // each gets one write further than the last
					}
					return when
				}))
				Eventually(func() bool {
					if now := t.fresh(j); isSuspended(now) && now.Status.Active > 0 {
						t.halt(j)
					}
					return m.isDead()
				}).Should(BeTrue())
				m.stop()
			}
			startManager()
			if now := t.fresh(j); isSuspended(now) && now.Status.Active > 0 {
				t.halt(j)
			}
			t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionFalse, v1beta1.EvictedClusterQueueStopped)
			wl := t.workloadOf(j)
			Expect(wl.Status.Admission).To(BeNil())
			Expect(wl.Status.SchedulingStats.Evictions).To(ConsistOf(v1beta1.WorkloadSchedulingStatsEviction{
				Reason: v1beta1.EvictedClusterQueueStopped, Count: 1}), "evicted more than once")
			Expect(t.fresh(j).Annotations).NotTo(HaveKey(v1beta1.InjectedAnnotation))
			t.stop(v1beta1.StopPolicyNone)
			t.started(j)
		})
	}
})

var _ = Describe("A namespace that goes away", func() {
	It("disturbs nobody else, and leaves nothing behind", func(ctx SpecContext) {
		t, other := newTenant(ctx, "2"), newTenant(ctx, "1")
		m := startManager()
		runs := t.running("runs")
		m.kill()
		unseen := t.submit("unseen") // no Workload can be made for it any more
		Expect(admin.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.ns}})).To(Succeed())
		m = startManager()
		other.started(other.submit("beside"))
		Eventually(func() []request { return m.refusals() }).Should(ContainElement(HaveField("Code", 403)))
		// There is no namespace controller here to do this.
		background := client.PropagationPolicy(metav1.DeletePropagationBackground)
		Expect(admin.DeleteAllOf(ctx, &batchv1.Job{}, client.InNamespace(t.ns), background)).To(Succeed())
		Expect(admin.DeleteAllOf(ctx, &v1beta1.Workload{}, client.InNamespace(t.ns))).To(Succeed())
		Expect(admin.DeleteAllOf(ctx, &v1beta1.LocalQueue{}, client.InNamespace(t.ns))).To(Succeed())
		for _, j := range []*batchv1.Job{runs, unseen} {
			t.gone(j)
			Expect(t.workloadOf(j)).To(BeNil())
		}
		Eventually(func() int32 {
			cq := &v1beta1.ClusterQueue{}
			Expect(admin.Get(ctx, client.ObjectKey{Name: t.ns}, cq)).To(Succeed())
			return cq.Status.ReservingWorkloads
		}).Should(BeZero())
	})
})
