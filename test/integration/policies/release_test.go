package policies

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/config"
	"fairlead.dev/fairlead/internal/policies"
	"fairlead.dev/fairlead/internal/policies/release"
	"fairlead.dev/fairlead/pkg/job"
	"fairlead.dev/fairlead/pkg/job/batchjob"
)

// releaseSite is a cluster that something is released on.
type releaseSite struct {
	cfg                    *rest.Config
	admin, tenant, manager client.Client
	c                      client.Client // what `fairlead release` uses
}

func newReleaseSite(ctx context.Context) *releaseSite {
	GinkgoHelper()
	s := &releaseSite{}
	_, s.cfg, s.admin = startServer(ctx, nil)
	for _, dir := range []string{config.CRDs, config.RBAC} {
		install(ctx, s.admin, dir)
	}
	installPolicies(ctx, s.admin, policies.Mutating, alias)
	createRoles(ctx, s.admin)
	waitForPolicies(ctx, s.admin)
	s.tenant, s.manager = impersonate(s.cfg, s.admin, alice), impersonate(s.cfg, s.admin, managerUser)
	own, err := release.Scheme()
	Expect(err).NotTo(HaveOccurred())
	s.c, err = client.New(s.cfg, client.Options{Scheme: own})
	Expect(err).NotTo(HaveOccurred())
	return s
}

func (s *releaseSite) namespace(ctx context.Context, labels map[string]string) string {
	GinkgoHelper()
	ns := namespaceObject("")
	ns.GenerateName, ns.Labels = "ns-", labels
	Expect(s.admin.Create(ctx, ns)).To(Succeed())
	return ns.Name
}

// queued submits a Job that waits.
func (s *releaseSite) queued(ctx context.Context, namespace, name string) *batchv1.Job {
	GinkgoHelper()
	j := newJob(namespace, name, "main")
	Expect(s.tenant.Create(ctx, j)).To(Succeed())
	Expect(suspended(j)).To(BeTrue())
	return j
}

// evicted submits a Job, starts it as the manager does, with fewer pods and
// with the labels and tolerations of a flavor, and stops it again.
func (s *releaseSite) evicted(ctx context.Context, namespace, name string, pods int32) *batchv1.Job {
	GinkgoHelper()
	j := s.queued(ctx, namespace, name)
	patch, conflict := batchjob.Kind{}.Start(j, job.Start{Workload: "w", PodSets: []job.PodSetStart{{
		Name: string(fairleadv1beta1.DefaultPodSetName), Count: 1,
		NodeSelector: map[string]string{"flavor": "spot"},
		Tolerations:  []corev1.Toleration{{Key: "spot", Operator: corev1.TolerationOpExists}},
	}}})
	Expect(conflict).To(BeNil())
	Expect(s.manager.Patch(ctx, j, client.RawPatch(types.JSONPatchType, patch))).To(Succeed())
	Expect(j.Spec.Template.Spec.NodeSelector).NotTo(BeEmpty())
	j.Status.StartTime, j.Status.Active = &metav1.Time{Time: time.Now()}, 1
	Expect(s.admin.Status().Update(ctx, j)).To(Succeed())
	Expect(s.manager.Patch(ctx, j, client.RawPatch(types.JSONPatchType, batchjob.Kind{}.Suspend(j)))).To(Succeed())
	j.Status.Active = pods
	if pods == 0 {
		j.Status.StartTime = nil
	}
	j.Status.Conditions = []batchv1.JobCondition{{Type: batchv1.JobSuspended, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}}
	Expect(s.admin.Status().Update(ctx, j)).To(Succeed())
	return j
}

// reread is the Job as the server has it.
func (s *releaseSite) reread(ctx context.Context, j *batchv1.Job) *batchv1.Job {
	GinkgoHelper()
	fresh := &batchv1.Job{}
	Expect(s.admin.Get(ctx, client.ObjectKeyFromObject(j), fresh)).To(Succeed())
	return fresh
}

