package timeline

import "fairlead.dev/fairlead/pkg/quota"

// sum is a function of time that is stored nowhere: the use of a node less the
// idle local quota of nodes below it. To search it is to walk the treap that
// the union of all breakpoints would form, and to leave out each part of which
// bounds of the single profiles tell enough.
type sum struct {
	top  *profile
	idle []idle
}

// idle is max(0, local - use).
type idle struct {
	use   *profile
	local quota.Amount
}

// at is the value at an instant.
func (s *sum) at(t int64) quota.Amount {
	var spare quota.Amount
	for _, i := range s.idle {
		spare = quota.AddSaturating(spare, max(0, i.local-i.use.value(t)))
	}
	return s.top.value(t) - spare
}

// bounds are a value that is nowhere in [a, b) undercut, and one that is
// nowhere exceeded. They are equal if nothing changes in (a, b).
func (s *sum) bounds(a, b int64) (least, most quota.Amount) {
	least, most = s.top.bounds(a, b)
	var spareLeast, spareMost quota.Amount
	for _, i := range s.idle {
		low, high := i.use.bounds(a, b)
		spareLeast = quota.AddSaturating(spareLeast, max(0, i.local-high))
		spareMost = quota.AddSaturating(spareMost, max(0, i.local-low))
	}
	return least - spareMost, most - spareLeast
}

// middle is the breakpoint of any profile in (a, b) that would be nearest to
// the root of a treap of them all. There must be one.
func (s *sum) middle(a, b int64) int64 {
	var best int64
	var rank uint64
	found := false
	look := func(p *profile) {
		n, _ := p.middle(a, b)
		if n == 0 {
			return
		}
		at := p.nodes[n].at
		if r := priority(at); !found || r > rank {
			best, rank, found = at, r, true
		}
	}
	look(s.top)
	for _, i := range s.idle {
		look(i.use)
	}
	return best
}

// lastAbove finds the last instant of [a, b) at which the value is above c.
func (s *sum) lastAbove(a, b int64, c quota.Amount) (int64, bool) {
	if a >= b {
		return 0, false
	}
	least, most := s.bounds(a, b)
	switch {
	case most <= c:
		return 0, false
	case least > c:
		return b - 1, true
	}
	mid := s.middle(a, b)
	if t, ok := s.lastAbove(mid, b, c); ok {
		return t, true
	}
	return s.lastAbove(a, mid, c)
}

// firstAtMost finds the first instant from a on at which the value is c or
// less.
func (s *sum) firstAtMost(a int64, c quota.Amount) (int64, bool) {
	return s.first(a, Forever, func(least, most quota.Amount) (all, none bool) { return most <= c, least > c })
}

// firstAbove finds the first instant of [a, b) at which the value is above c.
func (s *sum) firstAbove(a, b int64, c quota.Amount) (int64, bool) {
	return s.first(a, b, func(least, most quota.Amount) (all, none bool) { return least > c, most <= c })
}

// first finds the first instant of [a, b) with a property, of which is known
// whether all values between two bounds have it, or none.
func (s *sum) first(a, b int64, has func(least, most quota.Amount) (all, none bool)) (int64, bool) {
	if a >= b {
		return 0, false
	}
	all, none := has(s.bounds(a, b))
	switch {
	case all:
		return a, true
	case none:
		return 0, false
	}
	mid := s.middle(a, b)
	if t, ok := s.first(a, mid, has); ok {
		return t, true
	}
	return s.first(mid, b, has)
}
