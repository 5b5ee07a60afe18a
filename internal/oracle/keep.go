package oracle

import "slices"

// verdict evaluates the workload in queue n on the usage given. By amendment A8 (Options.HoldersKeep) a preemptor keeps to what
// it holds: if that fits, that is its verdict; else what the search comes to, if that is Fit; else, if what it holds fits once the
// evicted are gone, that; else what the search comes to.
func (s *World) verdict(n *node, w *workload, u table) *verdict {
	kept := s.kept(n, w, u)
	if kept == nil {
		return s.search(n, w, u)
	}
	if kept.kind == Fit {
		return kept
	}
	found := s.search(n, w, u)
	for f := range kept.consulted {
		found.consulted[f] = true
	}
	if found.kind == Fit || !kept.planned {
		return found
	}
	kept.consulted, kept.refused = found.consulted, found.refused
	return kept
}

// kept is the verdict of a preemptor on what it holds, flavors and counts of each pod set: Fit; or Preempt without victims, planned
// if it fits once the evicted are gone. Nil if it keeps to nothing: it is no preemptor, only amounts are known, or edits
// have made that an assignment which the workload may not get, or that asks for something else.
func (s *World) kept(n *node, w *workload, u table) *verdict {
	if !s.holdersKeep || !w.preempts || w.keeps == nil || w.seen.Misconfigured != "" || w.holdQueue != n.Name {
		return nil
	}
	valid := true
	asked := s.checkPodSets(n, w, Admission{ClusterQueue: n.Name, PodSets: w.keeps}, func(string, ...any) { valid = false })
	var request []use
	for f, name := range s.frs {
		if asked[name] > 0 {
			request = append(request, use{f, asked[name]})
		}
	}
	if !valid || !slices.Equal(request, w.hold) {
		return nil
	}
	v := &verdict{kind: Fit, podSets: w.keeps, request: request, consulted: map[int]bool{}}
	p := s.problem(n, w, request, nil)
	p.own = true
	later := p.held(nil)
	if s.firstBlind != BlindNobody {
		u = s.usageForOwn(w)
	}
	planned := true
	for _, r := range request {
		v.consulted[r.f] = true
		v.level = max(v.level, n.level(u, r.f, r.amount))
		if !n.fits(u, r.f, r.amount) {
			v.fail(Preempt, WaitingForQuota)
		}
		planned = planned && n.fits(later, r.f, r.amount)
	}
	v.planned = v.kind == Preempt && planned
	return v
}

// Keeps lists the preemptors that keep to what they hold, with the flavors and counts of each pod set for which it is held. Empty
// without Options.HoldersKeep.
func (s *World) Keeps() map[UID][]PodSetAssignment {
	all := map[UID][]PodSetAssignment{}
	for uid, w := range s.workloads {
		if s.holdersKeep && w.preempts && w.keeps != nil {
			all[uid] = w.keeps
		}
	}
	return all
}
