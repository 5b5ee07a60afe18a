package oracle

import "sort"

// problem is the search for victims: a workload of queue q asks for the request, of which some flavor-resources are
// short. Workloads that are evicted already count as gone.
type problem struct {
	s       *World
	q       *node
	w       *workload
	request []use
	short   map[int]bool
	own     bool      // the request is what is held for the workload
	holders []*victim // who holds quota of the tree and is not gone, in victim order
}

// rank of a victim in the order of victims.
type rank int

const (
	outsideX rank = iota // candidates "by hierarchy"
	elsewhere
	own
)

// victim is one who holds quota of the tree, and, once a candidate, why and how he may be taken.
type victim struct {
	w       *workload
	q       *node
	charge  []use
	rank    rank
	reason  EvictReason
	nominal bool         // may be taken only if the preemptor's queue ends within nominal
	rule    FairStrategy // by which he was taken; empty: by none that compares shares
}

// problem lists who holds quota in the tree of q.
func (s *World) problem(q *node, w *workload, request []use, short map[int]bool) *problem {
	p := &problem{s: s, q: q, w: w, request: request, short: short}
	leaves := map[string]*node{}
	for _, leaf := range q.top().leaves() {
		leaves[leaf.Name] = leaf
	}
	for _, h := range s.workloads {
		if h.admission != nil && !h.gone() && leaves[h.admission.ClusterQueue] != nil {
			p.holders = append(p.holders, &victim{w: h, q: leaves[h.admission.ClusterQueue], charge: s.charge(h)})
		}
	}
	sort.Slice(p.holders, func(i, j int) bool { return victimBefore(p.holders[i], p.holders[j]) })
	return p
}

// victimBefore is the order of victims: by hierarchy, elsewhere, own; lower priority; later QuotaReserved; UID.
func victimBefore(a, b *victim) bool {
	if a.rank != b.rank {
		return a.rank < b.rank
	}
	if a.w.seen.Priority != b.w.seen.Priority {
		return a.w.seen.Priority < b.w.seen.Priority
	}
	if x, y := a.w.reservedAt(), b.w.reservedAt(); x != y {
		return x > y
	}
	return a.w.seen.UID < b.w.seen.UID
}

// leaves adds up what the holders use, but for some.
func (p *problem) leaves(without []*victim) map[string][]int64 {
	leaves := map[string][]int64{}
	for name := range p.s.queues {
		leaves[name] = make([]int64, len(p.s.frs))
	}
	for _, h := range p.holders {
		if !contains(without, h) {
			charge(leaves, h.q.Name, h.charge)
		}
	}
	return leaves
}

// bare is usage without holds once the evicted and the given victims are gone. By it a victim's queue exceeds its quota.
func (p *problem) bare(without []*victim) table {
	return p.s.trees().usage(p.leaves(without), len(p.s.frs))
}

// held is the same with what is held for others. By it requests fit.
func (p *problem) held(without []*victim) table {
	return p.s.trees().usage(p.leavesWithHolds(without), len(p.s.frs))
}

// asked is the same with the request charged at its queue. By it shares are compared.
func (p *problem) asked(without []*victim) table {
	leaves := p.leavesWithHolds(without)
	charge(leaves, p.q.Name, p.request)
	return p.s.trees().usage(leaves, len(p.s.frs))
}

func (p *problem) leavesWithHolds(without []*victim) map[string][]int64 {
	leaves := p.leaves(without)
	for _, w := range p.s.workloads {
		if p.s.sees(p.w, w, p.own) {
			charge(leaves, w.holdQueue, w.hold)
		}
	}
	return leaves
}

func contains(victims []*victim, v *victim) bool {
	for _, o := range victims {
		if o == v {
			return true
		}
	}
	return false
}

// except is the list without one.
func except(victims []*victim, v *victim) []*victim {
	var rest []*victim
	for _, o := range victims {
		if o != v {
			rest = append(rest, o)
		}
	}
	return rest
}

// solve finds the victims. A plan without victims means that those in flight suffice.
func (p *problem) solve() (victims []*victim, found bool) {
	if p.fits(nil) {
		return nil, true
	}
	if p.s.fairSharing {
		if taken, done := p.takeFair(); done {
			return p.settle(taken, p.fits, p.fairRule)
		}
		return nil, false
	}
	candidates := p.candidates()
	for _, within := range p.plans(candidates) {
		if taken, done := p.take(candidates, within); done {
			if victims, found = p.settle(taken, p.enough(within), p.exceedsInTaken); found {
				return victims, true
			}
		}
	}
	return nil, false
}

// enough is what plan A, or plan B, which is within, must reach.
func (p *problem) enough(within bool) func([]*victim) bool {
	return func(taken []*victim) bool { return p.fits(taken) && (!within || p.within(taken)) }
}

// fits says whether the request fits once the victims are gone.
func (p *problem) fits(without []*victim) bool {
	u := p.held(without)
	for _, r := range p.request {
		if !p.q.fits(u, r.f, r.amount) {
			return false
		}
	}
	return true
}

// within says whether the preemptor's queue is within nominal for every requested flavor-resource once the victims are
// gone, the request included.
func (p *problem) within(without []*victim) bool {
	u := p.held(without)
	for _, r := range p.request {
		if used := u[p.q.index][r.f]; overflows(used, r.amount) || used+r.amount > p.q.quota[r.f].Nominal {
			return false
		}
	}
	return true
}

