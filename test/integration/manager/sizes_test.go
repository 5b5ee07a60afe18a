package manager

import (
	"fmt"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/lifecycle"
)

func parallel(parallelism, completions int32) func(*batchv1.Job) {
	return func(j *batchv1.Job) { j.Spec.Parallelism, j.Spec.Completions = &parallelism, &completions }
}

func indexed(j *batchv1.Job) {
	mode := batchv1.IndexedCompletion
	j.Spec.CompletionMode = &mode
}

// workQueue has no completions.
func workQueue(parallelism int32) func(*batchv1.Job) {
	return func(j *batchv1.Job) { j.Spec.Parallelism, j.Spec.Completions = &parallelism, nil }
}

func atLeast(n string) func(*batchv1.Job) {
	return func(j *batchv1.Job) { j.Annotations = map[string]string{v1beta1.JobMinParallelismAnnotation: n} }
}

// have plays the job controller: so many pods are there, so many have
// succeeded.
func (t *tenant) have(j *batchv1.Job, active, succeeded int32) {
	GinkgoHelper()
	t.report(j, func(s *batchv1.JobStatus) {
		if s.StartTime == nil {
			now := metav1.Now()
			s.StartTime = &now
		}
		s.Active, s.Succeeded = active, succeeded
		s.Conditions = nil
		if j.Spec.CompletionMode != nil && *j.Spec.CompletionMode == batchv1.IndexedCompletion {
			s.CompletedIndexes = ""
			if succeeded > 0 {
				s.CompletedIndexes = fmt.Sprintf("0-%d", succeeded-1)
			}
		}
	})
}

// reclaimed waits until the Job's Workload has given back the quota of so many
// pods.
func (t *tenant) reclaimed(j *batchv1.Job, count int32) {
	GinkgoHelper()
	Eventually(func() []v1beta1.ReclaimablePod { return t.workloadOf(j).Status.ReclaimablePods }).Should(
		Equal([]v1beta1.ReclaimablePod{{Name: "main", Count: count}}))
}

var _ = Describe("Partial admission", func() {
	It("starts a Job with fewer pods and restores it exactly", func(ctx SpecContext) {
		t := newTenant(ctx, "3")
		startManager()
		j := t.submit("shrinks", pods(5), atLeast("2"))
		before := t.fresh(j)
		running := t.started(j)
		Expect(*running.Spec.Parallelism).To(BeEquivalentTo(3))
		Expect(*running.Spec.Completions).To(BeEquivalentTo(5))
		wl := t.workloadOf(j)
		Expect(*wl.Spec.PodSets[0].MinCount).To(BeEquivalentTo(2))
		Expect(*wl.Status.Admission.PodSetAssignments[0].Count).To(BeEquivalentTo(3))
		Expect(t.uses(j, corev1.ResourceCPU)).To(Equal("3"))
		t.have(j, 3, 0)
		off := false
		edit(t, wl, func(wl *v1beta1.Workload) { wl.Spec.Active = &off })
		t.suspended(j)
		t.halt(j)
		t.says(j, v1beta1.WorkloadAdmitted, metav1.ConditionFalse, v1beta1.NotAdmittedNoReservation)
		after := t.fresh(j)
		Expect(after.Annotations).To(Equal(before.Annotations))
		Expect(equality.Semantic.DeepEqual(after.Spec, before.Spec)).To(BeTrue(), "the specification is not as it was")
	})

	It("never goes below the least, and waits", func(ctx SpecContext) {
		t := newTenant(ctx, "5")
		startManager()
		other := t.submit("other", pods(4))
		t.started(other)
		t.have(other, 4, 0)
		j := t.submit("firm", pods(5), atLeast("2"))
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)
		t.have(other, 2, 2)
		Expect(*t.started(j).Spec.Parallelism).To(BeEquivalentTo(3))
	})

	It("leaves the full size to a Job that fits", func(ctx SpecContext) {
		t := newTenant(ctx, "5")
		startManager()
		j := t.submit("fits", pods(5), atLeast("2"))
		Expect(*t.started(j).Spec.Parallelism).To(BeEquivalentTo(5))
	})
})

