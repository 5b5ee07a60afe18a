package batchjob

import (
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/job"
)

// Trim implements job.Kind. Of a Job without queue the template goes too: a
// cluster may run many that are none of our business. Unless something of ours
// is still in it, which has to be taken away.
func (k Kind) Trim(obj client.Object) {
	full := obj.(*batchv1.Job)
	full.ManagedFields = nil
	// That an annotation exists must stay known (a patch adds to the map);
	// what others wrote in it may be long and is not needed.
	for key := range full.Annotations {
		if !strings.HasPrefix(key, v1beta1.GroupName+"/") {
			full.Annotations[key] = ""
		}
	}
	deadline := full.Spec.Template.Spec.ActiveDeadlineSeconds
	if _, injected := full.Annotations[v1beta1.InjectedAnnotation]; !injected && k.label(full, v1beta1.QueueLabel) == "" {
		full.Spec.Template = corev1.PodTemplateSpec{}
	} else {
		full.Spec.Template = job.TrimTemplate(&full.Spec.Template)
		full.Spec.Template.Spec.ActiveDeadlineSeconds = deadline
	}
	full.Spec = batchv1.JobSpec{
		Parallelism:           full.Spec.Parallelism,
		Completions:           full.Spec.Completions,
		CompletionMode:        full.Spec.CompletionMode,
		ActiveDeadlineSeconds: full.Spec.ActiveDeadlineSeconds,
		Suspend:               full.Spec.Suspend,
		ManagedBy:             full.Spec.ManagedBy,
		Template:              full.Spec.Template,
	}
	full.Status = batchv1.JobStatus{
		Conditions:    full.Status.Conditions,
		StartTime:     full.Status.StartTime,
		Active:        full.Status.Active,
		Ready:         full.Status.Ready,
		Terminating:   full.Status.Terminating,
		Succeeded:     full.Status.Succeeded,
		FailedIndexes: full.Status.FailedIndexes,
	}
}
