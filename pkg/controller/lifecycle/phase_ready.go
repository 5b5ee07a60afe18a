package lifecycle

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

// Readiness says how long an admitted workload may be without all its pods.
type Readiness struct {
	// Timeout is the time from admission until all pods are ready, Recovery the
	// time until a pod that was lost is replaced.
	Timeout, Recovery time.Duration
	// BackoffBase is the wait after the first eviction, BackoffMost the longest.
	BackoffBase, BackoffMost time.Duration
	// Limit is the number of evictions after which the workload is deactivated,
	// nil for no limit.
	Limit *int32
}

// awaited notes, in the status of a workload that is being admitted, that its
// pods are not there yet. Only where anybody waits for them.
func (s *sight) awaited(status v1beta1.WorkloadStatus) v1beta1.WorkloadStatus {
	if s.facts.Readiness == nil {
		return status
	}
	e := &edit{status: status, generation: s.workload.Generation, now: metav1.NewTime(s.now)}
	e.set(v1beta1.WorkloadPodsReady, false, v1beta1.PodsReadyWaitForStart, notReady)
	return e.status
}

const notReady = "Not all pods are ready or have succeeded"

// observed: whether the job's pods are ready is written down when it changes.
func observed(s *sight) *step {
	if s.facts.Readiness == nil || s.job == nil || !s.admitted() || s.evicted() {
		return nil
	}
	ready := s.running() && s.state.PodsReady
	c := translate.Condition(s.workload, v1beta1.WorkloadPodsReady)
	was := c != nil && c.Status == metav1.ConditionTrue
	if c != nil && was == ready {
		return nil
	}
	reason, message := v1beta1.PodsReadyWaitForStart, notReady
	switch {
	case ready && c != nil && c.Reason == v1beta1.PodsReadyWaitForRecovery:
		reason, message = v1beta1.PodsReadyRecovered, "All pods are ready again or have succeeded"
	case ready:
		reason, message = v1beta1.PodsReadyStarted, "All pods are ready or have succeeded"
	case was:
		reason, message = v1beta1.PodsReadyWaitForRecovery, "A pod has failed or was lost"
	}
	e := editStatus(s.workload, s.now)
	e.set(v1beta1.WorkloadPodsReady, ready, reason, message)
	return &step{write: putStatus(s.workload, Ready, e.status)}
}

// overdue: the pods have not become ready in time. The workload is evicted and
// backs off; after too many times it is deactivated.
func overdue(s *sight) *step {
	rules := s.facts.Readiness
	if rules == nil || !s.admitted() || s.evicted() {
		return nil
	}
	since, allowed, cause := s.waitsForPods()
	if cause == "" {
		return nil
	}
	if left := since.Add(allowed).Sub(s.now); left > 0 {
		s.wake(left)
		return nil
	}
	attempt := failures(s.workload) + 1
	if rules.Limit != nil && attempt > *rules.Limit {
		return &step{write: putStatus(s.workload, Condemn, condemned(s.workload, v1beta1.DeactivatedRequeuingLimitExceeded,
			fmt.Sprintf("its pods were not ready within %s, %d times", allowed, attempt), s.now))}
	}
	wait := backoff(rules.BackoffBase, rules.BackoffMost, s.workload.UID, attempt)
	return &step{write: putStatus(s.workload, Evict, evicted(s.workload, Eviction{
		Reason: v1beta1.EvictedPodsReadyTimeout, Cause: cause, Backoff: &wait,
		Message: fmt.Sprintf("Not all pods were ready within %s", allowed),
	}, s.now))}
}

// waitsForPods tells since when pods are missing, for how long they may, and
// why; cause is empty if none is.
func (s *sight) waitsForPods() (since time.Time, allowed time.Duration, cause string) {
	if c := translate.Condition(s.workload, v1beta1.WorkloadAdmitted); c != nil {
		since = c.LastTransitionTime.Time
	}
	c := translate.Condition(s.workload, v1beta1.WorkloadPodsReady)
	switch {
	case c != nil && c.Status == metav1.ConditionTrue:
		return since, 0, ""
	case c != nil && c.Reason == v1beta1.PodsReadyWaitForRecovery:
		return c.LastTransitionTime.Time, s.facts.Readiness.Recovery, c.Reason
	}
	return since, s.facts.Readiness.Timeout, v1beta1.PodsReadyWaitForStart
}
