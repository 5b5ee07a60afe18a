package controller

import (
	"context"
	"errors"
	"maps"
	"reflect"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/controller/loop"
	"fairlead.dev/fairlead/pkg/controller/reservations"
	"fairlead.dev/fairlead/pkg/controller/translate"
	"fairlead.dev/fairlead/pkg/job"
)

// openBooks makes the ledgers and says who is told of their changes.
func (c *Controller) openBooks() {
	c.workloads = ledger.NewBook(c.workloadChanged)
	c.jobs = ledger.NewBook(c.jobChanged)
	c.namespaces = ledger.NewBook(c.namespaceChanged)
	c.flavors = queueBook(c.inbox, "ResourceFlavor",
		func(f *v1beta1.ResourceFlavor) admission.Event { return translate.Flavor(f) },
		func(key ledger.Key) admission.Event { return admission.DeleteFlavor{Name: key.Name} }, nil)
	c.queues.ClusterQueues = queueBook(c.inbox, "ClusterQueue",
		func(cq *v1beta1.ClusterQueue) admission.Event { return translate.ClusterQueue(cq) },
		func(key ledger.Key) admission.Event { return admission.DeleteClusterQueue{Name: key.Name} }, c.clusterQueueChanged)
	c.queues.Cohorts = queueBook(c.inbox, "Cohort",
		func(cohort *v1beta1.Cohort) admission.Event { return translate.Cohort(cohort) },
		func(key ledger.Key) admission.Event { return admission.DeleteCohort{Name: key.Name} }, nil)
	c.queues.LocalQueues = queueBook(c.inbox, "LocalQueue",
		func(lq *v1beta1.LocalQueue) admission.Event {
			c.defaultQueueChanged(lq.Namespace, lq.Name)
			return localQueueEvent(lq)
		},
		func(key ledger.Key) admission.Event {
			c.defaultQueueChanged(key.Namespace, key.Name)
			return admission.DeleteLocalQueue{Namespace: key.Namespace, Name: key.Name}
		}, c.localQueueChanged)
	c.booked = ledger.NewBook(c.reservations.Changed)
	c.reservations.Keep(reservations.Books{Reservations: c.booked, ClusterQueues: c.queues.ClusterQueues, LocalQueues: c.queues.LocalQueues})
}

func (c *Controller) defaultQueueChanged(namespace, name string) {
	if name == string(v1beta1.DefaultLocalQueueName) {
		c.labels.Enqueue(namespace)
	}
}

func (c *Controller) namespaceChanged(key ledger.Key, was, is *corev1.Namespace) {
	switch name := "Namespace/" + key.Name; {
	case is == nil:
		c.inbox.Object(name, admission.DeleteNamespace{Name: key.Name})
	case was == nil || !maps.Equal(was.Labels, is.Labels):
		c.inbox.Object(name, translate.Namespace(is.Name, is.Labels))
		c.labels.Enqueue(key.Name)
		if c.selection.Selects(was) != c.selection.Selects(is) {
			c.enqueueJobs(key.Name)
		}
	}
}

// queueBook is a ledger of objects that the engine is told of when their
// specification changes. A change of status alone, most often written by
// ourselves, must not wake a whole tree. After it, also is told of each change.
func queueBook[T client.Object](inbox *loop.Inbox, kind string, set func(T) admission.Event,
	del func(ledger.Key) admission.Event, also ledger.Change[T],
) *ledger.Book[T] {
	return ledger.NewBook(func(key ledger.Key, was, is T) {
		if also != nil {
			defer also(key, was, is)
		}
		name := kind + "/" + key.String()
		switch {
		case !there(is):
			inbox.Object(name, del(key))
		case !there(was), was.GetUID() != is.GetUID(), was.GetGeneration() != is.GetGeneration(),
			(was.GetDeletionTimestamp() == nil) != (is.GetDeletionTimestamp() == nil):
			inbox.Object(name, set(is))
		default:
			inbox.Ring()
		}
	})
}

// there says whether an object is not nil.
func there[T client.Object](obj T) bool { return !reflect.ValueOf(obj).IsNil() }

