package policies

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/config"
	"fairlead.dev/fairlead/internal/policies"
	"fairlead.dev/fairlead/internal/policies/release"
)

var _ = Describe("Where only selected namespaces are managed, and all their Jobs", Ordered, func() {
	var (
		cfg                    *rest.Config
		admin, tenant, manager client.Client
	)
	choices := policies.Choices{
		Aliases:      []string{alias},
		Managed:      &metav1.LabelSelector{MatchLabels: map[string]string{"batch": "yes"}},
		WithoutQueue: true,
	}
	const help = "label fairlead.dev/queue-name with the name of a LocalQueue (kubectl get localqueues -n "

	namespace := func(ctx SpecContext, labels map[string]string) string {
		GinkgoHelper()
		ns := namespaceObject("")
		ns.GenerateName, ns.Labels = "ns-", labels
		Expect(admin.Create(ctx, ns)).To(Succeed())
		return ns.Name
	}
	managed := func(ctx SpecContext) string { return namespace(ctx, map[string]string{"batch": "yes"}) }

	BeforeAll(func(ctx SpecContext) {
		_, cfg, admin = startServer(ctx, nil)
		for _, dir := range []string{config.CRDs, config.RBAC} {
			install(ctx, admin, dir)
		}
		objects, err := policies.Render(policies.Mutating, choices)
		Expect(err).NotTo(HaveOccurred())
		for _, object := range objects {
			Expect(admin.Create(ctx, object)).To(Succeed(), "%s %s", object.GetKind(), object.GetName())
		}
		createRoles(ctx, admin)
		tenant, manager = impersonate(cfg, admin, alice), impersonate(cfg, admin, managerUser)
		ns := managed(ctx)
		Eventually(ctx, func(g Gomega) {
			job := newJob(ns, "probe", "q")
			g.Expect(admin.Create(ctx, job, client.DryRunAll)).To(Succeed())
			g.Expect(suspended(job)).To(BeTrue())
			g.Expect(admin.Create(ctx, cohort("probe", "", "-1"), client.DryRunAll)).NotTo(Succeed())
		}).WithTimeout(time.Minute).WithPolling(100 * time.Millisecond).Should(Succeed())
	}, NodeTimeout(5*time.Minute))

	It("a Job without queue starts suspended, whoever creates it", func(ctx SpecContext) {
		ns := managed(ctx)
		for _, c := range []client.Client{tenant, admin, impersonate(cfg, admin, cronController)} {
			job := newJob(ns, "", "")
			job.GenerateName = "free-"
			Expect(c.Create(ctx, job)).To(Succeed())
			Expect(suspended(job)).To(BeTrue())
			Expect(job.Labels).To(Equal(map[string]string{fairleadv1beta1.HeldLabel: "WithoutQueue"}))
		}
	})

	It("is started by the manager alone, and is told how", func(ctx SpecContext) {
		job := newJob(managed(ctx), "free", "")
		Expect(tenant.Create(ctx, job)).To(Succeed())
		start := mergePatch(`{"spec":{"suspend":false}}`)
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), start), "spec.suspend of Job free cannot be set to false by hand", help+job.Namespace)
		By("giving it a queue")
		Expect(tenant.Patch(ctx, job, mergePatch(`{"metadata":{"labels":{"fairlead.dev/queue-name":"main"}}}`))).To(Succeed())
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), start), "Job free is queued in main")
		Expect(manager.Patch(ctx, job, start)).To(Succeed())
		By("taking the queue away again")
		Expect(tenant.Patch(ctx, job, mergePatch(`{"spec":{"suspend":true}}`))).To(Succeed())
		Expect(tenant.Patch(ctx, job, mergePatch(`{"metadata":{"labels":null}}`))).To(Succeed())
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), start), "queues all Jobs")
	})

	It("a Job that names a queue, by label or alias, is told nothing else than before", func(ctx SpecContext) {
		for _, key := range []string{fairleadv1beta1.QueueLabel, aliasQueue} {
			job := newJob(managed(ctx), "queued", "")
			job.Labels = map[string]string{key: "main"}
			Expect(tenant.Create(ctx, job)).To(Succeed())
			Expect(suspended(job)).To(BeTrue())
			Expect(job.Labels).To(Equal(map[string]string{key: "main"}))
			expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"spec":{"suspend":false}}`)), "is queued in main")
		}
	})

	It("Jobs of other namespaces are left alone, queue or not", func(ctx SpecContext) {
		for _, ns := range []string{
			namespace(ctx, nil),
			namespace(ctx, map[string]string{"batch": "no", fairleadv1beta1.DefaultQueueLabel: "default", fairleadv1beta1.ManagedLabel: fairleadv1beta1.ManagedStrict}),
		} {
			for name, queue := range map[string]string{"free": "", "queued": "main"} {
				job := newJob(ns, name, queue)
				Expect(tenant.Create(ctx, job)).To(Succeed())
				Expect(suspended(job)).To(BeFalse())
			}
		}
	})

	It("the manager finds the policies as configured, and misses them otherwise", func(ctx SpecContext) {
		found, err := policies.Differences(ctx, manager, choices)
		Expect(err).NotTo(HaveOccurred())
		Expect(found).To(BeEmpty())
		found, err = policies.Differences(ctx, manager, policies.Choices{Aliases: choices.Aliases, WithoutQueue: true})
		Expect(err).NotTo(HaveOccurred())
		Expect(found).To(ContainElement(policies.Difference{Kind: "ValidatingAdmissionPolicy", Name: "fairlead-unqueued-jobs",
			Problem: policies.Changed, Field: "spec.matchConstraints.namespaceSelector.matchExpressions[0].key"}))
		found, err = policies.Differences(ctx, manager, policies.Choices{Aliases: choices.Aliases, Managed: choices.Managed})
		Expect(err).NotTo(HaveOccurred())
		Expect(found).To(ContainElement(policies.Difference{Kind: "MutatingAdmissionPolicy", Name: "fairlead-hold-unqueued-jobs", Problem: policies.Unexpected}))
	})

	It("a release starts the Jobs that were held for want of a queue, and no others", func(ctx SpecContext) {
		ns := managed(ctx)
		held := newJob(ns, "held", "")
		Expect(tenant.Create(ctx, held)).To(Succeed())
		own := newJob(ns, "own", "")
		own.Spec.Suspend = new(true)
		Expect(tenant.Create(ctx, own)).To(Succeed())
		options := release.Options{Namespace: ns, Timeout: 20 * time.Second, Output: GinkgoWriter}
		plan, err := release.Survey(ctx, admin, options)
		Expect(err).NotTo(HaveOccurred())
		Expect(plan.Waiting).To(Equal(1))
		_, err = release.Run(ctx, admin, plan, options)
		Expect(err).NotTo(HaveOccurred())
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(held), held)).To(Succeed())
		Expect(suspended(held)).To(BeFalse())
		Expect(held.Labels).NotTo(HaveKey(fairleadv1beta1.HeldLabel))
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(own), own)).To(Succeed())
		Expect(suspended(own)).To(BeTrue())
	})
})
