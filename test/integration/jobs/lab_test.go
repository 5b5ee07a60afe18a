package jobs

import (
	"context"
	"encoding/json"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	pkgjob "fairlead.dev/fairlead/pkg/job"
	"fairlead.dev/fairlead/pkg/job/batchjob"
)

const (
	durationAnnotation = "sandbox.fairlead.dev/duration"
	failAnnotation     = "sandbox.fairlead.dev/fail"
	quota              = 4 // cores of each lab
)

// lab is a tenant's namespace with a LocalQueue "main" that leads to a
// ClusterQueue of four cores, all named alike.
type lab struct {
	ctx context.Context
	ns  string
}

var labs int

func newLab(ctx context.Context, flavor ...func(*v1beta1.ResourceFlavor)) *lab {
	GinkgoHelper()
	labs++
	l := &lab{ctx: context.WithoutCancel(ctx), ns: fmt.Sprintf("lab-%d", labs)}
	f := &v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: l.ns}}
	for _, change := range flavor {
		change(f)
	}
	for _, obj := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: l.ns}},
		&rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: l.ns, Name: alice},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "edit"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: alice}},
		},
		f,
		&v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: l.ns}, Spec: v1beta1.ClusterQueueSpec{
			NamespaceSelector: &metav1.LabelSelector{},
			ResourceGroups: []v1beta1.ResourceGroup{{
				CoveredResources: []corev1.ResourceName{corev1.ResourceCPU},
				Flavors: []v1beta1.FlavorQuotas{{Name: v1beta1.ResourceFlavorReference(l.ns), Resources: []v1beta1.ResourceQuota{
					{Name: corev1.ResourceCPU, NominalQuota: *resource.NewQuantity(quota, resource.DecimalSI)}}}},
			}},
		}},
		&v1beta1.LocalQueue{ObjectMeta: metav1.ObjectMeta{Namespace: l.ns, Name: "main"},
			Spec: v1beta1.LocalQueueSpec{ClusterQueue: v1beta1.ClusterQueueReference(l.ns)}},
	} {
		Expect(admin.Create(l.ctx, obj)).To(Succeed())
	}
	// The server learns of the tenant's rights in its own time.
	Eventually(func() error {
		return tenant.Create(l.ctx, l.job("probe"), client.DryRunAll)
	}).Should(Succeed())
	return l
}

// job is a Job of one pod of one core that runs until a spec ends it.
func (l *lab) job(name string, change ...func(*batchv1.Job)) *batchv1.Job {
	never := int32(0)
	j := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: l.ns, Name: name, Labels: map[string]string{v1beta1.QueueLabel: "main"}},
		Spec: batchv1.JobSpec{BackoffLimit: &never, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{durationAnnotation: "1h"}},
			Spec: corev1.PodSpec{
				RestartPolicy: corev1.RestartPolicyNever,
				Containers: []corev1.Container{{Name: "main", Image: "busybox", Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}}}},
			},
		}},
	}
	for _, c := range change {
		c(j)
	}
	return j
}

func pods(parallelism, completions int32) func(*batchv1.Job) {
	return func(j *batchv1.Job) { j.Spec.Parallelism, j.Spec.Completions = &parallelism, &completions }
}

func indexed(j *batchv1.Job) {
	mode := batchv1.IndexedCompletion
	j.Spec.CompletionMode = &mode
}

// brief has the pods end by themselves, well or badly.
func brief(j *batchv1.Job)   { j.Spec.Template.Annotations[durationAnnotation] = "200ms" }
func failing(j *batchv1.Job) { brief(j); j.Spec.Template.Annotations[failAnnotation] = "true" }

// submit creates a Job as the tenant.
func (l *lab) submit(name string, change ...func(*batchv1.Job)) *batchv1.Job {
	GinkgoHelper()
	j := l.job(name, change...)
	Expect(tenant.Create(l.ctx, j)).To(Succeed())
	Expect(isSuspended(j)).To(BeTrue(), "Job %s was not suspended at its creation", name)
	return j
}

func isSuspended(j *batchv1.Job) bool { return j.Spec.Suspend != nil && *j.Spec.Suspend }

// fresh reads a Job again.
func (l *lab) fresh(j *batchv1.Job) *batchv1.Job {
	GinkgoHelper()
	now := &batchv1.Job{}
	Expect(admin.Get(l.ctx, client.ObjectKeyFromObject(j), now)).To(Succeed())
	return now
}

// workload reads the Workload of a Job, nil if there is none.
func (l *lab) workload(j *batchv1.Job) *v1beta1.Workload {
	GinkgoHelper()
	wl := &v1beta1.Workload{}
	err := admin.Get(l.ctx, pkgjob.WorkloadKey(batchjob.Kind{}, j), wl)
	if apierrors.IsNotFound(err) {
		return nil
	}
	Expect(err).NotTo(HaveOccurred())
	return wl
}