func (c *Controller) workloadChanged(key ledger.Key, was, is *v1beta1.Workload) {
	if was != nil && (is == nil || was.UID != is.UID) {
		c.inbox.WorkloadGone(was.UID)
	}
	if is != nil {
		c.inbox.Workload(is)
	}
	c.executor.Enqueue(key)
}

func (c *Controller) jobChanged(key ledger.Key, _, is client.Object) {
	if is == nil || c.options.Kind.State(is).Finished != nil {
		// Free its quota at once; the Workload is told in its own time.
		if wl, known := c.workloads.Get(key); known {
			c.inbox.Finished(wl.UID)
		}
	}
	c.executor.Enqueue(key)
}

// watchAll registers all handlers.
func (c *Controller) watchAll(ctx context.Context) error {
	for _, register := range []func(context.Context) error{
		c.watchQueues, c.watchClasses, c.watchSurroundings, c.watchWorkloads, c.watchJobs,
	} {
		if err := register(ctx); err != nil {
			return err
		}
	}
	return nil
}

// file registers a watch that does nothing but file what it sees.
func file[T client.Object](ctx context.Context, w *watches, example T, book *ledger.Book[T]) error {
	key := func(obj T) ledger.Key { return ledger.Key{Namespace: obj.GetNamespace(), Name: obj.GetName()} }
	return watch(ctx, w, example,
		func(obj T) { book.See(key(obj), obj) },
		func(obj T) { book.Gone(key(obj), obj.GetUID()) })
}

func (c *Controller) watchQueues(ctx context.Context) error {
	return errors.Join(
		file(ctx, &c.watches, &v1beta1.ClusterQueue{}, c.queues.ClusterQueues),
		file(ctx, &c.watches, &v1beta1.Cohort{}, c.queues.Cohorts),
		file(ctx, &c.watches, &v1beta1.LocalQueue{}, c.queues.LocalQueues),
		file(ctx, &c.watches, &v1beta1.ResourceFlavor{}, c.flavors),
		file(ctx, &c.watches, &v1beta1.Reservation{}, c.booked),
		file(ctx, &c.watches, &corev1.Namespace{}, c.namespaces),
	)
}

// watchClasses: a change of a priority class is a matter of all jobs; it is
// rare, and looking at a job that it does not concern costs little.
func (c *Controller) watchClasses(ctx context.Context) error {
	err := watch(ctx, &c.watches, &v1beta1.WorkloadPriorityClass{}, func(class *v1beta1.WorkloadPriorityClass) {
		if c.classes.setWorkloadClass(class) {
			c.inbox.ClassChanged(class.Name)
		}
		c.enqueueJobs("")
	}, func(class *v1beta1.WorkloadPriorityClass) {
		if c.classes.deleteWorkloadClass(class) {
			c.inbox.ClassChanged(class.Name)
		}
		c.enqueueJobs("")
	})
	if err != nil {
		return err
	}
	return watch(ctx, &c.watches, &schedulingv1.PriorityClass{}, func(class *schedulingv1.PriorityClass) {
		c.classes.setPodClass(class)
		c.enqueueJobs("")
	}, func(class *schedulingv1.PriorityClass) {
		c.classes.deletePodClass(class)
		c.enqueueJobs("")
	})
}

// enqueueJobs has the jobs of a namespace looked at again, those of all if it
// is empty. Before the first rebuild nobody has looked at them yet.
func (c *Controller) enqueueJobs(namespace string) {
	select {
	case <-c.rebuilt:
	default:
		return
	}
	c.jobs.Each(func(key ledger.Key, _ client.Object) bool {
		if namespace == "" || key.Namespace == namespace {
			c.executor.Enqueue(key)
		}
		return true
	})
}

func (c *Controller) watchWorkloads(ctx context.Context) error {
	return file(ctx, &c.watches, &v1beta1.Workload{}, c.workloads)
}

func (c *Controller) watchJobs(ctx context.Context) error {
	kind := c.options.Kind
	return watch(ctx, &c.watches, kind.New(),
		func(obj client.Object) { c.jobs.See(job.WorkloadKey(kind, obj), obj) },
		func(obj client.Object) { c.jobs.Gone(job.WorkloadKey(kind, obj), obj.GetUID()) })
}
