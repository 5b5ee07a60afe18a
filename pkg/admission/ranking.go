package admission

import (
	"math/bits"

	"fairlead.dev/fairlead/pkg/fairshare"
	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// ranking keeps the outlook of all queues of a flat tree after a fall of some
// flavor-resources at its root, in the order in which they would come to an
// admission: the turn, then the key. What a queue comes to depends on the rest
// of the tree only through what is available at the root; so the ranking holds
// as long as that stays between bounds, but for queues that have changed
// themselves. A pass that follows a finish then costs what has changed since
// the ranking was last used, and not the number of queues.
type ranking struct {
	fallen quota.Set
	// lo and hi bound what is available at the root of each flavor-resource:
	// lo <= available < hi.
	lo, hi []quota.Amount
	// firsts are what ranked queues would admit, by node. Their keys are in the
	// tournament.
	firsts  []*queue.Twins
	counted []counted
	// limited: idle turns depend on what their queue uses, by a borrowing limit.
	limited    bool
	tournament *fairshare.Tournament
	// seen is how many of the scope's changes it knows, of those in epoch.
	seen  int
	epoch uint64
	used  uint64 // the clock when it was last used
}

// counted are idle turns, with what they depend on besides the bounds.
type counted struct {
	first *queue.Twins
	epoch uint64
	turns int32
}

// rankings is how many rankings a tree keeps: a few sets of flavor-resources
// that fall together, with a few amounts of each.
const rankings = 12

// mostRanked is how many flavor-resources a tree for rankings or contests may
// have: they are bits of a word.
const mostRanked = 64

// KeyAt leaves the key of a queue as rankQueue has made it: fairshare.Keyer.
func (r *ranking) KeyAt(n, leaf int32, key *fairshare.Key) {}

// rankable says whether the tree is flat and without what a ranking does not
// know: StrictFIFO, local quota, verdicts that depend on all of the tree, and
// searches that go on after a flavor that fits.
func (s *scope) rankable() bool {
	if s.tree.Cycle != "" || s.tree.FlavorResources() > mostRanked || len(s.byName) < 2 {
		return false
	}
	for _, q := range s.byName {
		if q.strict || q.keeps || q.wideVerdicts || s.tree.Parent(q.at) != 0 || q.spec.Fungibility.WhenCanBorrow == TryNextFlavor {
			return false
		}
	}
	return true
}

// changed notes that a queue's usage or what it has parked has changed.
func (s *scope) changed(q *clusterQueue) {
	if !s.ranked {
		return
	}
	if s.lastChange[q.at] > s.changesRead {
		return // no ranking has seen that one
	}
	if len(s.changes) > 16*len(s.byName)+4096 {
		s.allChanged()
	}
	s.changes = append(s.changes, q.at)
	s.lastChange[q.at] = len(s.changes)
}

// allChanged makes all rankings start anew.
func (s *scope) allChanged() {
	s.changes, s.changesRead = s.changes[:0], 0
	clear(s.lastChange)
	s.changeEpoch++
}

// rank finds or makes the ranking for what has fallen, up to date; nil if a
// queue has something that a ranking does not know.
func (e *Engine) rank(s *scope) *ranking {
	s.changesRead = len(s.changes)
	var oldest *ranking
	for i := range s.rankings {
		r := s.rankings[i]
		if r.used > 0 && r.epoch == s.changeEpoch && r.fallen.Equal(s.fallenNow) && r.holds(s.tree.Tree) {
			if !e.updateRanking(s, r) {
				return nil
			}
			if r.holds(s.tree.Tree) {
				r.used = e.clock
				return r
			}
			oldest = r
			break
		}
		if oldest == nil || r.used < oldest.used {
			oldest = r
		}
	}
	if !e.rebuildRanking(s, oldest) {
		oldest.used = 0
		return nil
	}
	oldest.used = e.clock
	return oldest
}

// holds says whether what is available at the root is within the bounds.
func (r *ranking) holds(t *quota.Tree) bool {
	for f := range r.lo {
		if a := t.Available(0, int32(f)); a < r.lo[f] || a >= r.hi[f] && r.hi[f] != quota.Unlimited {
			return false
		}
	}
	return true
}

func (e *Engine) rebuildRanking(s *scope, r *ranking) bool {
	frs, nodes := s.tree.FlavorResources(), len(s.queues)
	if r.tournament == nil || len(r.lo) != int(frs) {
		parent := make([]int32, nodes)
		parent[0] = -1
		r.tournament = fairshare.NewTournament(parent, r)
		r.lo, r.hi = make([]quota.Amount, frs), make([]quota.Amount, frs)
		r.firsts = make([]*queue.Twins, nodes)
		r.counted = make([]counted, nodes)
	}
	clear(r.counted)
	r.tournament.Clear()
	r.fallen = append(r.fallen[:0], s.fallenNow...)
	for f := range r.lo {
		r.lo[f], r.hi[f] = -quota.Unlimited, quota.Unlimited
	}
	r.seen, r.epoch = len(s.changes), s.changeEpoch
	for _, q := range s.byName {
		if !e.rankQueue(s, r, q) {
			return false
		}
	}
	return true
}

func (e *Engine) updateRanking(s *scope, r *ranking) bool {
	for ; r.seen < len(s.changes); r.seen++ {
		at := s.changes[r.seen]
		if s.lastChange[at] != r.seen+1 {
			continue // it has changed again
		}
		if !e.rankQueue(s, r, s.queues[at]) {
			r.used = 0
			return false
		}
	}
	return true
}

// setAside takes out queues in which there is something that is not parked:
// they are looked at by themselves in this pass.
func (r *ranking) setAside(queues []*clusterQueue) {
	for _, q := range queues {
		if r.tournament.Entered(q.at) {
			r.tournament.Leave(q.at)
		}
	}
}

// putBack undoes setAside: what was new is parked now, and unless that is a
// change too, they have the places they had.
func (r *ranking) putBack(queues []*clusterQueue) {
	for _, q := range queues {
		if r.firsts[q.at] != nil {
			r.tournament.Enter(q.at)
		}
	}
}

// fits says whether a queue can use an amount, and bounds what is available at
// the root so that this stays true, or false.
func (r *ranking) fits(t *quota.Tree, n, f int32, amount quota.Amount) bool {
	if amount <= t.Available(n, f) {
		r.lo[f] = max(r.lo[f], amount)
		return true
	}
	r.short(t, n, f, amount)
	return false
}

// short notes that a queue cannot use an amount.
func (r *ranking) short(t *quota.Tree, n, f int32, amount quota.Amount) {
	if amount < r.hi[f] && amount <= t.Ceiling(n, f) {
		r.hi[f] = amount
	}
}

// rankQueue gives a queue its place, by what is parked in it. It is false if
// the queue has what a ranking does not know.
func (e *Engine) rankQueue(s *scope, r *ranking, q *clusterQueue) bool {
	r.firsts[q.at] = nil
	if len(q.pending.Complex()) > 0 || q.pending.Related() {
		return false
	}
	first, known := q.rankFirst(r)
	if first == nil || !known {
		r.tournament.Leave(q.at)
		return known
	}
	c := &r.counted[q.at]
	if c.first != first.Twins() || c.epoch != q.pending.Epoch() {
		r.limited = false
		turns, known := q.rankTurns(r, first)
		if !known {
			return false
		}
		*c = counted{first: first.Twins(), epoch: q.pending.Epoch(), turns: turns}
		if r.limited {
			c.first = nil // what the queue uses changes more often than its epoch
		}
	}
	alts := first.Plan.Items[0].Alternatives
	for i := range alts {
		if !q.rankFits(r, &alts[i]) {
			continue
		}
		p := &q.pass
		p.item, p.verdict.plan = first.First(), nil
		p.verdict.charges = append(p.verdict.charges[:0], alts[i].Requests...)
		p.verdict.level = 0
		for _, a := range alts[i].Requests {
			p.verdict.level = max(p.verdict.level, s.tree.Level(q.at, a.FR, a.Amount))
		}
		key := r.tournament.Key(q.at)
		s.KeyAt(q.at, q.at, key)
		key.Turn = c.turns
		r.firsts[q.at] = first.Twins()
		p.item = nil
		r.tournament.Enter(q.at)
		return true
	}
	return false
}

// rankFirst is the first class that fits, of those that the fall may help.
func (q *clusterQueue) rankFirst(r *ranking) (first *queue.Class, known bool) {
	t := q.scope.tree.Tree
	seen := uint64(0)
	for fallen := r.fallen[0]; fallen != 0; fallen &= fallen - 1 {
		f := int32(bits.TrailingZeros64(fallen))
		needs := q.pending.Needs(f)
		if len(needs) == 0 {
			continue
		}
		room, other, otherRoom := t.Available(q.at, f), int32(-1), quota.Amount(0)
		for i := range needs {
			n := &needs[i]
			if n.Amount > room {
				r.short(t, q.at, f, n.Amount)
				break
			}
			if n.Other > 0 {
				if n.Whole && seen>>n.OtherFR&1 != 0 {
					continue // was looked at as a need of the other
				}
				if n.OtherFR != other {
					other, otherRoom = n.OtherFR, t.Available(q.at, n.OtherFR)
				}
				if n.Other > otherRoom {
					r.short(t, q.at, other, n.Other)
					continue
				}
				r.lo[other] = max(r.lo[other], n.Other)
			}
			r.lo[f] = max(r.lo[f], n.Amount)
			c := n.Parked
			if c != nil && !n.Whole {
				return nil, false
			}
			if c != nil && (first == nil || c != first && c.First().Before(first.First())) {
				first = c
			}
		}
		seen |= 1 << f
	}
	return first, true
}

// rankTurns counts the idle turns before the first class that fits.
func (q *clusterQueue) rankTurns(r *ranking, first *queue.Class) (turns int32, known bool) {
	for _, c := range q.pending.Parked() {
		switch {
		case c == first:
			return turns, true
		case !c.Consulted(r.fallen), c.Plan.IfShort == shortNoFit:
		case c.Plan.IfShort == shortPreempts:
			turns++
		case !q.staysUnfit(r, c.Plan):
			return 0, false
		}
	}
	return 0, false
}

// staysUnfit says whether the verdict on an unfit plan is NoFit because, in
// each flavor, something is short for which nobody may be preempted.
func (q *clusterQueue) staysUnfit(r *ranking, p *quota.Plan) bool {
	t := q.scope.tree.Tree
	for i := range p.Items[0].Alternatives {
		alt := &p.Items[0].Alternatives[i]
		short := alt.IfShort == shortNoFit
		for j := 0; j < len(alt.Requests) && !short; j++ {
			a := alt.Requests[j]
			short = t.Nominal(q.at, a.FR) < a.Amount && !r.fits(t, q.at, a.FR, a.Amount)
			r.limited = r.limited || short && a.Amount > t.Ceiling(q.at, a.FR)
		}
		if !short {
			return false
		}
	}
	return true
}

// rankFits says whether there is room for an alternative.
func (q *clusterQueue) rankFits(r *ranking, alt *quota.Alternative) bool {
	if alt.Overflow {
		return false
	}
	for _, a := range alt.Requests {
		if !r.fits(q.scope.tree.Tree, q.at, a.FR, a.Amount) {
			return false
		}
	}
	return true
}

// ask notes in the scope the least that any workload asks of the first
// flavor-resource of each flavor that is open to it.
func (s *scope) ask(p *quota.Plan) {
	if !s.ranked || !p.Simple {
		return
	}
	for i := range p.Items[0].Alternatives {
		if rs := p.Items[0].Alternatives[i].Requests; len(rs) > 0 {
			s.least[rs[0].FR] = min(s.least[rs[0].FR], rs[0].Amount)
		}
	}
}

// barren says that nothing fits any more that what has fallen could help: of
// each of its flavors the first thing that anybody asks for is too short for
// all.
func (s *scope) barren() bool {
	for fallen := s.fallenNow[0]; fallen != 0; fallen &= fallen - 1 {
		for same := s.flavorOf[bits.TrailingZeros64(fallen)]; same != 0; same &= same - 1 {
			if f := int32(bits.TrailingZeros64(same)); s.least[f] <= s.tree.Available(0, f) {
				return false
			}
		}
	}
	return true
}
