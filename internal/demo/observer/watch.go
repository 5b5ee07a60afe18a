package observer

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

// Recorder watches Jobs and Pods and writes down every change to those in the
// groups' namespaces.
type Recorder struct {
	Client kubernetes.Interface
	Rules  *Rules
	Writer *Writer
}

// stream is one resource: how to list and watch it and how to write it down.
type stream struct {
	name  string
	list  func(context.Context, metav1.ListOptions) (items []runtime.Object, version string, err error)
	watch func(context.Context, metav1.ListOptions) (watch.Interface, error)
}

// retryAfter is how long to wait before a broken watch is taken up again.
const retryAfter = 200 * time.Millisecond

// Run lists and watches until ctx ends, calls ready once nothing that happens
// from then on can be missed, and at the end closes the recording. A watch
// that breaks is resumed at the version it had reached, without loss; if the
// server no longer has that version, a gap is recorded.
func (r *Recorder) Run(ctx context.Context, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	streams := []stream{r.jobs(), r.pods()}
	from := make([]string, len(streams))
	for i, s := range streams {
		var err error
		if from[i], err = r.listed(ctx, s); err != nil {
			return err
		}
	}
	ready()
	failures := make(chan error, len(streams))
	var running sync.WaitGroup
	for i, s := range streams {
		running.Go(func() {
			if err := r.follow(ctx, s, from[i]); err != nil {
				failures <- err
				cancel()
			}
		})
	}
	running.Wait()
	close(failures)
	if err := <-failures; err != nil {
		return err
	}
	return r.Writer.Close()
}

// listed writes down what is there and returns the version to watch from.
func (r *Recorder) listed(ctx context.Context, s stream) (string, error) {
	items, version, err := s.list(ctx, metav1.ListOptions{})
	if err != nil {
		return "", fmt.Errorf("listing %s: %w; the observer needs list and watch on jobs and pods", s.name, err)
	}
	for _, item := range items {
		if err := r.write(Listed, item); err != nil {
			return "", err
		}
	}
	return version, nil
}

// follow watches one resource until ctx ends.
func (r *Recorder) follow(ctx context.Context, s stream, version string) error {
	for ctx.Err() == nil {
		w, err := s.watch(ctx, metav1.ListOptions{ResourceVersion: version, AllowWatchBookmarks: true})
		if err == nil {
			version, err = r.drain(ctx, w, version)
			w.Stop()
		}
		switch {
		case ctx.Err() != nil:
		case apierrors.IsResourceExpired(err) || apierrors.IsGone(err):
			if err := r.Writer.Gap(fmt.Sprintf("the server no longer had %s at version %s", s.name, version)); err != nil {
				return err
			}
			if version, err = r.listed(ctx, s); err != nil {
				return err
			}
		case apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err):
			return fmt.Errorf("watching %s: %w", s.name, err)
		case err != nil:
			select {
			case <-ctx.Done():
			case <-time.After(retryAfter):
			}
		}
	}
	return nil
}

// drain writes down events until the watch or ctx ends and returns the version
// it has reached.
func (r *Recorder) drain(ctx context.Context, w watch.Interface, version string) (string, error) {
	for {
		var event watch.Event
		var open bool
		select {
		case event, open = <-w.ResultChan():
		case <-ctx.Done():
		}
		if !open {
			return version, nil
		}
		if event.Type == watch.Error {
			return version, apierrors.FromObject(event.Object)
		}
		meta, ok := event.Object.(metav1.Object)
		if !ok {
			return version, fmt.Errorf("the server sent a %T in a watch", event.Object)
		}
		if event.Type != watch.Bookmark {
			if err := r.write(Change(event.Type), event.Object); err != nil {
				return version, err
			}
		}
		version = meta.GetResourceVersion()
	}
}

// write appends one object if a group owns its namespace.
func (r *Recorder) write(change Change, object runtime.Object) error {
	switch o := object.(type) {
	case *batchv1.Job:
		if r.Rules.GroupOf(o.Namespace) < 0 {
			return nil
		}
		seen, err := seeJob(o)
		if err != nil {
			return err
		}
		seen.Change = change
		return r.Writer.Job(seen)
	case *corev1.Pod:
		if r.Rules.GroupOf(o.Namespace) < 0 {
			return nil
		}
		seen, err := seePod(o)
		if err != nil {
			return err
		}
		seen.Change = change
		return r.Writer.Pod(seen)
	}
	return fmt.Errorf("the observer was given a %T", object)
}

