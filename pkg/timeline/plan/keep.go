package plan

import (
	"cmp"
	"maps"
	"slices"

	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
)

// What a window for groups keeps of a leaf is, at every instant, its charge less
// what those groups use there then, running or reserved; what one window has given
// to a group is not given to it by those after it, in the order of keys. So what
// is charged for such a window is made anew wherever a charge of its groups comes
// or goes.
//
//	cores of the leaf
//	 6 ┤ ┌───────────┐ window    charged for it    ┌──┐     ┌─┐ 6
//	 3 ┤ │ ┌─────┐   │           ──────────────>   │  └─────┘ │ 3
//	   ┴─┴─┴─────┴───┴──> time                     ┴──────────┴──> time
//	       a member uses 3

// member is what a workload of a group is charged at a leaf.
type member struct {
	group  string
	handle timeline.Handle
	charge timeline.Charge
}

// piece is a charge of a window, and what is charged for it.
type piece struct {
	window *window
	at     int // of its charges
	// begun is since when so much is kept, in the sweep.
	begun int64
	kept  []quota.Request
}

// add charges something on behalf of a group.
func (p *Planner) add(c timeline.Charge, group string) (timeline.Handle, bool) {
	h, ok := p.line.Add(c)
	if ok && group != "" {
		p.members[c.Node] = append(p.members[c.Node], member{group, h, c})
		p.keep(c.Node, c.Start, c.End)
	}
	return h, ok
}

// remove takes back what add has charged.
func (p *Planner) remove(h timeline.Handle, group string) {
	c := p.line.Charged(h)
	p.line.Remove(h)
	if group != "" {
		p.members[c.Node] = slices.DeleteFunc(p.members[c.Node], func(m member) bool { return m.handle == h })
		p.keep(c.Node, c.Start, c.End)
	}
}

// asking does something while the windows for a workload's group at its leaf are
// not charged: for whoever may use them they are not there.
func (p *Planner) asking(w *Workload, do func()) {
	if w.Group == "" {
		do()
		return
	}
	type lifted struct {
		handle *timeline.Handle
		charge timeline.Charge
	}
	var list []lifted
	for i := range p.windows {
		x := &p.windows[i]
		if !slices.Contains(x.open, w.Group) {
			continue
		}
		for at := range x.charges {
			for i := range x.handles[at] {
				if h := &x.handles[at][i]; x.charges[at].Node == w.Leaf {
					list = append(list, lifted{h, p.line.Charged(*h)})
					p.line.Remove(*h)
				}
			}
		}
	}
	do()
	for _, l := range list {
		*l.handle, _ = p.line.Add(l.charge)
	}
}

// pieces lists, in the order of keys, what windows for groups charge a leaf
// between from and to, and what overlaps with that: it widens the time to all of
// these.
func (p *Planner) pieces(leaf int32, from, to int64) (list []piece, since, until int64) {
	for wider := true; wider; {
		wider, list = false, list[:0]
		for i := range p.windows {
			w := &p.windows[i]
			if len(w.open) == 0 {
				continue
			}
			for at, c := range w.charges {
				if c.Node != leaf || c.Start >= to || c.End <= max(from, p.line.Now()) {
					continue
				}
				list = append(list, piece{window: w, at: at})
				if c.Start < from || c.End > to {
					from, to, wider = min(from, c.Start), max(to, c.End), true
				}
			}
		}
	}
	slices.SortStableFunc(list, func(a, b piece) int { return cmp.Compare(a.window.key, b.window.key) })
	return list, from, to
}

// edge is an instant at which a member begins or ends, or a window.
type edge struct {
	at     int64
	member *member // nil for a window
	sign   quota.Amount
}

// use names what a group uses.
type use struct {
	group string
	fr    int32
}

// keep charges a leaf, between two instants, with what its windows for groups
// keep, and takes back what they were charged there before. It sweeps over the time: O((m + w) log (m + w)) for m
// charges of members and w of windows, and w for each instant at which anything
// changes.
func (p *Planner) keep(leaf int32, from, to int64) {
	list, from, to := p.pieces(leaf, from, to)
	if len(list) == 0 {
		return
	}
	var edges []edge
	for i := range list {
		x := &list[i]
		for _, h := range x.window.handles[x.at] {
			p.line.Remove(h)
		}
		x.window.handles[x.at] = x.window.handles[x.at][:0]
		c := x.window.charges[x.at]
		edges = append(edges, edge{at: c.Start}, edge{at: c.End})
	}
	for i := range p.members[leaf] {
		if m := &p.members[leaf][i]; m.charge.Start < to && m.charge.End > from {
			edges = append(edges, edge{max(m.charge.Start, from), m, 1}, edge{m.charge.End, m, -1})
		}
	}
	slices.SortStableFunc(edges, func(a, b edge) int { return cmp.Compare(a.at, b.at) })
	uses := map[use]quota.Amount{}
	for i, e := range edges {
		if e.member != nil {
			for _, r := range e.member.charge.Requests {
				uses[use{e.member.group, r.FR}] += e.sign * r.Amount
			}
		}
		if i+1 == len(edges) || edges[i+1].at > e.at {
			p.sweep(list, uses, e.at)
		}
	}
}

