package drive

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairlead "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/lifecycle"
	"fairlead.dev/fairlead/pkg/job"
	"fairlead.dev/fairlead/pkg/job/batchjob"
	"fairlead.dev/fairlead/test/performance/load"
)

// Budget is how many writes the floor makes for one item, by kind of request
// ("POST jobs"): the least that a queueing system of this design can do with
// (design, section 5), and the submission itself.
func Budget(kind load.Kind) map[string]int {
	budget := map[string]int{
		"POST workloads":       1,
		"PUT workloads/status": 2, // admitted, finished
		"POST events":          1,
	}
	if kind == load.Jobs {
		budget["POST jobs"] = 1
		budget["PATCH jobs"] = 1
	}
	return budget
}

// RunFloor makes every write of the load itself, each as soon as the one
// before it for the same object has been answered, and schedules nothing. On a
// load with FloorCores, items start when that many cores allow, in their
// order.
//
//	Jobs       create -> Workload create -> admitted PUT -> unsuspend -> Event
//	           ... Job Complete (watch) -> finished PUT
//	Workloads  create -> admitted PUT -> Event ... run time -> finished PUT
func (s *Session) RunFloor(ctx context.Context, progress func(Progress)) (*Outcome, error) {
	f := &floor{run: s.newRun()}
	if s.load.FloorCores > 0 {
		f.gate = newGate(s.load.FloorCores)
	}
	if s.load.Kind == load.Jobs {
		return f.execute(ctx, progress, f.submitJob, f.watchJobs(f.sawJob))
	}
	return f.execute(ctx, progress, f.submitWorkload)
}

// floor is one run of the floor driver.
type floor struct {
	*run
	gate *gate
	// workloads are the Workloads of Jobs as last answered, by item. Each entry
	// is written before its Job can complete.
	workloads []*fairlead.Workload
}

// submitJob makes the tenant's Job and the Workload, and admits it as soon as
// the gate lets it.
func (f *floor) submitJob(ctx context.Context, item load.Item) error {
	f.recorder.submitted(item.Index)
	j := tenantJob(item)
	if err := f.clients.tenant.Create(ctx, j); err != nil {
		return fmt.Errorf("create job %s: %w", item.Name, err)
	}
	if j.Spec.Suspend == nil || !*j.Spec.Suspend {
		return fmt.Errorf("job %s was not suspended at creation: the admission policies are not in force", item.Name)
	}
	kind := batchjob.Kind{}
	kind.Trim(j)
	podSets, err := kind.PodSets(j)
	if err != nil {
		return err
	}
	w, err := f.create(ctx, job.NewWorkload(kind, j, job.DesiredSpec(kind.State(j), podSets, job.Priority{}, nil)))
	if err != nil {
		return err
	}
	return f.gate.enter(ctx, item.Class.Cores, func(ctx context.Context) error { return f.startJob(ctx, item, j, w) },
		func(start func(context.Context) error) { f.agenda.add(time.Now(), start) })
}

// startJob admits the Workload and unsuspends its Job.
func (f *floor) startJob(ctx context.Context, item load.Item, j *batchv1.Job, w *fairlead.Workload) error {
	w, err := f.admit(ctx, item, w)
	if err != nil {
		return err
	}
	f.setWorkload(item.Index, w)
	patch, conflict := batchjob.Kind{}.Start(j, job.Start{
		Workload: string(w.UID),
		PodSets: []job.PodSetStart{{
			Name: string(fairlead.DefaultPodSetName), Count: 1, NodeSelector: map[string]string{FlavorLabel: FlavorName},
		}},
	})
	if conflict != nil {
		return fmt.Errorf("start job %s: %s", j.Name, conflict.Message)
	}
	if _, err := f.write(ctx, &lifecycle.Write{
		Verb: lifecycle.PatchJob, Namespace: j.Namespace, Name: j.Name, UID: j.UID, Body: patch,
	}); err != nil {
		return fmt.Errorf("unsuspend job %s: %w", j.Name, err)
	}
	f.recorder.started(item.Index)
	if err := f.clients.events.Create(ctx, jobEvent(j, w, item.Queue, time.Now())); err != nil {
		return fmt.Errorf("create the event of job %s: %w", j.Name, err)
	}
	return nil
}

