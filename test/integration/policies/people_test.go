package policies

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	batchv1 "k8s.io/api/batch/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
)

// aggregateRoles runs Kubernetes' own controller that fills in aggregated
// roles, until the container ends.
func aggregateRoles(ctx context.Context) {
	GinkgoHelper()
	program := filepath.Join(filepath.Dir(server.ControlPlane.APIServer.Path), "kube-controller-manager")
	command := exec.Command(program, "--controllers=clusterrole-aggregation-controller", "--leader-elect=false",
		"--secure-port=0", "--kubeconfig", kubeconfigOf(server, "aggregator", "system:masters"))
	command.Stdout, command.Stderr = GinkgoWriter, GinkgoWriter
	Expect(command.Start()).To(Succeed())
	DeferCleanup(func() {
		Expect(command.Process.Kill()).To(Succeed())
		_ = command.Wait() // it was killed
	})
	Eventually(ctx, func(g Gomega) {
		for _, name := range []string{"fairlead-batch-admin", "fairlead-batch-user", "fairlead-batch-viewer", "view", "edit"} {
			role := &rbacv1.ClusterRole{}
			g.Expect(admin.Get(ctx, client.ObjectKey{Name: name}, role)).To(Succeed())
			g.Expect(role.Rules).To(ContainElement(HaveField("APIGroups", ContainElement(fairleadv1beta1.GroupName))), name)
		}
	}).WithTimeout(time.Minute).WithPolling(100 * time.Millisecond).Should(Succeed())
}

// access is one request and who may make it.
type access struct {
	verb, group, resource, subresource string
	who                                []string
}

