package plan

import (
	"slices"

	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
)

// Conflict is where a window first lacks room: where, with what runs and all
// windows, a node on the way up from what it keeps is above its limit, and by more
// than without it. Reservations give way, and so do some that are named of those
// that run. False if there is room for all of it, or no such window. Where there is
// room it costs O(w D log n) for w charges of the window, else O(n D log n).
func (p *Planner) Conflict(key string, but ...string) (first timeline.Shortage, short bool) {
	i := p.find(key)
	if i < 0 || !p.overIn(&p.windows[i]) {
		return first, false
	}
	var held []*held
	for _, h := range p.order {
		if !h.gone {
			held = append(held, h)
			p.remove(h.handle, h.Group)
		}
	}
	do := func() { first, short = p.conflict(i) }
	for _, uid := range but {
		inner := do
		do = func() { p.without(uid, inner) }
	}
	do()
	for _, h := range held {
		p.charge(h)
	}
	return first, short
}

// overIn says whether a node on the way up from what a window keeps is above its
// limit at some time of it.
func (p *Planner) overIn(w *window) bool {
	over := false
	p.above(w, func(c *timeline.Charge, n int32, r quota.Request) {
		over = over || c.End > p.line.Now() && p.line.MaxUse(n, r.FR, c.Start, c.End) > p.line.Limit(n, r.FR)
	})
	return over
}

// above visits the nodes on the way up from each charge of a window.
func (p *Planner) above(w *window, visit func(c *timeline.Charge, n int32, r quota.Request)) {
	for at := range w.charges {
		c := &w.charges[at]
		for _, r := range c.Requests {
			for n := c.Node; n >= 0; n = p.line.Parent(n) {
				visit(c, n, r)
			}
		}
	}
}

// conflict compares use with a window and without it, whenever either changes.
func (p *Planner) conflict(i int) (first timeline.Shortage, short bool) {
	instants := p.edges()
	var over []timeline.Shortage
	p.above(&p.windows[i], func(c *timeline.Charge, n int32, r quota.Request) {
		for _, at := range instants {
			if missing := p.line.Use(n, r.FR, at) - p.line.Limit(n, r.FR); c.Start <= at && at < c.End && missing > 0 {
				over = append(over, timeline.Shortage{Node: n, FR: r.FR, At: at, Missing: missing})
			}
		}
	})
	w := p.lift(i)
	for _, s := range over {
		if less := p.line.Use(s.Node, s.FR, s.At) - p.line.Limit(s.Node, s.FR); less < s.Missing && (!short || s.At < first.At) {
			first, short = s, true
		}
	}
	p.put(i, w)
	return first, short
}

// edges are the instants, from now on, at which something that runs ends or a
// window begins or ends.
func (p *Planner) edges() []int64 {
	now := p.line.Now()
	all := []int64{now}
	p.byEnd.Ascend(func(e ending) bool {
		all = append(all, e.at)
		return true
	})
	for _, w := range p.windows {
		for _, c := range w.charges {
			all = append(all, max(c.Start, now), max(c.End, now))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
