package batchjob

import (
	"fmt"
	"math"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/job"
)

// State implements job.Kind.
func (k Kind) State(obj client.Object) job.State {
	j := obj.(*batchv1.Job)
	state := job.State{
		Queue:              k.label(j, v1beta1.QueueLabel),
		PriorityClass:      k.label(j, v1beta1.PriorityClassLabel),
		PodPriorityClass:   j.Spec.Template.Spec.PriorityClassName,
		OwnDeadlineSeconds: ownDeadline(j),
		Suspended:          suspended(j),
		Idle:               stopped(j) && (j.Status.Terminating == nil || *j.Status.Terminating == 0),
		Stopped:            stopped(j),
		Unmarked:           unmarked(j),
		PodsReady:          podsReady(j),
		OnEviction:         j.Annotations[v1beta1.OnEvictionAnnotation],
		Finished:           outcome(j),
		Deleting:           j.DeletionTimestamp != nil,
	}
	label := k.label(j, v1beta1.MaxExecTimeSecondsLabel)
	stated, ok := executionTime(label)
	if !ok {
		state.Warning = fmt.Sprintf("Label %s is %q and does not count: write a whole number of seconds from 1 to %d, or remove it",
			v1beta1.MaxExecTimeSecondsLabel, label, math.MaxInt32)
	}
	state.MaxExecutionSeconds = smaller(stated, state.OwnDeadlineSeconds)
	if annotation, ok := j.Annotations[v1beta1.InjectedAnnotation]; ok {
		state.Injected = job.ParseInjection(annotation)
	}
	return state
}

func suspended(j *batchv1.Job) bool { return j.Spec.Suspend != nil && *j.Spec.Suspend }

// stopped is the API server's own rule for a mutable template (since 1.36) but
// for terminating pods: suspended, seen to be so by the job controller or never
// started, no active pods.
func stopped(j *batchv1.Job) bool {
	return suspended(j) && j.Status.Active == 0 && (j.Status.StartTime == nil || hasCondition(j, batchv1.JobSuspended) != nil)
}

// podsReady counts pods that have succeeded as ready, so that a Job of more
// completions than it runs at once does not seem to lose pods that end.
func podsReady(j *batchv1.Job) bool {
	wanted, ready := int32(1), j.Status.Succeeded
	if j.Spec.Parallelism != nil {
		wanted = *j.Spec.Parallelism
	}
	if j.Spec.Completions != nil {
		wanted = min(wanted, *j.Spec.Completions)
	}
	if j.Status.Ready != nil {
		ready += *j.Status.Ready
	}
	return ready >= wanted
}

func outcome(j *batchv1.Job) *job.Outcome {
	if c := hasCondition(j, batchv1.JobComplete); c != nil {
		return &job.Outcome{Succeeded: true, Message: c.Message}
	}
	if c := hasCondition(j, batchv1.JobFailed); c != nil {
		return &job.Outcome{Message: c.Message}
	}
	return nil
}

func hasCondition(j *batchv1.Job, kind batchv1.JobConditionType) *batchv1.JobCondition {
	for i := range j.Status.Conditions {
		if c := &j.Status.Conditions[i]; c.Type == kind && c.Status == corev1.ConditionTrue {
			return c
		}
	}
	return nil
}
