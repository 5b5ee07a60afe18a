package oracle

// step makes one change of state and draws the consequences that semantics section 4, "Wake-ups", names: arrivals
// and departures make a queue look again, a StrictFIFO queue whose head is another is examined again, holds
// whose holder is no longer head are dropped, and a fall of usage + holds wakes whom it may help.
func (s *World) step(change func()) {
	oldTrees, oldUsage, oldLeaves := s.trees(), s.usageWithHolds(""), s.leaves(false, "")
	s.members("")
	oldMembers, preemptors, protected := s.memoMembers, s.preemptors(), s.protected()
	change()
	s.memoUsage, s.memoMembers = nil, nil
	s.noteReleases(oldLeaves)
	dropped := s.dropHolds()
	s.noteLeft(preemptors)
	for _, w := range s.workloads {
		if w.state != pending || s.barred(w) != "" {
			w.untried()
		}
	}
	for name, was := range oldMembers {
		for _, w := range was {
			if s.nodeOf(w).Name != name { // reading 78
				w.untried()
			}
		}
	}
	for name := range s.queues {
		was, is := oldMembers[name], s.members(name)
		if sameOrder(was, is) {
			continue
		}
		s.look(name)
		if s.head(name) != nil && (len(was) == 0 || was[0].seen.UID != is[0].seen.UID) {
			s.examineAgain(name, nil)
		}
	}
	s.wakeBare(protected)
	if s.trees() == oldTrees {
		s.wakeFalls(oldUsage, s.usageWithHolds(""), dropped)
	}
}

// untried forgets what came of the workload where it has waited so far, as if it had just arrived. With the verdict goes, at
// the next plan, the reservation.
func (w *workload) untried() {
	w.parked, w.heldBack, w.last, w.gave, w.clock = false, false, nil, false, holdClock{}
}

func sameOrder(a, b []*workload) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// look makes the queue's stored representative invalid.
func (s *World) look(queue string) {
	if st := s.stored[queue]; st != nil {
		st.valid = false
	}
}

// wake takes the parked mark from a workload and makes its queue look again.
func (s *World) wake(w *workload) {
	w.parked = false
	s.look(s.nodeOf(w).Name)
}

// examineAgain wakes everybody in the queue, but for one workload.
func (s *World) examineAgain(queue string, except *workload) {
	s.look(queue)
	for _, w := range s.members(queue) {
		if w != except {
			w.parked = false
		}
	}
}

// wakeQueues wakes everybody in the queues.
func (s *World) wakeQueues(queues []string) {
	for _, name := range queues {
		s.look(name)
	}
	for _, w := range s.workloads {
		name := s.nodeOf(w).Name
		for _, q := range queues {
			if q == name && w.state == pending {
				w.parked = false
			}
		}
	}
}

// together returns the names of all ClusterQueues in the trees of the nodes.
func (s *World) together(nodes []Node) []string {
	var names []string
	f := s.trees()
	for _, name := range nodes {
		n := f.byName[name]
		if n == nil {
			continue
		}
		for _, m := range f.nodes {
			if m.queue != nil && m.top() == n.top() {
				names = append(names, m.Name)
			}
		}
	}
	return names
}

// wakeFalls compares usage + holds before and after a change and wakes every representative, parked or
// held-back workload under the topmost node that fell in a flavor-resource which its verdict consulted, and, if
// anything fell anywhere in its tree, whoever consulted all of the tree.
func (s *World) wakeFalls(before, after table, except map[UID]bool) {
	f := s.trees()
	for _, leaf := range f.nodes {
		if leaf.queue == nil || leaf.broken {
			continue
		}
		for i := range after[leaf.index] {
			fell := func(n *node) bool {
				return i < len(before[n.index]) && after[n.index][i] < before[n.index][i]
			}
			if !fell(leaf) {
				continue
			}
			top := leaf
			for n := leaf; n != nil; n = n.parent {
				if fell(n) {
					top = n
				}
			}
			s.wakeWhere(top, except, func(_ *node, v *verdict) bool { return v.consulted[i] })
			s.wakeWhere(leaf.top(), except, s.consultsAll)
		}
	}
}

// wakeWhere wakes the workloads below n whose last verdict meets a condition.
func (s *World) wakeWhere(n *node, except map[UID]bool, meets func(q *node, v *verdict) bool) {
	for _, q := range n.leaves() {
		for _, w := range s.members(q.Name) {
			if w.last != nil && !except[w.seen.UID] && meets(q, w.last) {
				s.wake(w)
			}
		}
	}
}

// consultsAll says whether the verdict looked at all flavor-resources and nodes of the tree: a Preempt verdict under
// fair sharing, unless reclaimWithinCohort is Never.
func (s *World) consultsAll(q *node, v *verdict) bool {
	return v.kind == Preempt && s.fairSharing && set(q.queue.Preemption.ReclaimWithinCohort)
}
