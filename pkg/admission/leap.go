package admission

import (
	"math"

	"fairlead.dev/fairlead/pkg/fairshare"
	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// A turn in which a workload that does not fit is parked changes nothing but
// that the queue has to wait for the next round. While nothing is held in a
// tree, usage only rises in a pass; so whole rounds of such turns can be
// skipped (sprint, leap), and the pass is over as soon as nothing that is left
// can fit (goOn). The property tests hold this against the oracle, which takes
// every turn.

// outlook says what each queue that takes part would come to in how many idle
// turns, and returns the least number of them, -1 if nothing fits. sure is
// false if more than that must be known of some. exact asks for the turns of
// all and not only of those that have the least.
func (e *Engine) outlook(s *scope, exact bool) (least int, sure bool) {
	least, sure = -1, true
	for _, q := range s.play {
		limit := math.MaxInt
		if least >= 0 && !exact {
			limit = least // with more turns it is all the same how many
		}
		p := &q.pass
		var turns int
		p.first, turns = e.turns(q, limit)
		p.turns = int32(min(turns, math.MaxInt32))
		p.hope = p.first != nil
		if !p.hope {
			continue
		}
		p.hopefulAt = s.version
		sure = sure && !p.first.Plan.Volatile
		if least < 0 || turns < least {
			least = turns
		}
	}
	return least, sure
}

// sprint makes the first admission of a pass over a tree whose queues are all
// in one order, as the procedure would: by that queue, of those that come to
// it in the least turns, whose key is the first. It returns false if the pass
// is over: if that was the last admission, which is the rule when a pass
// follows each finish, or if there is none. ran is false if it did nothing.
func (e *Engine) sprint(s *scope) (ran, goOn bool) {
	if s.literal || s.nested {
		return false, true
	}
	least, sure := e.outlook(s, false)
	if least < 0 {
		e.parkAll(s)
		return true, false
	}
	if !sure {
		return false, true
	}
	var winner *clusterQueue
	best, key := &s.keys[0], &s.keys[1]
	for _, q := range s.play {
		if p := &q.pass; p.hope && int(p.turns) == least {
			p.item = p.first.First()
			if !q.glance(p.first.Plan, &p.verdict) {
				e.judge(q, e.shapes.list[p.first.Shape], p.first.Plan, &p.verdict)
			}
			s.KeyAt(q.at, q.at, key)
			if winner == nil || fairshare.CompareKeys(key, best) < 0 {
				winner = q
				best, key = key, best
			}
		}
	}
	item := e.win(winner)
	if !e.goOn(s) {
		return true, false
	}
	e.catchUp(s, winner, item.Owner.(*workload).charge, best, least)
	return true, true
}

// win admits the winner of a sprint.
func (e *Engine) win(q *clusterQueue) *queue.Item {
	item, v := q.pass.item, &q.pass.verdict
	if v.plan == nil {
		e.judge(q, e.shapes.list[q.pass.first.Shape], q.pass.first.Plan, v)
	}
	e.act(q)
	return item
}

// sprintRanked is sprint with a ranking: only the queues that have changed are
// looked at. ran is false if there can be none.
func (e *Engine) sprintRanked(s *scope) (ran, goOn bool) {
	r := e.rank(s)
	if r == nil {
		return false, true
	}
	r.setAside(s.invalid)
	defer r.putBack(append(s.aside[:0], s.invalid...))
	var winner *clusterQueue
	best, key := &s.keys[0], &s.keys[1]
	if leaf := r.tournament.Winner(); leaf >= 0 {
		winner = s.queues[leaf]
		*best = *r.tournament.Key(leaf)
		e.rankedOutlook(s, r, leaf)
	}
	for _, q := range s.invalid { // what is new in them no ranking knows
		q.lookAgain()
		q.pass.fallen.Join(s.fallenNow)
		p := &q.pass
		first, turns := e.turns(q, math.MaxInt)
		if p.first, p.turns, p.hope = first, int32(turns), first != nil; !p.hope {
			continue
		}
		if first.Plan.Volatile {
			if winner != nil {
				winner.pass.item = nil
			}
			return false, true
		}
		p.item = first.First()
		if !q.glance(first.Plan, &p.verdict) {
			e.judge(q, e.shapes.list[first.Shape], first.Plan, &p.verdict)
		}
		s.KeyAt(q.at, q.at, key)
		key.Turn = p.turns
		if winner == nil || fairshare.CompareKeys(key, best) < 0 {
			winner = q
			best, key = key, best
		}
	}
	s.fallen[0].Clear()
	s.touched = s.touched[:0]
	s.play = append(s.play[:0], s.invalid...)
	if winner == nil {
		e.parkAll(s)
		return true, false
	}
	turns := best.Turn
	best.Turn = 0
	item := e.win(winner)
	if e.spent(s) {
		winner.pass.item = nil
		e.parkAll(s)
		return true, false
	}
	e.playRanked(s, r, winner)
	if s.hopes = append(s.hopes[:0], s.play...); !e.goOn(s) {
		return true, false
	}
	e.catchUp(s, winner, item.Owner.(*workload).charge, best, int(turns))
	return true, true
}

// spent says whether nothing is left after the first admission of a pass, as
// far as can be told without looking at all queues.
func (e *Engine) spent(s *scope) bool {
	for _, q := range s.invalid {
		if e.hopeful(q) {
			return false
		}
	}
	return s.barren()
}

// rankedOutlook takes the outlook of a queue from a ranking.
func (e *Engine) rankedOutlook(s *scope, r *ranking, leaf int32) {
	q := s.queues[leaf]
	q.lookAgain()
	q.pass.fallen.Join(s.fallenNow)
	q.pass.first, q.pass.turns, q.pass.hope = r.firsts[leaf].Parked, r.tournament.Key(leaf).Turn, true
	q.pass.item = q.pass.first.First()
	q.pass.verdict.plan = nil
}

// playRanked lets all ranked queues take part in a pass that goes on after its
// first admission.
func (e *Engine) playRanked(s *scope, r *ranking, winner *clusterQueue) {
	for _, q := range s.byName {
		if !r.tournament.Entered(q.at) || q.pass.invalid {
			continue
		}
		if q != winner {
			e.rankedOutlook(s, r, q.at)
		}
		s.play = append(s.play, q)
	}
}

// glance finds only what a verdict would charge, for a fair-sharing key, where
// the search is known to stop at the first flavor that fits. The verdict has no
// plan then.
func (q *clusterQueue) glance(p *quota.Plan, v *verdict) bool {
	if !q.scope.fair || !p.Simple || q.scope.tree.Huge() || q.spec.Fungibility.WhenCanBorrow == TryNextFlavor {
		return false
	}
	alts := p.Items[0].Alternatives
	for i := range alts {
		if q.roomFor(&alts[i]) {
			v.plan, v.charges = nil, append(v.charges[:0], alts[i].Requests...)
			return true
		}
	}
	return false
}

// catchUp brings all other queues to where the procedure would have brought
// them when the winner of a sprint, with the given key, had its turn: as of
// before its admission, after so many idle turns, and with one more for those
// that come before it in the round.
func (e *Engine) catchUp(s *scope, winner *clusterQueue, charge []quota.Request, key *fairshare.Key, turns int) {
	undo := func(sign quota.Amount) {
		for _, r := range charge {
			s.tree.Add(winner.at, s.tree.Local(r.FR), sign*r.Amount)
		}
		s.version++
	}
	undo(-1)
	act := func(q *clusterQueue) {
		q.pass.acted = true
		s.acted = append(s.acted, q)
	}
	for _, q := range s.play {
		q.pass.invalid = false
		if !q.pass.hope {
			e.retire(q)
			continue
		}
		e.skip(q, turns)
		q.pass.hopefulAt = s.version
		switch {
		case q == winner:
			continue
		case int(q.pass.turns) == turns: // as sprint has found
			if q.pass.verdict.plan == nil {
				e.judge(q, e.shapes.list[q.pass.first.Shape], q.pass.first.Plan, &q.pass.verdict)
			}
			q.pass.version = s.version
			s.tournament.Enter(q.at)
			continue
		}
		e.store(s, q)
		if q.pass.item != nil && fairshare.CompareKeys(s.tournament.Key(q.at), key) < 0 {
			e.act(q)
			act(q)
			e.store(s, q)
		}
	}
	undo(+1)
	act(winner)
	e.store(s, winner)
}

// leap skips the rounds before the first in which a queue may admit something,
// and returns false if there is none: then everything is parked. All stored
// representatives must be valid as things stand.
func (e *Engine) leap(s *scope) bool {
	if s.literal || e.mustStep(s) {
		s.literal = true
		return true
	}
	least, _ := e.outlook(s, s.nested)
	switch {
	case least < 0:
		e.parkAll(s)
		return false
	case least == 0:
		return true
	case s.unblocks():
		s.literal = true
		return true
	}
	for _, q := range s.play {
		if q.pass.hope || s.nested {
			e.skip(q, least)
			s.invalidate(q)
		} else {
			e.drop(s, q)
		}
	}
	return true
}

// goOn says whether a pass has anything left to do but to park, turn by turn,
// what does not fit and will not; if not it parks that all at once. Until then
// such a queue keeps its turns where Cohorts are nested, for meanwhile it may
// stand for its Cohort in place of a sibling; where all queues are in one
// order each is left out by itself (findBestEffort).
func (e *Engine) goOn(s *scope) bool {
	if s.literal || e.mustStep(s) {
		s.literal = true
		return true
	}
	if s.calendar != nil {
		s.hopes = append(s.hopes[:0], s.play...) // they may come to hope again
	}
	for n := len(s.hopes); n > 0; n = len(s.hopes) {
		if last := s.hopes[n-1]; e.hopeful(last) {
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
	s.calendar.overlookAll()
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
