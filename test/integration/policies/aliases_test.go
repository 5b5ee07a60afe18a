package policies

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/config"
	"fairlead.dev/fairlead/internal/policies"
)

const (
	alias      = "kueue.x-k8s.io"
	aliasQueue = alias + "/queue-name"
)

// installPolicies creates the policies that a configuration renders.
func installPolicies(ctx context.Context, c client.Client, server policies.Server, aliases ...string) {
	GinkgoHelper()
	objects, err := policies.Render(server, policies.Choices{Aliases: aliases})
	Expect(err).NotTo(HaveOccurred())
	for _, object := range objects {
		Expect(c.Create(ctx, object)).To(Succeed(), "%s %s", object.GetKind(), object.GetName())
	}
}

var _ = Describe("With a label alias", Ordered, func() {
	var (
		cfg                    *rest.Config
		admin, tenant, manager client.Client
		environment            *envtest.Environment
	)

	namespace := func(ctx context.Context, labels map[string]string) string {
		GinkgoHelper()
		ns := namespaceObject("")
		ns.GenerateName, ns.Labels = "ns-", labels
		Expect(admin.Create(ctx, ns)).To(Succeed())
		return ns.Name
	}
	aliasJob := func(namespace, name string) *batchv1.Job {
		job := newJob(namespace, name, "")
		job.Labels = map[string]string{aliasQueue: "main"}
		return job
	}

	BeforeAll(func(ctx SpecContext) {
		environment, cfg, admin = startServer(ctx, nil)
		for _, dir := range []string{config.CRDs, config.RBAC} {
			install(ctx, admin, dir)
		}
		installPolicies(ctx, admin, policies.Mutating, alias)
		createRoles(ctx, admin)
		tenant, manager = impersonate(cfg, admin, alice), impersonate(cfg, admin, managerUser)
		waitForPolicies(ctx, admin)
	}, NodeTimeout(5*time.Minute))

	It("its Jobs start suspended, and ours still do", func(ctx SpecContext) {
		ns := namespace(ctx, nil)
		for _, c := range []client.Client{tenant, admin, impersonate(cfg, admin, cronController)} {
			job := aliasJob(ns, "")
			job.GenerateName = "job-"
			Expect(c.Create(ctx, job)).To(Succeed())
			Expect(suspended(job)).To(BeTrue())
			Expect(job.Labels).To(Equal(map[string]string{aliasQueue: "main"}))
		}
		ours := newJob(ns, "ours", "main")
		Expect(tenant.Create(ctx, ours)).To(Succeed())
		Expect(suspended(ours)).To(BeTrue())
		free := newJob(ns, "free", "")
		free.Labels = map[string]string{"other.x-k8s.io/queue-name": "main"}
		Expect(tenant.Create(ctx, free)).To(Succeed())
		Expect(suspended(free)).To(BeFalse())
	})

	It("its Jobs are started by the manager alone", func(ctx SpecContext) {
		job := aliasJob(namespace(ctx, nil), "job")
		Expect(tenant.Create(ctx, job)).To(Succeed())
		for _, patch := range []string{
			`{"spec":{"suspend":false}}`,
			`{"spec":{"suspend":false},"metadata":{"labels":null}}`,
			`{"spec":{"suspend":false},"metadata":{"labels":{"fairlead.dev/queue-name":"main","kueue.x-k8s.io/queue-name":null}}}`,
		} {
			expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch("%s", patch)), "Job job is queued in main", "Fairlead starts it when its turn comes")
		}
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"spec":{"suspend":false}}`)), "remove label kueue.x-k8s.io/queue-name")
		Expect(manager.Patch(ctx, job, jsonPatch(`[{"op":"add","path":"/metadata/annotations","value":{"fairlead.dev/injected":"{}"}},{"op":"replace","path":"/spec/suspend","value":false}]`))).To(Succeed())

		By("protecting it while it runs")
		for patch, words := range map[string]string{
			`{"metadata":{"labels":{"kueue.x-k8s.io/queue-name":"other"}}}`: "label kueue.x-k8s.io/queue-name can be changed only while the Job is suspended",
			`{"metadata":{"labels":{"kueue.x-k8s.io/queue-name":null}}}`:    "label kueue.x-k8s.io/queue-name can be removed only while",
			`{"metadata":{"labels":{"fairlead.dev/queue-name":"other"}}}`:   "label fairlead.dev/queue-name can be added only while",
			`{"metadata":{"annotations":null}}`:                             "annotation fairlead.dev/injected is written by Fairlead alone",
			`{"spec":{"parallelism":3}}`:                                    "spec.parallelism can fall, but not rise to 3",
		} {
			expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch("%s", patch)), words)
		}
		Expect(tenant.Patch(ctx, job, mergePatch(`{"spec":{"parallelism":1}}`))).To(Succeed())
		Expect(tenant.Patch(ctx, job, mergePatch(`{"spec":{"suspend":true}}`))).To(Succeed())
		Expect(tenant.Patch(ctx, job, mergePatch(`{"metadata":{"labels":null}}`))).To(Succeed())
		Expect(tenant.Patch(ctx, job, mergePatch(`{"spec":{"suspend":false}}`))).To(Succeed())
	})

	It("a manifest applied again starts nothing", func(ctx SpecContext) {
		kubeconfig, ns := kubeconfigOf(environment, alice), namespace(ctx, nil)
		text := strings.ReplaceAll(manifest, fairleadv1beta1.QueueLabel, aliasQueue)
		for range 2 {
			out, err := kubectl(ctx, kubeconfig, ns, text, "apply", "-f", "-")
			Expect(err).NotTo(HaveOccurred(), out)
			job := &batchv1.Job{}
			Expect(admin.Get(ctx, client.ObjectKey{Namespace: ns, Name: "applied"}, job)).To(Succeed())
			Expect(suspended(job)).To(BeTrue())
		}
	})

	DescribeTable("its labels can be understood", func(ctx context.Context, label, value string, words ...string) {
		job := aliasJob(namespace(ctx, nil), "bad")
		job.Labels[label] = value
		expectForbidden(tenant.Create(ctx, job), words...)
	},
		Entry("a queue in capitals", aliasQueue, "Main", `Label kueue.x-k8s.io/queue-name of Job bad is "Main"`),
		Entry("a class with an underscore", alias+"/priority-class", "a_b", `Label kueue.x-k8s.io/priority-class of Job bad is "a_b"`),
		Entry("a time in hours", alias+"/max-exec-time-seconds", "2h", `Label kueue.x-k8s.io/max-exec-time-seconds of Job bad is "2h"`),
	)

	It("its Jobs have a queue where one is required", func(ctx SpecContext) {
		ns := namespace(ctx, map[string]string{fairleadv1beta1.ManagedLabel: fairleadv1beta1.ManagedStrict})
		expectForbidden(tenant.Create(ctx, newJob(ns, "free", "")), "accepts only queued Jobs")
		job := aliasJob(ns, "job")
		Expect(tenant.Create(ctx, job)).To(Succeed())
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"metadata":{"labels":null}}`)), "cannot be removed")
		By("changing from one prefix to the other")
		Expect(tenant.Patch(ctx, job, mergePatch(`{"metadata":{"labels":{"fairlead.dev/queue-name":"main","kueue.x-k8s.io/queue-name":null}}}`))).To(Succeed())
		Expect(suspended(job)).To(BeTrue())
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"metadata":{"labels":null}}`)), "cannot be removed")
	})

	It("its Jobs get no default queue on top", func(ctx SpecContext) {
		ns := namespace(ctx, map[string]string{fairleadv1beta1.DefaultQueueLabel: "default"})
		job := aliasJob(ns, "job")
		Expect(tenant.Create(ctx, job)).To(Succeed())
		Expect(job.Labels).To(Equal(map[string]string{aliasQueue: "main"}))
		free := newJob(ns, "free", "")
		Expect(tenant.Create(ctx, free)).To(Succeed())
		Expect(free.Labels).To(Equal(map[string]string{fairleadv1beta1.QueueLabel: "default"}))
		Expect(suspended(free)).To(BeTrue())
	})

	It("the manager can tell whether the policies are as configured", func(ctx SpecContext) {
		differences := func(aliases ...string) []policies.Difference {
			GinkgoHelper()
			// With the manager's own rights.
			found, err := policies.Differences(ctx, manager, policies.Choices{Aliases: aliases})
			Expect(err).NotTo(HaveOccurred())
			return found
		}
		Expect(differences(alias)).To(BeEmpty())
		Expect(differences()).To(ContainElement(policies.Difference{
			Kind: "MutatingAdmissionPolicy", Name: "fairlead-suspend-queued-jobs-" + alias, Problem: policies.Unexpected}))
		Expect(differences(alias, "b.example")).To(ContainElement(policies.Difference{
			Kind: "ValidatingAdmissionPolicyBinding", Name: "fairlead-queued-jobs-b.example", Problem: policies.Missing}))

		By("weakening one")
		binding := &unstructured.Unstructured{}
		binding.SetGroupVersionKind(schema.GroupVersionKind{Group: "admissionregistration.k8s.io", Version: "v1", Kind: "ValidatingAdmissionPolicyBinding"})
		binding.SetName("fairlead-flavors")
		Expect(admin.Patch(ctx, binding, mergePatch(`{"spec":{"validationActions":["Audit"]}}`))).To(Succeed())
		Expect(differences(alias)).To(ConsistOf(policies.Difference{
			Kind: "ValidatingAdmissionPolicyBinding", Name: "fairlead-flavors", Problem: policies.Changed, Field: "spec.validationActions[0]"}))
	})
})
