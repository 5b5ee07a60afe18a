package lifecycle

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/ledger"
)

// mostSteps bounds the writes for one workload before others get their turn.
const mostSteps = 6

// undecidedRetry is when a decision that could not be written for the state of
// its job may be taken again.
const undecidedRetry = 2 * time.Second

// deletedGrace is how long the watch may take to show a deletion before it is
// repeated (which does no harm).
const deletedGrace = 30 * time.Second

// evictRetry is how long a victim is left alone whose eviction the server has
// refused.
const evictRetry = 10 * time.Second

// startRetry is the wait after the first refusal to start a job; it doubles.
const startRetry = 500 * time.Millisecond

// work takes a workload as far as it can be taken now.
func (x *Executor) work(ctx context.Context, key ledger.Key) {
	s := x.open(key)
	defer x.callNext()
	defer x.shut(key, s)
	for range mostSteps {
		if ctx.Err() != nil {
			return
		}
		if wait := time.Until(s.notBefore); wait > 0 {
			x.later(key, s, wait)
			return
		}
		if s.pending != nil {
			if !x.perform(ctx, key, s) {
				return
			}
			continue
		}
		v := x.look(key, s)
		if v.workload == nil {
			x.pacer.forget(key, v.now)
		}
		if v.unseen && !x.confirm(ctx, v) {
			return
		}
		x.carryOut(v)
		st := next(v)
		x.warn(v, st)
		switch {
		case st.forget:
			x.forget(s, st.retry)
		case st.verify:
			if !x.verify(ctx, v) {
				return
			}
		case st.write != nil:
			if !x.begin(ctx, v, st.write) {
				return
			}
		default:
			// A decision that cannot be written now must not hold quota.
			x.forget(s, undecidedRetry)
			if st.wait > 0 {
				x.later(key, s, st.wait)
			}
			return
		}
	}
	x.later(key, s, 0)
}

// begin sends a write for the first time, if it may go now. It returns false if
// the workload is to be left alone until later.
func (x *Executor) begin(ctx context.Context, v *sight, write *Write) bool {
	if write.unhurried() {
		if !x.lane.enter(v.key, x.places()) {
			return false
		}
		defer x.lane.leave()
	}
	v.slot.pending = write
	if write.Purpose == MarkJob {
		v.slot.marked = v.job.GetGeneration()
	}
	return x.perform(ctx, v.key, v.slot)
}

// places is how many unhurried writes may be under way now.
func (x *Executor) places() int {
	if x.pacer.knowsAny() {
		return narrow
	}
	return wide
}

// callNext has looked at who waits to make an unhurried write, if one can be
// made.
func (x *Executor) callNext() {
	if key, ok := x.lane.next(x.places()); ok {
		x.add(key, called, 0)
	}
}

// later has the workload looked at again after a while.
func (x *Executor) later(key ledger.Key, s *slot, after time.Duration) {
	priority := ordinary
	if s.decision != nil || (s.pending != nil && s.pending.Purpose == StartJob) {
		priority = urgent
	}
	x.add(key, priority, after)
}

// reconcileSlot drops what the objects have overtaken.
func (v *sight) reconcileSlot() {
	s, wl := v.slot, v.workload
	if wl == nil {
		s.decision, s.adopt, s.verdict, s.order = nil, nil, nil, nil
	} else {
		if !v.unseen {
			s.created = ""
		}
		if v.holds() || v.finished() {
			s.decision, s.adopt, s.verdict = nil, nil, nil
		}
		if s.decision != nil && s.decision.uid != wl.UID {
			s.decision = nil
		}
		if o := s.order; o != nil && (o.uid != wl.UID || v.evicted() && v.holds() || v.finished() || !v.holds() && s.decision == nil) {
			s.order = nil
		}
	}
	if !v.holds() || v.running() {
		s.refusals, s.refusal = 0, ""
	}
	switch narrows := v.narrows(); {
	case !narrows:
		s.narrowed = time.Time{}
	case s.narrowed.IsZero():
		s.narrowed = v.now
	}
	switch {
	case v.job != nil || wl == nil:
		s.ownerless = time.Time{}
	case s.ownerless.IsZero() && v.owned() && !v.finished():
		s.ownerless = v.now
	}
	if v.job == nil {
		s.compared, s.verified, s.warned, s.created = pair{}, pair{}, "", ""
		s.marked = 0
	}
}

