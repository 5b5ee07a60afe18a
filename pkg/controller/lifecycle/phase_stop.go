package lifecycle

import (
	"fmt"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

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
	return &step{write: putStatus(s.workload, Evict, evicted(s.workload, Eviction{
		Reason:  EvictedBySuspension,
		Message: "The running job was suspended; it waits in the queue again. To keep it from running set the Workload's spec.active to false",
	}, s.now))}
}

// unentitled: the job runs without holding quota, because it is being evicted
// or because somebody has unsuspended it.
func unentitled(s *sight) *step {
	if !s.running() || (s.admitted() && !s.evicted()) {
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
		if s.evicted() && s.holds() && s.releasable() {
			return nil // the template can wait, see cleared
		}
		return stop
	}
	return &step{write: patchJob(s, RestoreJob, s.kind.Restore(s.job))}
}

// releasable: the evicted job may give its quota back. One that is to be deleted
// keeps it until then, or it would queue again.
func (s *sight) releasable() bool {
	return s.state.Idle || s.facts.ReleaseStopped && s.state.Stopped && s.state.OnEviction != v1beta1.OnEvictionDelete
}

// cleared: the evicted job has stopped and, unless its quota is free before its
// pods are gone, is as it was.
func cleared(s *sight) *step {
	if !s.evicted() || !s.holds() || s.running() {
		return nil
	}
	if !s.releasable() {
		return stop
	}
	reason, message := "", ""
	if c := translate.Condition(s.workload, v1beta1.WorkloadEvicted); c != nil {
		reason, message = c.Reason, c.Message
	}
	return &step{write: putStatus(s.workload, Release, released(s.workload,
		fmt.Sprintf("Evicted (%s): %s", reason, message), s.now))}
}

// verified asks the server once about a pair of sights that would not fit
// together if both caches were up to date. Nil: they have been asked.
func (s *sight) verified() *step {
	if s.slot.verified == s.versions() {
		return nil
	}
	return &step{verify: true}
}