// charged is how many pods a Job's admission counts, and how many cores.
func (l *lab) charged(j *batchv1.Job) (count int32, cores string) {
	GinkgoHelper()
	wl := l.workload(j)
	Expect(wl).NotTo(BeNil())
	Expect(wl.Status.Admission).NotTo(BeNil(), "Job %s holds no quota", j.Name)
	psa := wl.Status.Admission.PodSetAssignments[0]
	return *psa.Count, psa.ResourceUsage.Cpu().String()
}

// patch merges into an object as the tenant.
func (l *lab) patch(obj client.Object, format string, args ...any) error {
	return tenant.Patch(l.ctx, obj, client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, format, args...)))
}

// running waits until so many pods of a Job run, and returns them by index
// (or age).
func (l *lab) running(j *batchv1.Job, want int) []corev1.Pod {
	GinkgoHelper()
	var found []corev1.Pod
	Eventually(func() int {
		list := &corev1.PodList{}
		Expect(admin.List(l.ctx, list, client.InNamespace(l.ns), client.MatchingLabels{batchv1.JobNameLabel: j.Name})).To(Succeed())
		found = found[:0]
		for _, pod := range list.Items {
			if pod.Status.Phase == corev1.PodRunning && pod.DeletionTimestamp == nil {
				found = append(found, pod)
			}
		}
		return len(found)
	}).Should(Equal(want), "running pods of Job %s", j.Name)
	return found
}

// ofIndex finds the pod of an index.
func ofIndex(list []corev1.Pod, index int) *corev1.Pod {
	GinkgoHelper()
	for i := range list {
		if list[i].Annotations[batchv1.JobCompletionIndexAnnotation] == fmt.Sprint(index) {
			return &list[i]
		}
	}
	Fail(fmt.Sprintf("no pod of index %d", index))
	return nil
}

// end has a pod's container exit, as its kubelet would report it.
func (l *lab) end(pod *corev1.Pod, code int32) {
	GinkgoHelper()
	phase := corev1.PodSucceeded
	if code != 0 {
		phase = corev1.PodFailed
	}
	status := corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{
		Name: "main", Image: "busybox", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, FinishedAt: metav1.Now()}}}}}
	raw, err := json.Marshal(map[string]any{"status": status})
	Expect(err).NotTo(HaveOccurred())
	Expect(admin.Status().Patch(l.ctx, pod, client.RawPatch("application/strategic-merge-patch+json", raw))).To(Succeed())
}

// finished waits until a Job has ended so, its Workload says so too, and all
// quota is free. It returns the Workload's message.
func (l *lab) finished(j *batchv1.Job, how batchv1.JobConditionType, reason string) string {
	GinkgoHelper()
	Eventually(func() []batchv1.JobConditionType {
		var is []batchv1.JobConditionType
		for _, c := range l.fresh(j).Status.Conditions {
			if c.Status == corev1.ConditionTrue {
				is = append(is, c.Type)
			}
		}
		return is
	}).Should(ContainElement(how), "how Job %s ended", j.Name)
	message := l.says(j, v1beta1.WorkloadFinished, metav1.ConditionTrue, reason)
	l.free()
	return message
}

// says waits until a Job's Workload has a condition with this status and reason.
func (l *lab) says(j *batchv1.Job, kind string, status metav1.ConditionStatus, reason string) string {
	GinkgoHelper()
	message := ""
	Eventually(func() string {
		wl := l.workload(j)
		if wl == nil {
			return "there is no Workload"
		}
		c := meta.FindStatusCondition(wl.Status.Conditions, kind)
		if c == nil {
			return "there is no condition"
		}
		message = c.Message
		return string(c.Status) + " " + c.Reason
	}).Should(Equal(string(status)+" "+reason), "condition %s of the Workload of Job %s", kind, j.Name)
	return message
}

// free proves that nothing is charged any more: a Job that needs all quota runs.
func (l *lab) free() {
	GinkgoHelper()
	whole := l.submit("", func(j *batchv1.Job) {
		j.GenerateName = "whole-"
		brief(j)
		j.Spec.Template.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = *resource.NewQuantity(quota, resource.DecimalSI)
	})
	l.says(whole, v1beta1.WorkloadFinished, metav1.ConditionTrue, v1beta1.FinishedSucceeded)
	Expect(tenant.Delete(l.ctx, whole, client.PropagationPolicy(metav1.DeletePropagationBackground))).To(Succeed())
}

// template is the pod template of a Job as the server sends it, byte for byte.
func (l *lab) template(j *batchv1.Job) string {
	GinkgoHelper()
	raw := &unstructured.Unstructured{}
	raw.SetGroupVersionKind(batchv1.SchemeGroupVersion.WithKind("Job"))
	Expect(admin.Get(l.ctx, client.ObjectKeyFromObject(j), raw)).To(Succeed())
	template, _, err := unstructured.NestedMap(raw.Object, "spec", "template")
	Expect(err).NotTo(HaveOccurred())
	text, err := json.MarshalIndent(template, "", " ")
	Expect(err).NotTo(HaveOccurred())
	return string(text)
}
