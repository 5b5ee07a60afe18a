package manager

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/lifecycle"
)

var _ = Describe("Eviction", func() {
	It("by the user's own suspension frees the quota once the pods are gone, and the Job waits again", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager()
		j := t.submit("paused")
		t.started(j)
		t.run(j)
		t.later(j)
		next := t.submit("next")
		Expect(admin.Patch(ctx, t.fresh(j), client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"suspend":true}}`)))).To(Succeed())
		t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, lifecycle.EvictedBySuspension)
		Consistently(func() bool { return isSuspended(t.fresh(next)) }).WithTimeout(quiet).Should(BeTrue(), "the quota was given away while pods ran")
		t.halt(j)
		// The older one is first again.
		t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionFalse, v1beta1.ReasonQuotaReserved)
		t.started(j)
		Expect(isSuspended(t.fresh(next))).To(BeTrue())
		Expect(t.events(j.Name, v1beta1.WorkloadEvicted)).To(HaveLen(1))
	})

	It("by active: false stops the Job and holds it until it is active again", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		startManager()
		j := t.submit("held")
		t.started(j)
		t.run(j)
		off, on := false, true
		edit(t, t.workloadOf(j), func(wl *v1beta1.Workload) { wl.Spec.Active = &off })
		t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, v1beta1.EvictedDeactivated)
		t.suspended(j)
		t.halt(j)
		t.says(j, v1beta1.WorkloadAdmitted, metav1.ConditionFalse, v1beta1.NotAdmittedNoReservation)
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionFalse, v1beta1.EvictedDeactivated)
		other := t.submit("other")
		t.started(other)
		t.run(other)
		t.finish(other, batchv1.JobComplete)
		Expect(isSuspended(t.fresh(j))).To(BeTrue())
		edit(t, t.workloadOf(j), func(wl *v1beta1.Workload) { wl.Spec.Active = &on })
		t.started(j)
		t.says(j, v1beta1.WorkloadRequeued, metav1.ConditionTrue, v1beta1.RequeuedReactivated)
	})

	It("with releaseAt Terminating frees the quota while the last pods terminate", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager(withConfig(func(c *configv1beta1.Configuration) {
			c.Integrations = &configv1beta1.Integrations{ReleaseAt: configv1beta1.ReleaseAtTerminating, LabelKeysToCopy: []string{"experiment", "absent"}}
		}))
		j := t.submit("slow", func(j *batchv1.Job) { j.Labels["experiment"] = "dune" })
		t.started(j)
		t.run(j)
		t.later(j)
		next := t.submit("next")
		off, on := false, true
		edit(t, t.workloadOf(j), func(wl *v1beta1.Workload) { wl.Spec.Active = &off })
		t.suspended(j)
		Consistently(func() bool { return isSuspended(t.fresh(next)) }).WithTimeout(quiet).Should(BeTrue(), "the quota was given away while a pod ran")
		terminating := int32(1)
		t.report(j, func(s *batchv1.JobStatus) {
			s.Active, s.Terminating = 0, &terminating
			s.Conditions = []batchv1.JobCondition{{Type: batchv1.JobSuspended, Status: corev1.ConditionTrue, Reason: "JobSuspended"}}
		})
		t.started(next)
		Expect(t.fresh(j).Annotations).To(HaveKey(v1beta1.InjectedAnnotation), "the template was changed under a pod")
		t.run(next)
		t.report(j, func(s *batchv1.JobStatus) { s.StartTime, s.Terminating = nil, nil })
		Eventually(func() map[string]string { return t.fresh(j).Annotations }).ShouldNot(HaveKey(v1beta1.InjectedAnnotation))
		t.finish(next, batchv1.JobComplete)
		edit(t, t.workloadOf(j), func(wl *v1beta1.Workload) { wl.Spec.Active = &on })
		t.started(j)
		Expect(t.workloadOf(j).Labels).To(And(HaveKeyWithValue("experiment", "dune"), Not(HaveKey("absent")), HaveKeyWithValue(v1beta1.JobUIDLabel, string(j.UID))))
		Expect(m.refusals()).To(BeEmpty())
	})

	It("survives the manager's death at every write", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		m := startManager()
		j := t.submit("unlucky")
		t.started(j)
		t.run(j)
		m.kill()
		off := false
		edit(t, t.workloadOf(j), func(wl *v1beta1.Workload) { wl.Spec.Active = &off })
		// Evict, suspend, (restore) and release: each manager dies after its
		// first write.
		for range 4 {
			m := startManager(withFaults(func(r request, _ int) fault {
				if _, ours := ofJobs(map[string]int{r.kind(): 1})[r.kind()]; ours {
					return dieAfter
				}
				return pass
			}))
			Eventually(m.died).Should(BeClosed())
			if isSuspended(t.fresh(j)) {
				t.halt(j)
			}
		}
		startManager()
		t.says(j, v1beta1.WorkloadAdmitted, metav1.ConditionFalse, v1beta1.NotAdmittedNoReservation)
		Expect(t.fresh(j).Annotations).NotTo(HaveKey(v1beta1.InjectedAnnotation))
	})

	It("of a Job that the server refuses to start quotes the server", func(ctx SpecContext) {
		t := newTenant(ctx, "1")
		deny := admissionv1.Deny
		policy := &admissionv1.ValidatingAdmissionPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: t.ns + "-no-start"},
			Spec: admissionv1.ValidatingAdmissionPolicySpec{
				MatchConstraints: &admissionv1.MatchResources{
					NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": t.ns}},
					ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
						Operations: []admissionv1.OperationType{admissionv1.Update},
						Rule:       admissionv1.Rule{APIGroups: []string{"batch"}, APIVersions: []string{"v1"}, Resources: []string{"jobs"}},
					}}},
				},
				Validations: []admissionv1.Validation{{Expression: "object.spec.suspend == true", Message: "the cellar is flooded"}},
			},
		}
		binding := &admissionv1.ValidatingAdmissionPolicyBinding{
			ObjectMeta: metav1.ObjectMeta{Name: policy.Name},
			Spec:       admissionv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: policy.Name, ValidationActions: []admissionv1.ValidationAction{deny}},
		}
		t.create(policy)
		t.create(binding)
		DeferCleanup(func() {
			Expect(admin.Delete(t.ctx, binding)).To(Succeed())
			Expect(admin.Delete(t.ctx, policy)).To(Succeed())
		})
		probe := job(t.ns, "probe", t.ns)
		t.create(probe)
		Eventually(func() error {
			return admin.Patch(ctx, t.fresh(probe), client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"suspend":false}}`)), client.DryRunAll)
		}).Should(MatchError(ContainSubstring("the cellar is flooded")))
		Expect(admin.Delete(ctx, probe, client.PropagationPolicy(metav1.DeletePropagationBackground))).To(Succeed())

		startManager()
		j := t.submit("refused")
		message := t.says(j, v1beta1.WorkloadEvicted, metav1.ConditionTrue, lifecycle.EvictedByFailedStart)
		Expect(message).To(ContainSubstring("the cellar is flooded"))
		t.says(j, v1beta1.WorkloadAdmitted, metav1.ConditionFalse, v1beta1.NotAdmittedNoReservation)
		Expect(t.workloadOf(j).Status.RequeueState.RequeueAt).NotTo(BeNil())
	})
})
