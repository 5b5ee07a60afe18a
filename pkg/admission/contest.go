package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/quota"
)

// contest keeps, for a tree with Cohorts below others, what every queue would come
// to after a fall of some flavor-resources at the root, and who would be admitted
// first. It is to such a tree what a ranking is to a flat one.
//
//	queue ──> standing: its turns up to the first that fits, and on which idle
//	          quota of the Cohorts above it that depends (clue)
//	Cohort ─> bounds: the clues of all below; while its idle quota stays between
//	          them nobody below has to be looked at
//	round ──> of all turns of one number, which queue is admitted first (rounds.go)
//
// What a queue comes to depends on the rest of the tree through idle quota on its
// path alone, since there is no local quota; so a finish or an admission changes
// the standings of its own queue and of those whose clues it contradicts.
type contest struct {
	fallen quota.Set
	// lo and hi bound idle quota, by Cohort (scope.cohortAt) and flavor-resource:
	// lo <= idle < hi.
	lo, hi    []quota.Amount
	standings []standing // by node
	// fits counts the queues whose first fit is in a turn, hoping those that have
	// one at all. Turns are known up to limit.
	fits   []int
	hoping int
	limit  int
	rounds []*round // nil where nobody has asked
	// wild are queues with something that a standing does not know: they are guests
	// in every pass.
	wild []int32
	// guests are the standings of queues that are looked at by themselves in this
	// pass; guestAt is one more than the place of a node's, 0 if it has none.
	guests  []standing
	guestAt []int32
	// seen is how many of the scope's changes it knows, of those in epoch.
	seen  int
	epoch uint64
	used  uint64 // the clock when it was last used
	// todo, check and loose are room for freshen; marked says, by node, what is in
	// todo or check.
	todo, check, loose []int32
	marked             []bool
}

// contests is how many of them a tree keeps.
const contests = 8

// contestable says whether the tree is one for contests: without StrictFIFO,
// local quota, verdicts that depend on all of the tree, and searches that go on
// after a flavor that fits.
func (s *scope) contestable() bool {
	if s.tree.Height(0) < 2 || s.tree.Cycle != "" || s.tree.FlavorResources() > mostRanked {
		return false
	}
	for n := range s.tree.Nodes {
		for f := range s.tree.FlavorResources() {
			if s.tree.At(int32(n), f).Local > 0 {
				return false
			}
		}
	}
	return !slices.ContainsFunc(s.byName, func(q *clusterQueue) bool {
		return q.strict || q.wideVerdicts || q.spec.Fungibility.WhenCanBorrow == TryNextFlavor
	})
}

// prepareContests makes room for contests.
func (s *scope) prepareContests() {
	s.cohortAt = make([]int32, len(s.queues))
	cohorts := int32(0)
	for n, q := range s.queues {
		if q == nil {
			s.cohortAt[n] = cohorts
			cohorts++
		}
	}
	for range contests {
		s.contests = append(s.contests, &contest{})
	}
}

// contest finds or makes the contest for what has fallen, as things stand.
func (e *Engine) contest(s *scope) *contest {
	s.changesRead = len(s.changes)
	var c *contest
	for _, o := range s.contests {
		same := o.used > 0 && o.epoch == s.changeEpoch && o.fallen.Equal(s.fallenNow)
		if same && o.holds(s, 0) {
			c = o
			break
		}
		if c == nil || o.used < c.used {
			c = o
		}
	}
	if c.used == 0 || c.epoch != s.changeEpoch || !c.fallen.Equal(s.fallenNow) {
		e.beginContest(s, c)
	}
	e.freshen(s, c)
	c.used = max(1, e.clock)
	return c
}

// beginContest forgets everything and has all queues looked at.
func (e *Engine) beginContest(s *scope, c *contest) {
	nodes, cells := len(s.queues), (len(s.queues)-len(s.byName))*int(s.tree.FlavorResources())
	if c.standings == nil {
		c.standings, c.guestAt, c.marked = make([]standing, nodes), make([]int32, nodes), make([]bool, nodes)
		c.lo, c.hi = make([]quota.Amount, cells), make([]quota.Amount, cells)
	}
	c.fallen = append(c.fallen[:0], s.fallenNow...)
	for i := range c.lo {
		c.lo[i], c.hi[i] = -quota.Unlimited, quota.Unlimited
	}
	c.fits, c.hoping, c.limit, c.wild = c.fits[:0], 0, -1, c.wild[:0]
	c.seen, c.epoch = len(s.changes), s.changeEpoch
	for _, q := range s.byName {
		st := &c.standings[q.at]
		st.at, st.hopes, st.wild = -1, false, false
		c.mark(q.at)
	}
}

