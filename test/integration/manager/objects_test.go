package manager

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	pkgjob "fairlead.dev/fairlead/pkg/job"
	"fairlead.dev/fairlead/pkg/job/batchjob"
)

const waitToEnd = 30 * time.Second

// tenant is a namespace with queues of its own, so that specs do not meet.
type tenant struct {
	ns    string // also the name of its ClusterQueue and LocalQueue
	ctx   context.Context
	plain string // its ResourceFlavor
}

var tenants int

// newTenant creates a namespace whose LocalQueue leads to a ClusterQueue with
// that much cpu, and removes all of it after the spec.
func newTenant(ctx context.Context, cpu string) *tenant {
	GinkgoHelper()
	tenants++
	t := &tenant{ns: fmt.Sprintf("tenant-%d", tenants), ctx: context.WithoutCancel(ctx)}
	t.plain = t.ns + "-plain"
	t.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: t.ns}})
	t.create(&v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: t.plain}})
	t.create(t.clusterQueue(t.ns, cpu, t.plain))
	t.create(t.localQueue(t.ns, t.ns))
	DeferCleanup(t.remove)
	return t
}

func (t *tenant) remove() {
	background := client.PropagationPolicy(metav1.DeletePropagationBackground)
	Expect(admin.DeleteAllOf(t.ctx, &batchv1.Job{}, client.InNamespace(t.ns), background)).To(Succeed())
	Expect(admin.DeleteAllOf(t.ctx, &v1beta1.Workload{}, client.InNamespace(t.ns))).To(Succeed())
	Expect(admin.DeleteAllOf(t.ctx, &v1beta1.LocalQueue{}, client.InNamespace(t.ns))).To(Succeed())
	for _, obj := range []client.Object{
		&v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: t.ns}},
		&v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: t.plain}},
	} {
		Expect(client.IgnoreNotFound(admin.Delete(t.ctx, obj))).To(Succeed())
	}
}

func (t *tenant) create(obj client.Object) {
	GinkgoHelper()
	Expect(admin.Create(t.ctx, obj)).To(Succeed())
}

func (t *tenant) clusterQueue(name, cpu string, flavors ...string) *v1beta1.ClusterQueue {
	cq := &v1beta1.ClusterQueue{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1beta1.ClusterQueueSpec{
			NamespaceSelector: &metav1.LabelSelector{},
			ResourceGroups:    []v1beta1.ResourceGroup{{CoveredResources: []corev1.ResourceName{corev1.ResourceCPU}}},
		},
	}
	for _, flavor := range flavors {
		cq.Spec.ResourceGroups[0].Flavors = append(cq.Spec.ResourceGroups[0].Flavors, v1beta1.FlavorQuotas{
			Name:      v1beta1.ResourceFlavorReference(flavor),
			Resources: []v1beta1.ResourceQuota{{Name: corev1.ResourceCPU, NominalQuota: resource.MustParse(cpu)}},
		})
	}
	return cq
}

func (t *tenant) localQueue(name, clusterQueue string) *v1beta1.LocalQueue {
	return &v1beta1.LocalQueue{
		ObjectMeta: metav1.ObjectMeta{Namespace: t.ns, Name: name},
		Spec:       v1beta1.LocalQueueSpec{ClusterQueue: v1beta1.ClusterQueueReference(clusterQueue)},
	}
}

// job is a Job of one pod of one core in the queue named like its namespace,
// unless changed.
func job(ns, name, queue string, change ...func(*batchv1.Job)) *batchv1.Job {
	j := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name},
		Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Containers: []corev1.Container{{Name: "main", Image: "busybox",
				Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}}}},
		}}},
	}
	if queue != "" {
		j.Labels = map[string]string{v1beta1.QueueLabel: queue}
	}
	for _, c := range change {
		c(j)
	}
	return j
}

func pods(n int32) func(*batchv1.Job) {
	return func(j *batchv1.Job) { j.Spec.Parallelism, j.Spec.Completions = &n, &n }
}

func cpu(amount string) func(*batchv1.Job) {
	return func(j *batchv1.Job) {
		j.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(amount)}
	}
}

func label(key, value string) func(*batchv1.Job) {
	return func(j *batchv1.Job) { j.Labels[key] = value }
}

// submit creates a Job in the tenant's queue.
func (t *tenant) submit(name string, change ...func(*batchv1.Job)) *batchv1.Job {
	GinkgoHelper()
	j := job(t.ns, name, t.ns, change...)
	t.create(j)
	return j
}

// later returns when a Job created now counts as newer: the server notes whole
// seconds.
func (t *tenant) later(j *batchv1.Job) {
	GinkgoHelper()
	Eventually(func() int64 { return time.Now().Unix() }).Should(BeNumerically(">", j.CreationTimestamp.Unix()))
}

// fresh reads a Job again.
func (t *tenant) fresh(j *batchv1.Job) *batchv1.Job {
	GinkgoHelper()
	now := &batchv1.Job{}
	Expect(admin.Get(t.ctx, client.ObjectKeyFromObject(j), now)).To(Succeed())
	return now
}

// workloadOf reads the Workload of a Job, nil if there is none.
func (t *tenant) workloadOf(j *batchv1.Job) *v1beta1.Workload {
	GinkgoHelper()
	wl := &v1beta1.Workload{}
	err := admin.Get(t.ctx, pkgjob.WorkloadKey(batchjob.Kind{}, j), wl)
	if apierrors.IsNotFound(err) {
		return nil
	}
	Expect(err).NotTo(HaveOccurred())
	return wl
}

