package policies

import (
	"context"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/config"
	"fairlead.dev/fairlead/internal/policies"
	"fairlead.dev/fairlead/internal/policies/release"
)

// warnings keeps what the API server warned of.
type warnings struct {
	mutex sync.Mutex
	texts []string
}

func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.texts = append(w.texts, text)
}

func (w *warnings) list() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return append([]string{}, w.texts...)
}

// withoutMutation makes an API server like those before 1.36.
func withoutMutation(server *envtest.APIServer) {
	server.Configure().
		Append("feature-gates", "MutatingAdmissionPolicy=false").
		Append("runtime-config", "admissionregistration.k8s.io/v1/mutatingadmissionpolicies=false").
		Append("runtime-config", "admissionregistration.k8s.io/v1/mutatingadmissionpolicybindings=false").
		Append("disable-admission-plugins", "MutatingAdmissionPolicy")
}

var _ = Describe("On a server that cannot mutate", Ordered, func() {
	var (
		cfg           *rest.Config
		admin, tenant client.Client
		environment   *envtest.Environment
	)
	yes, no := true, false

	namespace := func(ctx context.Context, labels map[string]string) string {
		GinkgoHelper()
		ns := namespaceObject("")
		ns.GenerateName, ns.Labels = "ns-", labels
		Expect(admin.Create(ctx, ns)).To(Succeed())
		return ns.Name
	}

	BeforeAll(func(ctx SpecContext) {
		environment, cfg, admin = startServer(ctx, withoutMutation)
		install(ctx, admin, config.ValidatingOnly)
		createRoles(ctx, admin)
		tenant = impersonate(cfg, admin, alice)
		Eventually(ctx, func() bool {
			return apierrors.IsForbidden(admin.Create(ctx, cohort("probe", "", "-1"), client.DryRunAll))
		}).WithTimeout(time.Minute).WithPolling(100 * time.Millisecond).Should(BeTrue())
	}, NodeTimeout(5*time.Minute))

	It("there is no mutation indeed", func() {
		_, err := admin.RESTMapper().RESTMapping(schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "MutatingAdmissionPolicy"})
		Expect(meta.IsNoMatchError(err)).To(BeTrue(), "%v", err)
	})

	It("the manager finds the policies as configured", func(ctx SpecContext) {
		found, err := policies.Differences(ctx, impersonate(cfg, admin, managerUser), policies.Choices{})
		Expect(err).NotTo(HaveOccurred())
		Expect(found).To(BeEmpty())
	})

	It("a queued Job must be created suspended, whoever creates it", func(ctx SpecContext) {
		ns := namespace(ctx, nil)
		for user, c := range map[string]client.Client{
			alice: tenant, cronController: impersonate(cfg, admin, cronController), "system:masters": admin,
		} {
			for _, suspend := range []*bool{nil, &no} {
				job := newJob(ns, "running", "main")
				job.Spec.Suspend = suspend
				expectForbidden(c.Create(ctx, job), "Job running names queue main", "set spec.suspend: true", "spec.jobTemplate.spec.suspend: true")
				job = newJob(ns, "", "main")
				job.GenerateName = "run-"
				expectForbidden(c.Create(ctx, job), "Job run-", "set spec.suspend: true")
			}
			job := newJob(ns, "", "main")
			job.GenerateName, job.Spec.Suspend = "held-", &yes
			Expect(c.Create(ctx, job)).To(Succeed(), user)
			Expect(suspended(job)).To(BeTrue())
		}
		Expect(tenant.Create(ctx, newJob(ns, "free", ""))).To(Succeed())
	})

	It("a queued Job is started by the manager alone", func(ctx SpecContext) {
		job := newJob(namespace(ctx, nil), "job", "main")
		job.Spec.Suspend = &yes
		Expect(tenant.Create(ctx, job)).To(Succeed())
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"spec":{"suspend":false}}`)), "Fairlead starts it when its turn comes")
		manager := impersonate(cfg, admin, managerUser)
		Expect(manager.Patch(ctx, job, mergePatch(`{"spec":{"suspend":false}}`))).To(Succeed())
		expectForbidden(tenant.Patch(ctx, job.DeepCopy(), mergePatch(`{"metadata":{"labels":null}}`)), "can be removed only while")
		Expect(tenant.Patch(ctx, job, mergePatch(`{"spec":{"suspend":true}}`))).To(Succeed())
		Expect(tenant.Patch(ctx, job, mergePatch(`{"metadata":{"labels":null}}`))).To(Succeed())
		Expect(tenant.Patch(ctx, job, mergePatch(`{"spec":{"suspend":false}}`))).To(Succeed())
	})

	DescribeTable("a manifest that says suspend: false is refused when it is applied again", func(ctx context.Context, args ...string) {
		ns := namespace(ctx, nil)
		kubeconfig := kubeconfigOf(environment, alice)
		args = append(args, "-f", "-")
		out, err := kubectl(ctx, kubeconfig, ns, manifest, args...)
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("must be created suspended: set spec.suspend: true"))

		By("obeying, twice")
		for range 2 {
			out, err = kubectl(ctx, kubeconfig, ns, suspendedManifest, args...)
			Expect(err).NotTo(HaveOccurred(), out)
		}
		By("taking it back")
		out, err = kubectl(ctx, kubeconfig, ns, manifest, args...)
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("If a manifest says so, write spec.suspend: true there"))
	},
		Entry("by kubectl apply", "apply"),
		Entry("by kubectl apply --server-side", "apply", "--server-side"),
	)

	It("who relies on a default queue is warned", func(ctx SpecContext) {
		said := &warnings{}
		warned := rest.CopyConfig(cfg)
		warned.WarningHandler = said
		user := impersonate(warned, admin, alice)

		ns := namespace(ctx, map[string]string{fairleadv1beta1.DefaultQueueLabel: "default"})
		free := newJob(ns, "free", "")
		Expect(user.Create(ctx, free)).To(Succeed())
		Expect(suspended(free)).To(BeFalse())
		Expect(said.list()).To(ConsistOf(And(
			ContainSubstring("runs outside all of them"),
			ContainSubstring("label fairlead.dev/queue-name: default and spec.suspend: true"))))

		By("obeying")
		job := newJob(ns, "job", "default")
		job.Spec.Suspend = &yes
		Expect(user.Create(ctx, job)).To(Succeed())
		Expect(said.list()).To(HaveLen(1))

		By("being refused where a queue is required")
		strict := namespace(ctx, map[string]string{fairleadv1beta1.ManagedLabel: fairleadv1beta1.ManagedStrict, fairleadv1beta1.DefaultQueueLabel: "default"})
		expectForbidden(user.Create(ctx, newJob(strict, "free", "")), "accepts only queued Jobs")
		Expect(said.list()).To(HaveLen(1))
	})

	// The last one: it takes the policies away.
	It("releasing everything needs no mutation either", func(ctx SpecContext) {
		job := newJob(namespace(ctx, nil), "waiting", "main")
		job.Spec.Suspend = &yes
		Expect(tenant.Create(ctx, job)).To(Succeed())
		options := release.Options{Timeout: 20 * time.Second, Output: GinkgoWriter}
		plan, err := release.Survey(ctx, admin, options)
		Expect(err).NotTo(HaveOccurred())
		Expect(plan.Policies).NotTo(BeEmpty())
		_, err = release.Run(ctx, admin, plan, options)
		Expect(err).NotTo(HaveOccurred())
		Expect(admin.Get(ctx, client.ObjectKeyFromObject(job), job)).To(Succeed())
		Expect(suspended(job)).To(BeFalse())
		left, server, err := policies.Installed(ctx, admin)
		Expect(err).NotTo(HaveOccurred())
		Expect(left).To(BeEmpty())
		Expect(server).To(Equal(policies.ValidatingOnly))
	})
})
