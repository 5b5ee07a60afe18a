package translate

import (
	"fmt"
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/job"
)

// Shape is what the engine needs of a Workload's pod sets. It depends on the
// specification and on Shapes, and can be kept as long as both stay.
type Shape struct {
	PodSets []admission.PodSet
	// Problem, if not empty, says why the pod sets cannot be admitted as they
	// are. The requests of a pod set that cannot be charged are nil.
	Problem string
	// Grace is how many seconds the pods get to end, of the pod set that gets
	// the most.
	Grace int64
}

// Shapes derives shapes under the rules in force. The zero value adds nothing
// to what pod templates say.
type Shapes struct {
	Counting Counting
	// Surroundings may be nil.
	Surroundings Surroundings
	// MinimumRuntime is what a WorkloadPriorityClass promises, in seconds; nil
	// means that none promises anything.
	MinimumRuntime func(class string) int64
	// ClusterQueue is where a LocalQueue leads to; nil means nowhere.
	ClusterQueue func(namespace, localQueue string) *v1beta1.ClusterQueue
}

// Limit is for how many nanoseconds the workload may run from the start of its
// present attempt, or of the next, at the most, its pods' grace period included;
// 0 if there is no bound.
func (s *Shapes) Limit(wl *v1beta1.Workload, shape *Shape) int64 {
	limit := ExecutionTimeInForce(wl)
	if !HoldsQuota(wl) && s.ClusterQueue != nil {
		limit = ExecutionTime(wl, s.ClusterQueue(wl.Namespace, string(wl.Spec.QueueName)))
	}
	if limit == nil {
		return 0
	}
	left := time.Duration(*limit)*time.Second - PastExecution(wl)
	return int64(max(left, time.Second) + time.Duration(min(shape.Grace, math.MaxInt32))*time.Second)
}

// Protection is for how many seconds the Workload's priority class keeps it
// from being preempted.
func (s *Shapes) Protection(wl *v1beta1.Workload) int64 {
	if name := PriorityClassOf(wl); name != "" && s.MinimumRuntime != nil {
		return s.MinimumRuntime(name)
	}
	return 0
}

// PriorityClassOf is the name of the Workload's WorkloadPriorityClass, "" if it
// has none.
func PriorityClassOf(wl *v1beta1.Workload) string {
	if ref := wl.Spec.PriorityClassRef; ref != nil && ref.Kind == v1beta1.WorkloadPriorityClassKind {
		return ref.Name
	}
	return ""
}

// Of reads the pod sets of a Workload.
func (s *Shapes) Of(wl *v1beta1.Workload) Shape {
	shape := Shape{PodSets: make([]admission.PodSet, 0, len(wl.Spec.PodSets))}
	if len(wl.Spec.PodSets) == 0 {
		shape.Problem = "spec.podSets is empty: a workload needs at least one pod set"
	}
	for i := range wl.Spec.PodSets {
		set, grace, err := s.podSet(wl.Namespace, &wl.Spec.PodSets[i])
		shape.Grace = max(shape.Grace, grace)
		if err != nil && shape.Problem == "" {
			shape.Problem = fmt.Sprintf("pod set %s: %v", wl.Spec.PodSets[i].Name, err)
		}
		shape.PodSets = append(shape.PodSets, set)
	}
	return shape
}

// podSet reads a pod set, and how many seconds its pods get to end.
func (s *Shapes) podSet(namespace string, ps *v1beta1.PodSet) (admission.PodSet, int64, error) {
	out := admission.PodSet{Name: string(ps.Name), Count: ps.Count}
	if ps.MinCount != nil {
		out.MinCount = *ps.MinCount
	}
	if ps.Count < 0 {
		return out, 0, fmt.Errorf("count is %d: it must not be negative", ps.Count)
	}
	template, err := job.DecodeTemplate(ps.Template)
	if err != nil {
		return out, 0, err
	}
	grace := job.GracePeriodSeconds(template)
	out.NodeSelector = template.Spec.NodeSelector
	out.Affinity = requiredAffinity(template.Spec.Affinity)
	out.Tolerations = tolerations(template.Spec.Tolerations)
	pod := &corev1.Pod{Spec: template.Spec}
	fault := complete(pod, namespace, s.Surroundings)
	requests, err := s.Counting.requests(pod)
	if err == nil {
		err = countable(requests, ps.Count)
	}
	if err != nil {
		return out, grace, err
	}
	out.Requests = requests
	return out, grace, fault
}

