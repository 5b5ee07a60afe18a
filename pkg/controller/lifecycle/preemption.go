package lifecycle

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

// preemption is what the preemptor's status is to say of quota that is taken
// back for it, and who has to leave once it does.
//
//	Evict ---> [to be written] ---> status.preemption seen ---> an order for each victim
//	               |      ^
//	               |      | a newer Evict or EndHold takes its place;
//	               |      | victims not yet ordered stay on its list
//	               |
//	               '--> refused, or the preemptor is gone or admitted:
//	                    ForgetEviction for it and for every victim on the list
//
// All of it may be lost: what is not written was not begun, and what is
// written the engine decides once more after a restart.
type preemption struct {
	uid     types.UID
	status  *v1beta1.WorkloadPreemption // nil: nothing is held any more
	victims []condemnation
}

// condemnation is a victim that is to be evicted.
type condemnation struct {
	key   ledger.Key
	order *order
}

// Preempt implements loop.Sink: victims, as last seen, are those that evict
// names and that are still there.
func (x *Executor) Preempt(preemptor *v1beta1.Workload, evict admission.Evict, victims []*v1beta1.Workload) {
	x.config.Reporter.Preempts(preemptor, evict)
	p := &preemption{uid: preemptor.UID, status: translate.Preemption(&evict.Preemption)}
	at := map[types.UID]*v1beta1.Workload{}
	for _, wl := range victims {
		at[wl.UID] = wl
	}
	for i := range evict.Victims {
		victim := &evict.Victims[i]
		wl := at[types.UID(victim.UID)]
		if wl == nil {
			continue
		}
		p.victims = append(p.victims, condemnation{key: keyOf(wl), order: &order{uid: wl.UID, eviction: Eviction{
			Reason: v1beta1.EvictedPreempted, Cause: string(victim.Reason),
			Message: translate.PreemptionMessage(&evict, victim), Preempted: string(victim.Reason),
		}}})
	}
	x.hand(keyOf(preemptor), urgent, func(in *intake) { in.preemption = in.preemption.then(p) })
}

// EndHold implements loop.Sink.
func (x *Executor) EndHold(wl *v1beta1.Workload, end admission.EndHold) {
	x.config.Reporter.HoldEnded(wl, end)
	p := &preemption{uid: wl.UID}
	x.hand(keyOf(wl), ordinary, func(in *intake) { in.preemption = in.preemption.then(p) })
}

// then puts a newer decision in the place of p, which may be nil.
func (p *preemption) then(newer *preemption) *preemption {
	if p != nil && newer != nil && p.uid == newer.uid {
		newer.victims = append(append([]condemnation(nil), p.victims...), newer.victims...)
	}
	if newer == nil {
		return p
	}
	return newer
}

// held: what is held for the workload is to be written.
func held(s *sight) *step {
	p := s.slot.preemption
	if p == nil || s.holds() {
		return nil
	}
	return &step{write: putStatus(s.workload, Preempt, preempting(s.workload, p.status, s.now))}
}

// preempting tells in the preemptor's status what is held for it.
func preempting(wl *v1beta1.Workload, status *v1beta1.WorkloadPreemption, now time.Time) v1beta1.WorkloadStatus {
	e := editStatus(wl, now)
	e.status.Preemption = status
	if status != nil {
		e.set(v1beta1.WorkloadQuotaReserved, false, v1beta1.PendingWaitingForPreemptedWorkloads,
			fmt.Sprintf("Waits until the quota of preempted workloads is free; it is held for this workload until %s unless nothing becomes free",
				status.Deadline.UTC().Format(time.RFC3339)))
	}
	return e.status
}

// carryOut goes on with a preemption as far as the objects say that it can.
func (x *Executor) carryOut(v *sight) {
	s, wl := v.slot, v.workload
	p := s.preemption
	switch {
	case p == nil:
	case wl == nil || wl.UID != p.uid || v.finished() || v.holds():
		x.abandon(s, 0)
	case equality.Semantic.DeepEqual(wl.Status.Preemption, p.status):
		s.preemption = nil
		for _, c := range p.victims {
			if p.status == nil { // the hold has ended before it was written
				x.config.Engine.ForgetEviction(c.order.uid, 0)
				continue
			}
			x.hand(c.key, urgent, func(in *intake) { in.order = c.order })
		}
	}
}

// abandon gives a preemption that cannot be carried out back to the engine.
func (x *Executor) abandon(s *slot, retry time.Duration) {
	p := s.preemption
	s.preemption = nil
	notBefore := retryAt(retry)
	for _, c := range p.victims {
		x.config.Engine.ForgetEviction(c.order.uid, 0)
	}
	if p.status != nil {
		x.config.Engine.ForgetEviction(p.uid, notBefore)
	}
}

// retryAt is the time after a wait, Unix nanoseconds; 0 for no wait.
func retryAt(wait time.Duration) int64 {
	if wait <= 0 {
		return 0
	}
	return time.Now().Add(wait).UnixNano()
}
