package jobs

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/lifecycle"
)

// begun is what takes the cluster a minute (a CronJob's schedule, the wait
// after a refused start). It begins before the first spec.
type begun struct {
	lab       *lab
	cron      *batchv1.CronJob
	refused   *batchv1.Job
	bystander *batchv1.Job
	policy    client.Object
}

var early begun

func beginEarly(ctx context.Context) begun {
	GinkgoHelper()
	b := begun{lab: newLab(ctx)}
	b.cron = &batchv1.CronJob{
		ObjectMeta: metav1.ObjectMeta{Namespace: b.lab.ns, Name: "every-minute"},
		Spec: batchv1.CronJobSpec{Schedule: "* * * * *", JobTemplate: batchv1.JobTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{v1beta1.QueueLabel: "main"}},
			Spec:       b.lab.job("", brief).Spec,
		}},
	}
	Expect(tenant.Create(ctx, b.cron)).To(Succeed())

	cellar := newLab(ctx)
	b.policy = forbidStart(ctx, cellar.ns)
	b.refused = cellar.submit("refused", label("cellar", "yes"), brief)
	b.bystander = cellar.submit("bystander", brief)
	return b
}

func label(key, value string) func(*batchv1.Job) {
	return func(j *batchv1.Job) { j.Labels[key] = value }
}

// forbidStart has the API server refuse that Jobs with label cellar are
// unsuspended in a namespace: a policy that is none of ours.
func forbidStart(ctx context.Context, ns string) client.Object {
	GinkgoHelper()
	policy := &admissionv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "cellar"},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: &admissionv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": ns}},
				ObjectSelector:    &metav1.LabelSelector{MatchLabels: map[string]string{"cellar": "yes"}},
				ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{admissionv1.Update},
					Rule:       admissionv1.Rule{APIGroups: []string{"batch"}, APIVersions: []string{"v1"}, Resources: []string{"jobs"}},
				}}},
			},
			Validations: []admissionv1.Validation{{Expression: "object.spec.suspend == true", Message: "the cellar is flooded"}},
		},
	}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "cellar"},
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: "cellar",
			ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny}},
	}
	Expect(admin.Create(ctx, policy)).To(Succeed())
	Expect(admin.Create(ctx, binding)).To(Succeed())
	// A Job with nobody's queue shows when the server has noticed.
	probe := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "probe", Labels: map[string]string{"cellar": "yes"}}}
	on := true
	probe.Spec = (&lab{ns: ns}).job("probe").Spec
	probe.Spec.Suspend = &on
	Expect(admin.Create(ctx, probe)).To(Succeed())
	Eventually(func() error {
		return admin.Patch(ctx, probe.DeepCopy(), client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"suspend":false}}`)), client.DryRunAll)
	}).Should(MatchError(ContainSubstring("the cellar is flooded")))
	Expect(admin.Delete(ctx, probe, client.PropagationPolicy(metav1.DeletePropagationBackground))).To(Succeed())
	return binding
}

func refusals() {
	Describe("A Job that the server refuses to start", func() {
		It("is evicted after some tries, in the server's words; its neighbour runs; it starts when the reason is gone", func(ctx SpecContext) {
			l, j := &lab{ctx: context.WithoutCancel(ctx), ns: early.refused.Namespace}, early.refused
			l.says(early.bystander, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
			By("giving its quota back")
			message := l.says(j, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, v1beta1.PendingEvaluation)
			Expect(message).To(And(ContainSubstring(lifecycle.EvictedByFailedStart), ContainSubstring("in 5 tries"), ContainSubstring("the cellar is flooded")))
			wl := l.workload(j)
			Expect(wl.Status.Admission).To(BeNil())
			Expect(wl.Status.RequeueState.RequeueAt.Sub(wl.CreationTimestamp.Time)).To(BeNumerically(">=", time.Minute))
			Expect(isSuspended(l.fresh(j))).To(BeTrue())
			Expect(l.fresh(j).Annotations).NotTo(HaveKey(v1beta1.InjectedAnnotation))

			By("trying again a minute later")
			Expect(admin.Delete(l.ctx, early.policy)).To(Succeed())
			Eventually(func() bool { return isSuspended(l.fresh(j)) }).WithTimeout(2 * time.Minute).Should(BeFalse())
			l.finished(j, batchv1.JobComplete, v1beta1.FinishedSucceeded)
		})
	})
}