// warn tells the job's user once what is wrong, and again when it changes.
func (x *Executor) warn(v *sight, st *step) {
	if v.job == nil || st == stop {
		return
	}
	if st.warning != "" && st.warning != v.slot.warned {
		x.config.Reporter.Warn(v.job, st.warningReason, st.warning)
	}
	v.slot.warned = st.warning
}

// forget gives the decision back to the engine.
func (x *Executor) forget(s *slot, retry time.Duration) {
	if s.decision == nil {
		return
	}
	x.config.Engine.Forget(s.decision.uid, retryAt(retry))
	s.decision = nil
}

// perform sends the pending write and deals with the answer. It returns false
// if the workload is to be left alone until later.
func (x *Executor) perform(ctx context.Context, key ledger.Key, s *slot) bool {
	write := s.pending
	attempt, cancel := context.WithTimeout(ctx, writeTimeout)
	obj, err := x.send(attempt, key, write)
	cancel()
	if ctx.Err() != nil && err != nil {
		return false
	}
	switch judge(err) {
	case done:
		s.pending = nil
		s.succeeded()
		if write.Purpose != Explain {
			x.pacer.wrote()
		}
		x.wrote(key, s, write, obj)
		if write.Verb == DeleteWorkload || write.Verb == DeleteJob {
			// The watch will say so; until then nothing can be done.
			x.later(key, s, deletedGrace)
			return false
		}
		return true
	case unknown:
		wait := s.failed(time.Now())
		x.config.Log.V(1).Info("write without clear answer is repeated", "purpose", string(write.Purpose), "workload", key.String(),
			"after", wait.String(), "error", err.Error())
		x.later(key, s, wait)
		return false
	case exists:
		// Ours, by an earlier try whose answer was lost: the watch shows it.
		s.pending = nil
		s.succeeded()
		s.created, s.createdAt = write.UID, time.Now()
		return true
	case gone:
		// The watch will say so; until then nothing can be done.
		s.pending = nil
		x.forget(s, time.Second)
		x.later(key, s, s.failed(time.Now()))
		return false
	default:
		return x.settle(ctx, key, s, write, err)
	}
}

// send performs a write once. A Workload that it creates is known from the answer.
func (x *Executor) send(ctx context.Context, key ledger.Key, write *Write) (client.Object, error) {
	if write.Verb != CreateWorkload {
		return x.config.API.Do(ctx, x.config.Kind, write)
	}
	x.config.Workloads.Expect(key)
	obj, err := x.config.API.Do(ctx, x.config.Kind, write)
	wl, _ := obj.(*v1beta1.Workload)
	x.config.Workloads.Created(key, wl, err == nil)
	return obj, err
}

// settle deals with a write that the server has not accepted: a conflict, or
// a refusal, which for a JSON patch may be a conflict too.
func (x *Executor) settle(ctx context.Context, key ledger.Key, s *slot, write *Write, cause error) bool {
	changed, err := x.refresh(ctx, key, write)
	if err != nil {
		// Still unknown: the write stays and is repeated.
		x.later(key, s, s.failed(time.Now()))
		return false
	}
	s.pending = nil
	if judge(cause) == conflict || (write.ofJob() && changed) {
		if write.Purpose == MarkJob {
			s.marked = 0
		}
		if v := x.look(key, s); s.decision != nil && !v.holds() {
			// No admission in the store, and none can come any more with the
			// version that was written on.
			x.forget(s, 0)
		}
		return true
	}
	x.config.Reporter.Refused(write, cause)
	wait := s.failed(time.Now())
	switch write.Purpose {
	case StartJob:
		wait = startRetry << s.refusals
		s.refusals++
		s.refusal = cause.Error()
		if s.refusals >= mostRefusals {
			s.succeeded()
			return true // it is evicted now
		}
		s.notBefore = time.Now().Add(wait)
	case Preempt:
		if s.preemption != nil {
			x.abandon(s, max(wait, time.Second))
		}
	case Evict:
		if s.order != nil {
			x.config.Engine.ForgetEviction(s.order.uid, retryAt(evictRetry))
			s.order = nil
		}
	case Admit:
		wait = max(wait, time.Second)
		if v := x.look(key, s); !v.holds() {
			x.forget(s, wait)
		}
	}
	x.later(key, s, wait)
	return false
}

