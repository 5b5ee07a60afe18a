package jobs

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

func kinds() {
	Describe("A Job", func() {
		It("of one pod runs and succeeds", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("plain", brief)
			l.finished(j, batchv1.JobComplete, v1beta1.FinishedSucceeded)
		})

		It("of indexed completions is charged for what runs at once", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("indexed", indexed, pods(2, 5))
			for index := range 4 {
				running := l.running(j, 2)
				count, cores := l.charged(j)
				Expect(count).To(BeEquivalentTo(2))
				Expect(cores).To(Equal("2"))
				l.end(ofIndex(running, index), 0)
				Eventually(func() int32 { return l.fresh(j).Status.Succeeded }).Should(BeEquivalentTo(index + 1))
			}
			l.end(ofIndex(l.running(j, 1), 4), 0)
			l.finished(j, batchv1.JobComplete, v1beta1.FinishedSucceeded)
			Expect(l.fresh(j).Status.CompletedIndexes).To(Equal("0-4"))
		})

		It("with backoffLimitPerIndex goes on after an index has failed, and fails at the end", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("per-index", indexed, pods(3, 3), func(j *batchv1.Job) {
				none := int32(0)
				j.Spec.BackoffLimit, j.Spec.BackoffLimitPerIndex = nil, &none
			})
			running := l.running(j, 3)
			l.end(ofIndex(running, 1), 1)
			Eventually(func() *string { return l.fresh(j).Status.FailedIndexes }).Should(HaveValue(Equal("1")))
			Expect(isSuspended(l.fresh(j))).To(BeFalse())
			l.end(ofIndex(running, 0), 0)
			l.end(ofIndex(running, 2), 0)
			Expect(l.finished(j, batchv1.JobFailed, v1beta1.FinishedFailed)).To(ContainSubstring("failed indexes"))
		})

		It("with podFailurePolicy FailJob fails with its first bad exit", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("fail-job", pods(3, 3), onExit(42, batchv1.PodFailurePolicyActionFailJob))
			running := l.running(j, 3)
			l.end(&running[0], 42)
			Expect(l.finished(j, batchv1.JobFailed, v1beta1.FinishedFailed)).To(ContainSubstring("exit code 42"))
		})

		It("with podFailurePolicy Ignore tries again on the same quota, whatever its limit", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("ignore", onExit(7, batchv1.PodFailurePolicyActionIgnore))
			for range 2 {
				l.end(&l.running(j, 1)[0], 7)
				l.running(j, 1)
			}
			count, _ := l.charged(j)
			Expect(count).To(BeEquivalentTo(1))
			l.end(&l.running(j, 1)[0], 0)
			l.finished(j, batchv1.JobComplete, v1beta1.FinishedSucceeded)
			Expect(l.fresh(j).Status.Failed).To(BeZero())
		})

		It("with successPolicy succeeds with its leader; the quota is free when its pods are gone", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("leader", indexed, pods(3, 3), func(j *batchv1.Job) {
				leader := "0"
				j.Spec.SuccessPolicy = &batchv1.SuccessPolicy{Rules: []batchv1.SuccessPolicyRule{{SucceededIndexes: &leader}}}
			})
			l.end(ofIndex(l.running(j, 3), 0), 0)
			Expect(l.finished(j, batchv1.JobComplete, v1beta1.FinishedSucceeded)).To(ContainSubstring("rules at index 0"))
			l.running(j, 0)
		})

		It("without completions (a work queue) ends when its pods end after the first success", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("work-queue", func(j *batchv1.Job) {
				three := int32(3)
				j.Spec.Parallelism = &three
			})
			running := l.running(j, 3)
			count, cores := l.charged(j)
			Expect(count).To(BeEquivalentTo(3))
			Expect(cores).To(Equal("3"))
			for i := range running {
				l.end(&running[i], 0)
			}
			l.finished(j, batchv1.JobComplete, v1beta1.FinishedSucceeded)
		})

		It("that fails frees its quota and says why", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("failing", failing)
			Expect(l.finished(j, batchv1.JobFailed, v1beta1.FinishedFailed)).To(ContainSubstring("backoff limit"))
		})

		It("that fails once and then succeeds is one admission", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("again", func(j *batchv1.Job) {
				one := int32(1)
				j.Spec.BackoffLimit = &one
			})
			first := l.running(j, 1)[0]
			l.end(&first, 1)
			Eventually(func() int32 { return l.fresh(j).Status.Failed }).Should(BeEquivalentTo(1))
			l.end(&l.running(j, 1)[0], 0)
			l.finished(j, batchv1.JobComplete, v1beta1.FinishedSucceeded)
			Expect(l.fresh(j).Generation).To(BeEquivalentTo(2), "it was started more than once")
		})

		It("whose deadline passes frees its quota and says why", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("late", pods(2, 2), func(j *batchv1.Job) {
				one := int64(1)
				j.Spec.ActiveDeadlineSeconds = &one
			})
			Expect(l.finished(j, batchv1.JobFailed, v1beta1.FinishedFailed)).To(ContainSubstring("deadline"))
		})

		It("that is gone with its end (ttlSecondsAfterFinished 0) leaves nothing", func(ctx SpecContext) {
			l := newLab(ctx)
			j := l.submit("fleeting", brief, func(j *batchv1.Job) {
				zero := int32(0)
				j.Spec.TTLSecondsAfterFinished = &zero
			})
			Eventually(func() bool {
				return apierrors.IsNotFound(admin.Get(l.ctx, client.ObjectKeyFromObject(j), &batchv1.Job{}))
			}).Should(BeTrue())
			l.free()
			Eventually(func() *v1beta1.Workload { return l.workload(j) }).Should(BeNil(), "the Workload outlives its Job")
		})

		It("under a generated name is a Job like others", func(ctx SpecContext) {
			l := newLab(ctx)
			generated := func(j *batchv1.Job) { j.GenerateName = "run-" }
			one, two := l.submit("", brief, generated), l.submit("", brief, generated)
			Expect(one.Name).NotTo(Equal(two.Name))
			l.finished(one, batchv1.JobComplete, v1beta1.FinishedSucceeded)
			l.finished(two, batchv1.JobComplete, v1beta1.FinishedSucceeded)
		})

		It("of a dry run is suspended, and nothing is left of it", func(ctx SpecContext) {
			l := newLab(ctx)
			dry := l.job("dry")
			Expect(tenant.Create(l.ctx, dry, client.DryRunAll)).To(Succeed())
			Expect(isSuspended(dry)).To(BeTrue())
			// Whatever it had left would have been seen before what comes after it.
			l.finished(l.submit("after", brief), batchv1.JobComplete, v1beta1.FinishedSucceeded)
			Expect(apierrors.IsNotFound(admin.Get(l.ctx, client.ObjectKeyFromObject(dry), &batchv1.Job{}))).To(BeTrue())
			Expect(l.workload(dry)).To(BeNil())

			By("editing and deleting one that waits, dry")
			waits := l.submit("waits", pods(5, 5))
			l.says(waits, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingExceedsMaxQuota)
			Expect(tenant.Patch(l.ctx, waits.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"parallelism":1}}`)), client.DryRunAll)).To(Succeed())
			Expect(tenant.Delete(l.ctx, waits.DeepCopy(), client.DryRunAll)).To(Succeed())
			l.finished(l.submit("later", brief), batchv1.JobComplete, v1beta1.FinishedSucceeded)
			Expect(l.fresh(waits).Spec.Parallelism).To(HaveValue(BeEquivalentTo(5)))
			Expect(l.workload(waits).Spec.PodSets[0].Count).To(BeEquivalentTo(5))
			Expect(tenant.Delete(l.ctx, waits, client.PropagationPolicy(metav1.DeletePropagationBackground))).To(Succeed())
			Eventually(func() *v1beta1.Workload { return l.workload(waits) }).Should(BeNil())
		})

		It("made by a CronJob on its schedule is queued by the label in its jobTemplate", func() {
			l, cron := early.lab, early.cron
			var child batchv1.Job
			Eventually(func() int {
				list := &batchv1.JobList{}
				Expect(admin.List(l.ctx, list, client.InNamespace(l.ns))).To(Succeed())
				for _, j := range list.Items {
					if metav1.IsControlledBy(&j, cron) {
						child = j
						return 1
					}
				}
				return 0
			}).WithTimeout(2 * time.Minute).Should(Equal(1))
			Expect(tenant.Delete(l.ctx, cron, client.PropagationPolicy(metav1.DeletePropagationOrphan))).To(Succeed())
			l.finished(&child, batchv1.JobComplete, v1beta1.FinishedSucceeded)
			Expect(metav1.IsControlledBy(l.workload(&child), &child)).To(BeTrue())
		})
	})
}

// onExit sets what becomes of a pod that exits with a code.
func onExit(code int32, action batchv1.PodFailurePolicyAction) func(*batchv1.Job) {
	return func(j *batchv1.Job) {
		j.Spec.PodFailurePolicy = &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{{Action: action,
			OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{code}}}}}
	}
}
