package batchjob

import (
	"encoding/json"

	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/job"
)

const templatePath = "/spec/template/spec"

// Start implements job.Kind: one patch that injects what the admission gives,
// records it and unsuspends the Job.
func (Kind) Start(obj client.Object, start job.Start) ([]byte, *job.Conflict) {
	j := obj.(*batchv1.Job)
	patch := job.NewPatch(j)
	record := job.Injection{Workload: start.Workload}
	injected := injectionOf(j)
	for _, given := range start.PodSets {
		pods := j.Spec.Template.Spec.DeepCopy()
		added, conflict := job.Inject(pods, given)
		if conflict != nil {
			return nil, conflict
		}
		if len(added.NodeSelector) > 0 {
			patch.Set(templatePath+"/nodeSelector", pods.NodeSelector)
		}
		if len(added.Tolerations) > 0 {
			patch.Set(templatePath+"/tolerations", pods.Tolerations)
		}
		if own := injected.Own(parallelism(j)); given.Count < PodCount(own, j.Spec.Completions, &j.Status) {
			patch.Set("/spec/parallelism", given.Count)
			added.Count, added.Given = &own, &given.Count
		}
		if len(added.NodeSelector) > 0 || len(added.Tolerations) > 0 || added.Count != nil {
			record.PodSets = append(record.PodSets, added)
		}
	}
	annotation, err := json.Marshal(record)
	if err != nil {
		return nil, &job.Conflict{Message: "what the admission injects cannot be recorded: " + err.Error()}
	}
	patch.Annotate(j, v1beta1.InjectedAnnotation, string(annotation))
	patch.Set("/spec/suspend", false)
	return patch.Bytes(), nil
}

// Suspend implements job.Kind.
func (Kind) Suspend(obj client.Object) []byte {
	patch := job.NewPatch(obj)
	patch.Set("/spec/suspend", true)
	return patch.Bytes()
}

// Restore implements job.Kind.
func (Kind) Restore(obj client.Object) []byte {
	j := obj.(*batchv1.Job)
	patch := job.NewPatch(j)
	injected := injectionOf(j)
	pods := j.Spec.Template.Spec.DeepCopy()
	job.Withdraw(pods, injected)
	restoreField(patch, templatePath+"/nodeSelector", len(j.Spec.Template.Spec.NodeSelector), len(pods.NodeSelector), pods.NodeSelector)
	restoreField(patch, templatePath+"/tolerations", len(j.Spec.Template.Spec.Tolerations), len(pods.Tolerations), pods.Tolerations)
	if own := injected.Own(parallelism(j)); own != parallelism(j) {
		patch.Set("/spec/parallelism", own)
	}
	patch.Unannotate(j, v1beta1.InjectedAnnotation)
	return patch.Bytes()
}

// restoreField writes a list or map that has become shorter, and removes it
// when nothing is left.
func restoreField(patch *job.Patch, path string, before, after int, value any) {
	switch after {
	case before:
	case 0:
		patch.Remove(path)
	default:
		patch.Set(path, value)
	}
}
