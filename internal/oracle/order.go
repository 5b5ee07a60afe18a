package oracle

import (
	"fmt"
	"sort"
)

// before says whether a precedes b inside a ClusterQueue: higher priority, then queue time, then UID.
func before(a, b *workload) bool {
	if a.seen.Priority != b.seen.Priority {
		return a.seen.Priority > b.seen.Priority
	}
	if a.seen.QueueTime != b.seen.QueueTime {
		return a.seen.QueueTime < b.seen.QueueTime
	}
	return a.seen.UID < b.seen.UID
}

// barred says why a pending workload stands in no queue's order; empty if it stands in one. Those that are
// misconfigured by themselves stand in the order and do not fit (reading 9).
func (s *World) barred(w *workload) Reason {
	lq := s.localQueues[[2]string{w.seen.Namespace, w.seen.LocalQueue}]
	switch {
	case !w.seen.Active:
		return Deactivated
	case w.seen.Withheld != "":
		return w.seen.Withheld
	case lq == nil || s.queues[lq.ClusterQueue] == nil:
		return Misconfigured
	case lq.Stop != "" && lq.Stop != StopNone || !s.active(lq.ClusterQueue):
		return Suspended
	case !s.queues[lq.ClusterQueue].NamespaceSelector.matches(s.namespaces[w.seen.Namespace]):
		return Misconfigured
	}
	return ""
}

// members returns the workloads that stand in the queue's order.
func (s *World) members(queue string) []*workload {
	if s.memoMembers == nil {
		s.memoMembers = map[string][]*workload{}
		for _, w := range s.workloads {
			if w.state == pending && s.barred(w) == "" {
				name := s.nodeOf(w).Name
				s.memoMembers[name] = append(s.memoMembers[name], w)
			}
		}
		for _, m := range s.memoMembers {
			sort.Slice(m, func(i, j int) bool { return s.triedBefore(m[i], m[j]) })
		}
	}
	return s.memoMembers[queue]
}

// triedBefore is the order in which a queue's workloads are tried: in a BestEffortFIFO queue holders come first.
func (s *World) triedBefore(a, b *workload) bool {
	if s.queues[s.nodeOf(a).Name].Strategy != StrictFIFO && len(a.hold) > 0 != (len(b.hold) > 0) {
		return len(a.hold) > 0
	}
	return before(a, b)
}

// head is the first of the order of a StrictFIFO queue; nil elsewhere.
func (s *World) head(queue string) *workload {
	m := s.members(queue)
	if len(m) == 0 || s.queues[queue].Strategy != StrictFIFO {
		return nil
	}
	return m[0]
}

// mayPass says whether the verdict assigns no flavor-resource that an earlier member of the StrictFIFO queue
// requests in any flavor open to it.
func (s *World) mayPass(n *node, w *workload, v *verdict) bool {
	for _, earlier := range s.members(n.Name) {
		if earlier == w {
			break
		}
		wanted := s.wants(n, earlier)
		for _, u := range v.request {
			if wanted[u.f] {
				return false
			}
		}
	}
	return true
}

// wants lists the flavor-resources that a workload requests in any flavor open to it.
func (s *World) wants(n *node, w *workload) map[int]bool {
	wanted := map[int]bool{}
	for i := range w.seen.PodSets {
		ps := &w.seen.PodSets[i]
		for r, ask := range s.asks(n, ps, effective(*ps, ps.Count)) {
			group := n.queue.group(r)
			if group == nil || ask.amount == 0 {
				continue
			}
			for _, fq := range group.Flavors {
				if _, listed := fq.Resources[r]; listed && opens(s.flavors[fq.Name], ps) {
					wanted[s.fr(FlavorResource{fq.Name, r})] = true
				}
			}
		}
	}
	return wanted
}

