package policies

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
)

const template = `{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":"1"}}}]}}`

// newWorkload returns a Workload with pod set main of 4 pods and pod set aux of 1.
func newWorkload(namespace, name string) *fairleadv1beta1.Workload {
	raw := runtime.RawExtension{Raw: []byte(template)}
	return &fairleadv1beta1.Workload{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{fairleadv1beta1.JobUIDLabel: "1"}},
		Spec: fairleadv1beta1.WorkloadSpec{
			QueueName: "main",
			PodSets: []fairleadv1beta1.PodSet{
				{Name: "main", Count: 4, Template: raw},
				{Name: "aux", Count: 1, Template: raw},
			},
		},
	}
}

func condition(kind string, status metav1.ConditionStatus) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: "Test", LastTransitionTime: metav1.Now()}
}

// admit writes an admission of 4 and 1 cores as the manager does.
func admit(ctx context.Context, w *fairleadv1beta1.Workload) {
	GinkgoHelper()
	four, one := int32(4), int32(1)
	w.Status.Admission = &fairleadv1beta1.Admission{
		ClusterQueue: "cq",
		PodSetAssignments: []fairleadv1beta1.PodSetAssignment{
			{Name: "main", Count: &four, ResourceUsage: corev1.ResourceList{"cpu": resource.MustParse("4")}},
			{Name: "aux", Count: &one, ResourceUsage: corev1.ResourceList{"cpu": resource.MustParse("1")}},
		},
	}
	w.Status.Conditions = []metav1.Condition{
		condition(fairleadv1beta1.WorkloadQuotaReserved, metav1.ConditionTrue),
		condition(fairleadv1beta1.WorkloadAdmitted, metav1.ConditionTrue),
	}
	Expect(as(managerUser).Status().Update(ctx, w)).To(Succeed())
}