// expectFree checks that nothing of Fairlead is left on a running Job.
func (s *releaseSite) expectFree(ctx context.Context, j *batchv1.Job) *batchv1.Job {
	GinkgoHelper()
	fresh := s.reread(ctx, j)
	Expect(suspended(fresh)).To(BeFalse(), fresh.Name)
	Expect(fresh.Labels).NotTo(Or(HaveKey(fairleadv1beta1.QueueLabel), HaveKey(aliasQueue)), fresh.Name)
	Expect(fresh.Annotations).NotTo(HaveKey(fairleadv1beta1.InjectedAnnotation), fresh.Name)
	return fresh
}

func (s *releaseSite) release(ctx context.Context, c client.Client, options release.Options) (*release.Plan, release.Summary, error) {
	GinkgoHelper()
	if options.Timeout == 0 {
		options.Timeout = 20 * time.Second
	}
	options.Output = GinkgoWriter
	plan, err := release.Survey(ctx, c, options)
	if err != nil {
		return nil, release.Summary{}, err
	}
	summary, err := release.Run(ctx, c, plan, options)
	return plan, summary, err
}

var _ = Describe("Releasing everything", Ordered, func() {
	var s *releaseSite
	BeforeAll(func(ctx SpecContext) { s = newReleaseSite(ctx) }, NodeTimeout(5*time.Minute))

	It("frees one namespace and leaves the policies", func(ctx SpecContext) {
		one, other := s.namespace(ctx, nil), s.namespace(ctx, nil)
		waiting, elsewhere := s.queued(ctx, one, "waiting"), s.queued(ctx, other, "waiting")

		_, _, err := s.release(ctx, s.c, release.Options{Namespace: "nowhere"})
		Expect(err).To(MatchError(ContainSubstring("namespace nowhere does not exist")))

		By("as somebody who may not start Jobs")
		Expect(s.admin.Create(ctx, &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "reader"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "reader"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: alice}},
		})).To(Succeed())
		Expect(s.admin.Create(ctx, &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "reader"}, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"get", "list"}},
		}})).To(Succeed())
		Eventually(ctx, func() error {
			_, _, err := s.release(ctx, s.tenant, release.Options{Namespace: one})
			return err
		}).WithTimeout(30 * time.Second).Should(MatchError(And(ContainSubstring("1 Jobs could not be started"), ContainSubstring("unsuspend on jobs"))))

		By("as an administrator")
		plan, done, err := s.release(ctx, s.c, release.Options{Namespace: one})
		Expect(err).NotTo(HaveOccurred())
		Expect(plan).To(And(HaveField("Waiting", 1), HaveField("Policies", BeEmpty())))
		Expect(done).To(Equal(release.Summary{Started: 1, Held: []types.NamespacedName{}}))
		s.expectFree(ctx, waiting)
		Expect(suspended(s.reread(ctx, elsewhere))).To(BeTrue())
		s.queued(ctx, one, "still-queued")

		By("finding a strict namespace in the way")
		strict := s.namespace(ctx, map[string]string{fairleadv1beta1.ManagedLabel: fairleadv1beta1.ManagedStrict})
		s.queued(ctx, strict, "waiting")
		_, _, err = s.release(ctx, s.c, release.Options{Namespace: strict})
		Expect(err).To(MatchError(ContainSubstring("kubectl label namespace " + strict + " fairlead.dev/managed-")))
	})

	It("frees everything and leaves nothing", func(ctx SpecContext) {
		ns := s.namespace(ctx, nil)
		strict := s.namespace(ctx, map[string]string{fairleadv1beta1.ManagedLabel: fairleadv1beta1.ManagedStrict})
		defaulted := s.namespace(ctx, map[string]string{fairleadv1beta1.DefaultQueueLabel: "default"})

		var waiting []*batchv1.Job
		for i := range 20 {
			waiting = append(waiting, s.queued(ctx, ns, fmt.Sprint("waiting-", i)))
		}
		waiting = append(waiting, s.queued(ctx, strict, "strict"))
		byDefault := newJob(defaulted, "defaulted", "")
		Expect(s.tenant.Create(ctx, byDefault)).To(Succeed())
		aliased := newJob(ns, "aliased", "")
		aliased.Labels = map[string]string{aliasQueue: "main", "team": "a"}
		Expect(s.tenant.Create(ctx, aliased)).To(Succeed())
		both := newJob(ns, "both", "main")
		both.Labels[aliasQueue] = "main"
		Expect(s.tenant.Create(ctx, both)).To(Succeed())
		waiting = append(waiting, byDefault, aliased, both)
		evicted := s.evicted(ctx, ns, "evicted", 0)
		terminating := s.evicted(ctx, ns, "terminating", 1)

		running := s.queued(ctx, ns, "running")
		Expect(s.manager.Patch(ctx, running, mergePatch(`{"spec":{"suspend":false}}`))).To(Succeed())
		free := newJob(ns, "free", "")
		free.Spec.Suspend = new(true)
		Expect(s.tenant.Create(ctx, free)).To(Succeed())
		finished := s.queued(ctx, ns, "finished")
		now := metav1.Now()
		finished.Status.StartTime = &now
		finished.Status.Conditions = []batchv1.JobCondition{
			{Type: batchv1.JobFailureTarget, Status: corev1.ConditionTrue, LastTransitionTime: now},
			{Type: batchv1.JobFailed, Status: corev1.ConditionTrue, LastTransitionTime: now},
		}
		Expect(s.admin.Status().Update(ctx, finished)).To(Succeed())
		held := s.queued(ctx, ns, "held")
		workload := newWorkload(ns, "held")
		workload.Labels[fairleadv1beta1.JobUIDLabel] = string(held.UID)
		Expect(s.manager.Create(ctx, workload)).To(Succeed())
		Expect(s.tenant.Patch(ctx, workload, mergePatch(`{"spec":{"active":false}}`))).To(Succeed())

		flavor := &fairleadv1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: "default",
			Finalizers: []string{fairleadv1beta1.ResourceInUseFinalizer, "example.org/keep"}}}
		queue := &fairleadv1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: "main",
			Finalizers: []string{fairleadv1beta1.ResourceInUseFinalizer}}}
		Expect(s.admin.Create(ctx, flavor)).To(Succeed())
		Expect(s.admin.Create(ctx, queue)).To(Succeed())
		Expect(s.admin.Delete(ctx, queue)).To(Succeed())

		By("looking only")
		plan, err := release.Survey(ctx, s.c, release.Options{})
		Expect(err).NotTo(HaveOccurred())
		Expect(plan.Aliases).To(Equal([]string{alias}))
		Expect(plan.Policies).To(HaveLen(30))
		Expect(plan).To(And(HaveField("Held", 1), HaveField("Running", 1), HaveField("Finalizers", 2), HaveField("Manager", "")))
		Expect(suspended(s.reread(ctx, evicted))).To(BeTrue())

		By("while people go on to submit")
		lateNamespace := s.namespace(ctx, nil)
		stop := make(chan struct{})
		late := make(chan int)
		go func() {
			defer GinkgoRecover()
			created := 0
			defer func() { late <- created }()
			for {
				select {
				case <-stop:
					return
				case <-time.After(50 * time.Millisecond):
				}
				Expect(s.tenant.Create(ctx, newJob(lateNamespace, fmt.Sprint("late-", created), "main"))).To(Succeed())
				created++
			}
		}()
		_, done, err := s.release(ctx, s.c, release.Options{Timeout: 6 * time.Second})
		close(stop)
		created := <-late
		Expect(err).NotTo(HaveOccurred())
		Expect(created).To(BeNumerically(">", 0))
		Expect(done.Started).To(BeNumerically(">=", len(waiting)+2))
		Expect(done).To(And(HaveField("Policies", 30), HaveField("Finalizers", 2), HaveField("Placed", 1),
			HaveField("Held", []types.NamespacedName{{Namespace: ns, Name: "held"}})))

		for _, j := range waiting {
			s.expectFree(ctx, j)
		}
		Expect(s.reread(ctx, aliased).Labels).To(Equal(map[string]string{"team": "a"}))
		var jobs batchv1.JobList
		Expect(s.admin.List(ctx, &jobs, client.InNamespace(lateNamespace))).To(Succeed())
		for i := range jobs.Items {
			Expect(suspended(&jobs.Items[i])).To(BeFalse(), jobs.Items[i].Name)
		}

		By("restoring a stopped Job exactly")
		restored := s.expectFree(ctx, evicted)
		Expect(restored.Spec.Template.Spec.NodeSelector).To(BeEmpty())
		Expect(restored.Spec.Template.Spec.Tolerations).To(BeEmpty())
		Expect(*restored.Spec.Parallelism).To(Equal(int32(2)))
		placed := s.expectFree(ctx, terminating)
		Expect(placed.Spec.Template.Spec.NodeSelector).To(Equal(map[string]string{"flavor": "spot"}))
		Expect(*placed.Spec.Parallelism).To(Equal(int32(2)))

		By("leaving the others as they were")
		Expect(s.reread(ctx, running).Labels).To(HaveKey(fairleadv1beta1.QueueLabel))
		for _, j := range []*batchv1.Job{free, finished, held} {
			Expect(s.reread(ctx, j).ResourceVersion).To(Equal(j.ResourceVersion), j.Name)
		}
		Expect(apierrors.IsNotFound(s.admin.Get(ctx, client.ObjectKeyFromObject(queue), queue))).To(BeTrue())
		Expect(s.admin.Get(ctx, client.ObjectKeyFromObject(flavor), flavor)).To(Succeed())
		Expect(flavor.Finalizers).To(Equal([]string{"example.org/keep"}))
		left, _, err := policies.Installed(ctx, s.admin)
		Expect(err).NotTo(HaveOccurred())
		Expect(left).To(BeEmpty())
		after := newJob(ns, "after", "main")
		Expect(s.tenant.Create(ctx, after)).To(Succeed())
		Expect(suspended(after)).To(BeFalse())

		By("starting what is held too")
		_, done, err = s.release(ctx, s.c, release.Options{Held: true})
		Expect(err).NotTo(HaveOccurred())
		Expect(done).To(And(HaveField("Started", 1), HaveField("Held", BeEmpty()), HaveField("Policies", 0)))
		s.expectFree(ctx, held)
	})

	It("tells that a manager still runs", func(ctx SpecContext) {
		now := metav1.NewMicroTime(time.Now())
		lease := &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Namespace: fairleadv1beta1.ManagerNamespace, Name: "fairlead-manager"},
			Spec:       coordinationv1.LeaseSpec{HolderIdentity: new("pod-1"), LeaseDurationSeconds: new(int32(15)), RenewTime: &now},
		}
		Expect(s.admin.Create(ctx, lease)).To(Succeed())
		plan, err := release.Survey(ctx, s.c, release.Options{})
		Expect(err).NotTo(HaveOccurred())
		Expect(plan.Manager).To(Equal("pod-1"))
		past := metav1.NewMicroTime(time.Now().Add(-time.Minute))
		lease.Spec.RenewTime = &past
		Expect(s.admin.Update(ctx, lease)).To(Succeed())
		plan, err = release.Survey(ctx, s.c, release.Options{})
		Expect(err).NotTo(HaveOccurred())
		Expect(plan.Manager).To(BeEmpty())
	})

	It("does its part where nothing of Fairlead is left", func(ctx SpecContext) {
		for _, kind := range []string{"clusterqueues", "cohorts", "localqueues", "resourceflavors", "workloadpriorityclasses", "workloads"} {
			crd := crdNamed(kind + "." + fairleadv1beta1.GroupName)
			Expect(s.admin.Delete(ctx, crd)).To(Succeed())
		}
		job := newJob(s.namespace(ctx, nil), "left-over", "main")
		job.Spec.Suspend = new(true)
		Expect(s.tenant.Create(ctx, job)).To(Succeed())
		Eventually(ctx, func(g Gomega) {
			_, _, err := s.release(ctx, s.c, release.Options{})
			g.Expect(err).NotTo(HaveOccurred())
		}).WithTimeout(30 * time.Second).Should(Succeed())
		s.expectFree(ctx, job)
	})
})
