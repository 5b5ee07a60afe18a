package lifecycle

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

// Queues looks up what stands between a workload and its quota.
type Queues interface {
	ClusterQueue(name string) (*v1beta1.ClusterQueue, bool)
	LocalQueue(key ledger.Key) (*v1beta1.LocalQueue, bool)
}

// closure is why a queue gives nothing out.
type closure struct {
	evicts  bool   // those who are admitted have to leave too
	reason  string // of their eviction
	message string
}

// closed says why the ClusterQueue that a workload would hold or holds quota
// of, or its LocalQueue, gives nothing out; nil if both do. Of two reasons the
// one that evicts comes first.
func (s *sight) closed(clusterQueue string) *closure {
	var found *closure
	consider := func(c *closure) {
		if c != nil && (found == nil || c.evicts && !found.evicts) {
			found = c
		}
	}
	cq, exists := s.facts.Queues.ClusterQueue(clusterQueue)
	if !exists {
		consider(&closure{message: fmt.Sprintf("ClusterQueue %s does not exist", clusterQueue)})
	} else {
		consider(closedBy("ClusterQueue", cq, cq.Spec.StopPolicy, v1beta1.EvictedClusterQueueStopped))
	}
	name := string(s.workload.Spec.QueueName)
	lq, exists := s.facts.Queues.LocalQueue(ledger.Key{Namespace: s.workload.Namespace, Name: name})
	if !exists {
		consider(&closure{message: fmt.Sprintf("LocalQueue %s does not exist", name)})
	} else {
		consider(closedBy("LocalQueue", lq, lq.Spec.StopPolicy, v1beta1.EvictedLocalQueueStopped))
	}
	return found
}

func closedBy(kind string, queue client.Object, stop v1beta1.StopPolicy, reason string) *closure {
	switch {
	case stop == v1beta1.StopPolicyHoldAndDrain:
		return &closure{evicts: true, reason: reason, message: fmt.Sprintf("%s %s is stopped and drained (stopPolicy HoldAndDrain)", kind, queue.GetName())}
	case stop == v1beta1.StopPolicyHold:
		return &closure{message: fmt.Sprintf("%s %s is stopped (stopPolicy Hold)", kind, queue.GetName())}
	case queue.GetDeletionTimestamp() != nil:
		return &closure{message: fmt.Sprintf("%s %s is being deleted", kind, queue.GetName())}
	}
	return nil
}

// shutOut: the workload holds quota of a queue that is stopped, going or gone.
// A reservation is taken back; what is admitted leaves only if the queue is
// drained.
func shutOut(s *sight) *step {
	if !s.holds() || s.evicted() {
		return nil
	}
	c := s.closed(string(s.workload.Status.Admission.ClusterQueue))
	switch {
	case c == nil:
		return nil
	case c.evicts && (s.admitted() || s.running()):
		return &step{write: putStatus(s.workload, Evict, evicted(s.workload, Eviction{Reason: c.reason, Message: c.message}, s.now))}
	case s.admitted() || s.running():
		return nil
	}
	return &step{write: putStatus(s.workload, Release, released(s.workload, c.message+"; what was reserved is given back", s.now))}
}

// barred: the workload was evicted and must not be tried again; what keeps it
// may be over. Without this write it could be admitted all the same: it tells
// people where the workload is.
func barred(s *sight) *step {
	c := translate.Condition(s.workload, v1beta1.WorkloadRequeued)
	if c == nil || c.Status != metav1.ConditionFalse || s.holds() || !s.workload.IsActive() || s.slot.decision != nil {
		return nil
	}
	switch c.Reason {
	case v1beta1.EvictedClusterQueueStopped, v1beta1.EvictedLocalQueueStopped:
		if s.closed(s.leadsTo()) != nil {
			return nil
		}
	case v1beta1.EvictedPodsReadyTimeout, v1beta1.EvictedAdmissionCheck, EvictedByFailedStart:
		if rs := s.workload.Status.RequeueState; rs != nil && rs.RequeueAt != nil {
			if left := rs.RequeueAt.Sub(s.now); left > 0 {
				s.wake(left)
				return nil
			}
		}
	}
	return &step{write: putStatus(s.workload, Requeue, requeued(s.workload, s.now))}
}

// leadsTo is the ClusterQueue that the workload's LocalQueue leads to, or empty.
func (s *sight) leadsTo() string {
	lq, exists := s.facts.Queues.LocalQueue(ledger.Key{Namespace: s.workload.Namespace, Name: string(s.workload.Spec.QueueName)})
	if !exists {
		return ""
	}
	return string(lq.Spec.ClusterQueue)
}
