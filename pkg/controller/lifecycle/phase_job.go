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

// createdGrace is how long a created Workload may take to be shown by the watch
// before the server is asked for it, or, if its creation was not answered,
// before that is repeated (which does no harm).
const createdGrace = 30 * time.Second

// orphaned: the job is gone. The garbage collector deletes the Workload as a
// rule; where it does not, the workload is finished. One that names no job any
// more nobody would ever delete: that is ours to do.
func orphaned(s *sight) *step {
	if s.job != nil {
		return nil
	}
	if s.workload == nil || s.workload.DeletionTimestamp != nil {
		return stop
	}
	if s.finished() {
		if s.abandoned() && s.facts.Retention == nil {
			return &step{write: deleteWorkload(s.workload, Discard)}
		}
		return retired(s)
	}
	if since := s.now.Sub(s.slot.ownerless); since < ownerGrace {
		return &step{wait: ownerGrace - since}
	}
	return &step{write: putStatus(s.workload, Finish, finished(s.workload, v1beta1.FinishedOwnerNotFound,
		fmt.Sprintf("There is no %s for this workload", s.kind.GroupVersionKind().Kind), s.now))}
}

// unqueued: the job has no queue, or is in a namespace that is not managed.
// What it had of ours is taken away. A job that runs on quota keeps its
// Workload until it has ended or is evicted; any other Workload goes at once,
// or it would wait, and be admitted, for a job that never comes.
func unqueued(s *sight) *step {
	if s.state.Queue != "" {
		return nil
	}
	switch {
	case s.state.Finished != nil, s.running() && s.holds():
		return nil
	case s.running():
		return discard(s)
	case !s.state.Deleting && !s.state.Idle && (s.state.Injected != nil || s.holds()):
		return stop // its pods are still there
	case !s.state.Deleting && s.state.Injected != nil:
		return &step{write: patchJob(s, RestoreJob, s.kind.Restore(s.job))}
	case s.workload == nil && s.facts.holdsUnqueued(s.job.GetNamespace()) && !s.state.Deleting:
		return &step{warningReason: WithoutQueue, warning: fmt.Sprintf(
			"%s %s names no queue and is kept suspended: set label %s to the name of a LocalQueue (kubectl get localqueues -n %s)",
			s.kind.GroupVersionKind().Kind, s.job.GetName(), v1beta1.QueueLabel, s.job.GetNamespace())}
	}
	return discard(s)
}

// WithoutQueue is the reason of the warning to who has submitted a job without
// a queue where all jobs are managed.
const WithoutQueue = "WithoutQueue"

// discard deletes a Workload that is not wanted any more.
func discard(s *sight) *step {
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

// unmarked: the job's own controller is none that would say that the job is
// held. Said once for each generation: whoever disagrees has the last word.
func unmarked(s *sight) *step {
	if !s.state.Unmarked || s.slot.marked == s.job.GetGeneration() {
		return nil
	}
	write := patchJob(s, MarkJob, s.kind.Mark(s.job))
	write.Verb = PatchJobStatus
	return &step{write: write}
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
	wl := job.NewWorkload(s.kind, s.job, job.DesiredSpec(s.state, podSets, priority, nil), s.facts.LabelKeys...)
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
