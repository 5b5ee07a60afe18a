package drive

import (
	"context"
	"errors"
	"fmt"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairlead "fairlead.dev/fairlead/apis/v1beta1"
)

// objectWatch passes every version of every object of a kind in the
// benchmark's namespace to see, in order. It never misses one: where the API
// server cannot go on from the last version seen, it fails.
type objectWatch struct {
	client client.WithWatch
	list   client.ObjectList
	see    func(runtime.Object) error

	version string
}

func (r *run) watchJobs(see func(*batchv1.Job) error) *objectWatch {
	return &objectWatch{client: r.clients.admin, list: &batchv1.JobList{}, see: func(object runtime.Object) error {
		if j, ok := object.(*batchv1.Job); ok {
			return see(j)
		}
		return nil
	}}
}

func (r *run) watchWorkloads(see func(*fairlead.Workload) error) *objectWatch {
	return &objectWatch{client: r.clients.admin, list: &fairlead.WorkloadList{}, see: func(object runtime.Object) error {
		if w, ok := object.(*fairlead.Workload); ok {
			return see(w)
		}
		return nil
	}}
}

// start lists what there is and passes it to see; follow goes on from there.
func (w *objectWatch) start(ctx context.Context) error {
	if err := w.client.List(ctx, w.list, client.InNamespace(Namespace)); err != nil {
		return fmt.Errorf("list before the watch: %w", err)
	}
	w.version = w.list.GetResourceVersion()
	return meta.EachListItem(w.list, w.see)
}

// follow passes on what happens until ctx ends.
func (w *objectWatch) follow(ctx context.Context) error {
	events, err := watchtools.NewRetryWatcherWithContext(ctx, w.version, w)
	if err != nil {
		return fmt.Errorf("watch %T: %w", w.list, err)
	}
	defer events.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, open := <-events.ResultChan():
			if ctx.Err() != nil {
				return nil
			}
			if !open {
				return fmt.Errorf("watch %T: %w", w.list, errWatchEnded)
			}
			if event.Type == watch.Error {
				return fmt.Errorf("watch %T: %w", w.list, apierrors.FromObject(event.Object))
			}
			if err := w.see(event.Object); err != nil {
				return err
			}
		}
	}
}

var errWatchEnded = errors.New("the API server ended it for good")

// WatchWithContext implements cache.WatcherWithContext for the retry watcher.
func (w *objectWatch) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	return w.client.Watch(ctx, w.list, client.InNamespace(Namespace), &client.ListOptions{Raw: &options})
}

// jobComplete says whether a Job has succeeded; a failed one is an error, as
// no Job of the benchmark may fail.
func jobComplete(j *batchv1.Job) (bool, error) {
	for _, c := range j.Status.Conditions {
		if c.Status != "True" {
			continue
		}
		switch c.Type {
		case batchv1.JobComplete:
			return true, nil
		case batchv1.JobFailed:
			return false, fmt.Errorf("job %s failed: %s", j.Name, c.Message)
		}
	}
	return false, nil
}
