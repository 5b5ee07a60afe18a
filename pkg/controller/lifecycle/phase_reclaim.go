package lifecycle

import (
	"fmt"
	"slices"
	"time"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/job"
)

// EvictedByResize is the reason, of our own, where somebody who may start jobs
// has made a running one larger than the quota it holds.
const EvictedByResize = "Resized"

// reclaimDelay gathers pods that end shortly one after the other into one
// write.
const reclaimDelay = time.Second

// outgrown: the job runs more pods than it holds quota for. It waits again
// with its new size.
func outgrown(s *sight) *step {
	if !s.running() || !s.admitted() || s.evicted() || s.unadopted() {
		return nil
	}
	needs := s.kind.Needs(s.job)
	for i := range s.workload.Status.Admission.PodSetAssignments {
		psa := &s.workload.Status.Admission.PodSetAssignments[i]
		held, wanted := s.podsHeld(psa), needOf(needs, psa).Wanted
		if wanted <= held {
			continue
		}
		if st := s.verified(); st != nil {
			return st
		}
		return &step{write: putStatus(s.workload, Evict, evicted(s.workload, Eviction{
			Reason:  EvictedByResize,
			Message: fmt.Sprintf("The running job was enlarged to %d pods, but holds quota for %d; it waits in the queue again with its new size", wanted, held),
		}, s.now))}
	}
	return nil
}

// reclaimed: pods of the job have ended for good, and others may have their
// quota.
func reclaimed(s *sight) *step {
	if s.slot.narrowed.IsZero() {
		return nil
	}
	if left := reclaimDelay - s.now.Sub(s.slot.narrowed); left > 0 {
		return &step{wait: left}
	}
	e := editStatus(s.workload, s.now)
	e.status.ReclaimablePods = s.reclaimable()
	return &step{write: putStatus(s.workload, Reclaim, e.status)}
}

// narrows says whether the job needs less quota than its Workload says.
func (s *sight) narrows() bool {
	return s.running() && s.admitted() && !s.evicted() && !s.finished() && s.state.Finished == nil &&
		!slices.Equal(s.reclaimable(), s.workload.Status.ReclaimablePods)
}

// reclaimable is what status.reclaimablePods has to be: of each pod set of more
// than one pod, its count less the pods that may still run. It never falls
// while quota is held: others may have got what was given back.
func (s *sight) reclaimable() []v1beta1.ReclaimablePod {
	was := s.workload.Status.ReclaimablePods
	var needs []job.PodSetNeeds
	is := slices.Clone(was)
	for i := range s.workload.Status.Admission.PodSetAssignments {
		psa := &s.workload.Status.Admission.PodSetAssignments[i]
		count := s.countOf(psa)
		if count <= 1 {
			continue
		}
		if needs == nil {
			needs = s.kind.Needs(s.job)
		}
		pods := needOf(needs, psa).Pods
		if pods >= s.podsHeld(psa) {
			continue
		}
		if at := reclaimableOf(is, psa.Name); at >= 0 {
			is[at].Count = count - pods
		} else {
			is = append(is, v1beta1.ReclaimablePod{Name: psa.Name, Count: count - pods})
		}
	}
	return is
}

// podsHeld is the number of pods of a pod set that quota is held for.
func (s *sight) podsHeld(psa *v1beta1.PodSetAssignment) int32 {
	held := s.countOf(psa)
	if at := reclaimableOf(s.workload.Status.ReclaimablePods, psa.Name); at >= 0 {
		held -= s.workload.Status.ReclaimablePods[at].Count
	}
	if psa.Count != nil {
		held = min(held, *psa.Count)
	}
	return max(held, 0)
}

// countOf is the number of pods that the Workload asks for in a pod set.
func (s *sight) countOf(psa *v1beta1.PodSetAssignment) int32 {
	for i := range s.workload.Spec.PodSets {
		if s.workload.Spec.PodSets[i].Name == psa.Name {
			return s.workload.Spec.PodSets[i].Count
		}
	}
	return 0
}

// needOf is what the job needs of a pod set: all it was given, if it does not
// say.
func needOf(needs []job.PodSetNeeds, psa *v1beta1.PodSetAssignment) job.PodSetNeeds {
	for _, n := range needs {
		if n.Name == string(psa.Name) {
			return n
		}
	}
	given := int32(0)
	if psa.Count != nil {
		given = *psa.Count
	}
	return job.PodSetNeeds{Name: string(psa.Name), Wanted: given, Pods: given}
}

func reclaimableOf(list []v1beta1.ReclaimablePod, name v1beta1.PodSetReference) int {
	return slices.IndexFunc(list, func(r v1beta1.ReclaimablePod) bool { return r.Name == name })
}