// ResourceRequests writes, by pod set, what a shape asks for in all. Pods, that
// are counted where a queue covers them, and pod sets that cannot be charged
// are left out.
func (s *Shape) ResourceRequests() []v1beta1.PodSetRequest {
	var out []v1beta1.PodSetRequest
	for i := range s.PodSets {
		ps := &s.PodSets[i]
		if ps.Requests == nil {
			continue
		}
		set := v1beta1.PodSetRequest{Name: v1beta1.PodSetReference(ps.Name), Resources: corev1.ResourceList{}}
		for _, r := range ps.Requests {
			if name := corev1.ResourceName(r.Resource); name != corev1.ResourcePods {
				set.Resources[name] = Quantity(name, times(r.Amount, ps.Count))
			}
		}
		out = append(out, set)
	}
	return out
}

// Workload translates a Workload whose shape is known.
func Workload(wl *v1beta1.Workload, shape Shape) admission.Workload {
	out := admission.Workload{
		UID:           string(wl.UID),
		Namespace:     wl.Namespace,
		Name:          wl.Name,
		Queue:         string(wl.Spec.QueueName),
		QueueTime:     wl.CreationTimestamp.UnixNano(),
		PodSets:       withReclaimable(shape.PodSets, wl.Status.ReclaimablePods),
		Inactive:      !wl.IsActive() || wl.DeletionTimestamp != nil,
		Evicted:       meta.IsStatusConditionTrue(wl.Status.Conditions, v1beta1.WorkloadEvicted),
		Misconfigured: shape.Problem,
		PodsReady:     meta.IsStatusConditionTrue(wl.Status.Conditions, v1beta1.WorkloadPodsReady),
		Admission:     HeldBy(wl),
		Preempting:    PreemptingOf(wl),
	}
	if wl.Spec.Priority != nil {
		out.Priority = *wl.Spec.Priority
	}
	if rs := wl.Status.RequeueState; rs != nil && rs.RequeueAt != nil {
		out.NotBefore = rs.RequeueAt.UnixNano()
	}
	if c := Condition(wl, v1beta1.WorkloadQuotaReserved); c != nil && c.Status == metav1.ConditionTrue {
		out.ReservedAt = c.LastTransitionTime.UnixNano()
	}
	if c := Condition(wl, v1beta1.WorkloadAdmitted); c != nil && c.Status == metav1.ConditionTrue {
		out.AdmittedAt = c.LastTransitionTime.UnixNano()
	}
	// Without an admission the eviction is over: the workload waits again.
	if out.Admission == nil {
		out.Evicted = false
	}
	return out
}

func withReclaimable(sets []admission.PodSet, reclaimable []v1beta1.ReclaimablePod) []admission.PodSet {
	if len(reclaimable) == 0 {
		return sets
	}
	out := make([]admission.PodSet, len(sets))
	copy(out, sets)
	for _, r := range reclaimable {
		for i := range out {
			if out[i].Name == string(r.Name) {
				out[i].Reclaimable = min(max(r.Count, 0), out[i].Count)
			}
		}
	}
	return out
}

// HoldsQuota says whether a Workload's status says that it holds quota.
func HoldsQuota(wl *v1beta1.Workload) bool {
	return wl.Status.Admission != nil && meta.IsStatusConditionTrue(wl.Status.Conditions, v1beta1.WorkloadQuotaReserved)
}

// IsAdmitted says whether the Workload's job may run.
func IsAdmitted(wl *v1beta1.Workload) bool {
	return HoldsQuota(wl) && meta.IsStatusConditionTrue(wl.Status.Conditions, v1beta1.WorkloadAdmitted)
}

// IsEvicted says whether the Workload's job has to stop.
func IsEvicted(wl *v1beta1.Workload) bool {
	return meta.IsStatusConditionTrue(wl.Status.Conditions, v1beta1.WorkloadEvicted)
}

// IsFinished says whether the Workload's job has ended.
func IsFinished(wl *v1beta1.Workload) bool {
	return meta.IsStatusConditionTrue(wl.Status.Conditions, v1beta1.WorkloadFinished)
}

// Condition returns a condition of the Workload, or nil.
func Condition(wl *v1beta1.Workload, kind string) *metav1.Condition {
	return meta.FindStatusCondition(wl.Status.Conditions, kind)
}