// workload makes a Workload without job that asks for that much cpu.
func (t *tenant) workload(name, amount string) *v1beta1.Workload {
	return &v1beta1.Workload{
		ObjectMeta: metav1.ObjectMeta{Namespace: t.ns, Name: name},
		Spec: v1beta1.WorkloadSpec{
			QueueName: v1beta1.LocalQueueName(t.ns),
			PodSets: []v1beta1.PodSet{{Name: "main", Count: 1, Template: runtime.RawExtension{Raw: fmt.Appendf(nil,
				`{"spec":{"containers":[{"name":"main","resources":{"requests":{"cpu":%q}}}]}}`, amount)}}},
		},
	}
}

// edit changes an object, again and again on conflicts.
func edit[T client.Object](t *tenant, obj T, change func(T)) {
	GinkgoHelper()
	Eventually(func() error {
		if err := admin.Get(t.ctx, client.ObjectKeyFromObject(obj), obj); err != nil {
			return err
		}
		change(obj)
		return admin.Update(t.ctx, obj)
	}).Should(Succeed())
}

// report plays the job controller: it changes the Job's status.
func (t *tenant) report(j *batchv1.Job, change func(*batchv1.JobStatus)) {
	GinkgoHelper()
	Eventually(func() error {
		now := t.fresh(j)
		change(&now.Status)
		return admin.Status().Update(t.ctx, now)
	}).Should(Succeed())
}

// run plays the job controller on a started Job: its pods are there.
func (t *tenant) run(j *batchv1.Job) {
	GinkgoHelper()
	t.report(j, func(s *batchv1.JobStatus) {
		now := metav1.Now()
		s.StartTime, s.Active = &now, 1
	})
}

// halt plays the job controller on a Job that was suspended: its pods are gone.
func (t *tenant) halt(j *batchv1.Job) {
	GinkgoHelper()
	t.report(j, func(s *batchv1.JobStatus) {
		s.StartTime, s.Active, s.Ready = nil, 0, nil
		s.Conditions = []batchv1.JobCondition{{Type: batchv1.JobSuspended, Status: corev1.ConditionTrue, Reason: "JobSuspended"}}
	})
}

// finish plays the job controller on a Job that has ended.
func (t *tenant) finish(j *batchv1.Job, how batchv1.JobConditionType) {
	GinkgoHelper()
	t.report(j, func(s *batchv1.JobStatus) {
		now := metav1.Now()
		if s.StartTime == nil {
			s.StartTime = &now
		}
		s.Active, s.Ready = 0, nil
		before := batchv1.JobSuccessCriteriaMet
		if how == batchv1.JobFailed {
			before = batchv1.JobFailureTarget
			s.Failed = 1
		} else {
			s.CompletionTime = &now
			s.Succeeded = 1
		}
		s.Conditions = []batchv1.JobCondition{
			{Type: before, Status: corev1.ConditionTrue, LastTransitionTime: now},
			{Type: how, Status: corev1.ConditionTrue, LastTransitionTime: now, Message: "told by the spec"},
		}
	})
}

func isSuspended(j *batchv1.Job) bool { return j.Spec.Suspend != nil && *j.Spec.Suspend }

// started waits until the manager has unsuspended the Job.
func (t *tenant) started(j *batchv1.Job) *batchv1.Job {
	GinkgoHelper()
	Eventually(func() bool { return !isSuspended(t.fresh(j)) }).Should(BeTrue(), "job %s was not started", j.Name)
	return t.fresh(j)
}

// suspended waits until the manager has suspended the Job.
func (t *tenant) suspended(j *batchv1.Job) {
	GinkgoHelper()
	Eventually(func() bool { return isSuspended(t.fresh(j)) }).Should(BeTrue(), "job %s was not suspended", j.Name)
}

// says waits until the Job's Workload has a condition with this status and
// reason, and returns its message.
func (t *tenant) says(j *batchv1.Job, kind string, status metav1.ConditionStatus, reason string) string {
	GinkgoHelper()
	var message string
	Eventually(func() string {
		c := condition(t.workloadOf(j), kind)
		message = c.Message
		return string(c.Status) + " " + c.Reason
	}).Should(Equal(string(status)+" "+reason), "condition %s of the Workload of job %s", kind, j.Name)
	return message
}

// states waits until a Workload has a condition with this status and reason.
func (t *tenant) states(wl *v1beta1.Workload, kind string, status metav1.ConditionStatus, reason string) string {
	GinkgoHelper()
	var message string
	Eventually(func() string {
		now := &v1beta1.Workload{}
		Expect(admin.Get(t.ctx, client.ObjectKeyFromObject(wl), now)).To(Succeed())
		c := condition(now, kind)
		message = c.Message
		return string(c.Status) + " " + c.Reason
	}).Should(Equal(string(status)+" "+reason), "condition %s of Workload %s", kind, wl.Name)
	return message
}

func condition(wl *v1beta1.Workload, kind string) metav1.Condition {
	if wl != nil {
		if c := meta.FindStatusCondition(wl.Status.Conditions, kind); c != nil {
			return *c
		}
	}
	return metav1.Condition{}
}

// events lists the Events about an object that have this reason.
func (t *tenant) events(name, reason string) []corev1.Event {
	GinkgoHelper()
	list := &corev1.EventList{}
	Expect(admin.List(t.ctx, list, client.InNamespace(t.ns))).To(Succeed())
	var found []corev1.Event
	for _, e := range list.Items {
		if e.InvolvedObject.Name == name && e.Reason == reason {
			found = append(found, e)
		}
	}
	return found
}

// quiet is how long a spec looks on to see that nothing happens.
const quiet = 300 * time.Millisecond