var _ = Describe("Pods that have ended", func() {
	It("give their quota back while others run, in few writes", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		m := startManager()
		j := t.submit("wide", parallel(4, 10))
		t.started(j)
		t.have(j, 4, 0)
		next := t.submit("next", pods(2))
		t.says(next, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingWaitingForQuota)
		t.have(j, 4, 6)
		t.have(j, 3, 7)
		t.have(j, 2, 8)
		t.reclaimed(j, 2)
		t.started(next)
		statuses := 0
		for _, w := range m.all() {
			if w.kind() == "PUT workloads/status" && w.Code == http.StatusOK && strings.Contains(w.Body, `"reclaimablePods"`) {
				statuses++
			}
		}
		Expect(statuses).To(BeNumerically("<=", 2))
		t.have(j, 1, 9)
		t.reclaimed(j, 3)
		Expect(isSuspended(t.fresh(j))).To(BeFalse())
	})

	It("are not spoken of for a Job of one pod", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		j := t.submit("plain")
		t.started(j)
		t.have(j, 1, 0)
		t.have(j, 0, 1)
		t.finish(j, batchv1.JobComplete)
		t.says(j, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
		Expect(m.counts()["PUT workloads/status"]).To(Equal(2))
	})

	It("of a work queue that runs dry give their quota back as they end", func(ctx SpecContext) {
		t := newTenant(ctx, "3")
		startManager()
		j := t.submit("queue", workQueue(3))
		t.started(j)
		t.have(j, 3, 0)
		t.have(j, 2, 1)
		t.reclaimed(j, 1)
		t.started(t.submit("next"))
		t.have(j, 1, 2)
		t.reclaimed(j, 2)
	})

	It("are forgotten when the Job is stopped: it asks for what remains", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		startManager()
		j := t.submit("wide", pods(4))
		t.started(j)
		t.have(j, 3, 1)
		t.reclaimed(j, 1)
		off, on := false, true
		edit(t, t.workloadOf(j), func(wl *v1beta1.Workload) { wl.Spec.Active = &off })
		t.suspended(j)
		t.halt(j)
		t.says(j, v1beta1.WorkloadAdmitted, metav1.ConditionFalse, v1beta1.NotAdmittedNoReservation)
		Eventually(func() int32 { return t.workloadOf(j).Spec.PodSets[0].Count }).Should(BeEquivalentTo(3))
		Expect(t.workloadOf(j).Status.ReclaimablePods).To(BeEmpty())
		edit(t, t.workloadOf(j), func(wl *v1beta1.Workload) { wl.Spec.Active = &on })
		t.started(j)
		Expect(t.uses(j, corev1.ResourceCPU)).To(Equal("3"))
	})

	It("are found by a manager that was away", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		m := startManager()
		j := t.submit("wide", pods(4))
		t.started(j)
		t.have(j, 4, 0)
		m.kill()
		t.have(j, 1, 3)
		startManager()
		t.reclaimed(j, 3)
		t.started(t.submit("next", pods(3)))
	})
})

var _ = Describe("The size of a Job", func() {
	resize := func(parallelism, completions int32) func(*batchv1.Job) { return parallel(parallelism, completions) }

	It("may change while it waits, completions or none", func(ctx SpecContext) {
		t := newTenant(ctx, "2")
		startManager()
		elastic, queue := t.submit("elastic", pods(4), indexed), t.submit("queue", workQueue(4))
		for _, j := range []*batchv1.Job{elastic, queue} {
			t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		}
		uid := t.workloadOf(elastic).UID
		edit(t, t.fresh(elastic), resize(1, 1))
		Expect(*t.started(elastic).Spec.Completions).To(BeEquivalentTo(1))
		Expect(t.workloadOf(elastic).UID).To(Equal(uid))
		edit(t, t.fresh(queue), workQueue(1))
		t.started(queue)
		Expect(t.uses(queue, corev1.ResourceCPU)).To(Equal("1"))
	})

	It("may fall while it runs: the quota is free", func(ctx SpecContext) {
		t := newTenant(ctx, "8")
		startManager()
		elastic, queue := t.submit("elastic", pods(4), indexed), t.submit("queue", workQueue(4))
		t.started(elastic)
		t.started(queue)
		t.have(elastic, 4, 0)
		t.have(queue, 4, 0)
		edit(t, t.fresh(elastic), resize(1, 1))
		edit(t, t.fresh(queue), workQueue(2))
		t.reclaimed(elastic, 3)
		t.reclaimed(queue, 2)
		t.started(t.submit("next", pods(5)))
		Expect(isSuspended(t.fresh(elastic))).To(BeFalse())
	})

	It("that rises while it runs sends it back into the queue with its new size", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		startManager()
		j := t.submit("elastic", pods(2), indexed)
		t.started(j)
		t.have(j, 2, 0)
		edit(t, t.fresh(j), resize(4, 4)) // by an administrator
		Expect(t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, lifecycle.EvictedByResize)).To(
			ContainSubstring("enlarged to 4 pods, but holds quota for 2"))
		t.suspended(j)
		t.halt(j)
		t.started(j)
		Expect(t.uses(j, corev1.ResourceCPU)).To(Equal("4"))
	})

	It("that is given back cannot be taken back while it runs", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		startManager()
		j := t.submit("queue", workQueue(4))
		t.started(j)
		t.have(j, 4, 0)
		edit(t, t.fresh(j), workQueue(1))
		t.reclaimed(j, 3)
		t.started(t.submit("next", pods(3)))
		edit(t, t.fresh(j), workQueue(4))
		t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, lifecycle.EvictedByResize)
	})
})