// shape is a text that is equal for workloads of equal shape: priority and, pod set by pod set, size, smallest
// size, requests of a pod, and the flavors open to it in the resource groups of which it asks something (reading 12); with backfill in the tree its limit too, and its
// LocalQueue if a window is kept for that.
func (s *World) shape(n *node, w *workload) string {
	text := fmt.Sprint(w.seen.Priority, w.seen.Misconfigured)
	if p := s.plannerOf(n); p != nil {
		text += fmt.Sprint(" for ", w.seen.Limit, p.windowGroup(n, w))
	}
	for i := range w.seen.PodSets {
		ps := &w.seen.PodSets[i]
		least := ps.Count
		if ps.MinCount != nil {
			least = *ps.MinCount
		}
		text += fmt.Sprint("|", ps.Count, ps.Reclaimable, least, ps.Requests) // fmt prints maps in key order
		asked := s.asks(n, ps, effective(*ps, ps.Count))
		for g := range n.queue.Groups {
			group := &n.queue.Groups[g]
			for _, fq := range group.Flavors {
				if n.queue.wanted(group, asked) && opens(s.flavors[fq.Name], ps) {
					text += " " + fq.Name
				}
			}
			text += ";"
		}
	}
	return text
}

// candidate is the representative of a queue in the competition between queues.
type candidate struct {
	q *node
	*stored
	rows map[*node][]int64 // usage of the nodes on its path after it is charged at its leaf
}

// winner is the queue to act next among those of the tree that have not acted in this round; nil if none
// stores a representative.
func (s *World) winner(root *node, acted map[*node]bool) *candidate {
	if s.fairSharing {
		return s.tournament(root, acted)
	}
	var best *candidate
	for _, q := range root.leaves() {
		if c := s.candidate(q, acted); c != nil && (best == nil || flatBefore(c, best)) {
			best = c
		}
	}
	return best
}

func (s *World) candidate(q *node, acted map[*node]bool) *candidate {
	st := s.stored[q.Name]
	if acted[q] || st == nil || st.w == nil {
		return nil
	}
	return &candidate{q: q, stored: st}
}

// flatBefore is the order without fair sharing: smaller borrowing level, then as inside a queue.
func flatBefore(a, b *candidate) bool {
	if a.v.level != b.v.level {
		return a.v.level < b.v.level
	}
	return before(a.w, b.w)
}

// tournament finds, at every cohort, the best of its children's best candidates.
func (s *World) tournament(n *node, acted map[*node]bool) *candidate {
	if n.queue != nil {
		c := s.candidate(n, acted)
		if c != nil {
			c.rows = charged(n, s.usageWithHolds(c.w.seen.UID), c.v.request)
		}
		return c
	}
	var best *candidate
	var bestChild *node
	for _, child := range n.children {
		c := s.tournament(child, acted)
		if c != nil && (best == nil || s.fairBefore(child, c, bestChild, best)) {
			best, bestChild = c, child
		}
	}
	return best
}

// fairBefore compares the candidates of two children of one cohort: first those whose child does not borrow, after
// the charge, on a flavor-resource requested; then the smaller share; then as inside a queue.
func (s *World) fairBefore(n *node, a *candidate, m *node, b *candidate) bool {
	if x, y := a.borrowsIn(n), b.borrowsIn(m); x != y {
		return y
	}
	if order := n.share(a.rows[n], s.frs).Compare(m.share(b.rows[m], s.frs)); order != 0 {
		return order < 0
	}
	return before(a.w, b.w)
}

func (c *candidate) borrowsIn(n *node) bool {
	for _, u := range c.v.request {
		if c.rows[n][u.f] > n.subtree[u.f] {
			return true
		}
	}
	return false
}

// charged computes the usage of the nodes on the path of leaf q after the request is charged there.
func charged(q *node, u table, request []use) map[*node][]int64 {
	rows := map[*node][]int64{}
	for n := q; n != nil; n = n.parent {
		rows[n] = append([]int64(nil), u[n.index]...)
	}
	for _, r := range request {
		for n, more := q, r.amount; n != nil; n = n.parent {
			old := rows[n][r.f]
			rows[n][r.f] = add(old, more)
			more = max(0, rows[n][r.f]-n.local[r.f]) - max(0, old-n.local[r.f])
		}
	}
	return rows
}

// leaves returns the ClusterQueues below n, by name inside each Cohort.
func (n *node) leaves() []*node {
	if n.queue != nil {
		return []*node{n}
	}
	var all []*node
	for _, c := range n.children {
		all = append(all, c.leaves()...)
	}
	return all
}
