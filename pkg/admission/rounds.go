package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/fairshare"
	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// round tells which queue is admitted first in a round of a pass, if none was
// before. Each queue takes one turn in it, in the order of the tournament: one that
// only parks something leaves, and then another stands for its Cohort, with another
// key. Until somebody is admitted keys do not change. So the first of a Cohort who
// would be admitted comes to its turn at the largest key that its Cohort has had by
// then:
//
//	below a Cohort    a(3) b(7) c(5)! ...   c would be admitted; it comes at 7
//	below another     d(4) e(6)! ...        e comes at 6, and so before c
//
// Every Cohort keeps those who leave before its first, and at which key that one
// comes. A change costs what is directly below the Cohorts above it. Without fair
// sharing there is one order for all queues, and who only parks something is in
// nobody's way.
type round struct {
	turn int
	// tournament is that of the root's children. Its keys are, of a queue, its
	// own, and of a Cohort at which key its first comes.
	tournament *fairshare.Tournament
	// firsts are, by node, the queue below it that is admitted first, -1 if none
	// is; seated says of a queue that it has a turn.
	firsts []int32
	seated []bool
	// charges are what the turns of queues would charge, by node.
	charges [][]quota.Request
	lines   []sequence // by node, of Cohorts whose parent is not the root
	// late are queues with another standing, stale Cohorts above such.
	late    []int32
	isLate  []bool
	stale   []int32
	isStale []bool
	room    []place
}

// sequence are the queues below a Cohort in the order in which they leave, up to the
// first that is admitted: with which key of the Cohort, and where among them the
// largest so far is.
type sequence struct {
	queues []int32
	keys   []fairshare.Key
	tops   []int32
}

// place is that of a queue in a line of a child of a Cohort; of itself, if the
// child is the queue.
type place struct{ queue, child, at int32 }

// KeyAt leaves the key of a node as it has been made: fairshare.Keyer.
func (r *round) KeyAt(n, leaf int32, key *fairshare.Key) {}

// round is the contest's round of a number, as things stand.
func (c *contest) round(s *scope, turn int) *round {
	for len(c.rounds) <= turn {
		c.rounds = append(c.rounds, nil)
	}
	if c.rounds[turn] == nil {
		c.rounds[turn] = newRound(s, turn)
	}
	r := c.rounds[turn]
	for _, at := range r.late {
		r.isLate[at] = false
		r.seat(s, c, at)
	}
	r.late = r.late[:0]
	slices.Sort(r.stale)
	for _, n := range slices.Backward(r.stale) { // children before their parents
		r.isStale[n] = false
		r.lineUp(s, n)
		r.enter(s, n)
	}
	r.stale = r.stale[:0]
	return r
}

func newRound(s *scope, turn int) *round {
	nodes := len(s.queues)
	parent := make([]int32, nodes) // the root's, for all
	parent[0] = -1
	r := &round{
		turn: turn, firsts: make([]int32, nodes), seated: make([]bool, nodes), charges: make([][]quota.Request, nodes), lines: make([]sequence, nodes),
		isLate: make([]bool, nodes), isStale: make([]bool, nodes),
	}
	r.tournament = fairshare.NewTournament(parent, r)
	for n := range r.firsts {
		r.firsts[n] = -1
	}
	for _, q := range s.byName {
		r.isLate[q.at] = true
		r.late = append(r.late, q.at)
	}
	return r
}

// winner is the queue that is admitted first. There must be one.
func (r *round) winner() int32 { return r.firsts[r.tournament.Winner()] }

// seat gives a queue its turn.
func (r *round) seat(s *scope, c *contest, at int32) {
	st := c.current(at)
	r.firsts[at], r.charges[at] = -1, nil
	if r.seated[at] = r.turn < len(st.turns); r.seated[at] {
		t := &st.turns[r.turn]
		if t.fits {
			r.firsts[at] = at
		}
		var item *queue.Item
		item, r.charges[at] = t.subject()
		*r.tournament.Key(at) = fairshare.Key{Level: t.level, Priority: item.Priority, Time: item.Time, UID: item.UID}
		r.keyFor(s, at, at, r.tournament.Key(at))
	}
	r.enter(s, at)
	if !s.fair {
		return // one order for all queues
	}
	for n := s.tree.Parent(at); n > 0 && !r.isStale[n]; n = s.tree.Parent(n) {
		r.isStale[n] = true
		r.stale = append(r.stale, n)
	}
}

// enter lets a child of the root take part if anybody below it is admitted.
func (r *round) enter(s *scope, n int32) {
	switch {
	case s.fair && s.tree.Parent(n) != 0:
	case r.firsts[n] >= 0:
		r.tournament.Enter(n)
	default:
		r.tournament.Leave(n)
	}
}

// keyOf is the key at which a queue leaves from below a child.
func (r *round) keyOf(p *place) *fairshare.Key {
	if p.child == p.queue {
		return r.tournament.Key(p.queue)
	}
	l := &r.lines[p.child]
	return &l.keys[l.tops[p.at]]
}

// lineUp finds out who leaves before the first below a Cohort that is admitted.
func (r *round) lineUp(s *scope, n int32) {
	t, inner := s.tree, s.tree.Parent(n) != 0
	best := int32(-1)
	for x := n + 1; x < t.End(n); x = t.End(x) {
		if r.firsts[x] >= 0 && (best < 0 || fairshare.CompareKeys(r.tournament.Key(x), r.tournament.Key(best)) < 0) {
			best = x
		}
	}
	l := &r.lines[n]
	l.queues, l.keys, l.tops = l.queues[:0], l.keys[:0], l.tops[:0]
	r.firsts[n] = -1
	if best >= 0 {
		r.firsts[n] = r.firsts[best]
	} else if !inner {
		return
	}
	r.room = r.room[:0]
	before := func(p place) bool {
		return p.child == best || best < 0 || fairshare.CompareKeys(r.keyOf(&p), r.tournament.Key(best)) < 0
	}
	for x := n + 1; x < t.End(n); x = t.End(x) {
		if s.queues[x] != nil {
			if p := (place{x, x, 0}); r.seated[x] && before(p) {
				r.room = append(r.room, p)
			}
			continue
		}
		for i, q := range r.lines[x].queues {
			p := place{q, x, int32(i)}
			if !before(p) {
				break
			}
			r.room = append(r.room, p)
		}
	}
	if inner {
		slices.SortStableFunc(r.room, func(a, b place) int { return fairshare.CompareKeys(r.keyOf(&a), r.keyOf(&b)) })
	}
	top := int32(0)
	for i := range r.room {
		q := r.room[i].queue
		l.keys = append(l.keys, *r.tournament.Key(q))
		r.keyFor(s, n, q, &l.keys[i])
		if fairshare.CompareKeys(&l.keys[i], &l.keys[top]) > 0 {
			top = int32(i)
		}
		l.queues, l.tops = append(l.queues, q), append(l.tops, top)
	}
	if best >= 0 {
		*r.tournament.Key(n) = l.keys[top]
	}
}

// keyFor makes the key of a queue's turn that of a node above it, or of itself,
// where nothing is kept locally on the way.
func (r *round) keyFor(s *scope, n, at int32, key *fairshare.Key) {
	if !s.fair {
		return
	}
	key.Borrows = false
	for _, c := range r.charges[at] {
		key.Borrows = key.Borrows || s.tree.Over(n, c.FR, c.Amount)
	}
	key.Share = fairshare.After(s.tree.Tree, n, s.tree.Nodes[n].Spec.WeightMilli, r.charges[at])
}
