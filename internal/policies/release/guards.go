package release

import (
	"context"
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/internal/policies"
)

// API servers notice within a second or two that a policy is gone.
const (
	noticePolling = 200 * time.Millisecond
	noticeTimeout = 15 * time.Second
)

// pageSize is how many objects are read at once.
const pageSize = 500

// removePolicies deletes the policies of the plan: first those that refuse, and
// when the API server has noticed, those that suspend. The other way round it
// would for a moment refuse every queued Job that is not created suspended.
func (r *releaser) removePolicies(ctx context.Context, plan *Plan) error {
	refuse, suspend := policies.Split(plan.Policies)
	for _, step := range []struct {
		objects []*unstructured.Unstructured
		noticed func(context.Context) bool
	}{
		{refuse, r.takesBadLabel},
		{suspend, r.suspendsNothing},
	} {
		for _, object := range step.objects {
			if err := r.client.Delete(ctx, object); client.IgnoreNotFound(err) != nil {
				return fmt.Errorf("delete %s %s: %w: releasing needs the rights of a cluster administrator; no Job was changed",
					object.GetKind(), object.GetName(), err)
			}
			r.summary.Policies++
		}
		if len(step.objects) == 0 {
			continue
		}
		if err := r.await(ctx, step.noticed); err != nil {
			return err
		}
	}
	if r.summary.Policies > 0 {
		r.say("Policies: %d policies and bindings are removed.", r.summary.Policies)
	}
	return nil
}

// await waits until the API server has noticed. A cluster whose other policies
// refuse the probe cannot be asked: there the time that servers take is waited
// out.
func (r *releaser) await(ctx context.Context, noticed func(context.Context) bool) error {
	for end := time.Now().Add(noticeTimeout); time.Now().Before(end); {
		if noticed(ctx) {
			return nil
		}
		if err := pause(ctx, noticePolling); err != nil {
			return err
		}
	}
	r.say("Policies: the API server does not say whether it has noticed; going on.")
	return nil
}

// takesBadLabel says whether a Job is taken that fairlead-queued-jobs refuses.
func (r *releaser) takesBadLabel(ctx context.Context) bool {
	probe := probeJob("Not_A_Queue")
	probe.Spec.Suspend = new(true)
	return r.client.Create(ctx, probe, client.DryRunAll) == nil
}

// suspendsNothing says whether a queued Job is not suspended.
func (r *releaser) suspendsNothing(ctx context.Context) bool {
	probe := probeJob("fairlead-release")
	return r.client.Create(ctx, probe, client.DryRunAll) == nil && !isSuspended(probe)
}

// probeJob is a Job that is only ever created as a dry run.
func probeJob(queue string) *batchv1.Job {
	return &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: "fairlead-release-", Namespace: metav1.NamespaceDefault,
			Labels: map[string]string{fairleadv1beta1.QueueLabel: queue},
		},
		Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Containers:    []corev1.Container{{Name: "probe", Image: "probe"}},
		}}},
	}
}

// withFinalizers lists the objects of Fairlead's kinds that carry a finalizer
// of ours, without their contents. A kind that is not installed has none.
func (r *releaser) withFinalizers(ctx context.Context) ([]*metav1.PartialObjectMetadata, error) {
	var found []*metav1.PartialObjectMetadata
	for _, kind := range []string{"ClusterQueue", "Cohort", "ResourceFlavor", "WorkloadPriorityClass", "LocalQueue", "Workload"} {
		gvk := fairleadv1beta1.GroupVersion.WithKind(kind)
		more, err := r.finalizersOf(ctx, gvk)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

func (r *releaser) finalizersOf(ctx context.Context, gvk schema.GroupVersionKind) ([]*metav1.PartialObjectMetadata, error) {
	var found []*metav1.PartialObjectMetadata
	for token := ""; ; {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		err := r.client.List(ctx, list, client.Limit(pageSize), client.Continue(token))
		if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list objects of kind %s: %w", gvk.Kind, err)
		}
		for i := range list.Items {
			object := &list.Items[i]
			object.SetGroupVersionKind(gvk)
			if len(ownFinalizers(object)) > 0 {
				found = append(found, object)
			}
		}
		if token = list.Continue; token == "" {
			return found, nil
		}
	}
}

// ownFinalizers are those of an object's finalizers that are Fairlead's.
func ownFinalizers(object client.Object) []string {
	var own []string
	for _, finalizer := range object.GetFinalizers() {
		if strings.HasPrefix(finalizer, fairleadv1beta1.GroupName+"/") {
			own = append(own, finalizer)
		}
	}
	return own
}

// clearFinalizers takes our finalizers off, and no others.
func (r *releaser) clearFinalizers(ctx context.Context) error {
	end := time.Now().Add(r.options.Timeout)
	for {
		objects, err := r.withFinalizers(ctx)
		if err != nil {
			return err
		}
		var failed error
		for _, object := range objects {
			if err := r.clear(ctx, object); err != nil {
				failed = fmt.Errorf("take the finalizer off %s %s: %w", object.Kind, object.Name, err)
				continue
			}
			r.summary.Finalizers++
		}
		switch {
		case failed == nil:
			if r.summary.Finalizers > 0 {
				r.say("Finalizers: %d objects can be deleted now.", r.summary.Finalizers)
			}
			return nil
		case !apierrors.IsConflict(failed) || time.Now().After(end):
			return fmt.Errorf("%w: run this again", failed)
		}
		if err := pause(ctx, noticePolling); err != nil {
			return err
		}
	}
}

func (r *releaser) clear(ctx context.Context, object *metav1.PartialObjectMetadata) error {
	before := object.DeepCopy()
	var kept []string
	for _, finalizer := range object.Finalizers {
		if !strings.HasPrefix(finalizer, fairleadv1beta1.GroupName+"/") {
			kept = append(kept, finalizer)
		}
	}
	object.Finalizers = kept
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	return client.IgnoreNotFound(r.client.Patch(ctx, object, patch, client.FieldOwner(fieldManager)))
}