func (r *Recorder) jobs() stream {
	return stream{
		name: "jobs",
		list: func(ctx context.Context, o metav1.ListOptions) ([]runtime.Object, string, error) {
			list, err := r.Client.BatchV1().Jobs("").List(ctx, o)
			if err != nil {
				return nil, "", err
			}
			var items []runtime.Object
			for i := range list.Items {
				items = append(items, &list.Items[i])
			}
			return items, list.ResourceVersion, nil
		},
		watch: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return r.Client.BatchV1().Jobs("").Watch(ctx, o)
		},
	}
}

func (r *Recorder) pods() stream {
	return stream{
		name: "pods",
		list: func(ctx context.Context, o metav1.ListOptions) ([]runtime.Object, string, error) {
			list, err := r.Client.CoreV1().Pods("").List(ctx, o)
			if err != nil {
				return nil, "", err
			}
			var items []runtime.Object
			for i := range list.Items {
				items = append(items, &list.Items[i])
			}
			return items, list.ResourceVersion, nil
		},
		watch: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return r.Client.CoreV1().Pods("").Watch(ctx, o)
		},
	}
}

func seeJob(job *batchv1.Job) (*JobSeen, error) {
	version, err := parseVersion(job)
	if err != nil {
		return nil, err
	}
	seen := &JobSeen{
		UID: string(job.UID), Namespace: job.Namespace, Name: job.Name, ResourceVersion: version,
		Created: job.CreationTimestamp.Time, CPU: requested(&job.Spec.Template.Spec),
		Suspend: job.Spec.Suspend != nil && *job.Spec.Suspend, Parallelism: 1, Completions: 1,
		Active: job.Status.Active, Succeeded: job.Status.Succeeded, Failed: job.Status.Failed,
	}
	if job.Spec.Parallelism != nil {
		seen.Parallelism, seen.Completions = *job.Spec.Parallelism, *job.Spec.Parallelism
	}
	if job.Spec.Completions != nil {
		seen.Completions = *job.Spec.Completions
	}
	if job.Status.StartTime != nil {
		seen.Started = &job.Status.StartTime.Time
	}
	for _, c := range job.Status.Conditions {
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			at := c.LastTransitionTime.Time
			seen.Finished, seen.FinishedAt = string(c.Type), &at
		}
	}
	return seen, nil
}

func seePod(pod *corev1.Pod) (*PodSeen, error) {
	version, err := parseVersion(pod)
	if err != nil {
		return nil, err
	}
	seen := &PodSeen{
		UID: string(pod.UID), Namespace: pod.Namespace, Name: pod.Name, ResourceVersion: version,
		Created: pod.CreationTimestamp.Time, CPU: requested(&pod.Spec), Node: pod.Spec.NodeName, Phase: string(pod.Status.Phase),
	}
	if owner := metav1.GetControllerOf(pod); owner != nil && owner.Kind == "Job" {
		seen.Job = string(owner.UID)
	}
	if pod.Status.StartTime != nil {
		seen.Started = &pod.Status.StartTime.Time
	}
	return seen, nil
}

// requested is the CPU that a pod's containers request; limits stand in for
// missing requests, as on the server.
func requested(spec *corev1.PodSpec) Milli {
	var sum Milli
	for _, container := range spec.Containers {
		cpu, ok := container.Resources.Requests[corev1.ResourceCPU]
		if !ok {
			cpu = container.Resources.Limits[corev1.ResourceCPU]
		}
		sum += Milli(cpu.MilliValue())
	}
	return sum
}

// parseVersion reads a resource version as the number that it is where etcd
// is underneath.
func parseVersion(object metav1.Object) (int64, error) {
	version, err := strconv.ParseInt(object.GetResourceVersion(), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("resource version of %s/%s: %w; the observer orders events by number",
			object.GetNamespace(), object.GetName(), err)
	}
	return version, nil
}
