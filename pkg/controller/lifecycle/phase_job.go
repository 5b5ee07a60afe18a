package lifecycle

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/job"
)

// ownerGrace is how long a Workload without its job is left to the garbage
// collector before it is declared finished.
const ownerGrace = 5 * time.Second

// createdGrace is how long a created Workload may take to show in the ledger
// before its creation is repeated (which does no harm).
const createdGrace = 30 * time.Second

// orphaned: the job is gone. The garbage collector deletes the Workload as a
// rule; where it does not, the workload is finished.
func orphaned(s *sight) *step {
	if s.job != nil {
		return nil
	}
	if s.workload == nil || s.workload.DeletionTimestamp != nil {
		return stop
	}
	if s.finished() {
		return retired(s)
	}
	if since := s.now.Sub(s.slot.ownerless); since < ownerGrace {
		return &step{wait: ownerGrace - since}
	}
	return &step{write: putStatus(s.workload, Finish, finished(s.workload, v1beta1.FinishedOwnerNotFound,
		fmt.Sprintf("There is no %s for this workload", s.kind.GroupVersionKind().Kind), s.now))}
}

// unqueued: the job has no queue label. What it had of ours is taken away,
// unless it runs: then it stays charged.
func unqueued(s *sight) *step {
	if s.state.Queue != "" {
		return nil
	}
	if s.running() {
		return stop
	}
	if s.state.Injected != nil && s.state.Finished == nil && !s.state.Deleting {
		if !s.state.Idle {
			return stop
		}
		return &step{write: patchJob(s, RestoreJob, s.kind.Restore(s.job))}
	}
	if s.workload == nil || s.workload.DeletionTimestamp != nil || s.finished() {
		return stop
	}
	return &step{write: deleteWorkload(s.workload, Discard)}
}

// ended: the job has ended and its Workload is told so.
func ended(s *sight) *step {
	outcome := s.state.Finished
	if outcome == nil {
		return nil
	}
	if s.workload == nil {
		return stop
	}
	if s.finished() {
		return retired(s)
	}
	reason, message := v1beta1.FinishedFailed, outcome.Message
	if outcome.Succeeded {
		reason = v1beta1.FinishedSucceeded
	}
	if message == "" {
		message = "The job has ended"
	}
	return &step{write: putStatus(s.workload, Finish, finished(s.workload, reason, message, s.now))}
}

// departing: nothing is started any more.
func departing(s *sight) *step {
	if !s.state.Deleting {
		return nil
	}
	return stop
}

// uncreated: the job has no Workload yet.
func uncreated(s *sight) *step {
	if s.workload != nil {
		return nil
	}
	if s.slot.created == s.job.GetUID() {
		if since := s.now.Sub(s.slot.createdAt); since < createdGrace {
			return &step{wait: createdGrace - since}
		}
	}
	priority, err := job.ResolvePriority(s.state, s.facts.Classes)
	var missing *job.MissingClass
	if errors.As(err, &missing) {
		return &step{warningReason: "MissingPriorityClass", warning: err.Error()}
	}
	podSets, err := s.kind.PodSets(s.job)
	if err != nil {
		return &step{warningReason: v1beta1.PendingMisconfigured, warning: err.Error()}
	}
	wl := job.NewWorkload(s.kind, s.job, job.DesiredSpec(s.state, podSets, priority, nil))
	if s.running() {
		wl.Annotations = map[string]string{job.AdoptedAnnotation: "true"}
	}
	body, err := json.Marshal(wl)
	if err != nil {
		panic("a Workload cannot be encoded: " + err.Error())
	}
	return &step{write: &Write{
		Verb: CreateWorkload, Purpose: Create,
		Namespace: wl.Namespace, Name: wl.Name, UID: s.job.GetUID(), Body: body,
	}}
}

// retired: the Workload has ended; at the end of its retention it is deleted.
// One that ended before its job, which could not be started, stays: without it
// the job would be queued again.
func retired(s *sight) *step {
	if !s.finished() {
		return nil
	}
	if s.facts.Retention == nil || s.workload.DeletionTimestamp != nil || (s.job != nil && s.state.Finished == nil) {
		return stop
	}
	at := s.workload.CreationTimestamp.Time
	for i := range s.workload.Status.Conditions {
		if c := &s.workload.Status.Conditions[i]; c.Type == v1beta1.WorkloadFinished {
			at = c.LastTransitionTime.Time
		}
	}
	if left := at.Add(*s.facts.Retention).Sub(s.now); left > 0 {
		return &step{wait: left}
	}
	return &step{write: deleteWorkload(s.workload, Retain)}
}

func patchJob(s *sight, purpose Purpose, patch []byte) *Write {
	return &Write{
		Verb: PatchJob, Purpose: purpose,
		Namespace: s.job.GetNamespace(), Name: s.job.GetName(), UID: s.job.GetUID(),
		Version: s.job.GetResourceVersion(), Body: patch, Basis: s.job,
	}
}

func deleteWorkload(wl *v1beta1.Workload, purpose Purpose) *Write {
	return &Write{
		Verb: DeleteWorkload, Purpose: purpose,
		Namespace: wl.Namespace, Name: wl.Name, UID: wl.UID, Version: wl.ResourceVersion,
	}
}
