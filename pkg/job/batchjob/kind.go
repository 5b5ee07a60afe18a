package batchjob

import (
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/pkg/job"
)

// Kind is batch/v1 Job.
type Kind struct {
	// Aliases are label prefixes, besides fairlead.dev, whose labels count as
	// ours: "kueue.x-k8s.io" makes kueue.x-k8s.io/queue-name a queue label. Our
	// own label comes first, then the aliases in their order.
	Aliases []string
}

// label returns the value of one of our labels, or of its first alias.
func (k Kind) label(j *batchv1.Job, key string) string {
	if value, has := j.Labels[key]; has {
		return value
	}
	_, name, _ := strings.Cut(key, "/")
	for _, prefix := range k.Aliases {
		if value, has := j.Labels[prefix+"/"+name]; has {
			return value
		}
	}
	return ""
}

var _ job.Kind = Kind{}

// GroupVersionKind implements job.Kind.
func (Kind) GroupVersionKind() schema.GroupVersionKind {
	return batchv1.SchemeGroupVersion.WithKind("Job")
}

// Resource implements job.Kind.
func (Kind) Resource() string { return "jobs" }

// New implements job.Kind.
func (Kind) New() client.Object { return &batchv1.Job{} }
