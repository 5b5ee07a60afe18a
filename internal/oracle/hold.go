package oracle

import "sort"

// holdClock limits how long a preemptor holds its request without any quota of its tree coming back.
type holdClock struct {
	runs     bool
	deadline int64
	released bool // a ClusterQueue of the tree has given up usage since the clock was set
}

func (w *workload) dropHold() { w.hold, w.holdQueue, w.preempts, w.keeps = nil, "", false, nil }

// mayHold says whether the preemptor may hold (and evict) now, and sets its clock if it holds for the first time or,
// after a release, anew. One whose clock has run out may not until there is a release.
func (s *World) mayHold(w *workload) bool {
	if s.holdTimeout == 0 {
		return true
	}
	if !w.clock.runs || w.clock.released {
		w.clock = holdClock{runs: true, deadline: s.now + s.holdTimeout}
	}
	return s.now < w.clock.deadline
}

// noteEnd notes the end of a preemptor's hold; in a pass it comes after what the outcome has already.
func (s *World) noteEnd(w *workload, cause EndCause, out *Outcome) {
	if w.preempts {
		e := End{UID: w.seen.UID, Queue: w.holdQueue, Cause: cause}
		if out != nil {
			e.AfterAdmits, e.AfterEvicts = len(out.Admits), len(out.Evicts)
		}
		s.ends = append(s.ends, e)
	}
}

// noteLeft notes, at the end of a step, which of those who held before have gone, changed or do not wait any more.
func (s *World) noteLeft(before []*workload) {
	for _, old := range before {
		uid := old.seen.UID
		if w := s.workloads[uid]; w != old && (w == nil || w.state == pending) {
			s.noteEnd(old, EndLeft, nil)
		}
	}
	sort.Slice(s.ends, func(i, j int) bool { return s.ends[i].UID < s.ends[j].UID })
}

// preemptors lists those who wait with a preemptor's hold.
func (s *World) preemptors() []*workload {
	var all []*workload
	for _, w := range s.workloads {
		if w.preempts {
			all = append(all, w)
		}
	}
	return all
}

// overtaken says whether a preemptor in a StrictFIFO queue stands behind another who requests, in any flavor open to it,
// some of what is held (amendment A4).
func (s *World) overtaken(w *workload) bool {
	n := s.trees().byName[QueueNode(w.holdQueue)]
	return n.queue.Strategy == StrictFIFO && !s.mayPass(n, w, &verdict{request: w.hold})
}

// mayHeadHold says whether a workload is the head of a StrictFIFO queue that does not plan: where it plans, a reservation does
// what the hold does.
func (s *World) mayHeadHold(queue string, w *workload) bool {
	return s.head(queue) == w && s.trees().byName[QueueNode(queue)].policy().Depth == 0
}

// dropHolds drops the holds that have come to their end and returns their holders: a StrictFIFO head's when it is not
// head any more, or its queue has begun to plan, a preemptor's when it does not wait in that queue any more, is overtaken, or the time is up; these two wake it.
func (s *World) dropHolds() map[UID]bool {
	dropped := map[UID]bool{}
	for uid, w := range s.workloads {
		if len(w.hold) == 0 {
			continue
		}
		waits := w.state == pending && s.barred(w) == "" && s.nodeOf(w).Name == w.holdQueue
		late := w.preempts && s.holdTimeout > 0 && s.now >= w.clock.deadline
		overtaken := waits && w.preempts && s.overtaken(w)
		if waits && !late && !overtaken && (w.preempts || s.mayHeadHold(w.holdQueue, w)) {
			continue
		}
		switch {
		case !waits:
			s.noteEnd(w, EndLeft, nil)
		case overtaken:
			s.noteEnd(w, EndOvertaken, nil)
			w.clock = holdClock{}
		case late:
			s.noteEnd(w, EndTimeout, nil)
		}
		w.dropHold()
		if waits && (late || overtaken) {
			s.wake(w)
		}
		dropped[uid] = true
	}
	if len(dropped) > 0 {
		s.memoUsage, s.memoMembers = nil, nil
	}
	return dropped
}

// noteReleases tells the waiting workloads of every tree in which the usage of a ClusterQueue has fallen.
func (s *World) noteReleases(before map[string][]int64) {
	after := s.leaves(false, "")
	for _, queue := range sortedKeys(before) {
		fell := false
		for f, amount := range before[queue] {
			fell = fell || after[queue] == nil && amount > 0 || after[queue] != nil && after[queue][f] < amount
		}
		if !fell {
			continue
		}
		together := map[string]bool{}
		for _, name := range s.together([]Node{QueueNode(queue)}) {
			together[name] = true
		}
		for _, w := range s.workloads {
			w.clock.released = w.clock.released || w.clock.runs && together[s.nodeOf(w).Name]
		}
	}
}

// setTime ends holds, windows and minimum runtimes. The end of a window wakes the tree.
func (s *World) setTime(now int64) {
	if now <= s.now {
		return
	}
	s.step(func() {
		old := s.now
		s.now = now
		for _, r := range s.windows {
			if old < r.end() && r.end() <= now {
				s.wakeQueues(s.together([]Node{r.Node}))
			}
		}
	})
}

// protected lists those who hold quota, do not count as gone and are within their minimum runtime.
func (s *World) protected() []UID {
	var all []UID
	for uid, w := range s.workloads {
		if !w.gone() && s.protectedUntil(w) > s.now {
			all = append(all, uid)
		}
	}
	return all
}

// wakeBare wakes the trees of those who were protected and are not any more, by time or by an edit, although they still use quota.
// One that counts as gone is no candidate before nor after.
func (s *World) wakeBare(before []UID) {
	for _, uid := range before {
		if w := s.workloads[uid]; w != nil && w.admission != nil && !w.gone() && s.protectedUntil(w) <= s.now {
			s.wakeQueues(s.together([]Node{s.nodeOf(w)}))
		}
	}
}

// reservedAt is when the workload got its quota.
func (w *workload) reservedAt() int64 {
	if w.ours {
		return w.reserved
	}
	return w.seen.ReservedAt
}

// protectedUntil is the end of the minimum runtime of a workload that holds quota: the longer of its class's and its
// ClusterQueue's, from Admitted on. One whose quota is only reserved does not run and is not protected.
func (s *World) protectedUntil(w *workload) int64 {
	if w.admission == nil || w.admission.Reserved {
		return 0
	}
	least := w.seen.MinimumRuntime
	if cq := s.queues[w.admission.ClusterQueue]; cq != nil {
		least = max(least, cq.MinimumRuntime)
	}
	switch {
	case least == 0:
		return 0
	case w.ours:
		return add(w.reserved, least)
	}
	return add(w.seen.AdmittedAt, least)
}

// assumeEvict takes over a preemption decided elsewhere.
func (s *World) assumeEvict(e Evict) {
	hold := s.uses(e.Hold)
	s.step(func() {
		if w := s.workloads[e.Preemptor]; w != nil && w.state == pending {
			s.mayHold(w)
			w.hold, w.holdQueue, w.preempts, w.keeps, w.began = hold, e.Queue, true, e.PodSets, s.now
		}
		s.evict(e)
	})
}

// assumeEnd takes over the end of a hold decided elsewhere.
func (s *World) assumeEnd(e End) {
	s.step(func() {
		if w := s.workloads[e.UID]; w != nil && w.preempts {
			s.noteEnd(w, e.Cause, nil)
			w.dropHold()
			w.clock = holdClock{}
		}
	})
}
