package admission

import (
	"math"
	"math/bits"
	"slices"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// turns counts the turns in which the queue, as things stand, would only park
// something before it comes to a workload that fits, or of which more than
// that must be known: the first of class first, nil if it never does. It stops
// counting past limit.
func (e *Engine) turns(q *clusterQueue, limit int) (first *queue.Class, turns int) {
	plain := q.plain()
	if plain {
		if first, turns, known := q.recall(); known {
			return first, turns
		}
		limit = math.MaxInt // what is counted now is remembered
	}
	first = q.firstOf(func(c *queue.Class) bool { return c.Plan.Volatile || e.fits(q, c) })
	if first == nil && !q.scope.nested {
		return nil, 0
	}
	e.counted = e.counted[:0]
	m := q.pass.memories.of(q.pass.fallen)
	*m = memory{least: quota.Unlimited}
	w := q.walk()
	for c := w.next(); c != nil && c != first && turns <= limit; c = w.next() {
		k := e.assessUnfit(q, c)
		if plain && c.Plan.IfShort == shortAsks {
			plain = k == noFit && q.watch(m, c.Plan)
		}
		if k != noCandidates {
			continue
		}
		if q.pending.Related() && slices.ContainsFunc(e.counted, func(o *queue.Class) bool { return e.alike(c, o) }) {
			continue // was parked with it
		}
		e.counted = append(e.counted, c)
		turns++
	}
	if plain && first != nil {
		m.twins, m.epoch, m.fallen, m.turns = first.Twins(), q.pending.Epoch(), q.pass.fallen[0], int32(turns)
	}
	return first, turns
}

// memory is the outlook of a queue as it was found last: it holds while the
// same class is the first that fits, neither the queue's classes nor what has
// woken them has changed, and less than least of any flavor-resource in watch
// is to be had in the tree, so that what only that could change is the same.
type memory struct {
	twins  *queue.Twins // of the class that fitted, nil for no memory
	epoch  uint64
	fallen uint64
	watch  uint64
	least  quota.Amount
	turns  int32
}

// watch adds to a memory what keeps the verdict on an unfit plan at NoFit:
// that some request of each flavor is short for which nobody may be preempted.
// It returns false if there is none to watch.
func (q *clusterQueue) watch(m *memory, p *quota.Plan) bool {
	t := q.scope.tree
	for i := range p.Items[0].Alternatives {
		alt := &p.Items[0].Alternatives[i]
		if alt.IfShort == shortNoFit {
			continue
		}
		found := false
		for _, r := range alt.Requests {
			if r.FR < 64 && r.Amount > t.Available(q.at, r.FR) && !q.mayPreempt(r.FR, r.Amount) {
				m.watch |= 1 << r.FR
				m.least = min(m.least, r.Amount)
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// memories are kept for some sets of fallen flavor-resources.
type memories [8]memory

// of is the memory for a set, perhaps of another one.
func (m *memories) of(fallen quota.Set) *memory {
	if len(fallen) == 0 {
		return &m[0]
	}
	return &m[fallen[0]*0x9E3779B97F4A7C15>>61]
}

// plain says whether all that the queue could admit is parked, has a simple
// plan, and has been woken by few flavor-resources, of which it keeps nothing
// to itself.
func (q *clusterQueue) plain() bool {
	return len(q.pending.Active()) == 0 && len(q.pending.Complex()) == 0 && !q.pending.Related() &&
		!q.wideVerdicts && !q.keeps && q.woken() && len(q.pass.fallen) == 1 && q.scope.plain
}

// recall is turns from memory, of a plain queue. It looks at little else: most
// queues of a tree have not changed since the last pass.
func (q *clusterQueue) recall() (first *queue.Class, turns int, known bool) {
	var earliest *queue.Twins
	t := q.scope.tree
	whole := true
	for fallen := q.pass.fallen[0]; fallen != 0; fallen &= fallen - 1 {
		f := int32(bits.TrailingZeros64(fallen))
		needs := q.pending.Needs(f)
		if len(needs) == 0 {
			continue
		}
		room := t.Available(q.at, f)
		for i := range needs {
			n := &needs[i]
			if n.Amount > room {
				break
			}
			if n.Other > 0 && n.Other > t.Available(q.at, n.OtherFR) {
				continue
			}
			whole = whole && n.Whole
			if earliest == nil || earliest != n.Twins && n.Parked.First().Before(earliest.Parked.First()) {
				earliest = n.Twins
			}
		}
	}
	m := q.pass.memories.of(q.pass.fallen)
	switch {
	case !whole:
		return nil, 0, false
	case earliest == nil:
		return nil, 0, true
	case earliest != m.twins || m.epoch != q.pending.Epoch() || m.fallen != q.pass.fallen[0]:
		return nil, 0, false
	}
	for watch := m.watch; watch != 0; watch &= watch - 1 {
		if t.Available(0, int32(bits.TrailingZeros64(watch))) >= m.least {
			return nil, 0, false
		}
	}
	return earliest.Parked, int(m.turns), true
}

// skip lets a queue take a number of turns in which it only parks something.
func (e *Engine) skip(q *clusterQueue, turns int) {
	w := q.walk()
	for turns > 0 {
		c := w.next()
		if c == nil {
			return
		}
		k := e.assessUnfit(q, c)
		if k != noFit {
			turns--
		}
		if !e.idle(q, c, k) {
			last := c.First()
			e.judge(q, e.shapes.list[c.Shape], c.Plan, &e.spare)
			e.park(q, c, &e.spare)
			w = q.walk()
			if w.parked != nil {
				w.parked = queue.After(w.parked, last)
			}
		}
	}
}

// idle parks again, without a verdict, a woken class whose verdict would be of
// a known kind, and says whether it did. It must be clear that the class does
// not fit.
func (e *Engine) idle(q *clusterQueue, c *queue.Class, k kind) bool {
	if !c.Parked() || !c.Plan.Simple || q.pending.Related() || q.pending.Twin(c) != nil {
		return false
	}
	e.clock++
	c.ParkedAt, c.Kind, c.Wide = e.clock, int8(k), k == noCandidates && q.wideVerdicts
	return true
}

// fits says whether the verdict on a class would be Fit now.
func (e *Engine) fits(q *clusterQueue, c *queue.Class) bool {
	p := c.Plan
	if !p.Simple || q.scope.tree.Huge() {
		e.judge(q, e.shapes.list[c.Shape], p, &e.spare)
		return e.spare.kind == fits
	}
	alts := p.Items[0].Alternatives
	for i := range alts {
		if q.roomFor(&alts[i]) {
			return true
		}
	}
	return false
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
