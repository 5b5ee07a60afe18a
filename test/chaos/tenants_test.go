package chaos

import (
	"context"
	"fmt"
	"strconv"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// mostJobs is how many Jobs a tenant lets be: more, and the oldest is deleted,
// whatever has become of it. It bounds what the API server has to hold.
const mostJobs = 60

// tenant submits Jobs in a namespace and does not leave them alone.
type tenant struct {
	*actor
	namespace string
	submitted int
	jobs      []string // oldest first; not deleted by us
}

func (t *tenant) play(ctx context.Context, mean time.Duration) {
	t.run(ctx, mean, []way{
		{60, t.submit},
		{5, t.delete},
		{3, t.suspend},
		{2, t.startByHand},
		{4, t.moveQueue},
		{4, t.changeClass},
		{5, t.changeParallelism},
		{2, t.changeMinimum},
		{4, t.hold},
		{2, t.tryRun},
		{1, t.overreach},
		{1, t.dropQueue},
	})
}

func (t *tenant) job(name string) *batchv1.Job {
	return &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: name}}
}

// some is a Job that the tenant has submitted; the newer the likelier.
func (t *tenant) some() (*batchv1.Job, bool) {
	if len(t.jobs) == 0 {
		return nil, false
	}
	at := max(t.random.IntN(len(t.jobs)), t.random.IntN(len(t.jobs)))
	return t.job(t.jobs[at]), true
}

func (t *tenant) submit(ctx context.Context) {
	name := fmt.Sprintf("j%04d", t.submitted)
	t.submitted++
	j, kind := drawJob(t.actor, name, t.namespace)
	generated := t.chance(5)
	if generated {
		j.GenerateName, j.Name = name+"-", ""
	}
	err := t.act(ctx, "submit "+kind.name, t.namespace+"/"+name, kind.expects, func(ctx context.Context) error { return t.client.Create(ctx, j) })
	if err != nil || generated {
		return // a generated name would make later plans depend on the server
	}
	t.jobs = append(t.jobs, name)
	if len(t.jobs) > mostJobs {
		oldest := t.job(t.jobs[0])
		t.jobs = t.jobs[1:]
		t.remove(ctx, oldest)
	}
}

func (t *tenant) delete(ctx context.Context) {
	if len(t.jobs) == 0 {
		return
	}
	at := t.random.IntN(len(t.jobs))
	j := t.job(t.jobs[at])
	t.jobs = append(t.jobs[:at], t.jobs[at+1:]...)
	t.remove(ctx, j)
}

// remove deletes a Job in one of the ways there are. What the API server does
// with a Job's pods if nothing is said is to orphan them.
func (t *tenant) remove(ctx context.Context, j *batchv1.Job) {
	way := pick(t.actor, []string{"Background", "Background", "Foreground", "default"})
	var options []client.DeleteOption
	if way != "default" {
		options = append(options, client.PropagationPolicy(way))
	}
	_ = t.act(ctx, "delete "+way, t.namespace+"/"+j.Name, may, func(ctx context.Context) error { return t.client.Delete(ctx, j, options...) })
}

// alter edits one of the tenant's Jobs.
func (t *tenant) alter(ctx context.Context, what string, change func(*batchv1.Job)) {
	j, ok := t.some()
	if !ok {
		return
	}
	_ = t.act(ctx, what, t.namespace+"/"+j.Name, may, func(ctx context.Context) error { return edit(ctx, t.client, j, change) })
}

func (t *tenant) suspend(ctx context.Context) {
	yes := true
	t.alter(ctx, "suspend", func(j *batchv1.Job) { j.Spec.Suspend = &yes })
}

func (t *tenant) startByHand(ctx context.Context) {
	no := false
	t.alter(ctx, "start by hand", func(j *batchv1.Job) { j.Spec.Suspend = &no })
}

func (t *tenant) moveQueue(ctx context.Context) {
	queue := "q" + strconv.Itoa(t.random.IntN(3))
	t.alter(ctx, "move to another queue", func(j *batchv1.Job) {
		if _, queued := j.Labels[v1beta1.QueueLabel]; queued {
			j.Labels[v1beta1.QueueLabel] = queue
		}
	})
}

