package lifecycle

import (
	"fmt"
	"time"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

// deactivated: a workload with active false gives up what it holds. Without a
// job nobody but its owner knows when that is so; Evicted asks for it.
func deactivated(s *sight) *step {
	if s.workload.IsActive() || !s.holds() || s.evicted() {
		return nil
	}
	return &step{write: putStatus(s.workload, Evict, evicted(s.workload, v1beta1.EvictedDeactivated,
		"The workload was deactivated (spec.active is false)", s.now))}
}

// paused: the job was started under this admission and somebody has suspended
// it. It is evicted and waits again; to hold it, active: false.
func paused(s *sight) *step {
	in := s.state.Injected
	if !s.state.Suspended || !s.admitted() || s.evicted() || in == nil || in.Workload != string(s.workload.UID) {
		return nil
	}
	if st := s.verified(); st != nil {
		return st
	}
	return &step{write: putStatus(s.workload, Evict, evicted(s.workload, EvictedBySuspension,
		"The running job was suspended; it waits in the queue again. To keep it from running set the Workload's spec.active to false", s.now))}
}

// unentitled: the job runs without holding quota, because it is being evicted
// or because somebody has unsuspended it.
func unentitled(s *sight) *step {
	if !s.running() || (s.holds() && !s.evicted()) {
		return nil
	}
	if !s.evicted() {
		if st := s.verified(); st != nil {
			return st
		}
	}
	return &step{write: patchJob(s, StopJob, s.kind.Suspend(s.job))}
}

// injected: what an earlier start added to the job's template is taken away
// again as soon as the job has no pods.
func injected(s *sight) *step {
	if !s.state.Suspended || s.state.Injected == nil {
		return nil
	}
	if !s.state.Idle {
		return stop
	}
	return &step{write: patchJob(s, RestoreJob, s.kind.Restore(s.job))}
}

// cleared: the evicted job has stopped and is as it was; its quota is free.
func cleared(s *sight) *step {
	if !s.evicted() || !s.holds() || s.running() {
		return nil
	}
	if !s.state.Idle {
		return stop
	}
	reason, message := "", ""
	if c := translate.Condition(s.workload, v1beta1.WorkloadEvicted); c != nil {
		reason, message = c.Reason, c.Message
	}
	var wait time.Duration
	if reason == EvictedByFailedStart {
		wait = startBackoff(s.workload)
	}
	return &step{write: putStatus(s.workload, Release, released(s.workload,
		fmt.Sprintf("Evicted (%s): %s", reason, message), wait, s.now))}
}

// startBackoff is how long a workload that could not be started waits: a
// minute, doubling with each failure up to an hour.
func startBackoff(wl *v1beta1.Workload) time.Duration {
	count := int32(0)
	if rs := wl.Status.RequeueState; rs != nil && rs.Count != nil {
		count = *rs.Count
	}
	return min(time.Minute<<min(count, 6), time.Hour)
}

// verified asks the server once about a pair of sights that would not fit
// together if both caches were up to date. Nil: they have been asked.
func (s *sight) verified() *step {
	if s.slot.verified == s.versions() {
		return nil
	}
	return &step{verify: true}
}