// eligible says whether policy and minimum runtime allow the victim at all: he must use a short flavor-resource.
func (p *problem) eligible(v *victim, policy PreemptionPolicy) bool {
	uses := false
	for _, c := range v.charge {
		uses = uses || p.short[c.f]
	}
	mine, its := &p.w.seen, &v.w.seen
	switch {
	case !uses || p.s.protectedUntil(v.w) > p.s.now:
		return false
	case policy == AnyPriority:
		return true
	case policy == LowerPriority:
		return its.Priority < mine.Priority
	case policy == LowerOrNewerEqualPriority:
		return its.Priority < mine.Priority || its.Priority == mine.Priority && its.QueueTime > mine.QueueTime
	}
	return false
}

// candidates lists, in victim order, who may be a victim without fair sharing. Whoever is spared (amendment A11) is not
// taken from the own queue or inside X unless the preemptor's queue ends within nominal.
func (p *problem) candidates() []*victim {
	x := p.q.lowestHolding(p.held(nil), p.request...)
	policy := p.q.queue.Preemption
	var all []*victim
	for _, h := range p.holders {
		v := *h
		switch {
		case v.q == p.q:
			v.rank, v.reason = own, InClusterQueue
			if !p.eligible(&v, policy.WithinClusterQueue) {
				continue
			}
		case !p.eligible(&v, policy.ReclaimWithinCohort) || !p.exceedsInTaken(h, nil):
			continue
		case x != nil && !v.q.under(x):
			v.rank, v.reason = outsideX, InCohortReclamation
		case p.belowThreshold(&v):
			v.rank, v.reason = elsewhere, InCohortReclaimWhileBorrows
		default:
			v.rank, v.reason, v.nominal = elsewhere, InCohortReclamation, true
		}
		v.nominal = v.nominal || p.s.spared[spared{v.w.seen.UID, v.reason}]
		h.rank, h.reason, h.nominal = v.rank, v.reason, v.nominal
		all = append(all, h)
	}
	sort.Slice(all, func(i, j int) bool { return victimBefore(all[i], all[j]) })
	return all
}

// belowThreshold says whether borrowWithinCohort allows the victim although the preemptor's queue borrows.
func (p *problem) belowThreshold(v *victim) bool {
	policy, priority := p.q.queue.Preemption, v.w.seen.Priority
	return set(policy.BorrowWithinCohort) && priority < p.w.seen.Priority &&
		(policy.MaxPriorityThreshold == nil || priority <= *policy.MaxPriorityThreshold)
}

// under says whether n is m or below it.
func (n *node) under(m *node) bool {
	for ; n != nil; n = n.parent {
		if n == m {
			return true
		}
	}
	return false
}

// below lists the nodes from the victim's queue up to the child of the lowest ancestor that it has in common with the
// preemptor's queue.
func (p *problem) below(v *victim) []*node {
	var path []*node
	for n := v.q; !p.q.under(n); n = n.parent {
		path = append(path, n)
	}
	return path
}

// exceedsInTaken says whether the victim uses a short flavor-resource of which his queue and every node below the common
// ancestor use more than their quota once the others are gone (amendments A2 and A10). One of the own queue always does.
func (p *problem) exceedsInTaken(v *victim, without []*victim) bool {
	u := p.bare(without)
	for _, c := range v.charge {
		over := p.short[c.f]
		for _, n := range p.below(v) {
			over = over && u[n.index][c.f] > n.subtree[c.f]
		}
		if over {
			return true
		}
	}
	return false
}

// plans lists the plans to try: true is B, which takes all and must end within nominal; false is A, which may borrow
// and omits those who need that condition.
func (p *problem) plans(candidates []*victim) []bool {
	noneElsewhere, noneOutside := true, true
	for _, v := range candidates {
		noneElsewhere = noneElsewhere && v.rank == own
		noneOutside = noneOutside && v.rank != outsideX
	}
	never := !set(p.q.queue.Preemption.BorrowWithinCohort)
	saturated, u := false, p.held(nil)
	for f := range p.short {
		saturated = saturated || u[p.q.index][f] >= p.q.quota[f].Nominal
	}
	switch {
	case noneElsewhere || never && saturated:
		return []bool{false}
	case never && noneOutside:
		return []bool{true, false}
	}
	return []bool{false, true}
}

// take takes victims for plan A, or B, which is within, until there are enough.
func (p *problem) take(candidates []*victim, within bool) (taken []*victim, done bool) {
	for _, v := range candidates {
		if v.nominal && !within || !p.exceedsInTaken(v, taken) {
			continue
		}
		if taken = append(taken, v); p.enough(within)(taken) {
			return taken, true
		}
	}
	return nil, false
}

// settle gives back in reverse order whatever is needed neither to fit nor for others to be taken legally (amendment A1), and
// then checks that every remaining victim could be taken with all others gone and itself present. Otherwise the plan is
// dropped whole.
func (p *problem) settle(taken []*victim, enough func([]*victim) bool,
	rule func(*victim, []*victim) bool) ([]*victim, bool) {
	for given := true; given; { // whoever was needed for one who is given back after him is not needed any more: A6
		given = false
		for i := len(taken) - 1; i >= 0; i-- {
			if rest := except(taken, taken[i]); enough(rest) && keeps(rest, taken, rule) {
				taken, given = rest, true
			}
		}
	}
	for _, v := range taken {
		if !rule(v, except(taken, v)) {
			return nil, false
		}
	}
	return taken, true
}

// keeps says whether everybody of the rest who could be taken when all of the taken were gone still can.
func keeps(rest, taken []*victim, rule func(*victim, []*victim) bool) bool {
	for _, v := range rest {
		if rule(v, except(taken, v)) && !rule(v, except(rest, v)) {
			return false
		}
	}
	return true
}
