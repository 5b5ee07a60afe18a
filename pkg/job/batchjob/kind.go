package batchjob

import (
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/pkg/job"
)

// Kind is batch/v1 Job.
type Kind struct{}

var _ job.Kind = Kind{}

// GroupVersionKind implements job.Kind.
func (Kind) GroupVersionKind() schema.GroupVersionKind {
	return batchv1.SchemeGroupVersion.WithKind("Job")
}

// Resource implements job.Kind.
func (Kind) Resource() string { return "jobs" }

// New implements job.Kind.
func (Kind) New() client.Object { return &batchv1.Job{} }
