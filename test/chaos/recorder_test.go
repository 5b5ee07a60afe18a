package chaos

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/internal/oracle"
)

// event is one change of one object. All objects live in one etcd, whose
// revisions put the changes of all kinds into one order.
type event struct {
	revision int64
	at       time.Time
	config   oracle.Event // of a queue, Cohort, flavor or namespace
	workload *seenWorkload
	job      *seenJob
	gone     bool // workload or job
}

// seenWorkload is what the judge needs of a Workload.
type seenWorkload struct {
	name     string
	owner    types.UID // of its job
	oracle   oracle.Workload
	admitted bool
	finished bool
	adopted  bool
}

// seenJob is what the judge needs of a Job.
type seenJob struct {
	uid       types.UID
	name      string
	queue     string
	suspended bool
	active    int32
	finished  bool
	deleting  bool
}

// recorder notes every change that the API server tells of.
type recorder struct {
	mu     sync.Mutex
	events []event
	shapes map[types.UID]shapeOf
	faults []string
}

// record starts watching; it returns when everything that is there has been
// seen.
func record(ctx context.Context, config *rest.Config, admin client.Client) (*recorder, error) {
	r := &recorder{shapes: map[types.UID]shapeOf{}}
	sights, err := cache.New(config, cache.Options{Scheme: admin.Scheme(), Mapper: admin.RESTMapper(), DefaultTransform: cache.TransformStripManagedFields()})
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	var synced []toolscache.InformerSynced
	for _, example := range []client.Object{
		&v1beta1.ClusterQueue{}, &v1beta1.Cohort{}, &v1beta1.ResourceFlavor{}, &v1beta1.LocalQueue{}, &corev1.Namespace{},
		&v1beta1.Workload{}, &batchv1.Job{},
	} {
		informer, err := sights.GetInformer(ctx, example, cache.BlockUntilSynced(false))
		if err != nil {
			return nil, fmt.Errorf("watch %T: %w", example, err)
		}
		registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc: func(obj any) { r.see(nil, obj, false) },
			UpdateFunc: func(before, after any) {
				if before.(client.Object).GetResourceVersion() != after.(client.Object).GetResourceVersion() {
					r.see(before, after, false)
				}
			},
			DeleteFunc: func(obj any) {
				if tombstone, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
					obj = tombstone.Obj
				}
				r.see(nil, obj, true)
			},
		})
		if err != nil {
			return nil, fmt.Errorf("watch %T: %w", example, err)
		}
		synced = append(synced, registration.HasSynced)
	}
	go func() { _ = sights.Start(ctx) }()
	if !toolscache.WaitForCacheSync(ctx.Done(), synced...) {
		return nil, fmt.Errorf("watch: %w", ctx.Err())
	}
	return r, nil
}

func (r *recorder) see(before, obj any, gone bool) {
	object := obj.(client.Object)
	revision, err := strconv.ParseInt(object.GetResourceVersion(), 10, 64)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.faults = append(r.faults, fmt.Sprintf("%T %s has resourceVersion %q, which is no number", obj, object.GetName(), object.GetResourceVersion()))
	}
	e := event{revision: revision, at: time.Now(), gone: gone}
	switch object := obj.(type) {
	case *v1beta1.Workload:
		e.workload, err = r.workload(object)
		if err != nil {
			r.faults = append(r.faults, err.Error())
			return
		}
		if gone {
			delete(r.shapes, object.UID)
		}
	case *batchv1.Job:
		e.job = seeJob(object)
	default:
		if was, ok := before.(client.Object); ok && sameForOracle(was, obj.(client.Object)) {
			return
		}
		e.config = configEvent(obj.(client.Object), gone)
	}
	r.events = append(r.events, e)
}

// sameForOracle says whether nothing but the status of an object has changed.
func sameForOracle(a, b client.Object) bool {
	if _, ok := a.(*corev1.Namespace); ok {
		return false // labels have no generation; setting them again is no edit
	}
	return a.GetGeneration() == b.GetGeneration() && (a.GetDeletionTimestamp() == nil) == (b.GetDeletionTimestamp() == nil)
}

func (r *recorder) workload(wl *v1beta1.Workload) (*seenWorkload, error) {
	known, ok := r.shapes[wl.UID]
	if !ok || known.generation != wl.Generation {
		podSets, err := podSetsOf(wl)
		if err != nil {
			return nil, err
		}
		known = shapeOf{generation: wl.Generation, podSets: podSets}
		r.shapes[wl.UID] = known
	}
	seen := &seenWorkload{name: wl.Namespace + "/" + wl.Name, oracle: workload(wl, known.podSets),
		admitted: isTrue(wl, v1beta1.WorkloadAdmitted), finished: isTrue(wl, v1beta1.WorkloadFinished),
		adopted: wl.Annotations["fairlead.dev/adopted"] != ""}
	if owner := metav1.GetControllerOf(wl); owner != nil {
		seen.owner = owner.UID
	}
	return seen, nil
}

func seeJob(j *batchv1.Job) *seenJob {
	return &seenJob{uid: j.UID, name: j.Namespace + "/" + j.Name, queue: j.Labels[v1beta1.QueueLabel],
		suspended: j.Spec.Suspend != nil && *j.Spec.Suspend, active: j.Status.Active, finished: jobEnded(j), deleting: j.DeletionTimestamp != nil}
}

func jobEnded(j *batchv1.Job) bool {
	for i := range j.Status.Conditions {
		c := &j.Status.Conditions[i]
		if (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

// history returns everything so far, in the order in which it happened.
func (r *recorder) history() []event {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Clone(r.events)
	slices.SortStableFunc(all, func(a, b event) int {
		switch {
		case a.revision < b.revision:
			return -1
		case a.revision > b.revision:
			return 1
		}
		return 0
	})
	return all
}
