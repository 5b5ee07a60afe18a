package policies

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/config"
	"fairlead.dev/fairlead/internal/sandbox"
)

// Who talks to the API server. Nobody but admin is in system:masters.
const (
	alice          = "alice" // a tenant: edits Jobs, may hold Workloads
	checker        = "checker"
	managerUser    = "system:serviceaccount:fairlead-system:fairlead-manager"
	collector      = "system:serviceaccount:kube-system:generic-garbage-collector"
	jobController  = "system:serviceaccount:kube-system:job-controller"
	cronController = "system:serviceaccount:kube-system:cronjob-controller"
	ttlController  = "system:serviceaccount:kube-system:ttl-after-finished-controller"
)

var (
	scheme  = runtime.NewScheme()
	server  *envtest.Environment
	restCfg *rest.Config
	admin   client.Client
)

func TestPolicies(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Policies")
}

var _ = BeforeSuite(func(ctx SpecContext) {
	log.SetLogger(GinkgoLogr)
	Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	Expect(fairleadv1beta1.AddToScheme(scheme)).To(Succeed())

	server, restCfg, admin = startServer(ctx, nil)
	install(ctx, admin, config.Sandbox)
	createRoles(ctx, admin)
	waitForPolicies(ctx, admin)
}, NodeTimeout(20*time.Minute))

// startServer starts an API server that ends with the node (suite or container)
// that asks for it. configure may change its flags.
func startServer(ctx context.Context, configure func(*envtest.APIServer)) (*envtest.Environment, *rest.Config, client.Client) {
	GinkgoHelper()
	assets := os.Getenv("KUBEBUILDER_ASSETS")
	if assets == "" {
		var err error
		assets, err = sandbox.Assets(ctx, GinkgoWriter)
		Expect(err).NotTo(HaveOccurred())
	}
	environment := &envtest.Environment{BinaryAssetsDirectory: assets, ControlPlaneStartTimeout: 2 * time.Minute}
	if configure != nil {
		configure(environment.ControlPlane.GetAPIServer())
	}
	cfg, err := environment.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(environment.Stop)
	cfg.QPS = -1
	c, err := client.New(cfg, client.Options{Scheme: scheme})
	Expect(err).NotTo(HaveOccurred())
	return environment, cfg, c
}

// install creates what a kustomization holds.
func install(ctx context.Context, c client.Client, dir string) {
	GinkgoHelper()
	objects, err := config.Objects(dir)
	Expect(err).NotTo(HaveOccurred())
	for _, object := range objects {
		Expect(c.Create(ctx, object)).To(Succeed(), "%s %s", object.GetKind(), object.GetName())
	}
}

// createRoles binds the shipped role of check controllers, and gives the tenant
// what he gets in a cluster by aggregation: the controller that aggregates
// roles does not run here.
func createRoles(ctx context.Context, c client.Client) {
	everything := []string{"create", "delete", "get", "list", "patch", "update", "watch"}
	Expect(c.Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "tenant"}, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: everything},
		{APIGroups: []string{"fairlead.dev"}, Resources: []string{"workloads"}, Verbs: []string{"get", "list", "watch", "patch", "update"}},
	}})).To(Succeed())
	for user, role := range map[string]string{alice: "tenant", checker: "fairlead-admission-check"} {
		Expect(c.Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: user},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
		})).To(Succeed())
	}
}

// waitForPolicies waits until the API server evaluates the last policy of
// either kind; those before it are known by then (see the kustomizations).
func waitForPolicies(ctx context.Context, c client.Client) {
	Eventually(ctx, func(g Gomega) {
		job := newJob("default", "probe", "q")
		g.Expect(c.Create(ctx, job, client.DryRunAll)).To(Succeed())
		g.Expect(suspended(job)).To(BeTrue())
		err := c.Create(ctx, cohort("probe", "", "-1"), client.DryRunAll)
		g.Expect(apierrors.IsForbidden(err)).To(BeTrue(), "%v", err)
	}).WithTimeout(time.Minute).WithPolling(100 * time.Millisecond).Should(Succeed())
}

// as returns a client that acts as the user.
func as(user string) client.Client { return impersonate(restCfg, admin, user) }

// impersonate does so on any server, given its administrator.
func impersonate(cfg *rest.Config, admin client.Client, user string) client.Client {
	GinkgoHelper()
	cfg = rest.CopyConfig(cfg)
	cfg.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: []string{"system:authenticated"}}
	c, err := client.New(cfg, client.Options{Scheme: scheme, Mapper: admin.RESTMapper()})
	Expect(err).NotTo(HaveOccurred())
	return c
}

var namespaces int

func namespaceObject(name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

// newNamespace creates a namespace with labels and returns its name.
func newNamespace(ctx context.Context, labels map[string]string) string {
	namespaces++
	ns := namespaceObject(fmt.Sprintf("ns-%d", namespaces))
	ns.Labels = labels
	Expect(admin.Create(ctx, ns)).To(Succeed())
	return ns.Name
}

// newJob returns a Job of two pods; no queue label if queue is empty.
func newJob(namespace, name, queue string) *batchv1.Job {
	two := int32(2)
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: batchv1.JobSpec{
			Parallelism: &two, Completions: &two,
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
				RestartPolicy: corev1.RestartPolicyNever,
				Containers:    []corev1.Container{{Name: "main", Image: "busybox"}},
			}},
		},
	}
	if queue != "" {
		job.Labels = map[string]string{fairleadv1beta1.QueueLabel: queue}
	}
	return job
}

func suspended(job *batchv1.Job) bool { return job.Spec.Suspend != nil && *job.Spec.Suspend }

// jsonPatch is a patch of the kind the manager sends.
func jsonPatch(format string, args ...any) client.Patch {
	return client.RawPatch("application/json-patch+json", fmt.Appendf(nil, format, args...))
}

func mergePatch(format string, args ...any) client.Patch {
	return client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, format, args...))
}

// expectForbidden checks that a policy refused, in the words given.
func expectForbidden(err error, words ...string) {
	GinkgoHelper()
	Expect(apierrors.IsForbidden(err)).To(BeTrue(), "want a policy's refusal, got: %v", err)
	expectWords(err, words...)
}

// expectInvalid checks that the schema refused, in the words given.
func expectInvalid(err error, words ...string) {
	GinkgoHelper()
	Expect(apierrors.IsInvalid(err)).To(BeTrue(), "want the schema's refusal, got: %v", err)
	expectWords(err, words...)
}

func expectWords(err error, words ...string) {
	GinkgoHelper()
	for _, word := range words {
		Expect(err).To(MatchError(ContainSubstring(word)))
	}
}

// crdNamed is enough of a CustomResourceDefinition to delete it.
func crdNamed(name string) client.Object {
	crd := &unstructured.Unstructured{}
	crd.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	crd.SetName(name)
	return crd
}
