package oracle

import (
	"fmt"
	"sort"
)

// Usage is what the admitted and assumed workloads use of a node, added up from their list; holds do not count.
// Zero for a node or flavor-resource that nobody has named.
func (s *World) Usage(n Node, f FlavorResource) int64 {
	return s.at(n, f, func(n *node, i int) int64 { return s.usage()[n.index][i] })
}

// UsageWithHolds is Usage plus what is held.
func (s *World) UsageWithHolds(n Node, f FlavorResource) int64 {
	return s.at(n, f, func(n *node, i int) int64 { return s.usageWithHolds("")[n.index][i] })
}

// Nominal is the node's own quota.
func (s *World) Nominal(n Node, f FlavorResource) int64 {
	return s.at(n, f, func(n *node, i int) int64 { return n.quota[i].Nominal })
}

// Subtree is the quota of the node with what its children lend it.
func (s *World) Subtree(n Node, f FlavorResource) int64 {
	return s.at(n, f, func(n *node, i int) int64 { return n.subtree[i] })
}

// Local is the part of Subtree that nobody above the node sees.
func (s *World) Local(n Node, f FlavorResource) int64 {
	return s.at(n, f, func(n *node, i int) int64 { return n.local[i] })
}

// Potential is what the node could use if nobody else used anything.
func (s *World) Potential(n Node, f FlavorResource) int64 {
	return s.at(n, f, func(n *node, i int) int64 { return n.potential[i] })
}

// Available is what the node may still use, holds not counted; negative after a quota cut.
func (s *World) Available(n Node, f FlavorResource) int64 {
	return s.at(n, f, func(n *node, i int) int64 { return n.available(s.usage(), i) })
}

// AvailableWithHolds is Available where holds count as usage.
func (s *World) AvailableWithHolds(n Node, f FlavorResource) int64 {
	return s.at(n, f, func(n *node, i int) int64 { return n.available(s.usageWithHolds(""), i) })
}

// BorrowingLevel is the level of a request at a ClusterQueue, holds not counted.
func (s *World) BorrowingLevel(queue string, f FlavorResource, request int64) int {
	return int(s.at(QueueNode(queue), f, func(n *node, i int) int64 { return int64(n.level(s.usage(), i, request)) }))
}

// at evaluates a property of a node; zero where the node does not exist or hangs on a cycle.
func (s *World) at(name Node, f FlavorResource, property func(n *node, i int) int64) int64 {
	s.trees()
	i, known := s.frIndex[f]
	n := s.trees().byName[name]
	if !known || n == nil || n.broken {
		return 0
	}
	return property(n, i)
}

// Share is the dominant resource share of a node as its status shows it: holds not counted. A node that does not
// exist counts as a root.
func (s *World) Share(name Node) Share {
	n := s.trees().byName[name]
	if n == nil || n.broken {
		return Share{Unweighted: zero, Root: true}
	}
	return n.share(s.usage()[n.index], s.frs)
}

// Nodes lists all nodes, those included that are only named.
func (s *World) Nodes() []Node {
	var names []Node
	for _, n := range s.trees().nodes {
		names = append(names, n.Node)
	}
	return names
}

// FlavorResources lists all flavor-resources that a quota or an admission names, sorted.
func (s *World) FlavorResources() []FlavorResource {
	s.trees()
	all := append([]FlavorResource(nil), s.frs...)
	sort.Slice(all, func(i, j int) bool {
		return all[i].Flavor < all[j].Flavor || all[i].Flavor == all[j].Flavor && all[i].Resource < all[j].Resource
	})
	return all
}

// InCycle says whether the node hangs on a cycle of Cohorts.
func (s *World) InCycle(name Node) bool {
	n := s.trees().byName[name]
	return n != nil && n.broken
}

// Active says whether the ClusterQueue exists and may admit.
func (s *World) Active(queue string) bool { return s.active(queue) }

// Holds lists what is held for whom.
func (s *World) Holds() map[UID]map[FlavorResource]int64 {
	all := map[UID]map[FlavorResource]int64{}
	for uid, w := range s.workloads {
		for _, u := range w.hold {
			if all[uid] == nil {
				all[uid] = map[FlavorResource]int64{}
			}
			all[uid][s.frs[u.f]] = u.amount
		}
	}
	return all
}

// Admissions lists who holds quota, assumed or admitted, with which admission.
func (s *World) Admissions() map[UID]Admission {
	all := map[UID]Admission{}
	for uid, w := range s.workloads {
		if w.admission != nil {
			all[uid] = *w.admission
		}
	}
	return all
}

// Assumed says whether the workload holds quota by an admission that is not confirmed.
func (s *World) Assumed(uid UID) bool {
	w := s.workloads[uid]
	return w != nil && w.state == assumed
}

