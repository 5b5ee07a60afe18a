package timeline

import "fairlead.dev/fairlead/pkg/quota"

// value is that at an instant.
func (p *profile) value(t int64) quota.Amount {
	v := p.base
	for n := p.root; n != 0; {
		s := &p.nodes[n]
		if s.at > t {
			n = s.left
			continue
		}
		v += s.l.all + s.by
		n = s.right
	}
	return v
}

// peak is at least the largest value from any time on that has not been folded.
func (p *profile) peak() quota.Amount {
	if p.root == 0 {
		return p.base
	}
	return p.base + p.nodes[p.root].sums().high
}

// middle finds the breakpoint in (a, b) that is nearest to the root of the
// treap, and the value before its subtree; 0 if there is no breakpoint.
func (p *profile) middle(a, b int64) (n int32, before quota.Amount) {
	before = p.base
	for n = p.root; n != 0; {
		s := &p.nodes[n]
		switch {
		case s.at <= a:
			before += s.l.all + s.by
			n = s.right
		case s.at >= b:
			n = s.left
		default:
			return n, before
		}
	}
	return 0, before
}

// bounds are the least and the largest value in [a, b).
func (p *profile) bounds(a, b int64) (least, most quota.Amount) {
	top, before := p.middle(a, b)
	if top == 0 {
		return before, before
	}
	m := &p.nodes[top]
	here := before + m.l.all + m.by
	least, most = here, here
	for n := m.left; n != 0; {
		s := &p.nodes[n]
		upTo := before + s.l.all + s.by
		if s.at <= a {
			before, n = upTo, s.right
			continue
		}
		least, most = min(least, upTo+s.r.low), max(most, upTo+s.r.high)
		n = s.left
	}
	least, most = min(least, before), max(most, before) // the value at a
	for n := m.right; n != 0; {
		s := &p.nodes[n]
		if s.at >= b {
			n = s.left
			continue
		}
		least, most = min(least, here+s.l.low), max(most, here+s.l.high)
		here += s.l.all + s.by
		least, most = min(least, here), max(most, here)
		n = s.right
	}
	return least, most
}

// lastAbove finds an instant in the last piece of [a, b) whose value is above
// c.
func (p *profile) lastAbove(a, b int64, c quota.Amount) (int64, bool) {
	if t, ok := p.last(p.root, p.base, a, b, c); ok {
		return t, true
	}
	return a, a < b && p.value(a) > c
}

func (p *profile) last(n int32, before quota.Amount, a, b int64, c quota.Amount) (int64, bool) {
	for n != 0 {
		s := &p.nodes[n]
		here := before + s.l.all + s.by
		if s.at < b && here+s.r.high > c {
			if t, ok := p.last(s.right, here, a, b, c); ok {
				return t, true
			}
			if s.at > a && here > c {
				return s.at, true
			}
		}
		if s.at <= a || before+s.l.high <= c {
			return 0, false
		}
		n = s.left
	}
	return 0, false
}

// firstAtMost finds the first instant from a on at which the value is c or
// less.
func (p *profile) firstAtMost(a int64, c quota.Amount) (int64, bool) {
	if p.value(a) <= c {
		return a, true
	}
	return p.first(p.root, p.base, a, c)
}

func (p *profile) first(n int32, before quota.Amount, a int64, c quota.Amount) (int64, bool) {
	for n != 0 {
		s := &p.nodes[n]
		here := before + s.l.all + s.by
		if s.at > a {
			if before+s.l.low <= c {
				if t, ok := p.first(s.left, before, a, c); ok {
					return t, true
				}
			}
			if here <= c {
				return s.at, true
			}
		}
		if here+s.r.low > c {
			return 0, false
		}
		before, n = here, s.right
	}
	return 0, false
}

// firstAbove finds the first instant from a on at which the value is above c.
func (p *profile) firstAbove(a int64, c quota.Amount) (int64, bool) {
	if p.value(a) > c {
		return a, true
	}
	return p.rise(p.root, p.base, a, c)
}

// riseAbove is firstAbove from now on, Forever if the value is never above c. It
// remembers two answers: at a root many ask the same.
func (p *profile) riseAbove(now int64, c quota.Amount) int64 {
	for _, r := range p.risen {
		if r.changes == p.changes && r.most == c && r.at >= now && r.changes > 0 {
			return r.at
		}
	}
	at, above := p.firstAbove(now, c)
	if !above {
		at = Forever
	}
	p.risen[0], p.risen[1] = risen{p.changes, c, at}, p.risen[0]
	return at
}

func (p *profile) rise(n int32, before quota.Amount, a int64, c quota.Amount) (int64, bool) {
	for n != 0 {
		s := &p.nodes[n]
		here := before + s.l.all + s.by
		if s.at > a {
			if before+s.l.high > c {
				if t, ok := p.rise(s.left, before, a, c); ok {
					return t, true
				}
			}
			if here > c {
				return s.at, true
			}
		}
		if here+s.r.high <= c {
			return 0, false
		}
		before, n = here, s.right
	}
	return 0, false
}

// run is an amount in [from, to).
type run struct {
	from, to int64
	by       quota.Amount
}

// carried appends to runs by how much max(0, value - local) changes, and when,
// if the value is changed by an amount in [a, b). Neighbouring runs differ, and
// none is zero. Only pieces that cross local are looked at one by one.
func (p *profile) carried(runs []run, a, b int64, by, local quota.Amount) []run {
	c := carrier{p: p, a: a, b: b, by: by, local: local, runs: runs, since: a}
	c.now = c.past(p.value(a))
	c.walk(p.root, p.base)
	c.close(b)
	return c.runs
}

type carrier struct {
	p         *profile
	a, b      int64
	by, local quota.Amount
	runs      []run
	since     int64 // when the run that is open began
	now       quota.Amount
}

func (c *carrier) past(value quota.Amount) quota.Amount {
	return max(0, value+c.by-c.local) - max(0, value-c.local)
}

func (c *carrier) close(at int64) {
	if c.now != 0 && c.since < at {
		c.runs = append(c.runs, run{c.since, at, c.now})
	}
	c.since = at
}

func (c *carrier) walk(n int32, before quota.Amount) {
	for n != 0 {
		s := &c.p.nodes[n]
		here := before + s.l.all + s.by
		switch {
		case s.at >= c.b:
			n = s.left
			continue
		case s.at > c.a:
			if !c.alike(before, s.l) {
				c.walk(s.left, before)
			}
			if past := c.past(here); past != c.now {
				c.close(s.at)
				c.now = past
			}
			fallthrough
		default:
			if c.alike(here, s.r) {
				return
			}
			before, n = here, s.right
		}
	}
}

// alike says that all values of a subtree are carried alike, and with them the
// one before it, whose run is open: then no run begins in it.
func (c *carrier) alike(before quota.Amount, s sums) bool {
	low, high := before+s.low, before+s.high
	return min(low, low+c.by) >= c.local || max(high, high+c.by) <= c.local
}