// submitWorkload makes a bare Workload, admits it and plans its end.
func (f *floor) submitWorkload(ctx context.Context, item load.Item) error {
	w, err := bareWorkload(item)
	if err != nil {
		return err
	}
	f.recorder.submitted(item.Index)
	if err := f.clients.admin.Create(ctx, w); err != nil {
		return fmt.Errorf("create workload %s: %w", item.Name, err)
	}
	return f.gate.enter(ctx, item.Class.Cores, func(ctx context.Context) error {
		w, err := f.admit(ctx, item, w)
		if err != nil {
			return err
		}
		f.recorder.started(item.Index)
		f.agenda.add(time.Now().Add(item.Class.RunTime), func(ctx context.Context) error {
			return f.finishWorkload(ctx, item, w)
		})
		if err := f.clients.events.Create(ctx, workloadEvent(w, item.Queue, time.Now())); err != nil {
			return fmt.Errorf("create the event of workload %s: %w", w.Name, err)
		}
		return nil
	}, func(start func(context.Context) error) { f.agenda.add(time.Now(), start) })
}

func (f *floor) finishWorkload(ctx context.Context, item load.Item, w *fairlead.Workload) error {
	setFinished(w, time.Now(), driverMessage)
	if err := f.clients.admin.Status().Update(ctx, w); err != nil {
		return fmt.Errorf("finish workload %s: %w", w.Name, err)
	}
	f.gate.leave(item.Class.Cores)
	f.recorder.completed(item.Index)
	f.finished(item.Index)
	return nil
}

// create writes a Workload as the manager does and returns what it became.
func (f *floor) create(ctx context.Context, w *fairlead.Workload) (*fairlead.Workload, error) {
	body, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("encode workload %s: %w", w.Name, err)
	}
	created, err := f.write(ctx, &lifecycle.Write{Verb: lifecycle.CreateWorkload, Namespace: w.Namespace, Name: w.Name, Body: body})
	if err != nil {
		return nil, fmt.Errorf("create workload %s: %w", w.Name, err)
	}
	return created.(*fairlead.Workload), nil
}

// admit writes the admission.
func (f *floor) admit(ctx context.Context, item load.Item, w *fairlead.Workload) (*fairlead.Workload, error) {
	setAdmitted(w, item.Queue, item.Class.Cores, time.Now())
	return f.putStatus(ctx, w)
}

// putStatus writes a Workload's status as the manager does.
func (f *floor) putStatus(ctx context.Context, w *fairlead.Workload) (*fairlead.Workload, error) {
	body, err := statusBody(w)
	if err != nil {
		return nil, err
	}
	written, err := f.write(ctx, &lifecycle.Write{
		Verb: lifecycle.PutWorkloadStatus, Namespace: w.Namespace, Name: w.Name, Body: body, Basis: w, Status: w.Status.DeepCopy(),
	})
	if err != nil {
		return nil, fmt.Errorf("write the status of workload %s: %w", w.Name, err)
	}
	return written.(*fairlead.Workload), nil
}

func (f *floor) write(ctx context.Context, w *lifecycle.Write) (client.Object, error) {
	return f.clients.manager.Do(ctx, batchjob.Kind{}, w)
}

// sawJob ends the Workload of a Job that has completed.
func (f *floor) sawJob(j *batchv1.Job) error {
	i, known := f.recorder.byName[j.Name]
	if !known {
		return nil
	}
	complete, err := jobComplete(j)
	if err != nil || !complete || !f.recorder.completed(i) {
		return err
	}
	item, w := f.recorder.plan[i], f.workload(i)
	if w == nil {
		return fmt.Errorf("job %s completed before it was started", j.Name)
	}
	f.gate.leave(item.Class.Cores)
	f.agenda.add(time.Now(), func(ctx context.Context) error {
		setFinished(w, time.Now(), completionMessage(j))
		if _, err := f.putStatus(ctx, w); err != nil {
			return err
		}
		f.finished(i)
		return nil
	})
	return nil
}

func (f *floor) setWorkload(i int, w *fairlead.Workload) {
	f.recorder.mu.Lock()
	defer f.recorder.mu.Unlock()
	if f.workloads == nil {
		f.workloads = make([]*fairlead.Workload, len(f.recorder.plan))
	}
	f.workloads[i] = w
}

func (f *floor) workload(i int) *fairlead.Workload {
	f.recorder.mu.Lock()
	defer f.recorder.mu.Unlock()
	if f.workloads == nil {
		return nil
	}
	return f.workloads[i]
}
