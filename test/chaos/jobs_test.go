package chaos

import (
	"strconv"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// durationAnnotation says how long the sandbox's nodes let a pod run;
// failAnnotation has them fail it.
const (
	durationAnnotation = "sandbox.fairlead.dev/duration"
	failAnnotation     = "sandbox.fairlead.dev/fail"
	// hopelessLabel marks Jobs that no repair of the queues can help: they ask
	// for what there is not, and are deleted before the end.
	hopelessLabel = "chaos.example.com/hopeless"
)

// shape is what a Job asks for.
type shape struct {
	parallelism int32
	completions *int32
	cpu, memory string
	gpu         string
	duration    time.Duration
	queue       string
}

// newJob is a plain Job.
func newJob(name, namespace string, s shape) *batchv1.Job {
	none, grace := int32(0), int64(1)
	j := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{}}}
	if s.queue != "" {
		j.Labels[v1beta1.QueueLabel] = s.queue
	}
	j.Spec.Parallelism, j.Spec.Completions, j.Spec.BackoffLimit = &s.parallelism, s.completions, &none
	j.Spec.Template.Annotations = map[string]string{durationAnnotation: s.duration.String()}
	requests := corev1.ResourceList{}
	for name, amount := range map[corev1.ResourceName]string{corev1.ResourceCPU: s.cpu, corev1.ResourceMemory: s.memory} {
		if amount != "" {
			requests[name] = resource.MustParse(amount)
		}
	}
	container := corev1.Container{Name: "main", Image: "registry.example.com/physics/sim:1", Resources: corev1.ResourceRequirements{Requests: requests}}
	if s.gpu != "" {
		container.Resources.Limits = corev1.ResourceList{gpu: resource.MustParse(s.gpu)}
	}
	j.Spec.Template.Spec = corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever, TerminationGracePeriodSeconds: &grace, Containers: []corev1.Container{container},
	}
	return j
}

// jobKind is one sort of Job: what makes it different from a plain one.
type jobKind struct {
	name    string
	weight  int
	expects outcome
	change  func(*actor, *batchv1.Job)
}

func indexed(j *batchv1.Job) {
	mode := batchv1.IndexedCompletion
	j.Spec.CompletionMode = &mode
	if j.Spec.Completions == nil {
		completions := *j.Spec.Parallelism
		j.Spec.Completions = &completions
	}
}

func fails(j *batchv1.Job) { j.Spec.Template.Annotations[failAnnotation] = "true" }

func hopeless(j *batchv1.Job) { j.Labels[hopelessLabel] = "true" }

