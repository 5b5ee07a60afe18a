package oracle

// spared is who is not evicted again for a reason.
type spared struct {
	uid UID
	why EvictReason
}

// changed says that something new has come from outside: whoever has been spared may be a victim again.
func (s *World) changed() { s.spared = map[spared]bool{} }

// evict notes that evictions are decided. Who is evicted by shares, or while the preemptor's ClusterQueue ends beyond nominal, by
// withinClusterQueue or borrowWithinCohort, is spared until the next change.
func (s *World) evict(e Evict) {
	for _, v := range e.Victims {
		if w := s.workloads[v.UID]; w != nil && w.admission != nil {
			w.evicting = true
		}
	}
	beyond := s.endsBeyond(e)
	for _, v := range e.Victims {
		if w := s.workloads[v.UID]; w != nil && w.evicting && (v.Reason == InCohortFairSharing || beyond && v.Reason != InCohortReclamation) {
			w.spared = v.Reason
			s.spared[spared{v.UID, v.Reason}] = true
		}
	}
}

// endsBeyond says whether a preemptor's ClusterQueue exceeds its nominal quota of something requested once the evicted are gone, the
// request included.
func (s *World) endsBeyond(e Evict) bool {
	w, q := s.workloads[e.Preemptor], s.trees().byName[QueueNode(e.Queue)]
	if w == nil || q == nil || q.queue == nil || q.broken {
		return false
	}
	return !s.problem(q, w, s.uses(e.Hold), nil).within(nil)
}