// Fits says whether the requests together fit a ClusterQueue, holds not counted: for every one,
// request <= max(0, available), and the queue lists the flavor-resource.
func (s *World) Fits(queue string, requests map[FlavorResource]int64) bool {
	n := s.trees().byName[QueueNode(queue)]
	if n == nil || n.broken {
		return false
	}
	u := s.usage()
	for f, amount := range requests {
		if amount > 0 && (!lists(n.queue, f) || !n.fits(u, s.fr(f), amount)) {
			return false
		}
	}
	return true
}

func lists(cq *ClusterQueue, f FlavorResource) bool {
	group := cq.group(f.Resource)
	if group == nil {
		return false
	}
	for _, fq := range group.Flavors {
		if _, listed := fq.Resources[f.Resource]; listed && fq.Name == f.Flavor {
			return true
		}
	}
	return false
}

// OverLimit lists where an admission by decision, made by Decide or reported by Assume, broke law 1 or another rule
// at the moment it was made. Found admissions and quota cuts may put nodes over their limits; that is no violation.
func (s *World) OverLimit() []string { return s.violations }

// CheckAdmit checks one admission against the state before it and lists what is wrong: the workload may not be
// admitted there, a flavor does not suit, counts or amounts are not what it asks for, it does not fit, or
// it takes a node over a limit (law 1). Holds are not looked at.
func (s *World) CheckAdmit(uid UID, a Admission) []string {
	var wrong []string
	say := func(format string, args ...any) {
		wrong = append(wrong, fmt.Sprintf("workload %s in ClusterQueue %s: ", uid, a.ClusterQueue)+fmt.Sprintf(format, args...))
	}
	w, n := s.workloads[uid], s.trees().byName[QueueNode(a.ClusterQueue)]
	if w == nil || n == nil || n.queue == nil {
		say("no such workload or ClusterQueue")
		return wrong
	}
	if w.state != pending {
		say("holds quota already")
		return wrong
	}
	if r := s.barred(w); r != "" {
		say("may not be admitted: %s", r)
		return wrong
	}
	if in := s.nodeOf(w).Name; in != a.ClusterQueue || w.seen.Misconfigured != "" {
		say("waits in ClusterQueue %s, misconfigured: %q", in, w.seen.Misconfigured)
	}
	requests := s.checkPodSets(n, w, a, say)
	s.checkQuota(n, requests, say)
	sort.Strings(wrong)
	return wrong
}

// checkPodSets checks counts, amounts and flavors, and adds up what the admission uses.
func (s *World) checkPodSets(n *node, w *workload, a Admission, say func(string, ...any)) map[FlavorResource]int64 {
	requests := map[FlavorResource]int64{}
	if len(a.PodSets) != len(w.seen.PodSets) {
		say("%d pod sets instead of %d", len(a.PodSets), len(w.seen.PodSets))
		return requests
	}
	for i := range a.PodSets {
		ps, got := &w.seen.PodSets[i], a.PodSets[i]
		least := ps.Count
		if ps.MinCount != nil {
			least = min(least, *ps.MinCount)
		}
		if got.Name != ps.Name || got.Count > effective(*ps, ps.Count) || got.Count < effective(*ps, least) {
			say("pod set %s has %d pods", got.Name, got.Count)
		}
		flavorOf := map[*ResourceGroup]string{}
		for r, want := range s.asks(n, ps, got.Count) {
			group, flavor := n.queue.group(r), got.Flavors[r]
			switch {
			case got.Usage[r] != want.amount && (group != nil || got.Usage[r] != 0):
				say("pod set %s uses %d of %s instead of %d", ps.Name, got.Usage[r], r, want.amount)
			case group == nil && want.amount > 0 && !s.ignoreUndeclared:
				say("%s is not covered", r)
			}
			if group == nil || want.amount == 0 && flavor == "" {
				continue
			}
			if before, ok := flavorOf[group]; ok && before != flavor {
				say("pod set %s has two flavors, %s and %s, in one resource group", ps.Name, before, flavor)
			}
			flavorOf[group] = flavor
			if fl := s.flavors[flavor]; !lists(n.queue, FlavorResource{flavor, r}) || fl == nil || !opens(fl, ps) {
				say("pod set %s may not use flavor %q for %s", ps.Name, flavor, r)
				continue
			}
			f := FlavorResource{flavor, r}
			requests[f] = add(requests[f], want.amount)
		}
	}
	return requests
}

// checkQuota checks that the requests fit, and law 1 by its own words at every node of the path: wherever usage
// rises it ends within the subtree quota plus borrowing limit, and nothing is used that a sibling did not lend.
func (s *World) checkQuota(n *node, requests map[FlavorResource]int64, say func(string, ...any)) {
	u := s.usage()
	for f, amount := range requests {
		if amount == 0 {
			continue
		}
		i := s.fr(f)
		if !n.fits(u, i, amount) {
			say("%d of %v does not fit, available %d", amount, f, n.available(u, i))
		}
		after := charged(n, u, []use{{i, amount}})
		for m := n; m != nil && after[m][i] > u[m.index][i]; m = m.parent {
			limit := m.subtree[i]
			if m.parent != nil {
				switch bl := m.quota[i].BorrowingLimit; {
				case after[m][i] <= m.local[i]:
					continue
				case bl == nil:
					limit = Unlimited
				default:
					limit = add(limit, *bl)
				}
			}
			if after[m][i] > limit {
				say("takes %v over its limit in %v: %d of %d", m.Node, f, after[m][i], limit)
			}
		}
	}
}

