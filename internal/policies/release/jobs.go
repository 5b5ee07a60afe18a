package release

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/job"
	"fairlead.dev/fairlead/pkg/job/batchjob"
)

const (
	// writers is how many Jobs are written at once.
	writers = 8
	// settle is how long after the policies are gone new Jobs may still have
	// been suspended by another API server.
	settle = 2 * time.Second
	// passPause lies between two lists of what waits.
	passPause = 500 * time.Millisecond
	// reportEvery is the time between two lines of progress.
	reportEvery = 2 * time.Second
)

// errPodsLeft says that a stopped Job still has pods, so that its template
// cannot be restored yet.
var errPodsLeft = errors.New("its pods are not gone yet")

// keys are the labels by which Jobs name a queue, or are held without one.
func (r *releaser) keys() []string {
	keys := []string{fairleadv1beta1.QueueLabel, fairleadv1beta1.HeldLabel}
	for _, alias := range r.aliases {
		keys = append(keys, alias+strings.TrimPrefix(fairleadv1beta1.QueueLabel, fairleadv1beta1.GroupName))
	}
	return keys
}

// eachQueued calls visit once for each queued Job that is neither finished nor
// about to go.
func (r *releaser) eachQueued(ctx context.Context, visit func(*batchv1.Job)) error {
	seen := map[types.UID]bool{} // Jobs with more than one queue label
	for i, key := range r.keys() {
		requirement, err := labels.NewRequirement(key, selection.Exists, nil)
		if err != nil {
			return fmt.Errorf("label alias %q: %w: name a label prefix such as kueue.x-k8s.io", key, err)
		}
		for token := ""; ; {
			list := &batchv1.JobList{}
			err := r.client.List(ctx, list, client.InNamespace(r.options.Namespace), client.Limit(pageSize), client.Continue(token),
				client.MatchingLabelsSelector{Selector: labels.NewSelector().Add(*requirement)})
			if err != nil {
				return fmt.Errorf("list Jobs with label %s: %w", key, err)
			}
			for j := range list.Items {
				one := &list.Items[j]
				if (i > 0 && seen[one.UID]) || one.DeletionTimestamp != nil || finished(one) {
					continue
				}
				seen[one.UID] = true
				visit(one)
			}
			if token = list.Continue; token == "" {
				break
			}
		}
	}
	return nil
}

// heldJobs returns the UIDs of Jobs whose Workload somebody holds; none if
// those are to be started too, or if there are no Workloads on this cluster.
func (r *releaser) heldJobs(ctx context.Context) (map[types.UID]bool, error) {
	held := map[types.UID]bool{}
	if r.options.Held {
		return held, nil
	}
	for token := ""; ; {
		list := &fairleadv1beta1.WorkloadList{}
		err := r.client.List(ctx, list, client.InNamespace(r.options.Namespace), client.Limit(pageSize), client.Continue(token))
		if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
			return held, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list Workloads, to see which are held: %w", err)
		}
		for i := range list.Items {
			if w := &list.Items[i]; !w.IsActive() {
				held[types.UID(w.Labels[fairleadv1beta1.JobUIDLabel])] = true
			}
		}
		if token = list.Continue; token == "" {
			return held, nil
		}
	}
}

// freeJobs frees what waits, list after list, until a list finds nothing and
// no API server can suspend new Jobs any more.
func (r *releaser) freeJobs(ctx context.Context) error {
	began, progress := time.Now(), time.Now()
	held, err := r.heldJobs(ctx)
	if err != nil {
		return err
	}
	for {
		patient := time.Since(began) < r.options.Timeout/2
		before := r.summary.Started
		failed, first, err := r.pass(ctx, held, patient)
		if err != nil {
			return err
		}
		if r.summary.Started > before {
			progress = time.Now()
		}
		settled := r.summary.Policies == 0 || time.Since(began) >= settle
		switch {
		case failed == 0 && settled:
			return nil
		case failed > 0 && r.options.Namespace != "" && apierrors.IsForbidden(first):
			return fmt.Errorf("%d Jobs could not be started, among them %w", failed, first) // policies stay: no use in waiting
		case failed > 0 && time.Since(progress) > r.options.Timeout:
			return fmt.Errorf("%d Jobs could not be started, among them %w; run this again", failed, first)
		}
		if err := pause(ctx, passPause); err != nil {
			return err
		}
	}
}

