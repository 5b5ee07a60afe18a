package manager

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/apis/v1beta1"
)

// rivals are two tenants whose ClusterQueues, of that many cores each, are
// members of one Cohort.
func rivals(ctx SpecContext, cores string, change ...func(*v1beta1.ClusterQueueSpec)) (owner, borrower *tenant) {
	GinkgoHelper()
	owner, borrower = newTenant(ctx, cores), newTenant(ctx, cores)
	for _, t := range []*tenant{owner, borrower} {
		edit(t, &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, func(cq *v1beta1.ClusterQueue) {
			cq.Spec.CohortName = v1beta1.CohortReference(owner.ns)
			for i := range cq.Spec.ResourceGroups[0].Flavors {
				cq.Spec.ResourceGroups[0].Flavors[i].Name = v1beta1.ResourceFlavorReference(owner.plain)
			}
			cq.Spec.Preemption = &v1beta1.ClusterQueuePreemption{}
			for _, c := range change {
				c(&cq.Spec)
			}
		})
	}
	return owner, borrower
}

func reclaims(policy v1beta1.ReclaimWithinCohortPolicy) func(*v1beta1.ClusterQueueSpec) {
	return func(s *v1beta1.ClusterQueueSpec) { s.Preemption.ReclaimWithinCohort = policy }
}

func within(policy v1beta1.WithinClusterQueuePolicy) func(*v1beta1.ClusterQueueSpec) {
	return func(s *v1beta1.ClusterQueueSpec) { s.Preemption.WithinClusterQueue = policy }
}

// levels creates WorkloadPriorityClasses low (10) and high (1000) of the
// tenant's own and returns their names.
func (t *tenant) levels(change ...func(low, high *v1beta1.WorkloadPriorityClass)) (low, high string) {
	GinkgoHelper()
	l := &v1beta1.WorkloadPriorityClass{ObjectMeta: metav1.ObjectMeta{Name: t.ns + "-low"}, Value: 10}
	h := &v1beta1.WorkloadPriorityClass{ObjectMeta: metav1.ObjectMeta{Name: t.ns + "-high"}, Value: 1000}
	for _, c := range change {
		c(l, h)
	}
	t.create(l)
	t.create(h)
	DeferCleanup(func() {
		Expect(admin.Delete(t.ctx, l)).To(Succeed())
		Expect(admin.Delete(t.ctx, h)).To(Succeed())
	})
	return l.Name, h.Name
}

// runs waits until a Job is started and plays that its pods run.
func (t *tenant) runs(j *batchv1.Job) {
	GinkgoHelper()
	t.started(j)
	t.run(j)
}

var shares = map[bool]string{false: "without fair sharing", true: "under fair sharing"}

func fairSharing(on bool) option {
	return withConfig(func(c *configv1beta1.Configuration) { c.FairSharing = &configv1beta1.FairSharing{Enable: &on} })
}

