package batchjob

import (
	"strconv"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/job"
)

// PodCount is the number of pods that a Job wants to run at once (semantics,
// section 6): min(parallelism, completions - succeeded - failed indexes);
// without completions, parallelism until the first success, then none.
// parallelism is the Job's own, before partial admission.
func PodCount(parallelism int32, completions *int32, status *batchv1.JobStatus) int32 {
	if completions == nil {
		if status.Succeeded > 0 {
			return 0
		}
		return parallelism
	}
	var failed string
	if status.FailedIndexes != nil {
		failed = *status.FailedIndexes
	}
	left := int64(*completions) - int64(status.Succeeded) - CountIndexes(failed)
	return int32(max(0, min(int64(parallelism), left)))
}

// CountIndexes counts the indexes in a list such as "1,3-5,7", the form of
// Job.status.failedIndexes. What cannot be read counts as nothing.
func CountIndexes(list string) int64 {
	var count int64
	for _, part := range strings.Split(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		from, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			continue
		}
		if !isRange {
			count++
			continue
		}
		if to, err := strconv.ParseInt(last, 10, 64); err == nil && to >= from {
			count += to - from + 1
		}
	}
	return count
}

// Needs implements job.Kind. Without completions the job controller makes no
// new pods after the first success, but those there are run to their end.
func (Kind) Needs(obj client.Object) []job.PodSetNeeds {
	j := obj.(*batchv1.Job)
	needs := job.PodSetNeeds{Name: string(v1beta1.DefaultPodSetName), Wanted: PodCount(parallelism(j), j.Spec.Completions, &j.Status)}
	needs.Pods = needs.Wanted
	if j.Spec.Completions == nil && j.Status.Succeeded > 0 {
		needs.Pods = j.Status.Active
		if j.Status.Terminating != nil {
			needs.Pods += *j.Status.Terminating
		}
	}
	return []job.PodSetNeeds{needs}
}