// withoutPolicy takes a validating policy away while something is done, and
// returns when it is in force again.
func withoutPolicy(t *tenant, name string, do func(), refused func() error) {
	GinkgoHelper()
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{}
	Expect(admin.Get(t.ctx, client.ObjectKey{Name: name}, binding)).To(Succeed())
	Expect(admin.Delete(t.ctx, binding)).To(Succeed())
	restore := func() {
		t.create(&admissionv1.ValidatingAdmissionPolicyBinding{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: binding.Labels}, Spec: binding.Spec})
		Eventually(refused).Should(MatchError(apierrors.IsForbidden, "IsForbidden"))
	}
	defer restore()
	do()
}

var _ = Describe("A waiting Job edited", func() {
	It("beyond description loses its Workload, until it is mended", func(ctx SpecContext) {
		t := newTenant(ctx, "3")
		startManager()
		j := t.submit("odd", pods(4), cpu("2"))
		t.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		// The policies refuse such a value; it is written as if they had been missing.
		withoutPolicy(t, "fairlead-queued-jobs", func() {
			edit(t, t.fresh(j), atLeast("half"))
		}, func() error { return admin.Create(ctx, job(t.ns, "probe", t.ns, atLeast("none")), client.DryRunAll) })
		Eventually(func() *v1beta1.Workload { return t.workloadOf(j) }).Should(BeNil())
		Eventually(func() []corev1.Event { return t.events(j.Name, v1beta1.PendingMisconfigured) }).Should(HaveLen(1))
		Expect(t.events(j.Name, v1beta1.PendingMisconfigured)[0].Message).To(ContainSubstring(`is "half"`))
		edit(t, t.fresh(j), atLeast("1"))
		Expect(*t.started(j).Spec.Parallelism).To(BeEquivalentTo(1))
	})
})

var _ = Describe("A Workload", func() {
	It("may have 18 pod sets and not one more", func(ctx SpecContext) {
		t := newTenant(ctx, "100")
		startManager()
		wl := t.workload("many", "1")
		one := wl.Spec.PodSets[0]
		wl.Spec.PodSets = nil
		for i := range 19 {
			set := one
			set.Name = v1beta1.PodSetReference(fmt.Sprintf("set-%d", i))
			wl.Spec.PodSets = append(wl.Spec.PodSets, set)
		}
		err := admin.Create(ctx, wl.DeepCopy())
		Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%v", err)
		Expect(err).To(MatchError(And(ContainSubstring("spec.podSets"), ContainSubstring("must have at most 18 items"))))
		wl.Spec.PodSets = wl.Spec.PodSets[:18]
		t.create(wl)
		t.states(wl, v1beta1.WorkloadAdmitted, metav1.ConditionTrue, v1beta1.ReasonAdmitted)
	})

	It("whose template becomes unreadable is Misconfigured, and others start beside it", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		before := t.workload("before", "banana")
		t.create(before)
		t.create(t.workload("good", "1"))
		startManager()
		live := t.workload("live", "9")
		t.create(live)
		t.states(live, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
		edit(t, live, func(wl *v1beta1.Workload) {
			wl.Spec.PodSets[0].Template = runtime.RawExtension{Raw: []byte(`{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"banana"}}}]}}`)}
		})
		for _, wl := range []*v1beta1.Workload{before, live} {
			Expect(t.states(wl, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingMisconfigured)).To(And(
				ContainSubstring("pod set main"), ContainSubstring("quantities must match")))
		}
		t.states(t.workload("good", "1"), v1beta1.WorkloadAdmitted, metav1.ConditionTrue, v1beta1.ReasonAdmitted)
		t.started(t.submit("beside"))
		edit(t, live, func(wl *v1beta1.Workload) { wl.Spec.PodSets[0].Template = t.workload("", "2").Spec.PodSets[0].Template })
		t.states(live, v1beta1.WorkloadAdmitted, metav1.ConditionTrue, v1beta1.ReasonAdmitted)
	})
})