// Unserved lists, sorted, the pending workloads whose verdict is Fit now and which the order of a StrictFIFO queue
// does not hold back: law 7, by brute force, whatever is parked. Meant for a state at rest, after Decide.
// Workloads that a rise of usage alone may have made fit are not listed, since admissions wake nobody: see
// UnservedAfterRise.
func (s *World) Unserved() []UID {
	certain, _ := s.unserved()
	return certain
}

// UnservedAfterRise lists the workloads that Unserved leaves out: with preemption those that may be admitted in part, since a plan
// for a larger size may get lost; and those of several pod sets, behind others in a StrictFIFO queue, or in a queue that may
// preempt in one flavor although another fits, which have a choice of flavors, so that they may come to fit because a flavor
// filled up, or has no candidates any more.
func (s *World) UnservedAfterRise() []UID {
	_, maybe := s.unserved()
	return maybe
}

func (s *World) unserved() (certain, maybe []UID) {
	for _, uid := range sortedKeys(s.byText()) {
		w := s.workloads[UID(uid)]
		if w.state != pending || s.barred(w) != "" {
			continue
		}
		n := s.trees().byName[s.nodeOf(w)]
		v := s.verdict(n, w, s.usageWithHolds(w.seen.UID))
		strict := n.queue.Strategy == StrictFIFO
		rather := s.preemption && (n.queue.Fungibility.WhenCanPreempt == MayStopSearch ||
			n.queue.Fungibility.Preference == PreemptionOverBorrowing) // may rather preempt in one flavor than fit in another
		smaller := s.preemption && mayShrink(w) // before, a plan for a larger size may have kept it from fitting in a smaller one
		switch {
		case v.kind != Fit || strict && !s.mayPass(n, w, v):
		case smaller:
			maybe = append(maybe, UID(uid))
		case s.hasChoice(n, w) && (len(w.seen.PodSets) > 1 || rather || strict && w != s.head(n.Name)):
			maybe = append(maybe, UID(uid))
		default:
			certain = append(certain, UID(uid))
		}
	}
	return certain, maybe
}

// mayShrink says whether partial admission may lower a count.
func mayShrink(w *workload) bool {
	for _, ps := range w.seen.PodSets {
		if ps.MinCount != nil && *ps.MinCount < ps.Count {
			return true
		}
	}
	return false
}

// hasChoice says whether more than one flavor of a resource group is open to one of the pod sets.
func (s *World) hasChoice(n *node, w *workload) bool {
	for i := range w.seen.PodSets {
		for _, g := range n.queue.Groups {
			open := 0
			for _, fq := range g.Flavors {
				if opens(s.flavors[fq.Name], &w.seen.PodSets[i]) {
					open++
				}
			}
			if open > 1 {
				return true
			}
		}
	}
	return false
}

func (s *World) byText() map[string]*workload {
	all := map[string]*workload{}
	for uid, w := range s.workloads {
		all[string(uid)] = w
	}
	return all
}

// Eviction is a workload that must give up its quota, and why.
type Eviction struct {
	UID    UID
	Reason string
}

// MustEvict lists, by UID, whom stop policies and deactivation evict: all who hold quota under HoldAndDrain, those not
// yet admitted under Hold or when the queue is gone or going, and those whose spec.active is false. Those that are
// evicted already are left out.
func (s *World) MustEvict() []Eviction {
	var all []Eviction
	for _, uid := range sortedKeys(s.byText()) {
		w := s.workloads[UID(uid)]
		if w.state != admitted || w.seen.Evicted {
			continue
		}
		cq := s.queues[w.admission.ClusterQueue]
		lq := s.localQueues[[2]string{w.seen.Namespace, w.seen.LocalQueue}]
		takenBack := func(stop StopPolicy) bool { return stop == HoldAndDrain || stop == Hold && w.admission.Reserved }
		switch {
		case !w.seen.Active:
			all = append(all, Eviction{UID(uid), "Deactivated"})
		case cq == nil || cq.Terminating:
			if w.admission.Reserved {
				all = append(all, Eviction{UID(uid), "ClusterQueueStopped"})
			}
		case takenBack(cq.Stop):
			all = append(all, Eviction{UID(uid), "ClusterQueueStopped"})
		case lq == nil && w.admission.Reserved, lq != nil && takenBack(lq.Stop):
			all = append(all, Eviction{UID(uid), "LocalQueueStopped"})
		}
	}
	return all
}
