package oracle

// charge is what an admitted or assumed workload uses, from its admission: reclaimable pods need nothing, so that
// no more pods are charged than the pod set still has.
func (s *World) charge(w *workload) []use {
	if w.admission == nil {
		return nil
	}
	var uses []use
	for _, a := range w.admission.PodSets {
		left := a.Count
		for _, ps := range w.seen.PodSets {
			if ps.Name == a.Name {
				left = effective(ps, a.Count)
			}
		}
		for r, amount := range a.Usage {
			if left < a.Count {
				amount = amount / a.Count * left
			}
			if flavor, assigned := a.Flavors[r]; assigned && amount > 0 {
				uses = append(uses, use{s.fr(FlavorResource{flavor, r}), amount})
			}
		}
	}
	return uses
}

// leaves adds up what the workloads of each ClusterQueue use, and with holds also what is held in it for
// everybody but one, as that one sees it.
func (s *World) leaves(holds bool, except UID) map[string][]int64 {
	leaves := map[string][]int64{}
	for name := range s.queues {
		leaves[name] = make([]int64, len(s.frs))
	}
	viewer := s.workloads[except]
	for _, w := range s.workloads {
		if w.admission != nil {
			charge(leaves, w.admission.ClusterQueue, s.charge(w))
		}
		if holds && s.sees(viewer, w, false) {
			charge(leaves, w.holdQueue, w.hold)
		}
	}
	return leaves
}

// sees says whether what is held for a workload counts as used for the viewer, who asks for what is held for himself (own) or for
// anything; nil sees everything. See Blindness.
func (s *World) sees(viewer, w *workload, own bool) bool {
	switch {
	case viewer == nil:
		return true
	case viewer == w:
		return false
	case s.firstBlind == BlindAll:
		return before(w, viewer)
	case s.firstBlind == BlindHolders && viewer.preempts && own, s.firstBlind == BlindHolders && len(viewer.hold) > 0 && !viewer.preempts && !w.preempts:
		return before(w, viewer)
	}
	return true
}

// charge adds uses to the row of a ClusterQueue, if that exists.
func charge(leaves map[string][]int64, queue string, uses []use) {
	if row, exists := leaves[queue]; exists {
		for _, u := range uses {
			row[u.f] = add(row[u.f], u.amount)
		}
	}
}

// usage is the usage of every node, without holds.
func (s *World) usage() table {
	f := s.trees()
	return f.usage(s.leaves(false, ""), len(s.frs))
}

// usageForOwn is usage plus holds as a preemptor sees it for what it holds itself.
func (s *World) usageForOwn(w *workload) table {
	leaves := s.leaves(false, "")
	for _, h := range s.workloads {
		if s.sees(w, h, true) {
			charge(leaves, h.holdQueue, h.hold)
		}
	}
	return s.trees().usage(leaves, len(s.frs))
}

// usageWithHolds is usage plus holds of every node as the given workload sees it: without its own hold.
// With an empty UID all holds count.
func (s *World) usageWithHolds(except UID) table {
	f := s.trees()
	if w := s.workloads[except]; w == nil || len(w.hold) == 0 && s.firstBlind != BlindAll {
		except = ""
	}
	if s.memoUsage == nil {
		s.memoUsage = map[UID]table{}
	}
	t, known := s.memoUsage[except]
	if !known {
		t = f.usage(s.leaves(true, except), len(s.frs))
		s.memoUsage[except] = t
	}
	return t
}