var _ = Describe("Workloads", func() {
	var (
		namespace string
		workload  *fairleadv1beta1.Workload
	)

	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx, nil)
		workload = newWorkload(namespace, "workload")
		Expect(as(managerUser).Create(ctx, workload)).To(Succeed())
	})

	It("keep of a template whatever is in it", func(ctx SpecContext) {
		odd := newWorkload(namespace, "odd")
		odd.Spec.PodSets[0].Template.Raw = []byte(`{"spec":{"containers":"banana","x":[1,null,{"y":1.5}]}}`)
		Expect(as(managerUser).Create(ctx, odd)).To(Succeed())
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(odd), odd)).To(Succeed())
		Expect(odd.Spec.PodSets[0].Template.Raw).To(MatchJSON(`{"spec":{"containers":"banana","x":[1,null,{"y":1.5}]}}`))
		Expect(odd.IsActive()).To(BeTrue())
	})

	DescribeTable("refuse at creation", func(ctx context.Context, edit func(*fairleadv1beta1.WorkloadSpec), words ...string) {
		bad := newWorkload(namespace, "bad")
		edit(&bad.Spec)
		expectForbidden(admin.Create(ctx, bad), words...)
	},
		Entry("two pod sets with a minimum", func(s *fairleadv1beta1.WorkloadSpec) {
			s.PodSets[0].MinCount, s.PodSets[1].MinCount = new(int32(1)), new(int32(1))
		}, "Workload bad: only one of spec.podSets may have a minCount, but main, aux"),
		Entry("a minimum above the count", func(s *fairleadv1beta1.WorkloadSpec) { s.PodSets[0].MinCount = new(int32(5)) },
			"mend pod set main (minCount 5, count 4)"),
		Entry("a class without priority", func(s *fairleadv1beta1.WorkloadSpec) {
			s.PriorityClassRef = &fairleadv1beta1.PriorityClassRef{Group: fairleadv1beta1.WorkloadPriorityClassGroup, Kind: fairleadv1beta1.WorkloadPriorityClassKind, Name: "high"}
		}, "spec.priority must be set", "write the value of class high"),
		Entry("a class of the wrong group", func(s *fairleadv1beta1.WorkloadSpec) {
			s.Priority = new(int32(1))
			s.PriorityClassRef = &fairleadv1beta1.PriorityClassRef{Group: fairleadv1beta1.PodPriorityClassGroup, Kind: fairleadv1beta1.WorkloadPriorityClassKind, Name: "high"}
		}, "use WorkloadPriorityClass in fairlead.dev"),
	)

	It("keep the kind of their class while they hold quota", func(ctx SpecContext) {
		Expect(admin.Patch(ctx, workload, mergePatch(`{"spec":{"priority":3,"priorityClassRef":{"group":"fairlead.dev","kind":"WorkloadPriorityClass","name":"a"}}}`))).To(Succeed())
		admit(ctx, workload)
		Expect(admin.Patch(ctx, workload, mergePatch(`{"spec":{"priority":4,"priorityClassRef":{"name":"b"}}}`))).To(Succeed())
		for _, patch := range []string{`{"spec":{"priorityClassRef":{"group":"scheduling.k8s.io","kind":"PriorityClass"}}}`, `{"spec":{"priorityClassRef":null}}`} {
			expectForbidden(admin.Patch(ctx, workload.DeepCopy(), mergePatch("%s", patch)), "spec.priorityClassRef may name another class")
		}
	})

	It("keep what they asked for while they hold quota", func(ctx SpecContext) {
		Expect(admin.Patch(ctx, workload, mergePatch(`{"spec":{"queueName":"other","priority":3,"maximumExecutionTimeSeconds":60}}`))).To(Succeed())
		admit(ctx, workload)
		release := "first give the quota back"
		for _, c := range []struct {
			patch client.Patch
			words []string
		}{
			{jsonPatch(`[{"op":"replace","path":"/spec/podSets/0/count","value":5}]`), []string{"spec.podSets cannot be changed", release}},
			{jsonPatch(`[{"op":"replace","path":"/spec/podSets/0/template","value":{}}]`), []string{"spec.podSets cannot be changed"}},
			{mergePatch(`{"spec":{"podSets":null}}`), []string{"spec.podSets cannot be changed"}},
			{mergePatch(`{"spec":{"queueName":"third"}}`), []string{"spec.queueName cannot be changed", release}},
			{mergePatch(`{"spec":{"priorityClassRef":{"group":"fairlead.dev","kind":"WorkloadPriorityClass","name":"a"}}}`), []string{"spec.priorityClassRef may name another class", release}},
			{mergePatch(`{"spec":{"maximumExecutionTimeSeconds":61}}`), []string{"spec.maximumExecutionTimeSeconds cannot be changed while it is admitted"}},
		} {
			expectForbidden(admin.Patch(ctx, workload.DeepCopy(), c.patch), c.words...)
		}
		Expect(admin.Patch(ctx, workload, mergePatch(`{"spec":{"active":false,"priority":4}}`))).To(Succeed())
		Expect(as(collector).Patch(ctx, workload, mergePatch(`{"metadata":{"finalizers":["a.b/c"]}}`))).To(Succeed())

		By("giving it back")
		workload.Status = fairleadv1beta1.WorkloadStatus{Conditions: []metav1.Condition{condition(fairleadv1beta1.WorkloadQuotaReserved, metav1.ConditionFalse)}}
		Expect(as(managerUser).Status().Update(ctx, workload)).To(Succeed())
		Expect(admin.Patch(ctx, workload, jsonPatch(`[{"op":"replace","path":"/spec/podSets/0/count","value":5}]`))).To(Succeed())
	})

	It("can be held by tenants, and nothing else", func(ctx SpecContext) {
		tenant := as(alice)
		Expect(tenant.Patch(ctx, workload, mergePatch(`{"spec":{"active":false}}`))).To(Succeed())
		Expect(workload.IsActive()).To(BeFalse())
		Expect(tenant.Patch(ctx, workload, mergePatch(`{"spec":{"active":true},"metadata":{"annotations":{"note":"mine"}}}`))).To(Succeed())
		for patch, field := range map[string]string{
			`{"spec":{"priority":1000}}`:                 "spec.priority",
			`{"spec":{"queueName":"other"}}`:             "spec.queueName",
			`{"spec":{"maximumExecutionTimeSeconds":1}}`: "spec.maximumExecutionTimeSeconds",
			`{"spec":{"podSets":null}}`:                  "spec.podSets",
			`{"metadata":{"labels":null}}`:               "metadata.labels",
			`{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"a","uid":"b"}]}}`: "metadata.ownerReferences",
		} {
			expectForbidden(tenant.Patch(ctx, workload.DeepCopy(), mergePatch("%s", patch)), "only spec.active can be edited", "but not "+field, "edit its job")
		}
		Expect(apierrors.IsForbidden(tenant.Status().Patch(ctx, workload.DeepCopy(), mergePatch(`{"status":{"requeueState":null}}`)))).To(BeTrue())
		Expect(apierrors.IsForbidden(tenant.Delete(ctx, workload.DeepCopy()))).To(BeTrue())
	})

	It("lose owner and finalizers through the garbage collector", func(ctx SpecContext) {
		Expect(admin.Patch(ctx, workload, mergePatch(`{"metadata":{"ownerReferences":[{"apiVersion":"batch/v1","kind":"Job","name":"a","uid":"b"}]}}`))).To(Succeed())
		Expect(as(collector).Patch(ctx, workload, mergePatch(`{"metadata":{"ownerReferences":null}}`))).To(Succeed())
		Expect(as(collector).Delete(ctx, workload)).To(Succeed())
	})
})
