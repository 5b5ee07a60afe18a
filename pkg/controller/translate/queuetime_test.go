package translate

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
)

func TestQueueTime(t *testing.T) {
	created, evicted := time.Unix(100, 0), time.Unix(200, 0)
	for _, c := range []struct {
		reason       string
		status       metav1.ConditionStatus
		afterTimeout bool
		want         time.Time
	}{
		{"", "", true, created},
		{v1beta1.EvictedPreempted, metav1.ConditionTrue, true, created},
		{v1beta1.EvictedClusterQueueStopped, metav1.ConditionTrue, true, created},
		{v1beta1.EvictedPodsReadyTimeout, metav1.ConditionTrue, true, evicted},
		{v1beta1.EvictedPodsReadyTimeout, metav1.ConditionTrue, false, created},
		{v1beta1.EvictedPodsReadyTimeout, metav1.ConditionFalse, true, created}, // it has reserved quota again
		{v1beta1.EvictedAdmissionCheck, metav1.ConditionTrue, false, evicted},
	} {
		wl := &v1beta1.Workload{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(created)}}
		if c.reason != "" {
			wl.Status.Conditions = []metav1.Condition{{Type: v1beta1.WorkloadEvicted, Status: c.status, Reason: c.reason,
				LastTransitionTime: metav1.NewTime(evicted)}}
		}
		if got := QueueTime(wl, c.afterTimeout); got != c.want.UnixNano() {
			t.Errorf("%s %s, %v: %v, want %v", c.reason, c.status, c.afterTimeout, time.Unix(0, got), c.want)
		}
	}
}
