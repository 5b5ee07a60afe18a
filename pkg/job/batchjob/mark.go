package batchjob

import (
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/pkg/job"
)

// The reasons of condition Suspended where Fairlead writes it: on Jobs with
// spec.managedBy. Of all others kube-controller-manager writes it. Clients such
// as PanDA Harvester take a Job that has neither pods nor this condition for
// lost and cancel it.
const (
	// HeldReason is that of a Job that waits for its turn.
	HeldReason = "HeldByFairlead"
	// StartedReason is that of a Job whose turn has come.
	StartedReason = "StartedByFairlead"
)

// unmarked says whether condition Suspended is missing on a suspended Job of
// another controller, or says of a started one that Fairlead holds it.
func unmarked(j *batchv1.Job) bool {
	if j.Spec.ManagedBy == nil || *j.Spec.ManagedBy == batchv1.JobControllerName || outcome(j) != nil {
		return false
	}
	i := conditionAt(j, batchv1.JobSuspended)
	if suspended(j) {
		return i < 0 || j.Status.Conditions[i].Reason == StartedReason
	}
	return i >= 0 && j.Status.Conditions[i].Reason == HeldReason
}

// Mark implements job.Kind.
func (Kind) Mark(obj client.Object) []byte {
	j := obj.(*batchv1.Job)
	now := metav1.NewTime(time.Now())
	says := batchv1.JobCondition{Type: batchv1.JobSuspended, Status: corev1.ConditionTrue, Reason: HeldReason,
		Message: "The Job waits in its queue until Fairlead starts it", LastProbeTime: now, LastTransitionTime: now}
	if !suspended(j) {
		says.Status, says.Reason, says.Message = corev1.ConditionFalse, StartedReason, "Fairlead has started the Job"
	}
	patch := job.NewPatch(j)
	switch i := conditionAt(j, batchv1.JobSuspended); {
	case len(j.Status.Conditions) == 0:
		patch.Test("/status/conditions", nil)
		patch.Set("/status/conditions", []batchv1.JobCondition{says})
	case i < 0:
		patch.Set("/status/conditions/-", says)
	default:
		patch.Test(fmt.Sprintf("/status/conditions/%d/type", i), says.Type)
		patch.Replace(fmt.Sprintf("/status/conditions/%d", i), says)
	}
	return patch.Bytes()
}

func conditionAt(j *batchv1.Job, kind batchv1.JobConditionType) int {
	for i := range j.Status.Conditions {
		if j.Status.Conditions[i].Type == kind {
			return i
		}
	}
	return -1
}