func (t *tenant) dropQueue(ctx context.Context) {
	t.alter(ctx, "leave the queue", func(j *batchv1.Job) { delete(j.Labels, v1beta1.QueueLabel) })
}

func (t *tenant) changeClass(ctx context.Context) {
	class := pick(t.actor, append([]string{""}, classes...))
	t.alter(ctx, "change the class", func(j *batchv1.Job) {
		if delete(j.Labels, v1beta1.PriorityClassLabel); class != "" {
			j.Labels[v1beta1.PriorityClassLabel] = class
		}
	})
}

func (t *tenant) changeParallelism(ctx context.Context) {
	pods := int32(t.between(0, 6))
	if t.chance(80) {
		pods = max(pods, 1)
	}
	t.alter(ctx, "change parallelism", func(j *batchv1.Job) {
		elastic := j.Spec.CompletionMode != nil && *j.Spec.CompletionMode == batchv1.IndexedCompletion &&
			j.Spec.Completions != nil && *j.Spec.Completions == *j.Spec.Parallelism && j.Spec.SuccessPolicy == nil
		if j.Spec.Parallelism = &pods; elastic && pods > 0 {
			j.Spec.Completions = &pods
		}
	})
}

func (t *tenant) changeMinimum(ctx context.Context) {
	least := t.between(1, 4)
	t.alter(ctx, "change the minimum", func(j *batchv1.Job) {
		if j.Annotations == nil {
			j.Annotations = map[string]string{}
		}
		j.Annotations[v1beta1.JobMinParallelismAnnotation] = strconv.Itoa(least)
	})
}

// hold sets active of a Job's Workload, mostly back to true.
func (t *tenant) hold(ctx context.Context) {
	j, ok := t.some()
	active := t.chance(65)
	if !ok {
		return
	}
	_ = t.act(ctx, fmt.Sprintf("set active %t", active), t.namespace+"/"+j.Name, may, func(ctx context.Context) error {
		wl, err := workloadOf(ctx, t.client, j)
		if err != nil || wl == nil {
			return err
		}
		before := client.MergeFrom(wl.DeepCopy())
		wl.Spec.Active = &active
		return t.client.Patch(ctx, wl, before)
	})
}

// workloadOf finds the Workload of a Job by its label; nil if there is none.
func workloadOf(ctx context.Context, c client.Client, j *batchv1.Job) (*v1beta1.Workload, error) {
	if err := c.Get(ctx, client.ObjectKeyFromObject(j), j); err != nil {
		return nil, err
	}
	list := &v1beta1.WorkloadList{}
	err := c.List(ctx, list, client.InNamespace(j.Namespace), client.MatchingLabels{v1beta1.JobUIDLabel: string(j.UID)})
	if err != nil || len(list.Items) == 0 {
		return nil, err
	}
	return &list.Items[0], nil
}

// tryRun asks what would happen; nothing may come of it.
func (t *tenant) tryRun(ctx context.Context) {
	name := fmt.Sprintf("dry%04d", t.submitted)
	t.submitted++
	j, kind := drawJob(t.actor, name, t.namespace)
	_ = t.act(ctx, "dry run", t.namespace+"/"+name, kind.expects, func(ctx context.Context) error { return t.client.Create(ctx, j, client.DryRunAll) })
}

// overreach tries to give itself what only the manager gives.
func (t *tenant) overreach(ctx context.Context) {
	j, ok := t.some()
	if !ok {
		return
	}
	_ = t.act(ctx, "forge an injection", t.namespace+"/"+j.Name, mustNot, func(ctx context.Context) error {
		return edit(ctx, t.client, j, func(j *batchv1.Job) {
			if j.Labels[v1beta1.QueueLabel] == "" {
				j.ResourceVersion = "1" // not queued, so nobody minds: have the server refuse it as outdated
			}
			if j.Annotations == nil {
				j.Annotations = map[string]string{}
			}
			j.Annotations[v1beta1.InjectedAnnotation] = `{"workload":"forged"}`
		})
	})
}
