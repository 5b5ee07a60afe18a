package admission

import (
	"math"
	"slices"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// current is the standing that counts in this pass.
func (c *contest) current(at int32) *standing {
	if g := c.guestAt[at]; g > 0 {
		return &c.guests[g-1]
	}
	return &c.standings[at]
}

// raise has turns known up to a number at least.
func (e *Engine) raise(s *scope, c *contest, limit int) {
	c.limit = limit
	for _, q := range s.byName {
		c.mark(q.at)
	}
	e.freshen(s, c)
}

// invite lets queues take part as they are found now, with what is not parked in
// them. It returns false if that is not known.
func (e *Engine) invite(s *scope, c *contest, queues []*clusterQueue) bool {
	for _, q := range queues {
		if q.wavers() {
			return false
		}
		g := c.guest()
		e.counted = e.counted[:0]
		v := &e.spare
		w := q.walk()
		for cl := w.next(); cl != nil && !g.hopes; cl = w.next() {
			if cl.Plan.Volatile {
				return false
			}
			e.judge(q, e.shapes.list[cl.Shape], cl.Plan, v)
			if v.kind != fits && (v.kind != noCandidates || !e.counts(q, cl)) {
				continue
			}
			if v.kind == fits {
				g.at, g.hopes = int32(len(g.turns)), true
			}
			t := turn{class: cl, fits: v.kind == fits}
			if !s.fair {
				t.level = v.level
			}
			if cl.Plan.Simple {
				t.charges = cl.Plan.Items[0].Alternatives[v.choice[0]].Requests
			} else {
				t.charges = slices.Clone(v.charges)
			}
			g.turns = append(g.turns, t)
		}
		c.count(q.at, -1)
		c.guestAt[q.at] = int32(len(c.guests))
		c.late(q.at)
	}
	return true
}

// guest is an empty standing for one more guest.
func (c *contest) guest() *standing {
	n := len(c.guests)
	if n < cap(c.guests) {
		c.guests = c.guests[:n+1]
	} else {
		c.guests = append(c.guests, standing{})
	}
	g := &c.guests[n]
	g.turns, g.at, g.hopes = g.turns[:0], -1, false
	return g
}

// dismiss undoes invite.
func (c *contest) dismiss(queues []*clusterQueue) {
	for _, q := range queues {
		if c.guestAt[q.at] > 0 {
			c.guestAt[q.at] = 0
			c.count(q.at, +1)
			c.late(q.at)
		}
	}
	for i := range c.guests {
		clear(c.guests[i].turns)
	}
	c.guests = c.guests[:0]
}

// least is the number of the turn in which somebody would be admitted first, -1
// if nobody would.
func (e *Engine) least(s *scope, c *contest) int {
	guest := math.MaxInt
	for i := range c.guests {
		if c.guests[i].hopes {
			guest = min(guest, int(c.guests[i].at))
		}
	}
	for {
		n := slices.IndexFunc(c.fits, func(queues int) bool { return queues > 0 })
		switch {
		case n >= 0:
			return min(n, guest)
		case guest <= c.limit:
			return guest
		case c.hoping > 0:
			e.raise(s, c, c.limit+2+max(0, c.limit)/2)
		case guest == math.MaxInt:
			return -1
		default:
			e.raise(s, c, guest)
		}
	}
}

// patience is after how many passes in a row that admitted several a contest is
// asked before one in so many only.
const patience = 8

// sprintNested makes the first admission of a pass, as the procedure would, if
// that leaves nothing to do but to park; ran is false if it does not, and nothing
// was done.
func (e *Engine) sprintNested(s *scope) (ran, goOn bool) {
	if s.vain++; s.vain > patience && s.vain%patience != 0 {
		return false, true
	}
	c := e.contest(s)
	guests := append(s.aside[:0], s.invalid...)
	for _, at := range c.wild {
		if q := s.queues[at]; !q.pass.invalid {
			guests = append(guests, q)
		}
	}
	s.aside = guests
	for _, q := range guests {
		q.lookAgain()
		q.pass.fallen.Join(s.fallenNow)
	}
	known := e.invite(s, c, guests)
	least := -1
	if known {
		least = e.least(s, c)
	}
	var winner *clusterQueue
	var class *queue.Class
	var charges []quota.Request
	if least >= 0 {
		at := c.round(s, least).winner()
		t := &c.current(at).turns[least]
		winner, class = s.queues[at], t.class
		if class == nil {
			class = t.twins.Parked
		}
		_, charges = t.subject()
	}
	c.dismiss(guests)
	if !known || winner != nil && !e.last(s, guests, winner, class, charges) {
		return false, true
	}
	s.vain = 0
	s.fallen[0].Clear()
	s.touched = s.touched[:0]
	s.play = append(s.play[:0], s.invalid...)
	if winner != nil {
		winner.lookAgain()
		winner.pass.fallen.Join(s.fallenNow)
		winner.pass.first, winner.pass.item, winner.pass.verdict.plan = class, class.First(), nil
		e.win(winner)
		winner.pass.item = nil
	}
	e.parkAll(s)
	return true, false
}

// last says whether nothing would fit any more after an admission.
func (e *Engine) last(s *scope, guests []*clusterQueue, winner *clusterQueue, class *queue.Class, charges []quota.Request) bool {
	try := func(sign quota.Amount) {
		for _, r := range charges {
			s.tree.Add(winner.at, r.FR, sign*r.Amount)
		}
		s.version++
		s.changed(winner)
	}
	try(+1)
	defer try(-1)
	winner.lookAgain()
	winner.pass.fallen.Join(s.fallenNow)
	if slices.ContainsFunc(guests, func(q *clusterQueue) bool { return q != winner && e.hopeful(q) }) {
		return false
	}
	if winner.firstOf(func(c *queue.Class) bool { return (c != class || c.Len() > 1) && winner.mightFit(c.Plan) }) != nil {
		return false
	}
	if s.barren() {
		return true
	}
	c := e.contest(s)
	return c.hoping == 0 || c.hoping == 1 && c.standings[winner.at].hopes
}
