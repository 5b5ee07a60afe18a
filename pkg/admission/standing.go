package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// standing is what a queue would come to.
type standing struct {
	// turns are those in which it would only park something, up to the contest's
	// limit, and then the first that fits, if that is among them. at is the number
	// of that, -1 if it is not; hopes: there is one, if perhaps further behind.
	turns []turn
	at    int32
	hopes bool
	wild  bool
	clues []clue
}

// turn is what stands for a queue in one round: the first of a class, with what
// it would be charged. That is what an alternative of its plan asks, or else
// charges.
type turn struct {
	twins       *queue.Twins
	class       *queue.Class // of a guest
	charges     []quota.Request
	alternative int16
	fits        bool
	level       int32 // borrowing level of what fits
}

// clue says that a standing holds while lo <= idle quota of fr at node < hi.
type clue struct {
	node, fr int32
	lo, hi   quota.Amount
}

// subject is the workload whose turn it is, and what it would be charged.
func (t *turn) subject() (item *queue.Item, charges []quota.Request) {
	if t.class != nil {
		return t.class.First(), t.charges
	}
	c := t.twins.Parked
	return c.First(), c.Plan.Items[0].Alternatives[t.alternative].Requests
}

// contradicted says whether a standing depends on idle quota of a Cohort that
// is another now.
func (st *standing) contradicted(s *scope, n int32) bool {
	for i := range st.clues {
		k := &st.clues[i]
		if k.node != n {
			continue
		}
		idle := s.tree.Idle(n, k.fr)
		if idle < k.lo || idle >= k.hi && k.hi != quota.Unlimited {
			return true
		}
	}
	return false
}

// foretell lists the turns of a queue.
func (q *clusterQueue) foretell(c *contest, st *standing) {
	for _, cl := range q.pending.Parked() {
		if !cl.Consulted(c.fallen) {
			continue
		}
		t := turn{twins: cl.Twins(), alternative: int16(q.roomy(st, cl.Plan))}
		if t.fits = t.alternative >= 0; t.fits {
			st.hopes = true
			if len(st.turns) <= c.limit {
				t.level = q.highest(st, &cl.Plan.Items[0].Alternatives[t.alternative])
				st.at = int32(len(st.turns))
				st.turns = append(st.turns, t)
			}
			return
		}
		if len(st.turns) > c.limit {
			continue // only whether anything fits at all
		}
		if t.alternative = int16(q.idleChoice(st, cl.Plan)); t.alternative >= 0 {
			st.turns = append(st.turns, t)
		}
	}
}

// roomy is the first alternative of a plan for which there is room, -1 if there
// is none.
func (q *clusterQueue) roomy(st *standing, p *quota.Plan) int {
	alts := p.Items[0].Alternatives
	for i := range alts {
		if !alts[i].Overflow && !slices.ContainsFunc(alts[i].Requests, func(r quota.Request) bool { return !q.room(st, r) }) {
			return i
		}
	}
	return -1
}

// idleChoice is the alternative of an unfit plan by which it would be Preempt
// without victims, -1 if the verdict would be NoFit: of those for which the rules
// let it look for victims the first of the lowest borrowing level.
func (q *clusterQueue) idleChoice(st *standing, p *quota.Plan) int {
	alts := p.Items[0].Alternatives
	best, lowest := -1, int32(-1)
	for i := range alts {
		if alts[i].IfShort == shortNoFit || alts[i].IfShort == shortAsks && !q.mayAsk(st, &alts[i]) {
			continue
		}
		if best < 0 {
			best = i
			continue
		}
		if lowest < 0 {
			lowest = q.levelOf(st, &alts[best])
		}
		if lowest == 0 {
			break
		}
		if l := q.levelOf(st, &alts[i]); l < lowest {
			best, lowest = i, l
		}
	}
	return best
}

// mayAsk is mayPreemptFor, with clues.
func (q *clusterQueue) mayAsk(st *standing, alt *quota.Alternative) bool {
	t := q.scope.tree
	for _, r := range alt.Requests {
		if q.room(st, r) {
			continue
		}
		if r.Amount > t.Potential(q.at, r.FR) {
			return false
		}
		if t.Nominal(q.at, r.FR) >= r.Amount || q.preemptsAnyway {
			continue
		}
		if _, below := q.climb(st, r); !below {
			return false
		}
	}
	return true
}

// levelOf is the highest borrowing level of what is short of an alternative.
func (q *clusterQueue) levelOf(st *standing, alt *quota.Alternative) (level int32) {
	for _, r := range alt.Requests {
		if !q.room(st, r) {
			l, _ := q.climb(st, r)
			level = max(level, l)
		}
	}
	return level
}

// highest is the borrowing level of an alternative for which there is room, where
// that is a part of the key.
func (q *clusterQueue) highest(st *standing, alt *quota.Alternative) (level int32) {
	if q.scope.fair {
		return 0
	}
	for _, r := range alt.Requests {
		l, _ := q.climb(st, r)
		level = max(level, l)
	}
	return level
}

// room says whether the queue can use what is requested now, and notes why that
// is so.
func (q *clusterQueue) room(st *standing, r quota.Request) bool {
	t := q.scope.tree
	if r.Amount > t.Ceiling(q.at, r.FR) {
		return false // a change of the queue itself
	}
	for n := t.Parent(q.at); n >= 0; n = t.Parent(n) {
		if b := t.Borrowable(n, r.FR); b != quota.Unlimited && t.Idle(n, r.FR) < r.Amount-b {
			st.note(n, r.FR, -quota.Unlimited, r.Amount-b)
			return false
		}
	}
	for n := t.Parent(q.at); n >= 0; n = t.Parent(n) {
		if b := t.Borrowable(n, r.FR); b != quota.Unlimited {
			st.note(n, r.FR, r.Amount-b, quota.Unlimited)
		}
	}
	return true
}

// climb is the borrowing level of a request, and whether the node that holds it
// (semantics, section 5, calls it X) is a Cohort below the root, with clues. (X
// is not the queue itself: then its nominal quota would have told.)
func (q *clusterQueue) climb(st *standing, r quota.Request) (level int32, below bool) {
	t := q.scope.tree
	if t.Idle(q.at, r.FR) >= r.Amount {
		return 0, true
	}
	n := t.Parent(q.at)
	for ; n > 0; n = t.Parent(n) {
		if t.Idle(n, r.FR) >= r.Amount {
			st.note(n, r.FR, r.Amount, quota.Unlimited)
			return t.Height(n), true
		}
		st.note(n, r.FR, -quota.Unlimited, r.Amount)
	}
	return t.Height(0), false
}

// note adds a clue.
func (st *standing) note(n, f int32, lo, hi quota.Amount) {
	for i := range st.clues {
		if k := &st.clues[i]; k.node == n && k.fr == f {
			k.lo, k.hi = max(k.lo, lo), min(k.hi, hi)
			return
		}
	}
	st.clues = append(st.clues, clue{n, f, lo, hi})
}
