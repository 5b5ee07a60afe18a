package batchjob

import (
	"fmt"
	"strconv"

	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/job"
)

// PodSets implements job.Kind: a Job has one pod set.
func (Kind) PodSets(obj client.Object) ([]v1beta1.PodSet, error) {
	j := obj.(*batchv1.Job)
	injected := injectionOf(j)
	template := *j.Spec.Template.DeepCopy()
	template.Spec.ActiveDeadlineSeconds = nil
	job.Withdraw(&template.Spec, injected)
	stored, err := job.EncodeTemplate(&template)
	if err != nil {
		return nil, fmt.Errorf("job %s/%s: %w", j.Namespace, j.Name, err)
	}
	own := injected.Own(parallelism(j))
	set := v1beta1.PodSet{
		Name:     v1beta1.DefaultPodSetName,
		Template: stored,
		Count:    PodCount(own, j.Spec.Completions, &j.Status),
	}
	if set.MinCount, err = minParallelism(j, set.Count); err != nil {
		return nil, err
	}
	return []v1beta1.PodSet{set}, nil
}

// parallelism is that of the Job as it stands.
func parallelism(j *batchv1.Job) int32 {
	if j.Spec.Parallelism != nil {
		return *j.Spec.Parallelism
	}
	return 1
}

func injectionOf(j *batchv1.Job) job.PodSetInjection {
	annotation, ok := j.Annotations[v1beta1.InjectedAnnotation]
	if !ok {
		return job.PodSetInjection{Name: string(v1beta1.DefaultPodSetName)}
	}
	return job.ParseInjection(annotation).Of(string(v1beta1.DefaultPodSetName))
}

func minParallelism(j *batchv1.Job, count int32) (*int32, error) {
	annotation, ok := j.Annotations[v1beta1.JobMinParallelismAnnotation]
	if !ok {
		return nil, nil
	}
	number, err := strconv.ParseInt(annotation, 10, 32)
	if err != nil || number < 1 {
		return nil, fmt.Errorf("job %s/%s: annotation %s is %q: give a whole number from 1 to the Job's parallelism, or remove it",
			j.Namespace, j.Name, v1beta1.JobMinParallelismAnnotation, annotation)
	}
	if int32(number) >= count {
		return nil, nil // the whole Job or nothing, as without the annotation
	}
	least := int32(number)
	return &least, nil
}
