package manager

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/config"
)

// badInput is one kind of bad input: what is done, and what whoever does it is
// told. $ns in any text is the tenant's namespace.
type badInput struct {
	name string
	does func(*spoiler) string
	says []string
}

// spoiler is a tenant whose input is bad. It has a good queue of four cores
// beside it.
type spoiler struct {
	*tenant
	alice   client.Client // may edit Jobs and Workloads in the namespace, no more
	manager *process
}

// fill replaces what texts say about the tenant.
func (s *spoiler) fill(text string) string { return strings.ReplaceAll(text, "$ns", s.ns) }

// object reads an object of ours from YAML: its kind, its name, its spec.
func (s *spoiler) object(kind, name, spec string) *unstructured.Unstructured {
	GinkgoHelper()
	u := &unstructured.Unstructured{}
	text := fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: %s}\nspec: %s", v1beta1.GroupVersion, kind, s.fill(name), s.fill(spec))
	Expect(yaml.Unmarshal([]byte(text), &u.Object)).To(Succeed(), text)
	if kind == "LocalQueue" || kind == "Workload" {
		u.SetNamespace(s.ns)
	}
	return u
}

// refused creates an object that the server does not take.
func refused(kind, spec string) func(*spoiler) string {
	return func(s *spoiler) string { return told(admin.Create(s.ctx, s.object(kind, "$ns-bad", spec))) }
}

// misreserved creates a Reservation that keeps nothing and returns why, as its
// condition says it.
func misreserved(spec string) func(*spoiler) string {
	return func(s *spoiler) string {
		GinkgoHelper()
		r := s.object("Reservation", "$ns-bad", spec)
		s.made(r)
		return s.stands(&v1beta1.Reservation{ObjectMeta: metav1.ObjectMeta{Name: r.GetName()}}, v1beta1.ReservationActive,
			metav1.ConditionFalse, v1beta1.ReservationMisconfigured)
	}
}

// told is what a refusal says.
func told(err error) string {
	GinkgoHelper()
	Expect(err).To(HaveOccurred())
	return err.Error()
}

// waits creates a Workload that cannot be admitted and returns why, as its
// condition says it.
func waits(reason, podSets string) func(*spoiler) string {
	return func(s *spoiler) string {
		GinkgoHelper()
		u := s.object("Workload", "bad", "{queueName: $ns, podSets: "+podSets+"}")
		s.create(u)
		return s.states(&v1beta1.Workload{ObjectMeta: metav1.ObjectMeta{Namespace: s.ns, Name: "bad"}}, v1beta1.WorkloadQuotaReserved, metav1.ConditionFalse, reason)
	}
}

// one is a pod set of one container with these requests.
func one(count int, requests string) string {
	return fmt.Sprintf("[{name: main, count: %d, template: {spec: {containers: [{name: c, resources: {requests: {%s}}}]}}}]", count, requests)
}

// patched has the tenant edit a Job of his in a way that is refused; the Job
// waits (it is too big) or runs.
func patched(runs bool, patch string) func(*spoiler) string {
	return func(s *spoiler) string {
		GinkgoHelper()
		j := s.submit("bad", pods(2), func(j *batchv1.Job) {
			if !runs {
				cpu("9")(j)
			}
		})
		if runs {
			s.started(j)
			s.run(j)
		}
		return told(s.alice.Patch(s.ctx, s.fresh(j), client.RawPatch("application/merge-patch+json", []byte(patch))))
	}
}

// submitted has the tenant create a Job that is refused.
func submitted(change func(*batchv1.Job)) func(*spoiler) string {
	return func(s *spoiler) string { return told(s.alice.Create(s.ctx, job(s.ns, "bad", s.ns, change))) }
}

// reserved edits a Workload that holds quota.
func reserved(change func(*v1beta1.Workload)) func(*spoiler) string {
	return func(s *spoiler) string {
		GinkgoHelper()
		j := s.submit("bad")
		s.started(j)
		wl := s.workloadOf(j)
		change(wl)
		return told(admin.Update(s.ctx, wl))
	}
}

// configured starts the manager with a configuration file that it refuses.
func configured(text string) func(*spoiler) string {
	return func(s *spoiler) string {
		GinkgoHelper()
		path := filepath.Join(GinkgoT().TempDir(), "bad.yaml")
		Expect(os.WriteFile(path, []byte(text), 0o600)).To(Succeed())
		_, err := config.Load(path)
		return told(err)
	}
}

const configHead = "apiVersion: config.fairlead.dev/v1beta1\nkind: Configuration\n"

// active waits for what condition Active of an object says with this reason.
func (s *spoiler) active(obj client.Object, name, reason string) string {
	GinkgoHelper()
	Eventually(func() string { return s.activeOf(obj, s.fill(name)).Reason }).Should(Equal(reason))
	return s.activeOf(obj, s.fill(name)).Message
}

// made creates objects and removes them at the end of the row.
func (s *spoiler) made(objects ...*unstructured.Unstructured) {
	GinkgoHelper()
	for _, object := range objects {
		s.create(object)
		DeferCleanup(func() { Expect(client.IgnoreNotFound(admin.Delete(s.ctx, object))).To(Succeed()) })
	}
}

// Its rows are listed, by number and name, in docs/bad-input.md.
var _ = Describe("Each kind of bad input", Ordered, ContinueOnFailure, func() {
	BeforeAll(func(ctx SpecContext) {
		Expect(admin.Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "bad-input"}, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"batch"}, Resources: []string{"jobs"}, Verbs: []string{"create", "get", "patch", "update"}},
			{APIGroups: []string{"fairlead.dev"}, Resources: []string{"workloads", "workloads/status"}, Verbs: []string{"get", "patch", "update"}},
		}})).To(Succeed())
		Expect(admin.Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "bad-input"},
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "bad-input"},
			Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "alice"}},
		})).To(Succeed())
	})

	for i, bad := range badInputs {
		It(fmt.Sprintf("%02d: %s", i+1, bad.name), func(ctx SpecContext) {
			as := rest.CopyConfig(restConfig)
			as.Impersonate = rest.ImpersonationConfig{UserName: "alice", Groups: []string{"system:authenticated"}}
			alice, err := client.New(as, client.Options{Scheme: admin.Scheme(), Mapper: admin.RESTMapper()})
			Expect(err).NotTo(HaveOccurred())
			s := &spoiler{tenant: newTenant(ctx, "4"), alice: alice, manager: startManager()}
			before := s.running("before")

			message := bad.does(s)
			for _, words := range bad.says {
				Expect(message).To(ContainSubstring(s.fill(words)))
			}
			By("a bystander of the same queue is served as ever: " + message)
			Expect(isSuspended(s.fresh(before))).To(BeFalse())
			after := s.submit("after")
			s.started(after)
			s.finish(after, batchv1.JobComplete)
			s.says(after, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
			Expect(s.manager.isDead()).To(BeFalse())
		})
	}

	It("is listed in docs/bad-input.md, in at least 30 kinds", func() {
		Expect(len(badInputs)).To(BeNumerically(">=", 30))
		page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "bad-input.md"))
		Expect(err).NotTo(HaveOccurred())
		var listed []string
		for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \| ([^|]+) \|`).FindAllStringSubmatch(string(page), -1) {
			listed = append(listed, row[1]+" "+row[2])
		}
		var tested []string
		for i, bad := range badInputs {
			tested = append(tested, fmt.Sprintf("%d %s", i+1, bad.name))
		}
		Expect(listed).To(Equal(tested))
	})
})