var _ = Describe("Preemption", func() {
	for fair, name := range shares {
		It("gives a lender its quota back, "+name, func(ctx SpecContext) {
			owner, borrower := rivals(ctx, "1", reclaims(v1beta1.ReclaimAny))
			m := startManager(fairSharing(fair))
			first, second := borrower.submit("first"), borrower.submit("second")
			borrower.runs(first)
			borrower.runs(second)
			mine := owner.submit("mine")
			// The one that was admitted last goes, or, within the same second, either.
			var victim *batchv1.Job
			Eventually(func() *batchv1.Job {
				for _, j := range []*batchv1.Job{first, second} {
					if isSuspended(borrower.fresh(j)) {
						victim = j
					}
				}
				return victim
			}).ShouldNot(BeNil())
			message := borrower.says(victim, v1beta1.WorkloadPreempted, metav1.ConditionTrue, v1beta1.PreemptedInCohortReclamation)
			Expect(message).To(ContainSubstring(owner.ns))
			Expect(message).NotTo(ContainSubstring(`"mine"`))
			borrower.says(victim, v1beta1.WorkloadEvicted, metav1.ConditionTrue, v1beta1.EvictedPreempted)
			owner.says(mine, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForPreemptedWorkloads)
			hold := owner.workloadOf(mine).Status.Preemption
			Expect(hold).NotTo(BeNil())
			Expect(hold.Victims).To(ConsistOf(v1beta1.WorkloadPreemptionVictim{
				UID: borrower.workloadOf(victim).UID, Reason: v1beta1.PreemptedInCohortReclamation}))
			Expect(hold.Held).To(HaveLen(1))
			Expect(hold.Held[0].Amount.Equal(resource.MustParse("1"))).To(BeTrue())

			By("waiting for the victim's pods, however long they take")
			Consistently(func() bool { return isSuspended(owner.fresh(mine)) }).WithTimeout(quiet).Should(BeTrue(), "started while the victim's pods ran")
			borrower.halt(victim)
			owner.runs(mine)
			Expect(owner.workloadOf(mine).Status.Preemption).To(BeNil())
			borrower.says(victim, v1beta1.WorkloadRequeued, metav1.ConditionTrue, v1beta1.EvictedPreempted)
			restored := borrower.fresh(victim)
			Expect(restored.Annotations).NotTo(HaveKey(v1beta1.InjectedAnnotation))
			Expect(restored.Spec.Template.Spec.NodeSelector).To(BeEmpty())

			By("letting the victim run again when its turn comes")
			owner.finish(mine, batchv1.JobComplete)
			borrower.started(victim)
			Expect(m.refusals()).To(BeEmpty())
		})
	}

	It("within a ClusterQueue takes the lowest priority, and no more than is needed", func(ctx SpecContext) {
		t, _ := rivals(ctx, "2", within(v1beta1.WithinLowerPriority))
		low, high := t.levels()
		edit(t, &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, func(cq *v1beta1.ClusterQueue) { cq.Spec.CohortName = "" })
		startManager()
		meek, plain := t.submit("meek", label(v1beta1.PriorityClassLabel, low)), t.submit("plain", label(v1beta1.PriorityClassLabel, low))
		t.runs(meek)
		t.runs(plain)
		edit(t, t.fresh(plain), func(j *batchv1.Job) { j.Labels[v1beta1.PriorityClassLabel] = high })
		Eventually(func() int32 { return *t.workloadOf(plain).Spec.Priority }).Should(BeEquivalentTo(1000))
		urgent := t.submit("urgent", label(v1beta1.PriorityClassLabel, high))
		t.says(meek, v1beta1.WorkloadPreempted, metav1.ConditionTrue, v1beta1.PreemptedInClusterQueue)
		t.suspended(meek)
		t.halt(meek)
		t.started(urgent)
		Expect(isSuspended(t.fresh(plain))).To(BeFalse())
	})

	It("LowerOrNewerEqualPriority also takes what is newer", func(ctx SpecContext) {
		t, _ := rivals(ctx, "1", within(v1beta1.WithinLowerOrNewerEqualPriority))
		edit(t, &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, func(cq *v1beta1.ClusterQueue) { cq.Spec.CohortName = "" })
		startManager()
		big := t.submit("big", cpu("2")) // does not fit
		t.later(big)
		newer := t.submit("newer")
		t.runs(newer)
		edit(t, &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, func(cq *v1beta1.ClusterQueue) {
			cq.Spec.ResourceGroups[0].Flavors[0].Resources[0].NominalQuota = resource.MustParse("2")
		})
		t.says(newer, v1beta1.WorkloadPreempted, metav1.ConditionTrue, v1beta1.PreemptedInClusterQueue)
		t.suspended(newer)
		t.halt(newer)
		t.started(big)
	})

	It("borrowWithinCohort takes from lower priorities while borrowing, up to the threshold", func(ctx SpecContext) {
		threshold := int32(100)
		owner, borrower := rivals(ctx, "1", reclaims(v1beta1.ReclaimLowerPriority), func(s *v1beta1.ClusterQueueSpec) {
			s.Preemption.BorrowWithinCohort = &v1beta1.BorrowWithinCohort{
				Policy: v1beta1.BorrowLowerPriority, MaxPriorityThreshold: &threshold}
		})
		low, high := owner.levels()
		// Two more cores that nobody owns.
		owner.create(&v1beta1.Cohort{ObjectMeta: metav1.ObjectMeta{Name: owner.ns}, Spec: v1beta1.CohortSpec{
			ResourceGroups: owner.clusterQueue("", "2", owner.plain).Spec.ResourceGroups}})
		DeferCleanup(func() {
			Expect(admin.Delete(owner.ctx, &v1beta1.Cohort{ObjectMeta: metav1.ObjectMeta{Name: owner.ns}})).To(Succeed())
		})
		startManager(fairSharing(false))
		var theirs []*batchv1.Job
		for i := range 3 {
			j := borrower.submit(fmt.Sprintf("theirs-%d", i), label(v1beta1.PriorityClassLabel, low))
			borrower.runs(j)
			theirs = append(theirs, j)
		}
		mine := owner.submit("mine", cpu("2"), label(v1beta1.PriorityClassLabel, high)) // one core more than it owns
		var victim *batchv1.Job
		Eventually(func() *batchv1.Job {
			for _, j := range theirs {
				if isSuspended(borrower.fresh(j)) {
					victim = j
				}
			}
			return victim
		}).ShouldNot(BeNil())
		borrower.says(victim, v1beta1.WorkloadPreempted, metav1.ConditionTrue, v1beta1.PreemptedInCohortReclaimWhileBorrowing)
		borrower.halt(victim)
		owner.started(mine)
	})

	It("by fair sharing takes from the larger share, even beyond the preemptor's nominal quota", func(ctx SpecContext) {
		poor, rich := rivals(ctx, "1", reclaims(v1beta1.ReclaimAny))
		// Four more cores that nobody owns: rich takes all, a share of five borrowed.
		poor.create(&v1beta1.Cohort{ObjectMeta: metav1.ObjectMeta{Name: poor.ns}, Spec: v1beta1.CohortSpec{
			ResourceGroups: poor.clusterQueue("", "4", poor.plain).Spec.ResourceGroups}})
		DeferCleanup(func() {
			Expect(admin.Delete(poor.ctx, &v1beta1.Cohort{ObjectMeta: metav1.ObjectMeta{Name: poor.ns}})).To(Succeed())
		})
		startManager()
		var theirs []*batchv1.Job
		for i := range 6 {
			j := rich.submit(fmt.Sprintf("theirs-%d", i))
			rich.runs(j)
			theirs = append(theirs, j)
		}
		mine := poor.submit("mine", cpu("3")) // two cores more than poor owns
		halted := map[string]bool{}
		Eventually(func() bool {
			for _, j := range theirs {
				if !halted[j.Name] && isSuspended(rich.fresh(j)) {
					rich.says(j, v1beta1.WorkloadPreempted, metav1.ConditionTrue, v1beta1.PreemptedInCohortFairSharing)
					rich.halt(j)
					halted[j.Name] = true
				}
			}
			return isSuspended(poor.fresh(mine))
		}).Should(BeFalse())
		Expect(halted).To(HaveLen(3))
	})

	It("spares a workload until its class's minimum runtime is over", func(ctx SpecContext) {
		t, _ := rivals(ctx, "1", within(v1beta1.WithinLowerPriority))
		promise := int64(3)
		low, high := t.levels(func(low, _ *v1beta1.WorkloadPriorityClass) { low.MinimumRuntimeSeconds = &promise })
		edit(t, &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: t.ns}}, func(cq *v1beta1.ClusterQueue) { cq.Spec.CohortName = "" })
		startManager()
		meek := t.submit("meek", label(v1beta1.PriorityClassLabel, low))
		t.runs(meek)
		urgent := t.submit("urgent", label(v1beta1.PriorityClassLabel, high))
		t.says(meek, v1beta1.WorkloadPreempted, metav1.ConditionTrue, v1beta1.PreemptedInClusterQueue)
		wl := t.workloadOf(meek)
		held := condition(wl, v1beta1.WorkloadQuotaReserved).LastTransitionTime
		evicted := condition(wl, v1beta1.WorkloadEvicted).LastTransitionTime
		Expect(evicted.Sub(held.Time).Seconds()).To(BeNumerically(">=", 3))
		t.suspended(meek)
		t.halt(meek)
		t.started(urgent)
	})

	It("is not needed for what ends by itself", func(ctx SpecContext) {
		owner, borrower := rivals(ctx, "1", reclaims(v1beta1.ReclaimAny))
		startManager()
		theirs := borrower.submit("theirs", cpu("2"))
		borrower.runs(theirs)
		mine := owner.submit("mine")
		borrower.suspended(theirs)
		borrower.finish(theirs, batchv1.JobComplete) // its last pod was just done
		borrower.says(theirs, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
		owner.started(mine)
		Consistently(func() bool { return isSuspended(borrower.fresh(theirs)) }).WithTimeout(quiet).Should(BeTrue(), "a finished Job was started again")
	})

	It("of fifty at once evicts as many as are needed, and every preemptor runs", func(ctx SpecContext) {
		owner, borrower := rivals(ctx, "50", reclaims(v1beta1.ReclaimAny))
		m := startManager()
		var theirs, mine []*batchv1.Job
		for i := range 100 {
			theirs = append(theirs, borrower.submit(fmt.Sprintf("theirs-%02d", i)))
		}
		for _, j := range theirs {
			borrower.runs(j)
		}
		for i := range 50 {
			mine = append(mine, owner.submit(fmt.Sprintf("mine-%02d", i)))
		}
		halted := map[string]bool{}
		Eventually(func() int {
			for _, j := range theirs {
				if !halted[j.Name] && isSuspended(borrower.fresh(j)) {
					borrower.halt(j)
					halted[j.Name] = true
				}
			}
			started := 0
			for _, j := range mine {
				if !isSuspended(owner.fresh(j)) {
					started++
				}
			}
			return started
		}).WithTimeout(2 * waitToEnd).Should(Equal(50))
		Expect(halted).To(HaveLen(50))
		Expect(m.refusals()).To(BeEmpty())
	})
})

