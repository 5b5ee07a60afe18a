package translate

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// QueueTime is the time, in Unix nanoseconds, that orders a workload among
// those of equal priority: its creation; after an eviction by an admission
// check, and if afterTimeout by PodsReadyTimeout too, that of the eviction,
// until it reserves quota again (semantics, section 4).
func QueueTime(wl *v1beta1.Workload, afterTimeout bool) int64 {
	if c := Condition(wl, v1beta1.WorkloadEvicted); c != nil && c.Status == metav1.ConditionTrue {
		if c.Reason == v1beta1.EvictedAdmissionCheck || afterTimeout && c.Reason == v1beta1.EvictedPodsReadyTimeout {
			return c.LastTransitionTime.UnixNano()
		}
	}
	return wl.CreationTimestamp.UnixNano()
}
