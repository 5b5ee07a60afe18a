package policies

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
)

var _ = Describe("The status of Workloads", func() {
	var (
		workload *fairleadv1beta1.Workload
		other    client.Client // may write statuses, but not admit
	)

	BeforeEach(func(ctx SpecContext) {
		other = as(checker)
		workload = newWorkload(newNamespace(ctx, nil), "workload")
		Expect(as(managerUser).Create(ctx, workload)).To(Succeed())
	})

	type status = fairleadv1beta1.WorkloadStatus
	reserved := func(s *status) {
		s.Conditions = []metav1.Condition{condition(fairleadv1beta1.WorkloadQuotaReserved, metav1.ConditionTrue)}
	}
	assign := func(s *status, usage string, names ...fairleadv1beta1.PodSetReference) {
		s.Admission = &fairleadv1beta1.Admission{ClusterQueue: "cq"}
		for _, name := range names {
			s.Admission.PodSetAssignments = append(s.Admission.PodSetAssignments, fairleadv1beta1.PodSetAssignment{
				Name: name, Count: new(int32(4)), ResourceUsage: corev1.ResourceList{"cpu": resource.MustParse(usage), "memory": resource.MustParse("4Gi")},
			})
		}
	}

	DescribeTable("refuses before admission", func(ctx context.Context, edit func(*status), words ...string) {
		edit(&workload.Status)
		expectForbidden(other.Status().Update(ctx, workload), words...)
	},
		Entry("a reservation of nothing", reserved, "status.admission must be set while condition QuotaReserved is True"),
		Entry("usage that cannot be divided", func(s *status) { reserved(s); assign(s, "4001m", "main", "aux") },
			"must be a multiple of its count, 0 or more; mend cpu of pod set main (4001m for 4 pods), cpu of pod set aux"),
		Entry("memory that cannot be divided", func(s *status) {
			reserved(s)
			assign(s, "4", "main", "aux")
			s.Admission.PodSetAssignments[1].ResourceUsage["memory"] = resource.MustParse("4097")
		}, "mend memory of pod set aux (4097 for 4 pods)"),
		Entry("half a byte", func(s *status) {
			reserved(s)
			assign(s, "4", "main", "aux")
			s.Admission.PodSetAssignments[0].ResourceUsage["memory"] = resource.MustParse("500m")
		}, "mend memory of pod set main (500m for 4 pods)"),
		Entry("a usage below nothing", func(s *status) { reserved(s); assign(s, "-4", "main", "aux") }, "mend cpu of pod set main (-4 for 4 pods)"),
		Entry("a usage below nothing of no pods", func(s *status) {
			reserved(s)
			assign(s, "-4", "main", "aux")
			s.Admission.PodSetAssignments[0].Count, s.Admission.PodSetAssignments[1].Count = new(int32(0)), nil
		}, "mend cpu of pod set main (-4"),
		Entry("an unknown pod set", func(s *status) { reserved(s); assign(s, "4", "main", "nobody") }, "one entry for each pod set (main, aux), but has: main, nobody"),
		Entry("a missing pod set", func(s *status) { reserved(s); assign(s, "4", "main") }, "but has: main."),
		Entry("more reclaimable pods than there are", func(s *status) {
			s.ReclaimablePods = []fairleadv1beta1.ReclaimablePod{{Name: "main", Count: 5}}
		}, "with at most their count; mend main (5)"),
		Entry("reclaimable pods of nobody", func(s *status) {
			s.ReclaimablePods = []fairleadv1beta1.ReclaimablePod{{Name: "nobody", Count: 1}}
		}, "mend nobody (1)"),
		Entry("updates of an unknown pod set", func(s *status) {
			s.AdmissionChecks = []fairleadv1beta1.AdmissionCheckState{{Name: "check", State: fairleadv1beta1.CheckStatePending, LastTransitionTime: metav1.Now(),
				PodSetUpdates: []fairleadv1beta1.PodSetUpdate{{Name: "nobody"}}}}
		}, "must name pod sets of the workload (main, aux); mend check check"),
	)

	It("takes an admission that is consistent", func(ctx SpecContext) {
		reserved(&workload.Status)
		assign(&workload.Status, "3", "main")
		workload.Status.Admission.PodSetAssignments[0].Count = new(int32(3))
		workload.Status.Admission.PodSetAssignments[0].ResourceUsage["cpu"] = resource.MustParse("2001m")
		workload.Status.Admission.PodSetAssignments[0].ResourceUsage["memory"] = resource.MustParse("3")
		workload.Status.Admission.PodSetAssignments = append(workload.Status.Admission.PodSetAssignments, fairleadv1beta1.PodSetAssignment{Name: "aux", Count: new(int32(1))})
		Expect(other.Status().Update(ctx, workload)).To(Succeed())
	})

	It("leaves to the schema what it can say", func(ctx SpecContext) {
		for _, edit := range []func(*status){
			func(s *status) { reserved(s); assign(s, "4", "main", "main") },
			func(s *status) { s.ReclaimablePods = []fairleadv1beta1.ReclaimablePod{{Name: "main", Count: -1}} },
			func(s *status) {
				s.ReclaimablePods = []fairleadv1beta1.ReclaimablePod{{Name: "main", Count: 1}, {Name: "main", Count: 2}}
			},
		} {
			bad := workload.DeepCopy()
			edit(&bad.Status)
			expectInvalid(other.Status().Update(ctx, bad))
		}
	})

	It("is checked however it is written", func(ctx SpecContext) {
		condition := `[{"type":"QuotaReserved","status":"True","reason":"Test","message":"","lastTransitionTime":"2026-01-01T00:00:00Z"}]`
		const words = "status.admission must be set while condition QuotaReserved is True"
		expectForbidden(other.Status().Patch(ctx, workload.DeepCopy(), mergePatch(`{"status":{"conditions":%s}}`, condition)), words)
		expectForbidden(other.Status().Patch(ctx, workload.DeepCopy(), jsonPatch(`[{"op":"add","path":"/status","value":{"conditions":%s}}]`, condition)), words)
		applied := client.RawPatch(types.ApplyPatchType, fmt.Appendf(nil,
			`{"apiVersion":"fairlead.dev/v1beta1","kind":"Workload","metadata":{"name":%q,"namespace":%q},"status":{"conditions":%s}}`, workload.Name, workload.Namespace, condition))
		expectForbidden(other.Status().Patch(ctx, workload.DeepCopy(), applied, client.FieldOwner("check")), words)
		Expect(other.Status().Patch(ctx, workload.DeepCopy(), mergePatch(`{"status":{"requeueState":{"count":1}}}`))).To(Succeed())
	})

	It("can be written by a check while quota is held", func(ctx SpecContext) {
		admit(ctx, workload)
		workload.Status.AdmissionChecks = []fairleadv1beta1.AdmissionCheckState{{Name: "check", State: fairleadv1beta1.CheckStateReady, LastTransitionTime: metav1.Now()}}
		Expect(other.Status().Update(ctx, workload)).To(Succeed())
		workload.Status.AdmissionChecks[0].State = fairleadv1beta1.CheckStateRetry
		Expect(other.Status().Update(ctx, workload)).To(Succeed())
	})

	It("keeps an admission until it is cleared", func(ctx SpecContext) {
		admit(ctx, workload)
		changed := workload.DeepCopy()
		changed.Status.Admission.ClusterQueue = "another"
		expectForbidden(other.Status().Update(ctx, changed), "status.admission cannot be changed, only cleared")
		changed = workload.DeepCopy()
		changed.Status.Admission.PodSetAssignments[0].ResourceUsage["cpu"] = resource.MustParse("8")
		expectForbidden(other.Status().Update(ctx, changed), "status.admission cannot be changed, only cleared", "spec.active: false")
		changed = workload.DeepCopy()
		changed.Status.Conditions = []metav1.Condition{condition(fairleadv1beta1.WorkloadQuotaReserved, metav1.ConditionFalse)}
		changed.Status.Admission.ClusterQueue = "another"
		expectForbidden(other.Status().Update(ctx, changed), "status.admission cannot be changed, only cleared")
		changed = workload.DeepCopy()
		changed.Status.Admission = nil
		expectForbidden(other.Status().Update(ctx, changed), "status.admission must be set")
		changed.Status.Conditions = []metav1.Condition{condition(fairleadv1beta1.WorkloadQuotaReserved, metav1.ConditionFalse)}
		Expect(other.Status().Update(ctx, changed)).To(Succeed())
	})

	It("lets no reclaimed pod come back", func(ctx SpecContext) {
		admit(ctx, workload)
		workload.Status.ReclaimablePods = []fairleadv1beta1.ReclaimablePod{{Name: "main", Count: 2}}
		Expect(other.Status().Update(ctx, workload)).To(Succeed())
		for _, pods := range [][]fairleadv1beta1.ReclaimablePod{nil, {{Name: "main", Count: 1}}, {{Name: "aux", Count: 1}}} {
			changed := workload.DeepCopy()
			changed.Status.ReclaimablePods = pods
			expectForbidden(other.Status().Update(ctx, changed), "cannot fall while quota is held", "main (at least 2)")
		}
		workload.Status.ReclaimablePods[0].Count = 3
		Expect(other.Status().Update(ctx, workload)).To(Succeed())

		By("giving the quota back")
		workload.Status.Admission, workload.Status.ReclaimablePods = nil, nil
		workload.Status.Conditions = []metav1.Condition{condition(fairleadv1beta1.WorkloadQuotaReserved, metav1.ConditionFalse)}
		Expect(other.Status().Update(ctx, workload)).To(Succeed())
	})

	It("fixes what a check adds once it is Ready", func(ctx SpecContext) {
		check := fairleadv1beta1.AdmissionCheckState{Name: "check", State: fairleadv1beta1.CheckStateReady, LastTransitionTime: metav1.Now(),
			PodSetUpdates: []fairleadv1beta1.PodSetUpdate{{Name: "main", NodeSelector: map[string]string{"a": "b"}}}}
		workload.Status.AdmissionChecks = []fairleadv1beta1.AdmissionCheckState{check}
		Expect(other.Status().Update(ctx, workload)).To(Succeed())
		changed := workload.DeepCopy()
		changed.Status.AdmissionChecks[0].PodSetUpdates[0].NodeSelector = map[string]string{"a": "c"}
		expectForbidden(other.Status().Update(ctx, changed.DeepCopy()), "podSetUpdates cannot change once their admission check is Ready", "Retry first")
		changed.Status.AdmissionChecks[0].State = fairleadv1beta1.CheckStateRetry
		Expect(other.Status().Update(ctx, changed)).To(Succeed())
	})

	It("does not look at the manager", func(ctx SpecContext) {
		// A deliberate inconsistency goes through: the match condition saves
		// the check on the hot path.
		reserved(&workload.Status)
		Expect(as(managerUser).Status().Update(ctx, workload)).To(Succeed())
	})

	It("is written by nobody without a right to", func(ctx SpecContext) {
		for _, user := range []string{alice, jobController, ttlController} {
			expectForbidden(as(user).Status().Patch(ctx, workload.DeepCopy(), mergePatch(`{"status":{"requeueState":{"count":1}}}`)), `cannot patch resource "workloads/status"`)
		}
		By("being a controller with a right to everything")
		expectForbidden(as(collector).Status().Patch(ctx, workload.DeepCopy(), mergePatch(`{"status":{"reclaimablePods":[{"name":"main","count":5}]}}`)), "mend main (5)")
		By("creating a Workload with a status")
		forged := newWorkload(workload.Namespace, "forged")
		reserved(&forged.Status)
		Expect(as(managerUser).Create(ctx, forged)).To(Succeed())
		Expect(forged.Status.Conditions).To(BeEmpty())
	})
})