// jobKinds are the sorts of Jobs that tenants submit.
var jobKinds = []jobKind{
	{name: "plain", weight: 20, change: func(*actor, *batchv1.Job) {}},
	{name: "indexed", weight: 6, change: func(_ *actor, j *batchv1.Job) { indexed(j) }},
	{name: "more completions than pods", weight: 6, change: func(a *actor, j *batchv1.Job) {
		completions := *j.Spec.Parallelism + int32(a.between(1, 4))
		j.Spec.Completions = &completions
	}},
	{name: "work queue", weight: 4, change: func(_ *actor, j *batchv1.Job) { j.Spec.Completions = nil }},
	{name: "failing", weight: 4, change: func(a *actor, j *batchv1.Job) {
		limit := int32(a.between(0, 1))
		j.Spec.BackoffLimit = &limit
		fails(j)
	}},
	{name: "failing by index", weight: 3, change: func(_ *actor, j *batchv1.Job) {
		none := int32(0)
		indexed(j)
		j.Spec.BackoffLimit, j.Spec.BackoffLimitPerIndex = nil, &none
		fails(j)
	}},
	{name: "pod failure policy", weight: 3, change: func(_ *actor, j *batchv1.Job) {
		fails(j)
		j.Spec.PodFailurePolicy = &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{{
			Action:      batchv1.PodFailurePolicyActionFailJob,
			OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{1}},
		}}}
	}},
	{name: "success policy", weight: 3, change: func(_ *actor, j *batchv1.Job) {
		first := "0"
		indexed(j)
		j.Spec.SuccessPolicy = &batchv1.SuccessPolicy{Rules: []batchv1.SuccessPolicyRule{{SucceededIndexes: &first}}}
	}},
	{name: "gone when it ends", weight: 4, change: func(_ *actor, j *batchv1.Job) {
		none := int32(0)
		j.Spec.TTLSecondsAfterFinished = &none
	}},
	{name: "partial", weight: 6, change: func(a *actor, j *batchv1.Job) {
		pods := int32(a.between(3, 8))
		j.Spec.Parallelism, j.Spec.Completions = &pods, &pods
		j.Annotations = map[string]string{v1beta1.JobMinParallelismAnnotation: strconv.Itoa(a.between(1, int(pods)-1))}
	}},
	{name: "with a deadline", weight: 3, change: func(a *actor, j *batchv1.Job) {
		seconds := int64(a.between(1, 6))
		j.Spec.ActiveDeadlineSeconds = &seconds
	}},
	{name: "on fast nodes", weight: 4, change: func(_ *actor, j *batchv1.Job) {
		j.Spec.Template.Spec.NodeSelector = map[string]string{kindLabel: "fast"}
	}},
	{name: "not on fast nodes", weight: 4, change: func(_ *actor, j *batchv1.Job) {
		j.Spec.Template.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: kindLabel, Operator: corev1.NodeSelectorOpNotIn, Values: []string{"fast"}}},
			}}},
		}}
	}},
	{name: "tolerating spot nodes", weight: 6, change: func(_ *actor, j *batchv1.Job) {
		j.Spec.Template.Spec.Tolerations = []corev1.Toleration{{Key: kindLabel, Operator: corev1.TolerationOpExists}}
	}},
	{name: "with GPUs", weight: 4, change: func(a *actor, j *batchv1.Job) {
		j.Spec.Template.Spec.Containers[0].Resources.Limits = corev1.ResourceList{gpu: *resource.NewQuantity(int64(a.between(1, 2)), resource.DecimalSI)}
	}},
	{name: "with a large init container", weight: 3, change: func(_ *actor, j *batchv1.Job) {
		j.Spec.Template.Spec.InitContainers = []corev1.Container{{Name: "fetch", Image: "registry.example.com/fetch:1",
			Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("3")}}}}
	}},
	{name: "created suspended", weight: 3, change: func(_ *actor, j *batchv1.Job) {
		yes := true
		j.Spec.Suspend = &yes
	}},
	{name: "too large for ever", weight: 1, change: func(_ *actor, j *batchv1.Job) {
		hopeless(j)
		j.Spec.Template.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("9000")
	}},
	{name: "on nodes that there are not", weight: 1, change: func(_ *actor, j *batchv1.Job) {
		hopeless(j)
		j.Spec.Template.Spec.NodeSelector = map[string]string{kindLabel: "none"}
	}},
	{name: "of a resource that nobody covers", weight: 1, change: func(_ *actor, j *batchv1.Job) {
		hopeless(j)
		j.Spec.Template.Spec.Containers[0].Resources.Limits = corev1.ResourceList{"example.com/quantum": resource.MustParse("1")}
	}},
	{name: "in a queue that there is not", weight: 1, change: func(_ *actor, j *batchv1.Job) {
		hopeless(j)
		j.Labels[v1beta1.QueueLabel] = "nowhere"
	}},
	{name: "of a class that there is not", weight: 1, change: func(_ *actor, j *batchv1.Job) {
		hopeless(j)
		j.Labels[v1beta1.PriorityClassLabel] = "royal"
	}},
	{name: "without queue", weight: 2, change: func(_ *actor, j *batchv1.Job) { delete(j.Labels, v1beta1.QueueLabel) }},
	{name: "with a minimum that is no number", weight: 1, expects: mustNot, change: func(_ *actor, j *batchv1.Job) {
		j.Annotations = map[string]string{v1beta1.JobMinParallelismAnnotation: "half"}
	}},
	{name: "with a forged injection", weight: 1, expects: mustNot, change: func(_ *actor, j *batchv1.Job) {
		j.Annotations = map[string]string{v1beta1.InjectedAnnotation: "{}"}
	}},
	{name: "with a bad queue name", weight: 1, expects: mustNot, change: func(_ *actor, j *batchv1.Job) {
		j.Labels[v1beta1.QueueLabel] = "Queue_1"
	}},
}

// drawJob makes a Job up.
func drawJob(a *actor, name, namespace string) (*batchv1.Job, jobKind) {
	pods := int32(a.between(1, 5))
	s := shape{parallelism: pods, completions: &pods, queue: "q" + strconv.Itoa(a.random.IntN(3)),
		cpu: pick(a, []string{"500m", "1", "1", "2", "3"}), memory: pick(a, []string{"", "256Mi", "1Gi", "3Gi"}),
		duration: time.Duration(a.between(200, 2500)) * time.Millisecond}
	if a.chance(15) {
		s.duration = time.Duration(a.between(4, 10)) * time.Second
	}
	j := newJob(name, namespace, s)
	if a.chance(40) {
		j.Labels[v1beta1.PriorityClassLabel] = pick(a, classes)
	}
	if a.chance(20) {
		j.Annotations = map[string]string{v1beta1.OnEvictionAnnotation: pick(a, []string{v1beta1.OnEvictionRequeue, v1beta1.OnEvictionHold, v1beta1.OnEvictionDelete})}
	}
	sum := 0
	for _, k := range jobKinds {
		sum += k.weight
	}
	at := a.random.IntN(sum)
	for _, k := range jobKinds {
		if at -= k.weight; at < 0 {
			k.change(a, j)
			return j, k
		}
	}
	panic("no kind of Job was drawn")
}
