package translate

import (
	"math"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// ExecutionTime is for how many seconds, over all attempts, a workload may run
// that is admitted by a ClusterQueue now (nil if it is not known): what it asks
// for, or else the queue's default, and at most the queue's maximum. Nil: for
// any time.
func ExecutionTime(wl *v1beta1.Workload, cq *v1beta1.ClusterQueue) *int32 {
	limit := wl.Spec.MaximumExecutionTimeSeconds
	if cq == nil {
		return limit
	}
	if limit == nil {
		limit = cq.Spec.DefaultExecutionTimeSeconds
	}
	if most := cq.Spec.MaximumExecutionTimeSeconds; most != nil && (limit == nil || *limit > *most) {
		limit = most
	}
	return limit
}

// ExecutionTimeInForce is for how many seconds, over all attempts, a workload
// that holds quota may run: what its admission says. One written by somebody
// else may say nothing; then what the workload asks for counts.
func ExecutionTimeInForce(wl *v1beta1.Workload) *int32 {
	if a := wl.Status.Admission; a != nil && a.MaximumExecutionTimeSeconds != nil {
		return a.MaximumExecutionTimeSeconds
	}
	return wl.Spec.MaximumExecutionTimeSeconds
}

// PastExecution is for how long earlier attempts of the workload were admitted.
func PastExecution(wl *v1beta1.Workload) time.Duration {
	if past := wl.Status.AccumulatedPastExecutionTimeSeconds; past != nil {
		return time.Duration(*past) * time.Second
	}
	return 0
}

// AddExecution is the number of seconds that attempts have taken in all when the
// present one ends now.
func AddExecution(wl *v1beta1.Workload, now time.Time) *int32 {
	c := Condition(wl, v1beta1.WorkloadAdmitted)
	if c == nil || c.Status != metav1.ConditionTrue {
		return wl.Status.AccumulatedPastExecutionTimeSeconds
	}
	whole := int64((PastExecution(wl) + max(now.Sub(c.LastTransitionTime.Time), 0)) / time.Second)
	seconds := int32(min(whole, math.MaxInt32))
	return &seconds
}
