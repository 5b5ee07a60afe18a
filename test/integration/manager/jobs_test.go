package manager

import (
	"maps"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
)

var _ = Describe("A Job's life", func() {
	It("takes one creation, two status writes, one patch and one Event", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		m := startManager()
		j := t.submit("plain")
		running := t.started(j)
		Expect(running.Annotations).To(HaveKey(v1beta1.InjectedAnnotation))
		wl := t.workloadOf(j)
		Expect(wl.Spec.QueueName).To(BeEquivalentTo(t.ns))
		Expect(wl.Labels).To(HaveKeyWithValue(v1beta1.JobUIDLabel, string(j.UID)))
		Expect(metav1.IsControlledBy(wl, j)).To(BeTrue())
		Expect(wl.Status.Admission.ClusterQueue).To(BeEquivalentTo(t.ns))
		Expect(wl.Status.Admission.PodSetAssignments[0].Flavors).To(HaveKeyWithValue(corev1.ResourceCPU, v1beta1.ResourceFlavorReference(t.plain)))
		Expect(condition(wl, v1beta1.WorkloadAdmitted).Status).To(Equal(metav1.ConditionTrue))
		Eventually(func() []corev1.Event { return t.events(j.Name, "Admitted") }).Should(HaveLen(1))

		t.run(j)
		t.finish(j, batchv1.JobComplete)
		t.says(j, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
		counts := m.counts()
		delete(counts, "PUT clusterqueues/status")
		delete(counts, "PUT localqueues/status")
		// The spec before may have left a namespace with the label of a default
		// queue that is gone.
		maps.DeleteFunc(counts, func(what string, _ int) bool {
			return strings.HasPrefix(what, "PATCH tenant-") && what != "PATCH "+t.ns
		})
		Expect(counts).To(Equal(map[string]int{
			"POST workloads": 1, "PUT workloads/status": 2, "PATCH jobs": 1, "POST events": 1,
		}))
		Expect(m.refusals()).To(BeEmpty())
	})

	It("ends as Failed when the Job fails", func(ctx SpecContext) {
		t := newTenant(ctx, "4")
		startManager()
		j := t.submit("failing")
		t.started(j)
		t.finish(j, batchv1.JobFailed)
		Expect(t.says(j, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedFailed)).To(ContainSubstring("told by the spec"))
	})
})
