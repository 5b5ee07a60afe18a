package drive

import (
	"context"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// RunSuspension submits the load's Jobs to a cluster on which nobody admits
// them, and waits until kube-controller-manager has set condition Suspended on
// each. Outcome.Waits tells how long that took, from sending the creation to
// seeing the condition: so long a Job has neither pods nor a word on why.
func (s *Session) RunSuspension(ctx context.Context, progress func(Progress)) (*Outcome, error) {
	m := &managed{run: s.newRun()}
	return m.execute(ctx, progress, m.submitJob, m.watchJobs(func(j *batchv1.Job) error {
		i, known := m.recorder.byName[j.Name]
		if !known || !jobSuspended(j) || !m.recorder.started(i) {
			return nil
		}
		m.recorder.completed(i)
		m.finished(i)
		return nil
	}))
}

func jobSuspended(j *batchv1.Job) bool {
	for _, c := range j.Status.Conditions {
		if c.Type == batchv1.JobSuspended && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}
