package lifecycle

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/translate"
	"fairlead.dev/fairlead/pkg/job"
)

// order is an eviction that was asked for and is not yet written.
type order struct {
	uid      types.UID
	eviction Eviction
}

// ordered: the engine, or whoever else decides for the whole system, wants the
// workload to leave. One whose admission is not written yet just does not get
// it; one that is being evicted already goes on being so.
func ordered(s *sight) *step {
	o := s.slot.order
	switch {
	case o == nil:
		return nil
	case s.holds():
		return &step{write: putStatus(s.workload, Evict, evicted(s.workload, o.eviction, s.now))}
	default:
		return &step{forget: true}
	}
}

// condemned says that the workload is about to be deactivated, and why.
func condemned(wl *v1beta1.Workload, cause, message string, now time.Time) v1beta1.WorkloadStatus {
	e := editStatus(wl, now)
	e.set(v1beta1.WorkloadDeactivationTarget, true, cause, message)
	return e.status
}

// sentenced: condition DeactivationTarget is carried out.
func sentenced(s *sight) *step {
	if !s.workload.IsActive() || !s.targeted() {
		return nil
	}
	return &step{write: s.deactivate(Deactivate)}
}

func (s *sight) targeted() bool {
	return meta.IsStatusConditionTrue(s.workload.Status.Conditions, v1beta1.WorkloadDeactivationTarget)
}

func (s *sight) deactivate(purpose Purpose) *Write {
	inactive := false
	spec := s.workload.Spec
	spec.Active = &inactive
	write := putSpec(s.workload, spec)
	write.Purpose = purpose
	return write
}

// deactivated: a workload with active false gives up what it holds. Without a
// job nobody but its owner knows when that is so; Evicted asks for it.
func deactivated(s *sight) *step {
	if s.workload.IsActive() || !s.targeted() && (!s.holds() || s.evicted()) {
		return nil
	}
	ev := Eviction{Reason: v1beta1.EvictedDeactivated, Message: "The workload was deactivated (spec.active is false)"}
	if s.targeted() {
		c := translate.Condition(s.workload, v1beta1.WorkloadDeactivationTarget)
		ev.Reason, ev.Message = v1beta1.EvictedDeactivatedDueToPrefix+c.Reason, "The workload was deactivated: "+c.Message
	}
	return &step{write: putStatus(s.workload, Evict, evicted(s.workload, ev, s.now))}
}

// unrepeatable: a job that has run and is evicted must not run again, or not by
// itself, if its annotation says so. The job is deleted only when its pods are
// gone: they keep their grace period, and their quota until then.
func unrepeatable(s *sight) *step {
	if !s.evicted() || !s.holds() || !s.hasRun() {
		return nil
	}
	switch s.state.OnEviction {
	case v1beta1.OnEvictionHold:
		if s.workload.IsActive() && !s.evictedAs(v1beta1.EvictedDeactivated) {
			return &step{write: s.deactivate(Hold)}
		}
	case v1beta1.OnEvictionDelete:
		if s.state.Suspended && s.state.Idle {
			return &step{write: &Write{Verb: DeleteJob, Purpose: Delete,
				Namespace: s.job.GetNamespace(), Name: s.job.GetName(), UID: s.job.GetUID(), Basis: s.job}}
		}
	case "", v1beta1.OnEvictionRequeue:
	default:
		s.warn(v1beta1.PendingMisconfigured, fmt.Sprintf("Annotation %s is %q, which counts as %s: write %s, %s or %s",
			v1beta1.OnEvictionAnnotation, s.state.OnEviction, v1beta1.OnEvictionRequeue,
			v1beta1.OnEvictionRequeue, v1beta1.OnEvictionHold, v1beta1.OnEvictionDelete))
	}
	return nil
}

// evictedAs says whether the eviction has this reason.
func (s *sight) evictedAs(reason string) bool {
	c := translate.Condition(s.workload, v1beta1.WorkloadEvicted)
	return c != nil && c.Reason == reason
}

// hasRun says that the job was started under the admission it holds.
func (s *sight) hasRun() bool {
	if in := s.state.Injected; in != nil && in.Workload == string(s.workload.UID) {
		return true
	}
	return s.workload.Annotations[job.AdoptedAnnotation] != "" // found running
}