var _ = Describe("A manager that dies while it preempts", func() {
	// The preemptor's hold, the victim's eviction, its suspension, the
	// restoration of its template, its release, the admission and the start.
	for _, when := range []fault{dieBefore, dieAfter} {
		for write := range 7 {
			It(fmt.Sprintf("comes to the same end when it dies %s write %d", map[fault]string{dieBefore: "before", dieAfter: "after"}[when], write), func(ctx SpecContext) {
				owner, borrower := rivals(ctx, "1", reclaims(v1beta1.ReclaimAny))
				first := startManager()
				other, theirs := borrower.submit("other"), borrower.submit("theirs")
				borrower.runs(other)
				borrower.runs(theirs)
				first.kill()
				mine := owner.submit("mine")
				count := 0
				doomed := launch(withFaults(func(r request, _ int) fault {
					if _, ours := ofJobs(map[string]int{r.kind(): 1})[r.kind()]; !ours || r.kind() == "POST workloads" {
						return pass
					}
					count++
					if count-1 == write {
						return when
					}
					return pass
				}))
				halt := func() (gone []string) {
					for _, j := range []*batchv1.Job{other, theirs} {
						if now := borrower.fresh(j); isSuspended(now) {
							gone = append(gone, j.Name)
							if now.Status.Active > 0 {
								borrower.halt(j)
							}
						}
					}
					return gone
				}
				Eventually(func() bool { halt(); return doomed.isDead() }).Should(BeTrue())
				startManager()
				Eventually(func() bool { halt(); return isSuspended(owner.fresh(mine)) }).Should(BeFalse())
				Expect(halt()).To(HaveLen(1), "one victim was enough")
				Expect(owner.fresh(mine).Generation).To(BeNumerically("<=", 2))
				Eventually(func() *v1beta1.WorkloadPreemption { return owner.workloadOf(mine).Status.Preemption }).Should(BeNil())
				Consistently(func() []string { return halt() }).WithTimeout(quiet).Should(HaveLen(1), "a second victim went")
			})
		}
	}
})