// freshen looks at the queues that have changed, and at those for which idle
// quota above them has.
func (e *Engine) freshen(s *scope, c *contest) {
	c.check = append(c.check[:0], 0)
	for ; c.seen < len(s.changes); c.seen++ {
		at := s.changes[c.seen]
		if s.lastChange[at] != c.seen+1 {
			continue // it has changed again
		}
		c.mark(at)
		for n := s.tree.Parent(at); n > 0 && !c.marked[n]; n = s.tree.Parent(n) {
			c.marked[n] = true
			c.check = append(c.check, n)
		}
	}
	c.loose = c.loose[:0]
	for _, n := range c.check {
		c.marked[n] = false
		if c.holds(s, n) {
			continue
		}
		c.loose = append(c.loose, n)
		for x := n + 1; x < s.tree.End(n); x++ {
			if s.queues[x] != nil && !c.marked[x] && c.standings[x].contradicted(s, n) {
				c.mark(x)
			}
		}
	}
	for _, at := range c.todo {
		c.marked[at] = false
		e.assessStanding(s, c, s.queues[at])
	}
	c.todo = c.todo[:0]
	for _, n := range c.loose {
		c.bound(s, n)
	}
}

func (c *contest) mark(at int32) {
	if !c.marked[at] {
		c.marked[at] = true
		c.todo = append(c.todo, at)
	}
}

// holds says whether the idle quota of a Cohort is within the bounds.
func (c *contest) holds(s *scope, n int32) bool {
	frs := s.tree.FlavorResources()
	from := s.cohortAt[n] * frs
	for f := range frs {
		idle := s.tree.Idle(n, f)
		if idle < c.lo[from+f] || idle >= c.hi[from+f] && c.hi[from+f] != quota.Unlimited {
			return false
		}
	}
	return true
}

// bound finds the bounds of a Cohort anew.
func (c *contest) bound(s *scope, n int32) {
	frs := s.tree.FlavorResources()
	from := s.cohortAt[n] * frs
	for f := range frs {
		c.lo[from+f], c.hi[from+f] = -quota.Unlimited, quota.Unlimited
	}
	for x := n + 1; x < s.tree.End(n); x++ {
		for i := range c.standings[x].clues {
			if k := &c.standings[x].clues[i]; k.node == n {
				c.lo[from+k.fr] = max(c.lo[from+k.fr], k.lo)
				c.hi[from+k.fr] = min(c.hi[from+k.fr], k.hi)
			}
		}
	}
}

// count adds a standing to what is known of all, or takes it out. Those of guests
// do not count.
func (c *contest) count(at int32, by int) {
	st := &c.standings[at]
	if !st.hopes || c.guestAt[at] > 0 {
		return
	}
	c.hoping += by
	if st.at < 0 {
		return
	}
	for int(st.at) >= len(c.fits) {
		c.fits = append(c.fits, 0)
	}
	c.fits[st.at] += by
}

// assessStanding finds the standing of a queue by what is parked in it.
func (e *Engine) assessStanding(s *scope, c *contest, q *clusterQueue) {
	c.count(q.at, -1)
	st := &c.standings[q.at]
	clear(st.turns)
	st.turns, st.clues, st.at, st.hopes = st.turns[:0], st.clues[:0], -1, false
	if wild := len(q.pending.Complex()) > 0 || q.pending.Related(); wild != st.wild {
		if st.wild = wild; wild {
			c.wild = append(c.wild, q.at)
		} else {
			i := slices.Index(c.wild, q.at)
			c.wild = slices.Delete(c.wild, i, i+1)
		}
	}
	if !st.wild {
		q.foretell(c, st)
	}
	frs := s.tree.FlavorResources()
	for i := range st.clues {
		k := &st.clues[i]
		at := s.cohortAt[k.node]*frs + k.fr
		c.lo[at], c.hi[at] = max(c.lo[at], k.lo), min(c.hi[at], k.hi)
	}
	c.count(q.at, +1)
	c.late(q.at)
}

// late notes in each round that a queue has another standing.
func (c *contest) late(at int32) {
	for _, r := range c.rounds {
		if r != nil && !r.isLate[at] {
			r.isLate[at] = true
			r.late = append(r.late, at)
		}
	}
}
