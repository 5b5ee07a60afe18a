package drive

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairlead "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/test/performance/load"
)

// RunFairlead submits the load and leaves the scheduling to the manager. Jobs
// run and end by themselves; bare Workloads are finished by the driver when
// their run time after admission, as the driver sees it, is up.
func (s *Session) RunFairlead(ctx context.Context, progress func(Progress)) (*Outcome, error) {
	m := &managed{run: s.newRun()}
	if s.load.Kind == load.Jobs {
		return m.execute(ctx, progress, m.submitJob, m.watchJobs(m.sawJob))
	}
	return m.execute(ctx, progress, m.submitWorkload, m.watchWorkloads(m.sawWorkload))
}

// managed is one run under the manager.
type managed struct{ *run }

func (m *managed) submitJob(ctx context.Context, item load.Item) error {
	m.recorder.submitted(item.Index)
	if err := m.clients.tenant.Create(ctx, tenantJob(item)); err != nil {
		return fmt.Errorf("create job %s: %w", item.Name, err)
	}
	return nil
}

// sawJob notes that a Job was unsuspended or has completed. After the last
// completion the run still waits for the manager's last writes.
func (m *managed) sawJob(j *batchv1.Job) error {
	i, known := m.recorder.byName[j.Name]
	if !known {
		return nil
	}
	if j.Spec.Suspend == nil || !*j.Spec.Suspend {
		m.recorder.started(i)
	}
	complete, err := jobComplete(j)
	if err != nil || !complete || !m.recorder.completed(i) {
		return err
	}
	if m.recorder.allCompleted() {
		m.agenda.add(time.Now(), m.settle)
	}
	return nil
}

// settle waits until every Workload is Finished. It looks only now, so that
// the run itself carries no watch that nobody needs.
func (m *managed) settle(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := m.watchWorkloads(func(w *fairlead.Workload) error {
		owned := len(w.OwnerReferences) > 0
		if !owned || !meta.IsStatusConditionTrue(w.Status.Conditions, fairlead.WorkloadFinished) {
			return nil
		}
		if i, known := m.recorder.byName[w.OwnerReferences[0].Name]; known && m.recorder.finished(i) {
			cancel()
		}
		return nil
	})
	err := watch.start(ctx)
	if err == nil {
		err = watch.follow(ctx)
	}
	if m.recorder.progress().Finished == m.recorder.progress().All {
		m.agenda.finish()
		return nil
	}
	return err
}

func (m *managed) submitWorkload(ctx context.Context, item load.Item) error {
	w, err := bareWorkload(item)
	if err != nil {
		return err
	}
	m.recorder.submitted(item.Index)
	if err := m.clients.admin.Create(ctx, w); err != nil {
		return fmt.Errorf("create workload %s: %w", item.Name, err)
	}
	return nil
}

// sawWorkload plans the end of a Workload that has been admitted.
func (m *managed) sawWorkload(w *fairlead.Workload) error {
	i, known := m.recorder.byName[w.Name]
	if !known || !meta.IsStatusConditionTrue(w.Status.Conditions, fairlead.WorkloadAdmitted) || !m.recorder.started(i) {
		return nil
	}
	item := m.recorder.plan[i]
	m.agenda.add(time.Now().Add(item.Class.RunTime), func(ctx context.Context) error { return m.finishWorkload(ctx, item, w) })
	return nil
}

// finishWorkload writes the end on the version seen, or on a fresh one if the
// manager has written since.
func (m *managed) finishWorkload(ctx context.Context, item load.Item, w *fairlead.Workload) error {
	for {
		setFinished(w, time.Now(), driverMessage)
		err := m.clients.admin.Status().Update(ctx, w)
		if err == nil {
			break
		}
		if !apierrors.IsConflict(err) {
			return fmt.Errorf("finish workload %s: %w", w.Name, err)
		}
		fresh := &fairlead.Workload{}
		if err := m.clients.admin.Get(ctx, client.ObjectKeyFromObject(w), fresh); err != nil {
			return fmt.Errorf("read workload %s to finish it: %w", w.Name, err)
		}
		w = fresh
	}
	m.recorder.completed(item.Index)
	m.finished(item.Index)
	return nil
}

// Workloads maps the names of the load's Jobs to those of their Workloads.
func (s *Session) Workloads(ctx context.Context) (map[string]string, error) {
	ours := map[string]bool{}
	for _, item := range s.load.Plan() {
		ours[item.Name] = true
	}
	var list fairlead.WorkloadList
	if err := s.clients.admin.List(ctx, &list, client.InNamespace(Namespace)); err != nil {
		return nil, fmt.Errorf("list the Workloads of the load: %w", err)
	}
	owned := map[string]string{}
	for i := range list.Items {
		for _, owner := range list.Items[i].OwnerReferences {
			if ours[owner.Name] {
				owned[owner.Name] = list.Items[i].Name
			}
		}
	}
	return owned, nil
}
