package oracle

import "sort"

// takeFair takes victims under fair sharing until the workload fits.
func (p *problem) takeFair() (taken []*victim, done bool) {
	within := p.staysWithin()
	return p.takeFairFrom(p.fairCandidates(within), within)
}

func (p *problem) takeFairFrom(pool []*victim, within bool) (taken []*victim, done bool) {
	taken, rejected, done := p.firstStrategy(pool, within)
	if !done && len(p.s.strategies) > 1 {
		return p.secondStrategy(taken, rejected)
	}
	return taken, done
}

// staysWithin says whether the preemptor's queue is within nominal in every short flavor-resource, the request
// included, before anybody is taken.
func (p *problem) staysWithin() bool {
	u := p.asked(nil)[p.q.index]
	for f := range p.short {
		if u[f] > p.q.quota[f].Nominal {
			return false
		}
	}
	return true
}

// fairCandidates lists, in victim order, the workloads of the own queue by withinClusterQueue, and by
// reclaimWithinCohort those of queues that exceed nominal in a short flavor-resource, without those who are spared (amendments A3
// and A11) unless the preemptor is within nominal in all that it requests.
func (p *problem) fairCandidates(within bool) []*victim {
	u, policy := p.bare(nil), p.q.queue.Preemption
	var all []*victim
	for _, v := range p.holders {
		v.rank, v.reason = elsewhere, InCohortFairSharing
		if within {
			v.reason = InCohortReclamation
		}
		over := false
		for f := range p.short {
			over = over || u[v.q.index][f] > v.q.quota[f].Nominal
		}
		allowed := over && p.eligible(v, policy.ReclaimWithinCohort)
		if v.q == p.q {
			v.rank, v.reason = own, InClusterQueue
			allowed = p.eligible(v, policy.WithinClusterQueue)
		}
		if allowed && (!p.s.spared[spared{v.w.seen.UID, v.reason}] || p.within(nil)) {
			all = append(all, v)
		}
	}
	sort.Slice(all, func(i, j int) bool { return victimBefore(all[i], all[j]) })
	return all
}

// firstStrategy takes victims by the first strategy until the workload fits, and returns those it rejected.
func (p *problem) firstStrategy(pool []*victim, within bool) (taken, rejected []*victim, done bool) {
	for {
		pool = p.takeable(pool, taken)
		q := p.highest(pool, taken)
		if q == nil {
			return taken, rejected, false
		}
		for _, v := range of(pool, q) {
			pool = except(pool, v)
			if q != p.q && !within {
				if v.rule = p.s.strategies[0]; !p.yields(v, taken) {
					rejected = append(rejected, v)
					continue
				}
			}
			taken = append(taken, v)
			break // shares have changed: choose the queue anew
		}
		if p.fits(taken) {
			return taken, nil, true
		}
	}
}

// secondStrategy takes, of those rejected, at most one a queue.
func (p *problem) secondStrategy(taken, pool []*victim) ([]*victim, bool) {
	for {
		pool = p.takeable(pool, taken)
		q := p.highest(pool, taken)
		if q == nil {
			return nil, false
		}
		v := of(pool, q)[0]
		for _, same := range of(pool, q) {
			pool = except(pool, same)
		}
		if v.rule = p.s.strategies[1]; p.yields(v, taken) {
			if taken = append(taken, v); p.fits(taken) {
				return taken, true
			}
		}
	}
}

// takeable lists those of the pool who could be taken as far as excess goes.
func (p *problem) takeable(pool, taken []*victim) []*victim {
	var all []*victim
	for _, v := range pool {
		if p.exceedsInTaken(v, taken) {
			all = append(all, v)
		}
	}
	return all
}

// of lists the victims of one queue, in victim order.
func of(pool []*victim, q *node) []*victim {
	var all []*victim
	for _, v := range pool {
		if v.q == q {
			all = append(all, v)
		}
	}
	return all
}

// highest goes down from the root, always to the child with the highest share among those that have candidates, to a queue;
// nil if there is none. That nodes which borrow nothing are skipped follows from takeable.
func (p *problem) highest(pool, taken []*victim) *node {
	return p.highestBelow(p.q.top(), pool, p.asked(taken))
}

func (p *problem) highestBelow(n *node, pool []*victim, asked table) *node {
	if n.queue != nil {
		if len(of(pool, n)) == 0 {
			return nil
		}
		return n
	}
	var best, queue *node
	for _, child := range n.children {
		q := p.highestBelow(child, pool, asked)
		if q != nil && (best == nil || p.yieldsFirst(child, best, pool, asked)) {
			best, queue = child, q
		}
	}
	return queue
}

// borrows says whether the node uses more than its quota of anything.
func (n *node) borrows(u table) bool {
	for f, used := range u[n.index] {
		if used > n.subtree[f] {
			return true
		}
	}
	return false
}

// yieldsFirst says whether victims come from child n rather than from its sibling m: the higher share; on a tie a
// Cohort before a ClusterQueue, queues by their first candidate, Cohorts by name.
func (p *problem) yieldsFirst(n, m *node, pool []*victim, asked table) bool {
	if order := n.share(asked[n.index], p.s.frs).Compare(m.share(asked[m.index], p.s.frs)); order != 0 {
		return order > 0
	}
	switch {
	case n.Cohort != m.Cohort:
		return n.Cohort
	case n.Cohort:
		return n.Name < m.Name
	}
	return victimBefore(of(pool, n)[0], of(pool, m)[0])
}

// yields compares shares by the victim's rule at the children of the lowest common ancestor, the others gone: the
// preemptor's share after against the victim's share after or before. A child of weight 0 that borrows yields to any that is
// not itself of weight 0 and borrowing (amendment A5).
func (p *problem) yields(v *victim, without []*victim) bool {
	path := p.below(v)
	theirs := path[len(path)-1]
	ours := p.q
	for ours.parent != theirs.parent {
		ours = ours.parent
	}
	before, after := p.asked(without), p.asked(append(append([]*victim(nil), without...), v))
	mine, its := ours.share(before[ours.index], p.s.frs), theirs.share(before[theirs.index], p.s.frs)
	if its.InfiniteBorrower() && !mine.InfiniteBorrower() {
		return true
	}
	if v.rule == InitialShare {
		return mine.Compare(its) < 0
	}
	return mine.Compare(theirs.share(after[theirs.index], p.s.frs)) <= 0
}

// fairRule is the rule for taking a victim under fair sharing: his queue and all nodes below the common ancestor exceed their
// quota in what is taken, and he yields by the strategy that took him, if one did.
func (p *problem) fairRule(v *victim, without []*victim) bool {
	return p.exceedsInTaken(v, without) && (v.q == p.q || v.rule == "" || p.yields(v, without))
}