// pass frees every Job of one list. It returns how many could not be freed, and
// why the first of them.
func (r *releaser) pass(ctx context.Context, held map[types.UID]bool, patient bool) (failed int, first error, err error) {
	var mutex sync.Mutex
	var group errgroup.Group
	group.SetLimit(writers)
	running, kept := 0, []types.NamespacedName{}
	reported := time.Now()
	err = r.eachQueued(ctx, func(j *batchv1.Job) {
		if !isSuspended(j) {
			running++
			return
		}
		if held[j.UID] {
			kept = append(kept, client.ObjectKeyFromObject(j))
			return
		}
		group.Go(func() error {
			placed, err := r.free(ctx, j, patient)
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				if failed++; first == nil {
					first = fmt.Errorf("job %s/%s: %w", j.Namespace, j.Name, err)
				}
				return nil
			}
			r.summary.Started++
			if placed {
				r.summary.Placed++
			}
			if time.Since(reported) >= reportEvery {
				reported = time.Now()
				r.say("Jobs: %d started.", r.summary.Started)
			}
			return nil
		})
	})
	_ = group.Wait() // its functions count their errors
	slices.SortFunc(kept, func(a, b types.NamespacedName) int { return strings.Compare(a.String(), b.String()) })
	r.summary.Running, r.summary.Held = running, kept
	if apierrors.IsResourceExpired(err) { // a long list: what is left is in the next
		return failed + 1, err, nil
	}
	return failed, first, err
}

// free takes back what an earlier admission added to the Job, then takes it out
// of its queue and starts it, in one write. The server lets go of a template
// only when the pods are gone; who is not patient starts the Job with what was
// added, and is told so.
func (r *releaser) free(ctx context.Context, j *batchv1.Job, patient bool) (placed bool, err error) {
	kind := batchjob.Kind{}
	if state := kind.State(j); state.Injected != nil {
		err := errPodsLeft
		if state.Idle {
			err = r.patch(ctx, j, kind.Restore(j))
		}
		if err != nil && patient {
			return false, explain(err)
		}
	}
	patch := job.NewPatch(j)
	if injected := kind.State(j).Injected; injected != nil {
		placed = true
		added := injected.Of(string(fairleadv1beta1.DefaultPodSetName))
		if now := j.Spec.Parallelism; now != nil && added.Own(*now) != *now {
			patch.Set("/spec/parallelism", added.Own(*now))
		}
		patch.Unannotate(j, fairleadv1beta1.InjectedAnnotation)
	}
	for _, key := range r.keys() {
		if _, ok := j.Labels[key]; ok {
			patch.Remove("/metadata/labels/" + strings.ReplaceAll(key, "/", "~1"))
		}
	}
	patch.Set("/spec/suspend", false)
	return placed, explain(r.patch(ctx, j, patch.Bytes()))
}

// patch sends a patch. A Job that is gone needs none.
func (r *releaser) patch(ctx context.Context, j *batchv1.Job, patch []byte) error {
	return client.IgnoreNotFound(r.client.Patch(ctx, j, client.RawPatch(types.JSONPatchType, patch), client.FieldOwner(fieldManager)))
}

// explain adds what to do to a refusal.
func explain(err error) error {
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("%w (releasing needs the verbs patch and unsuspend on jobs)", err)
	}
	return err
}

func isSuspended(j *batchv1.Job) bool { return j.Spec.Suspend != nil && *j.Spec.Suspend }

func finished(j *batchv1.Job) bool {
	return slices.ContainsFunc(j.Status.Conditions, func(c batchv1.JobCondition) bool {
		return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
	})
}
