package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"fairlead.dev/fairlead/internal/demo/observer"
)

// The labels and annotations of the demo's Jobs.
const (
	QueueLabel         = "fairlead.dev/queue-name"
	ActLabel           = "demo.fairlead.dev/act"
	DurationAnnotation = "sandbox.fairlead.dev/duration"
)

// Submitter submits acts as the tenants and keeps the manifest.
type Submitter struct {
	Site     Site
	Clients  map[string]kubernetes.Interface // by group, each as its tenant
	Manifest *observer.ManifestWriter
	// Workers is how many Jobs are submitted at a time.
	Workers int

	mu        sync.Mutex
	submitted int
}

// Submitted is the number of Jobs that the server has accepted so far.
func (s *Submitter) Submitted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.submitted
}

// Submit notes that an act begins and submits its batches side by side. It
// returns when every Job is accepted, or with the first error.
func (s *Submitter) Submit(ctx context.Context, act Act) error {
	if err := act.Validate(); err != nil {
		return err
	}
	begun := observer.ActBegun{Name: act.Name, Title: act.Title, Look: act.Look, Wall: time.Now()}
	if act.Edit != nil {
		begun.Edit = act.Edit.Command(s.Site)
	}
	if err := s.Manifest.Act(begun); err != nil {
		return err
	}
	type order struct {
		batch Batch
		i     int
	}
	orders := make(chan order)
	failures := make(chan error, max(1, s.Workers))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var workers sync.WaitGroup
	for range max(1, s.Workers) {
		workers.Go(func() {
			for o := range orders {
				if err := s.one(ctx, act.Name, o.batch, o.i); err != nil {
					failures <- err
					cancel()
					return
				}
			}
		})
	}
	for _, batch := range act.Batches {
		for i := range batch.Count {
			select {
			case orders <- order{batch, i}:
			case <-ctx.Done():
			}
		}
	}
	close(orders)
	workers.Wait()
	select {
	case err := <-failures:
		return err
	default:
		return ctx.Err()
	}
}

// one submits Job i of a batch. If the answer is lost, asking again finds the
// Job there: names are never used twice.
func (s *Submitter) one(ctx context.Context, act string, batch Batch, i int) error {
	client, namespace := s.Clients[batch.Group], s.Site.Namespace(batch.Group)
	if client == nil || namespace == "" {
		return fmt.Errorf("act %s: group %q is not of this site", act, batch.Group)
	}
	job := NewJob(namespace, fmt.Sprintf("%s-act%s-%03d", batch.Group, act, i), batch.CPU, batch.RunFor(i))
	if pods := batch.Pods; pods > 1 {
		job.Spec.Parallelism, job.Spec.Completions = &pods, &pods
		job.Labels[QueueLabel] = GangQueueName
	}
	job.Labels[ActLabel] = act
	asked := time.Now()
	made, err := client.BatchV1().Jobs(namespace).Create(ctx, job, metav1.CreateOptions{})
	if unsure(err) {
		made, err = client.BatchV1().Jobs(namespace).Create(ctx, job, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			made, err = client.BatchV1().Jobs(namespace).Get(ctx, job.Name, metav1.GetOptions{})
		}
	}
	if err != nil {
		return fmt.Errorf("submitting Job %s/%s: %w", namespace, job.Name, err)
	}
	s.mu.Lock()
	s.submitted++
	s.mu.Unlock()
	return s.Manifest.Job(observer.Submitted{
		UID: string(made.UID), Namespace: namespace, Name: job.Name, Act: act, Wall: asked, RunFor: batch.RunFor(i),
	})
}

// unsure says whether a request may have been carried out although it failed.
func unsure(err error) bool {
	return apierrors.IsTimeout(err) || apierrors.IsServerTimeout(err) || apierrors.IsInternalError(err)
}

// NewJob is a one-pod Job for the site's queue whose pod runs for a time. It
// does not ask to be suspended: that is the policy's work.
func NewJob(namespace, name string, cpu observer.Milli, runFor time.Duration) *batchv1.Job {
	noRetries := int32(0)
	return &batchv1.Job{
		TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name,
			Labels: map[string]string{QueueLabel: QueueName},
		},
		Spec: batchv1.JobSpec{
			BackoffLimit: &noRetries,
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{DurationAnnotation: runFor.String()}},
				Spec: corev1.PodSpec{
					RestartPolicy: corev1.RestartPolicyNever,
					Containers: []corev1.Container{{
						Name: "sleep", Image: "busybox", Command: []string{"sleep", fmt.Sprint(runFor.Seconds())},
						Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
							corev1.ResourceCPU: *resource.NewMilliQuantity(int64(cpu), resource.DecimalSI),
						}},
					}},
				},
			},
		},
	}
}
