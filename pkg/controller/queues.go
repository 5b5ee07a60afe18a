package controller

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/controller/lifecycle"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

var _ lifecycle.Queues = &Controller{}

// ClusterQueue implements lifecycle.Queues.
func (c *Controller) ClusterQueue(name string) (*v1beta1.ClusterQueue, bool) {
	return c.queues.ClusterQueues.Get(ledger.Key{Name: name})
}

// LocalQueue implements lifecycle.Queues.
func (c *Controller) LocalQueue(key ledger.Key) (*v1beta1.LocalQueue, bool) {
	return c.queues.LocalQueues.Get(key)
}

// leadsTo is the ClusterQueue that a LocalQueue leads to, nil if none.
func (c *Controller) leadsTo(namespace, localQueue string) *v1beta1.ClusterQueue {
	lq, exists := c.LocalQueue(ledger.Key{Namespace: namespace, Name: localQueue})
	if !exists {
		return nil
	}
	cq, _ := c.ClusterQueue(string(lq.Spec.ClusterQueue))
	return cq
}

func (c *Controller) clusterQueueChanged(key ledger.Key, was, is *v1beta1.ClusterQueue) {
	c.turned.clusterQueue(key, was, is)
	if !equality.Semantic.DeepEqual(limitsOf(was), limitsOf(is)) {
		c.inbox.LimitsChanged()
	}
}

// limitsOf are the default and the maximum of the execution times that a
// ClusterQueue gives.
func limitsOf(cq *v1beta1.ClusterQueue) (limits [2]*int32) {
	if cq != nil {
		limits = [2]*int32{cq.Spec.DefaultExecutionTimeSeconds, cq.Spec.MaximumExecutionTimeSeconds}
	}
	return limits
}

func (c *Controller) localQueueChanged(key ledger.Key, was, is *v1beta1.LocalQueue) {
	c.turned.localQueue(key, was, is)
	if was == nil || is == nil || was.Spec.ClusterQueue != is.Spec.ClusterQueue {
		c.inbox.LimitsChanged()
	}
}

// localQueueEvent tells the engine of a LocalQueue. One that is being deleted
// is no door any more, however long somebody's finalizer keeps it.
func localQueueEvent(lq *v1beta1.LocalQueue) admission.Event {
	if lq.DeletionTimestamp != nil {
		return admission.DeleteLocalQueue{Namespace: lq.Namespace, Name: lq.Name}
	}
	return translate.LocalQueue(lq)
}

// turned collects the queues that were stopped, started, created or deleted,
// and has the workloads looked at that this concerns: those that hold quota,
// and those that were evicted and are led there.
//
// It is a goroutine of its own since the ledgers must not be read from within
// a change of one of them.
type turned struct {
	controller *Controller

	mu            sync.Mutex
	clusterQueues map[string]bool
	localQueues   map[ledger.Key]bool
	bell          chan struct{}
}

func newTurned(c *Controller) *turned {
	return &turned{controller: c, clusterQueues: map[string]bool{}, localQueues: map[ledger.Key]bool{}, bell: make(chan struct{}, 1)}
}

func (t *turned) clusterQueue(key ledger.Key, was, is *v1beta1.ClusterQueue) {
	if was != nil && is != nil && was.Spec.StopPolicy == is.Spec.StopPolicy && !replaced(was, is) {
		return
	}
	t.mu.Lock()
	t.clusterQueues[key.Name] = true
	t.mu.Unlock()
	t.ring()
}

func (t *turned) localQueue(key ledger.Key, was, is *v1beta1.LocalQueue) {
	if was != nil && is != nil && was.Spec.StopPolicy == is.Spec.StopPolicy && !replaced(was, is) {
		return
	}
	t.mu.Lock()
	t.localQueues[key] = true
	t.mu.Unlock()
	t.ring()
}

// replaced says that an object is another one or has begun to be deleted.
func replaced(was, is client.Object) bool {
	return was.GetUID() != is.GetUID() || (was.GetDeletionTimestamp() == nil) != (is.GetDeletionTimestamp() == nil)
}

func (t *turned) ring() {
	select {
	case t.bell <- struct{}{}:
	default:
	}
}

// NeedLeaderElection: only who writes has to look.
func (t *turned) NeedLeaderElection() bool { return true }

// Start works until the context ends. What turned while the state was being
// rebuilt concerns nobody: every workload is looked at then.
func (t *turned) Start(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-t.controller.rebuilt:
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.bell:
			t.look()
		}
	}
}

func (t *turned) look() {
	t.mu.Lock()
	clusterQueues, localQueues := t.clusterQueues, t.localQueues
	t.clusterQueues, t.localQueues = map[string]bool{}, map[ledger.Key]bool{}
	t.mu.Unlock()
	var concerned []ledger.Key
	t.controller.workloads.Each(func(key ledger.Key, wl *v1beta1.Workload) bool {
		door := ledger.Key{Namespace: wl.Namespace, Name: string(wl.Spec.QueueName)}
		switch {
		case wl.Status.Admission != nil:
			if clusterQueues[string(wl.Status.Admission.ClusterQueue)] || localQueues[door] {
				concerned = append(concerned, key)
			}
		case isBarred(wl):
			lq, exists := t.controller.LocalQueue(door)
			if localQueues[door] || exists && clusterQueues[string(lq.Spec.ClusterQueue)] {
				concerned = append(concerned, key)
			}
		}
		return true
	})
	for _, key := range concerned {
		t.controller.executor.Enqueue(key)
	}
}

// isBarred says that the workload was evicted and must not be tried again yet.
func isBarred(wl *v1beta1.Workload) bool {
	c := translate.Condition(wl, v1beta1.WorkloadRequeued)
	return c != nil && c.Status == metav1.ConditionFalse
}
