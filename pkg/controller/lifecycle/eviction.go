package lifecycle

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

// Eviction says why an admission ends. What follows is the same for all: the
// job is suspended, its template restored when its pods are gone, the quota
// given back, and the workload requeued as its reason has it:
//
//	QuotaReserved=True                                     QuotaReserved=False
//	    |  Evict: Evicted=True       Release (pods gone): Requeued=True | False
//	    +-------------> [stopping] ----------------------------> [waits]
//	                    quota held                                  |
//	          Preempted, NodeFailures, Suspended, Resized: queued at once <--+
//	          others: Requeued=False until Requeue: BackoffFinished, Reactivated,
//	                  ClusterQueueRestarted, LocalQueueRestarted
//
// Every arrow is one write of the object, made on what the object says: it may
// be lost or repeated at any moment.
type Eviction struct {
	// Reason is that of condition Evicted, Message its message.
	Reason, Message string
	// Cause refines the reason in statistics; it may be empty.
	Cause string
	// Preempted, if not empty, is the reason of condition Preempted: one of
	// v1beta1.PreemptedXxx.
	Preempted string
	// Backoff, if not nil, is how long the workload has to wait from now on; it
	// counts as one more failure.
	Backoff *time.Duration
}

// evicted begins the end of an admission; the quota stays held until the job
// has stopped.
func evicted(wl *v1beta1.Workload, ev Eviction, now time.Time) v1beta1.WorkloadStatus {
	e := editStatus(wl, now)
	e.set(v1beta1.WorkloadEvicted, true, ev.Reason, ev.Message)
	if ev.Preempted != "" {
		e.set(v1beta1.WorkloadPreempted, true, ev.Preempted, ev.Message)
	}
	meta.RemoveStatusCondition(&e.status.Conditions, v1beta1.WorkloadDeactivationTarget)
	if ev.Reason == v1beta1.EvictedDeactivated || strings.HasPrefix(ev.Reason, v1beta1.EvictedDeactivatedDueToPrefix) {
		e.status.RequeueState = nil
	}
	if ev.Backoff != nil {
		count := failures(wl) + 1
		at := metav1.NewTime(now.Add(*ev.Backoff))
		e.status.RequeueState = &v1beta1.RequeueState{Count: &count, RequeueAt: &at}
	}
	e.resetChecks()
	e.countEviction(ev)
	return e.status
}

// resetChecks lets every admission check be decided again.
func (e *edit) resetChecks() {
	for i := range e.status.AdmissionChecks {
		check := &e.status.AdmissionChecks[i]
		if check.State != v1beta1.CheckStatePending {
			check.Message = truncate(fmt.Sprintf("Reset by the eviction; it was %s: %s", check.State, check.Message))
			check.State, check.LastTransitionTime = v1beta1.CheckStatePending, e.now
		}
		check.PodSetUpdates = nil
	}
}

// mostStatistics is how many kinds of evictions the API keeps.
const mostStatistics = 256

func (e *edit) countEviction(ev Eviction) {
	stats := e.status.SchedulingStats
	if stats == nil {
		stats = &v1beta1.SchedulingStats{}
		e.status.SchedulingStats = stats
	}
	reason, cause := ev.kind()
	for i := range stats.Evictions {
		if s := &stats.Evictions[i]; s.Reason == reason && s.UnderlyingCause == cause {
			s.Count++
			return
		}
	}
	if len(stats.Evictions) < mostStatistics {
		stats.Evictions = append(stats.Evictions, v1beta1.WorkloadSchedulingStatsEviction{Reason: reason, UnderlyingCause: cause, Count: 1})
	}
}

// kind is the reason and cause that statistics count the eviction under.
func (ev *Eviction) kind() (reason, cause string) {
	if cause, ok := strings.CutPrefix(ev.Reason, v1beta1.EvictedDeactivatedDueToPrefix); ok {
		return v1beta1.EvictedDeactivated, cause
	}
	return ev.Reason, ev.Cause
}