var _ = Describe("The shipped roles", Ordered, func() {
	const own = fairleadv1beta1.GroupName
	// One person for each role. Those of a namespace are bound in it alone.
	const (
		administrator = "role-admin"  // fairlead-batch-admin, cluster
		user          = "role-user"   // fairlead-batch-user, namespace
		viewer        = "role-viewer" // fairlead-batch-viewer, cluster
		check         = "role-check"  // fairlead-admission-check, cluster
		editor        = "role-edit"   // edit of Kubernetes, namespace
		onlooker      = "role-view"   // view of Kubernetes, namespace
	)
	everybody := []string{administrator, user, viewer, check, editor, onlooker}
	var namespace, elsewhere string

	BeforeAll(func(ctx SpecContext) {
		aggregateRoles(ctx)
		namespace, elsewhere = newNamespace(ctx, nil), newNamespace(ctx, nil)
		for person, role := range map[string]string{administrator: "fairlead-batch-admin", viewer: "fairlead-batch-viewer", check: "fairlead-admission-check"} {
			Expect(admin.Create(ctx, &rbacv1.ClusterRoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: person},
				RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
				Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: person}},
			})).To(Succeed())
		}
		for person, role := range map[string]string{user: "fairlead-batch-user", editor: "edit", onlooker: "view"} {
			Expect(admin.Create(ctx, &rbacv1.RoleBinding{
				ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: person},
				RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
				Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: person}},
			})).To(Succeed())
		}
		Eventually(ctx, func() bool {
			return allowed(ctx, onlooker, namespace, access{verb: "get", group: own, resource: "workloads"})
		}).
			WithTimeout(30 * time.Second).Should(BeTrue())
	}, NodeTimeout(3*time.Minute))

	DescribeTable("allow in their namespace", func(ctx context.Context, a access) {
		for _, person := range everybody {
			may := false
			for _, who := range a.who {
				may = may || who == person
			}
			Expect(allowed(ctx, person, namespace, a)).To(Equal(may), "%s %s %s/%s", person, a.verb, a.resource, a.subresource)
		}
	},
		Entry("submitting", access{"create", "batch", "jobs", "", []string{administrator, user, editor}}),
		Entry("looking at jobs", access{"list", "batch", "jobs", "", []string{administrator, user, viewer, editor, onlooker}}),
		Entry("starting queued jobs: nobody", access{"unsuspend", "batch", "jobs", "", nil}),
		Entry("writing the status of jobs: nobody", access{"update", "batch", "jobs", "status", nil}),
		Entry("looking at queues", access{"watch", own, "localqueues", "", []string{administrator, user, viewer, editor, onlooker}}),
		Entry("making queues", access{"create", own, "localqueues", "", []string{administrator}}),
		Entry("writing the status of queues: nobody", access{"update", own, "localqueues", "status", nil}),
		Entry("looking at workloads", access{"get", own, "workloads", "", everybody}),
		Entry("looking at their status", access{"get", own, "workloads", "status", everybody}),
		Entry("holding workloads", access{"patch", own, "workloads", "", []string{administrator, user, editor}}),
		Entry("making workloads", access{"create", own, "workloads", "", []string{administrator}}),
		Entry("deleting workloads", access{"delete", own, "workloads", "", []string{administrator}}),
		Entry("writing their status", access{"update", own, "workloads", "status", []string{check}}),
		Entry("admitting: nobody", access{"admit", own, "workloads", "", nil}),
		Entry("making ClusterQueues", access{"create", own, "clusterqueues", "", []string{administrator}}),
		Entry("making Cohorts", access{"update", own, "cohorts", "", []string{administrator}}),
		Entry("making flavors", access{"delete", own, "resourceflavors", "", []string{administrator}}),
		Entry("making priority classes", access{"patch", own, "workloadpriorityclasses", "", []string{administrator}}),
		Entry("reading secrets", access{"get", "", "secrets", "", []string{editor}}),
		Entry("editing policies: nobody", access{"update", "admissionregistration.k8s.io", "validatingadmissionpolicies", "", nil}),
	)

	DescribeTable("allow elsewhere only what is bound for the whole cluster", func(ctx context.Context, a access) {
		for _, person := range everybody {
			may := false
			for _, who := range a.who {
				may = may || who == person
			}
			Expect(allowed(ctx, person, elsewhere, a)).To(Equal(may), "%s %s %s", person, a.verb, a.resource)
		}
	},
		Entry("submitting", access{"create", "batch", "jobs", "", []string{administrator}}),
		Entry("looking at queues", access{"list", own, "localqueues", "", []string{administrator, viewer}}),
		Entry("holding workloads", access{"patch", own, "workloads", "", []string{administrator}}),
		Entry("writing the status of workloads", access{"patch", own, "workloads", "status", []string{check}}),
	)

	It("let administrators build a site, and no more", func(ctx SpecContext) {
		c := as(administrator)
		Expect(c.Create(ctx, cohort("role-cohort", "", "1"))).To(Succeed())
		queue := &fairleadv1beta1.LocalQueue{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "main"},
			Spec: fairleadv1beta1.LocalQueueSpec{ClusterQueue: "main"}}
		Expect(c.Create(ctx, queue)).To(Succeed())
		expectForbidden(c.Status().Patch(ctx, queue, mergePatch(`{"status":{"pendingWorkloads":1}}`)), "cannot patch resource \"localqueues/status\"")
		job := newJob(namespace, "by-admin", "main")
		Expect(c.Create(ctx, job)).To(Succeed())
		Expect(suspended(job)).To(BeTrue())
		expectForbidden(c.Patch(ctx, job, mergePatch(`{"spec":{"suspend":false}}`)), "Fairlead starts it when its turn comes")
		workload := newWorkload(namespace, "by-admin")
		Expect(c.Create(ctx, workload)).To(Succeed())
		Expect(c.Patch(ctx, workload, mergePatch(`{"spec":{"priority":3}}`))).To(Succeed())
		expectForbidden(c.Status().Patch(ctx, workload, mergePatch(`{"status":{"requeueState":{"count":1}}}`)), "cannot patch resource \"workloads/status\"")
		Expect(c.Delete(ctx, workload)).To(Succeed())
	})

	It("let users submit, look and hold", func(ctx SpecContext) {
		for i, person := range []string{user, editor} {
			c := as(person)
			job := newJob(namespace, fmt.Sprint("by-user-", i), "main")
			Expect(c.Create(ctx, job)).To(Succeed())
			expectForbidden(c.Patch(ctx, job.DeepCopy(), mergePatch(`{"spec":{"suspend":false}}`)), "Fairlead starts it when its turn comes")
			var queues fairleadv1beta1.LocalQueueList
			Expect(c.List(ctx, &queues, client.InNamespace(namespace))).To(Succeed())
			workload := newWorkload(namespace, fmt.Sprint("by-user-", i))
			expectForbidden(c.Create(ctx, workload.DeepCopy()), "cannot create resource \"workloads\"")
			Expect(as(managerUser).Create(ctx, workload)).To(Succeed())
			Expect(c.Patch(ctx, workload, mergePatch(`{"spec":{"active":false}}`))).To(Succeed())
			expectForbidden(c.Patch(ctx, workload.DeepCopy(), mergePatch(`{"spec":{"priority":9}}`)), "only spec.active can be edited")
			expectForbidden(c.Create(ctx, newJob(elsewhere, "away", "main")), "cannot create resource \"jobs\"")
			Expect(c.Delete(ctx, job)).To(Succeed())
		}
	})

	It("let viewers look at everything and touch nothing", func(ctx SpecContext) {
		c := as(viewer)
		for _, list := range []client.ObjectList{
			&batchv1.JobList{}, &fairleadv1beta1.ClusterQueueList{}, &fairleadv1beta1.CohortList{}, &fairleadv1beta1.LocalQueueList{},
			&fairleadv1beta1.ResourceFlavorList{}, &fairleadv1beta1.WorkloadList{}, &fairleadv1beta1.WorkloadPriorityClassList{},
		} {
			Expect(c.List(ctx, list)).To(Succeed(), "%T", list)
		}
		Expect(as(onlooker).List(ctx, &fairleadv1beta1.WorkloadList{}, client.InNamespace(namespace))).To(Succeed())
		Expect(apierrors.IsForbidden(as(onlooker).List(ctx, &fairleadv1beta1.WorkloadList{}, client.InNamespace(elsewhere)))).To(BeTrue())
		for _, person := range []string{viewer, onlooker} {
			expectForbidden(as(person).Create(ctx, newJob(namespace, "no", "main")), "cannot create resource \"jobs\"")
			expectForbidden(as(person).Delete(ctx, &fairleadv1beta1.LocalQueue{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "main"}}), "cannot delete resource")
		}
	})

	It("let check controllers write statuses that are consistent", func(ctx SpecContext) {
		c := as(check)
		workload := newWorkload(elsewhere, "checked")
		Expect(as(managerUser).Create(ctx, workload)).To(Succeed())
		Expect(c.Get(ctx, client.ObjectKeyFromObject(workload), workload)).To(Succeed())
		expectForbidden(c.Patch(ctx, workload.DeepCopy(), mergePatch(`{"spec":{"active":false}}`)), "cannot patch resource \"workloads\"")
		workload.Status.AdmissionChecks = []fairleadv1beta1.AdmissionCheckState{{
			Name: "check", State: fairleadv1beta1.CheckStateReady, LastTransitionTime: metav1.Now(), Message: "there is a machine"}}
		Expect(c.Status().Update(ctx, workload)).To(Succeed())
		workload.Status.Conditions = []metav1.Condition{condition(fairleadv1beta1.WorkloadQuotaReserved, metav1.ConditionTrue)}
		expectForbidden(c.Status().Update(ctx, workload), "status.admission must be set while condition QuotaReserved is True")
		expectForbidden(c.Create(ctx, newJob(elsewhere, "no", "main")), "cannot create resource \"jobs\"")
	})
})

// allowed asks the API server whether a person may make a request.
func allowed(ctx context.Context, person, namespace string, a access) bool {
	GinkgoHelper()
	// Rights to kinds of the whole cluster do not depend on a namespace.
	mapping, err := admin.RESTMapper().KindFor(schema.GroupVersionResource{Group: a.group, Resource: a.resource})
	Expect(err).NotTo(HaveOccurred())
	scope, err := admin.RESTMapper().RESTMapping(mapping.GroupKind(), mapping.Version)
	Expect(err).NotTo(HaveOccurred())
	if scope.Scope.Name() != "namespace" {
		namespace = ""
	}
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: person, Groups: []string{"system:authenticated"},
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: a.verb, Group: a.group, Resource: a.resource, Subresource: a.subresource, Namespace: namespace,
		},
	}}
	Expect(admin.Create(ctx, review)).To(Succeed())
	return review.Status.Allowed
}
