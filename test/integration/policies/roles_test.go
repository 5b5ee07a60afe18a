package policies

import (
	"context"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// may asks the API server whether the manager has a right.
func may(ctx context.Context, verb, group, resource, subresource, namespace string) bool {
	GinkgoHelper()
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: managerUser,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: verb, Group: group, Resource: resource, Subresource: subresource, Namespace: namespace,
		},
	}}
	Expect(admin.Create(ctx, review)).To(Succeed())
	return review.Status.Allowed
}

var _ = Describe("Roles", func() {
	DescribeTable("the manager may", func(ctx context.Context, verb, group, resource, subresource, namespace string) {
		Expect(may(ctx, verb, group, resource, subresource, namespace)).To(BeTrue())
	},
		Entry("watch jobs", "watch", "batch", "jobs", "", ""),
		Entry("start jobs", "unsuspend", "batch", "jobs", "", "any"),
		Entry("patch jobs", "patch", "batch", "jobs", "", "any"),
		Entry("create workloads", "create", "fairlead.dev", "workloads", "", "any"),
		Entry("write their status", "update", "fairlead.dev", "workloads", "status", "any"),
		Entry("watch reservations", "watch", "fairlead.dev", "reservations", "", ""),
		Entry("write their statuses", "update", "fairlead.dev", "reservations", "status", ""),
		Entry("write statuses of queues", "patch", "fairlead.dev", "clusterqueues", "status", ""),
		Entry("tell events", "create", "events.k8s.io", "events", "", "any"),
		Entry("hold its lease", "update", "coordination.k8s.io", "leases", "", "fairlead-system"),
		Entry("ask who reads metrics", "create", "authentication.k8s.io", "tokenreviews", "", ""),
	)

	DescribeTable("the manager may not", func(ctx context.Context, verb, group, resource, subresource, namespace string) {
		Expect(may(ctx, verb, group, resource, subresource, namespace)).To(BeFalse())
	},
		Entry("create jobs", "create", "batch", "jobs", "", "any"),
		Entry("replace jobs", "update", "batch", "jobs", "", "any"),
		Entry("write the status of jobs", "update", "batch", "jobs", "status", "any"),
		Entry("create pods", "create", "", "pods", "", "any"),
		Entry("read secrets", "get", "", "secrets", "", "fairlead-system"),
		Entry("hold leases of others", "update", "coordination.k8s.io", "leases", "", "kube-system"),
		Entry("edit policies", "update", "admissionregistration.k8s.io", "validatingadmissionpolicies", "", ""),
		Entry("edit reservations", "update", "fairlead.dev", "reservations", "", ""),
		Entry("create queues", "create", "fairlead.dev", "clusterqueues", "", ""),
	)

	It("the manager's own token starts a Job", func(ctx SpecContext) {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "fairlead-system", Name: "fairlead-manager"}}
		request := &authenticationv1.TokenRequest{}
		Expect(admin.SubResource("token").Create(ctx, account, request)).To(Succeed())
		cfg := rest.AnonymousClientConfig(restCfg)
		cfg.BearerToken = request.Status.Token
		manager, err := client.New(cfg, client.Options{Scheme: scheme, Mapper: admin.RESTMapper()})
		Expect(err).NotTo(HaveOccurred())

		job := newJob(newNamespace(ctx, nil), "job", "main")
		Expect(as(alice).Create(ctx, job)).To(Succeed())
		Expect(manager.Patch(ctx, job, jsonPatch(`[{"op":"replace","path":"/spec/suspend","value":false}]`))).To(Succeed())
		Expect(suspended(job)).To(BeFalse())
	})

	// What the aggregation controller of a cluster makes of the labels.
	DescribeTable("for people add up", func(ctx context.Context, aggregate, resource string, want []string) {
		role := &rbacv1.ClusterRole{}
		Expect(admin.Get(ctx, client.ObjectKey{Name: aggregate}, role)).To(Succeed())
		verbs := map[string]bool{}
		var parts rbacv1.ClusterRoleList
		Expect(admin.List(ctx, &parts)).To(Succeed())
		for _, part := range parts.Items {
			for _, selector := range role.AggregationRule.ClusterRoleSelectors {
				if !labels.SelectorFromSet(selector.MatchLabels).Matches(labels.Set(part.Labels)) {
					continue
				}
				for _, rule := range part.Rules {
					for _, verb := range rule.Verbs {
						if slices.Contains(rule.Resources, resource) && slices.Contains(rule.APIGroups, "fairlead.dev") {
							verbs[verb] = true
						}
					}
				}
			}
		}
		var got []string
		for verb := range verbs {
			got = append(got, verb)
		}
		Expect(got).To(ConsistOf(want))
	},
		Entry("administrators edit ClusterQueues", "fairlead-batch-admin", "clusterqueues", []string{"create", "delete", "get", "list", "patch", "update", "watch"}),
		Entry("administrators edit Reservations", "fairlead-batch-admin", "reservations", []string{"create", "delete", "get", "list", "patch", "update", "watch"}),
		Entry("users look at Reservations", "fairlead-batch-user", "reservations", []string{"get", "list", "watch"}),
		Entry("nobody writes statuses of Reservations", "fairlead-batch-admin", "reservations/status", []string{"get"}),
		Entry("users look at ClusterQueues", "fairlead-batch-user", "clusterqueues", []string{"get", "list", "watch"}),
		Entry("users hold Workloads", "fairlead-batch-user", "workloads", []string{"get", "list", "watch", "patch", "update"}),
		Entry("nobody writes statuses of Workloads", "fairlead-batch-admin", "workloads/status", []string{"get"}),
		Entry("edit holds Workloads", "edit", "workloads", []string{"get", "list", "watch", "patch", "update"}),
		Entry("view looks at LocalQueues", "view", "localqueues", []string{"get", "list", "watch"}),
	)
})