// sweep charges what has been kept until an instant, where that is other than what
// is kept from then on.
func (p *Planner) sweep(list []piece, uses map[use]quota.Amount, at int64) {
	given := map[use]quota.Amount{}
	for i := range list {
		x := &list[i]
		c := x.window.charges[x.at]
		var kept []quota.Request
		if c.Start <= at && at < c.End {
			for _, r := range c.Requests {
				left := r.Amount
				for _, group := range x.window.open {
					u := use{group, r.FR}
					gives := min(left, uses[u]-given[u])
					left, given[u] = left-gives, given[u]+gives
				}
				if left > 0 {
					kept = append(kept, quota.Request{FR: r.FR, Amount: left})
				}
			}
		}
		if slices.Equal(kept, x.kept) {
			continue
		}
		if len(x.kept) > 0 {
			if h, ok := p.line.Add(timeline.Charge{Node: c.Node, Requests: x.kept, Start: x.begun, End: at}); ok {
				x.window.handles[x.at] = append(x.window.handles[x.at], h)
			}
		}
		x.begun, x.kept = at, kept
	}
}

// Open says whose workloads a window is kept for. It says nothing if there is no
// window of that key.
func (p *Planner) Open(key string, groups ...string) {
	i := p.find(key)
	if i < 0 || len(groups) == 0 {
		return
	}
	w := &p.windows[i]
	w.open = groups
	for _, c := range w.charges {
		p.keep(c.Node, c.Start, c.End)
	}
	p.version++
	p.check = timeline.Forever
}

// OpenTo lists for whom a window is kept.
func (p *Planner) OpenTo(key string) []string {
	if i := p.find(key); i >= 0 {
		return p.windows[i].open
	}
	return nil
}

// Regroup says anew of which group everybody is who runs or holds a reservation,
// which he keeps if he can.
func (p *Planner) Regroup(group func(uid string) string) {
	for _, uid := range slices.Sorted(maps.Keys(p.running)) {
		if r, g := p.running[uid], group(uid); g != r.group {
			c := p.line.Charged(r.handle)
			p.remove(r.handle, r.group)
			r.handle, _ = p.add(c, g)
			r.group = g
			p.running[uid] = r
		}
	}
	for _, h := range p.order {
		if h.gone {
			continue // and perhaps forgotten
		}
		if g := group(h.UID); g != h.Group {
			p.remove(h.handle, h.Group)
			h.Group = g
			p.charge(h)
		}
	}
	p.version++
	p.check = timeline.Forever
}

// find is the place of the window of that key, -1 if there is none.
func (p *Planner) find(key string) int {
	return slices.IndexFunc(p.windows, func(w window) bool { return w.key == key })
}

// lacks says whether some of the charges are not among others, each of which
// counts once.
func lacks(charges, others []timeline.Charge) bool {
	others = slices.Clone(others)
	for _, c := range charges {
		i := slices.IndexFunc(others, func(o timeline.Charge) bool {
			return o.Node == c.Node && o.Start == c.Start && o.End == c.End && slices.Equal(o.Requests, c.Requests)
		})
		if i < 0 {
			return true
		}
		others = slices.Delete(others, i, i+1)
	}
	return false
}

// Unblock takes a window away, if there is one of that key.
func (p *Planner) Unblock(key string) {
	i := p.find(key)
	if i < 0 {
		return
	}
	p.version++
	p.freed, p.eased = true, true
	if len(p.windows[i].open) > 0 {
		p.check = timeline.Forever
	}
	p.lift(i)
}

// lift takes a window away.
func (p *Planner) lift(i int) window {
	w := p.windows[i]
	p.discharge(&w)
	p.windows = slices.Delete(p.windows, i, i+1)
	if len(w.open) > 0 {
		for _, c := range w.charges { // others now give what it gave
			p.keep(c.Node, c.Start, c.End)
		}
	}
	return w
}

// put puts a window where lift has taken it from.
func (p *Planner) put(i int, w window) {
	p.windows = slices.Insert(p.windows, i, w)
	p.recharge(&w)
}

// withoutWindows does something while no window is charged.
func (p *Planner) withoutWindows(do func()) {
	for i := range p.windows {
		p.discharge(&p.windows[i])
	}
	do()
	for i := range p.windows {
		p.recharge(&p.windows[i])
	}
}

// discharge takes back what is charged for a window.
func (p *Planner) discharge(w *window) {
	for at := range w.charges {
		for _, h := range w.handles[at] {
			p.line.Remove(h)
		}
		w.handles[at] = w.handles[at][:0]
	}
}

// recharge charges what discharge has taken back.
func (p *Planner) recharge(w *window) {
	for at, c := range w.charges {
		if len(w.open) > 0 {
			p.keep(c.Node, c.Start, c.End)
		} else if h, ok := p.line.Add(c); ok {
			w.handles[at] = append(w.handles[at], h)
		}
	}
}
