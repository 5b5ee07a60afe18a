package admission

import (
	"math"
	"slices"

	"fairlead.dev/fairlead/pkg/fairshare"
	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// A turn in which a workload that does not fit is parked changes nothing but
// that the queue has to wait for the next round. While nothing is held in a
// tree, usage only rises in a pass; so whole rounds of such turns can be
// skipped (leap), and the pass is over as soon as nothing that is left can fit
// (goOn). The property tests hold this against the oracle, which takes every
// turn.

// leap skips the rounds before the first in which a queue may admit something,
// and returns false if there is none: then everything is parked. All stored
// representatives must be valid as things stand.
func (e *Engine) leap(s *scope) bool {
	if s.literal {
		return true
	}
	least, sure := -1, true
	for _, q := range s.play {
		limit := math.MaxInt
		if least >= 0 && !s.nested {
			limit = least // with more turns it is all the same how many
		}
		turns, hope, fit := e.turns(q, limit)
		sure = sure && hope == fit
		if hope {
			q.pass.hopefulAt = s.version
		}
		q.pass.hope, q.pass.turns = hope, turns
		if hope && (least < 0 || turns < least) {
			least = turns
		}
	}
	if least < 0 {
		e.parkAll(s)
		return false
	}
	s.late, s.skipped = s.late[:0], least
	for _, q := range s.play {
		switch {
		case s.nested || q.pass.hope && q.pass.turns == least:
			if least > 0 {
				e.skip(q, least)
				s.invalidate(q)
			}
		case !q.pass.hope:
			e.drop(s, q)
		case sure && q.pass.item == nil:
			q.pass.invalid = false
			s.late = append(s.late, q)
		default:
			e.skip(q, least)
			s.invalidate(q)
		}
	}
	return true
}

// catchUp lets the queues that leap has left out store their representatives
// after all, since the pass goes on after its first admission, which was that
// of q with the given key: as of before it, and with the turns of those that
// would have come first. Until then they would only have parked something.
func (e *Engine) catchUp(s *scope, q *clusterQueue, charge []quota.Request, key *fairshare.Key) {
	undo := func(sign quota.Amount) {
		for _, r := range charge {
			s.tree.Add(q.at, s.tree.Local(r.FR), sign*r.Amount)
		}
		s.version++
	}
	undo(-1)
	for _, o := range s.late {
		e.skip(o, s.skipped)
		e.store(s, o)
		if o.pass.item != nil && fairshare.CompareKeys(s.tournament.Key(o.at), key) < 0 {
			e.act(s, o)
			o.pass.acted = true
			s.acted = append(s.acted, o)
			e.store(s, o)
		}
	}
	s.late = s.late[:0]
	undo(+1)
}

// goOn says whether a pass has anything left to do but to park, turn by turn,
// what does not fit and will not; if not it parks that all at once. Until then
// such a queue keeps its turns where Cohorts are nested, for meanwhile it may
// stand for its Cohort in place of a sibling; where all queues are in one
// order each is left out by itself (findBestEffort).
func (e *Engine) goOn(s *scope) bool {
	if s.literal {
		return true
	}
	for n := len(s.hopes); n > 0; n = len(s.hopes) {
		if s.hopes[n-1].hopeful() {
			return true
		}
		s.hopes = s.hopes[:n-1]
	}
	e.parkAll(s)
	return false
}

// parkAll ends a pass in which nothing more can be admitted.
func (e *Engine) parkAll(s *scope) {
	s.tournament.Clear()
	for _, q := range s.play {
		e.drop(s, q)
	}
	s.acted, s.invalid, s.play = s.acted[:0], s.invalid[:0], s.play[:0]
}

// drop takes a queue without hope out of the pass.
func (e *Engine) drop(s *scope, q *clusterQueue) {
	q.pass.item, q.pass.acted, q.pass.invalid = nil, false, false
	if s.tournament.Entered(q.at) {
		s.tournament.Leave(q.at)
	}
	e.retire(q)
}

// turns counts the turns in which the queue, as things stand, would only park
// something before it comes to a workload that fits, or of which more than
// that must be known. It stops counting past limit. hope is false if it never
// comes to one.
func (e *Engine) turns(q *clusterQueue, limit int) (turns int, hope, fit bool) {
	first := q.firstOf(func(c *queue.Class) bool { return c.Plan.Volatile || e.assess(q, c) == fits })
	if first == nil && !q.scope.nested {
		return 0, false, false
	}
	e.counted = e.counted[:0]
	w := q.walk()
	for c := w.next(); c != nil && c != first && turns <= limit; c = w.next() {
		if e.assessUnfit(q, c) != noCandidates {
			continue
		}
		if q.pending.Related() && slices.ContainsFunc(e.counted, func(o *queue.Class) bool { return e.alike(c, o) }) {
			continue // was parked with it
		}
		e.counted = append(e.counted, c)
		turns++
	}
	return turns, first != nil, first != nil && !first.Plan.Volatile
}

// skip lets a queue take a number of turns in which it only parks something.
func (e *Engine) skip(q *clusterQueue, turns int) {
	var last *queue.Item
	for turns > 0 {
		c := q.candidate(last)
		if c == nil {
			return
		}
		last = c.First()
		if e.idle(q, c, noFit) {
			continue
		}
		turns--
		if e.idle(q, c, noCandidates) {
			continue
		}
		v := &q.pass.verdict
		e.judge(q, e.shapes.list[c.Shape], c.Plan, v)
		if v.kind == noFit {
			turns++
		}
		e.park(q, c, v)
	}
}

// idle parks again, without a verdict, a woken class of which it is known that
// it does not fit and what its verdict would be, if it is of that kind, and
// says whether it did.
func (e *Engine) idle(q *clusterQueue, c *queue.Class, k kind) bool {
	if !c.Parked() || !c.Plan.Simple || q.pending.Related() || q.pending.Twin(c) != nil || e.assess(q, c) != k {
		return false
	}
	e.clock++
	c.ParkedAt, c.Kind, c.Wide = e.clock, int8(k), k == noCandidates && q.wideVerdicts
	return true
}

// assess is the kind of verdict that a class would get now.
func (e *Engine) assess(q *clusterQueue, c *queue.Class) kind {
	p := c.Plan
	if !p.Simple || q.scope.tree.Huge() {
		e.judge(q, e.shapes.list[c.Shape], p, &e.spare)
		return e.spare.kind
	}
	alts := p.Items[0].Alternatives
	for i := range alts {
		if q.roomFor(&alts[i]) {
			return fits
		}
	}
	return e.assessUnfit(q, c)
}

// assessUnfit is the kind of verdict that a class would get now that does not
// fit.
func (e *Engine) assessUnfit(q *clusterQueue, c *queue.Class) kind {
	p := c.Plan
	switch {
	case p.IfShort == shortPreempts:
		return noCandidates
	case p.IfShort == shortNoFit:
		return noFit
	case !p.Simple || q.scope.tree.Huge():
		e.judge(q, e.shapes.list[c.Shape], p, &e.spare)
		return e.spare.kind
	}
	alts := p.Items[0].Alternatives
	for i := range alts {
		if q.mayPreemptFor(&alts[i]) {
			return noCandidates
		}
	}
	return noFit
}

// mayPreemptFor says whether the rules let a workload look for victims for
// whatever is short of an alternative.
func (q *clusterQueue) mayPreemptFor(alt *quota.Alternative) bool {
	if alt.IfShort != shortAsks {
		return alt.IfShort == shortPreempts
	}
	t := q.scope.tree
	for _, r := range alt.Requests {
		if r.Amount > t.Available(q.at, r.FR) && (r.Amount > t.Potential(q.at, r.FR) || !q.mayPreempt(r.FR, r.Amount)) {
			return false
		}
	}
	return true
}
