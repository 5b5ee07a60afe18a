package drive

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairlead "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller"
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
	return &objectWatch{client: r.clients.watcher, list: &batchv1.JobList{}, see: func(object runtime.Object) error {
		if j, ok := object.(*batchv1.Job); ok {
			return see(j)
		}
		return nil
	}}
}

func (r *run) watchWorkloads(see func(*fairlead.Workload) error) *objectWatch {
	return &objectWatch{client: workloadWatcher{r.clients.watcher, r.clients.config}, list: &fairlead.WorkloadList{}, see: func(object runtime.Object) error {
		if w, ok := object.(*fairlead.Workload); ok {
			return see(w)
		}
		return nil
	}}
}

// workloadWatcher watches Workloads as the manager does, which is cheaper than
// client-go's way: what the driver spends the servers lack.
type workloadWatcher struct {
	client.WithWatch
	config *rest.Config
}

// Watch implements client.WithWatch.
func (w workloadWatcher) Watch(ctx context.Context, _ client.ObjectList, options ...client.ListOption) (watch.Interface, error) {
	var o client.ListOptions
	o.ApplyOptions(options)
	return controller.WatchWorkloads(ctx, w.config, w.Scheme(), *o.AsListOptions())
}

// start lists what there is and passes it to see; follow goes on from there.
func (w *objectWatch) start(ctx context.Context) error {
	if err := w.client.List(ctx, w.list, client.InNamespace(Namespace)); err != nil {
		return fmt.Errorf("list before the watch: %w", err)
	}
	w.version = w.list.GetResourceVersion()
	return meta.EachListItem(w.list, w.see)
}

// follow passes on what happens until ctx ends. A watch that the server closes,
// as it does with slow readers, is taken up at once where it stopped; one that
// it cannot go on with is an error.
func (w *objectWatch) follow(ctx context.Context) error {
	for ctx.Err() == nil {
		stream, err := w.client.Watch(ctx, w.list, client.InNamespace(Namespace), &client.ListOptions{
			Raw: &metav1.ListOptions{ResourceVersion: w.version, AllowWatchBookmarks: true},
		})
		if err == nil {
			err = w.drain(ctx, stream)
			stream.Stop()
		} else if passing(err) {
			err = nil
			pause(ctx, watchRetry)
		}
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("watch %T: %w", w.list, err)
		}
	}
	return nil
}

// drain reads one stream to its end.
func (w *objectWatch) drain(ctx context.Context, stream watch.Interface) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, open := <-stream.ResultChan():
			if !open {
				return nil
			}
			if event.Type == watch.Error {
				return apierrors.FromObject(event.Object)
			}
			object, err := meta.Accessor(event.Object)
			if err != nil {
				return err
			}
			w.version = object.GetResourceVersion()
			if event.Type == watch.Bookmark || ctx.Err() != nil {
				continue
			}
			if err := w.see(event.Object); err != nil {
				return err
			}
		}
	}
}

// watchRetry is the pause after a server that is busy or starting.
const watchRetry = 100 * time.Millisecond

// passing says that an error may be gone the next time.
func passing(err error) bool {
	return apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) ||
		apierrors.IsServiceUnavailable(err) || utilnet.IsConnectionReset(err) || utilnet.IsProbableEOF(err)
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
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