// released gives the quota back.
func released(wl *v1beta1.Workload, message string, now time.Time) v1beta1.WorkloadStatus {
	e := editStatus(wl, now)
	e.status.AccumulatedPastExecutionTimeSeconds = translate.AddExecution(wl, now)
	e.status.Admission = nil
	e.status.ReclaimablePods = nil
	e.set(v1beta1.WorkloadQuotaReserved, false, v1beta1.PendingEvaluation, message)
	e.set(v1beta1.WorkloadAdmitted, false, v1beta1.NotAdmittedNoReservation, "The workload holds no quota")
	if c := translate.Condition(wl, v1beta1.WorkloadPodsReady); c != nil {
		e.set(v1beta1.WorkloadPodsReady, false, v1beta1.PodsReadyWaitForStart, "The workload holds no quota")
	}
	if c := translate.Condition(wl, v1beta1.WorkloadEvicted); c != nil && c.Status == metav1.ConditionTrue {
		if c.Reason == v1beta1.EvictedDeactivatedDueToPrefix+v1beta1.DeactivatedMaximumExecutionTimeExceeded {
			e.status.AccumulatedPastExecutionTimeSeconds = nil // whoever activates it again gives it all of its time
		}
		e.set(v1beta1.WorkloadRequeued, wl.IsActive() && queuedAtOnce(c.Reason), c.Reason, message)
	}
	return e.status
}

// queuedAtOnce says whether a workload that was evicted for this reason waits
// again as soon as its quota is free.
func queuedAtOnce(reason string) bool {
	switch reason {
	case v1beta1.EvictedPreempted, v1beta1.EvictedNodeFailures, EvictedBySuspension, EvictedByResize:
		return true
	}
	return false
}

// requeued lets an evicted workload wait again.
func requeued(wl *v1beta1.Workload, now time.Time) v1beta1.WorkloadStatus {
	e := editStatus(wl, now)
	e.requeue()
	return e.status
}

// requeue makes Requeued True if it is False, with the reason that goes with
// why it was.
func (e *edit) requeue() {
	c := meta.FindStatusCondition(e.status.Conditions, v1beta1.WorkloadRequeued)
	if c == nil || c.Status != metav1.ConditionFalse {
		return
	}
	reason, message := v1beta1.RequeuedReactivated, "The workload was activated again"
	switch c.Reason {
	case v1beta1.EvictedClusterQueueStopped:
		reason, message = v1beta1.RequeuedClusterQueueRestarted, "The ClusterQueue admits workloads again"
	case v1beta1.EvictedLocalQueueStopped:
		reason, message = v1beta1.RequeuedLocalQueueRestarted, "The LocalQueue admits workloads again"
	case v1beta1.EvictedPodsReadyTimeout, v1beta1.EvictedAdmissionCheck, EvictedByFailedStart:
		reason, message = v1beta1.RequeuedBackoffFinished, "The workload has waited long enough"
	}
	if reason == v1beta1.RequeuedReactivated {
		e.status.RequeueState = nil
	} else if rs := e.status.RequeueState; rs != nil {
		rs.RequeueAt = nil
	}
	e.set(v1beta1.WorkloadRequeued, true, reason, message)
}

// failures is how often in a row the workload was evicted with a backoff.
func failures(wl *v1beta1.Workload) int32 {
	if rs := wl.Status.RequeueState; rs != nil && rs.Count != nil {
		return *rs.Count
	}
	return 0
}

// mostJitter is the most that is added to a backoff, as a part of it.
const mostJitter = 0.1

// backoff is base, doubled for each attempt after the first, and up to a tenth
// more so that workloads that failed together do not come back together; most
// at the most. The same workload and attempt always give the same.
func backoff(base, most time.Duration, uid types.UID, attempt int32) time.Duration {
	wait := base
	for n := int32(1); n < attempt && wait < most; n++ {
		wait *= 2
	}
	wait = min(wait, most)
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(string(uid) + "/" + strconv.Itoa(int(attempt))))
	const steps = 1 << 16
	jitter := time.Duration(float64(wait) * mostJitter * float64(hash.Sum64()%steps) / steps)
	return min(wait+jitter, most)
}