// refresh reads what a write was about from the server. It says whether the
// object differs from what the write was made on.
func (x *Executor) refresh(ctx context.Context, key ledger.Key, write *Write) (changed bool, err error) {
	switch write.Verb {
	case CreateWorkload:
		return false, nil
	case PatchJob, PatchJobStatus, DeleteJob:
		obj, err := x.readJob(ctx, key, write.Namespace, write.Name)
		if judge(err) == gone {
			return true, nil
		}
		if err == nil && write.Verb == PatchJobStatus {
			return obj.GetResourceVersion() != write.Version, nil
		}
		return err == nil && !sameBasis(write.Basis, obj), err
	default:
		wl, err := x.readWorkload(ctx, key)
		if judge(err) == gone {
			return true, nil
		}
		return err == nil && wl.ResourceVersion != write.Version, err
	}
}

func (x *Executor) readJob(ctx context.Context, key ledger.Key, namespace, name string) (client.Object, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	obj, err := x.config.API.ReadJob(ctx, x.config.Kind, namespace, name)
	if err == nil {
		x.config.Jobs.Learn(key, obj)
	}
	return obj, err
}

func (x *Executor) readWorkload(ctx context.Context, key ledger.Key) (*v1beta1.Workload, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	wl, err := x.config.API.ReadWorkload(ctx, key.Namespace, key.Name)
	if err == nil {
		x.config.Workloads.Learn(key, wl)
	}
	return wl, err
}

// sameBasis says whether everything that a job patch tests is still as it was
// when the patch was made.
func sameBasis(a, b client.Object) bool {
	return a.GetUID() == b.GetUID() && a.GetGeneration() == b.GetGeneration() &&
		a.GetLabels()[v1beta1.QueueLabel] == b.GetLabels()[v1beta1.QueueLabel] &&
		a.GetAnnotations()[v1beta1.InjectedAnnotation] == b.GetAnnotations()[v1beta1.InjectedAnnotation] &&
		(len(a.GetAnnotations()) == 0) == (len(b.GetAnnotations()) == 0)
}

// verify reads Workload and job from the server. Where one of them is gone the
// watch will soon say so.
func (x *Executor) verify(ctx context.Context, v *sight) bool {
	_, err := x.readWorkload(ctx, v.key)
	if err == nil {
		_, err = x.readJob(ctx, v.key, v.job.GetNamespace(), v.job.GetName())
	}
	if err != nil {
		x.later(v.key, v.slot, v.slot.failed(time.Now()))
		return false
	}
	v.slot.succeeded()
	v.slot.verified = x.look(v.key, v.slot).versions()
	return true
}

// confirm asks the server, now and then, for a Workload of our own that the
// watch has not shown: it may have been deleted while the watch did not work. It
// returns false if the workload is to be left alone until later.
func (x *Executor) confirm(ctx context.Context, v *sight) bool {
	s := v.slot
	if since := v.now.Sub(s.createdAt); since < createdGrace {
		v.wake(createdGrace - since)
		return true
	}
	_, err := x.readWorkload(ctx, v.key)
	switch {
	case judge(err) == gone:
		x.config.Workloads.Gone(v.key, v.workload.UID) // it is looked at again
		return false
	case err != nil:
		x.later(v.key, s, s.failed(time.Now()))
		return false
	}
	s.createdAt = v.now
	v.wake(createdGrace)
	return true
}

// wrote files the answer to a write that is done.
func (x *Executor) wrote(key ledger.Key, s *slot, write *Write, obj client.Object) {
	switch write.Verb {
	case CreateWorkload:
		s.created, s.createdAt = write.UID, time.Now()
	case PutWorkload, PutWorkloadStatus:
		x.config.Workloads.Learn(key, obj.(*v1beta1.Workload))
	case PatchJob, PatchJobStatus:
		x.config.Jobs.Learn(key, obj)
	case DeleteWorkload:
		s.created = ""
	}
	wl, _ := x.config.Workloads.Get(key)
	x.config.Reporter.Written(write, wl, obj)
}
