package admission

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
)

// reservedNode says whether an advance reservation that is not over is for a node
// of the tree.
func (e *Engine) reservedNode(s *scope) bool {
	found := false
	e.reservations.each(func(r *reservation) { found = found || !r.over(e.now) && s.node(&r.spec) >= 0 })
	return found
}

func (r *reservation) over(now int64) bool {
	return !slices.ContainsFunc(r.spec.Windows, func(w Window) bool { return w.End > now })
}

// rewindow lets the tree of a reservation know that it has come, gone or changed.
// That wakes those who were refused, if something is taken off the timeline; only
// where the tree is planned no more everybody is. Where it has now to be planned
// there is a calendar in it from the next pass on.
func (e *Engine) rewindow(r *Reservation) {
	i := slices.IndexFunc(e.scopes, func(s *scope) bool { return s.node(r) >= 0 && !s.tree.Stale() })
	if i < 0 {
		return // the tree is built anew
	}
	s := e.scopes[i]
	switch ahead := e.looksAhead(s); {
	case !ahead && s.calendar == nil:
		return
	case !ahead:
		e.touchReserved(r)
		return
	case s.calendar == nil:
		if e.decidePlanned(s); s.calendar == nil {
			return
		}
		s.nested, s.ranked = true, false
		e.regroupAll(s)
	case s.calendar.filled():
		e.reblock(s, r.Name)
	default:
		e.openTo(s)
		e.regroupAll(s)
	}
	s.version++
	e.markDirty(s)
}

// reblock replaces what a reservation keeps on a tree's timeline.
func (e *Engine) reblock(s *scope, name string) {
	c, now := s.calendar, e.reservations.byName[name]
	if now == nil || s.node(&now.spec) < 0 || !slices.Equal(c.planner.OpenTo(name), groupsOf(&now.spec)) {
		c.planner.Unblock(name)
	}
	e.blockWindows(s, func(o *reservation) bool { return o == now })
	was := c.groups
	if e.openTo(s); maps.Equal(was, c.groups) {
		return
	}
	e.regroupAll(s)
	c.planner.Regroup(func(uid string) string {
		w := e.workloads[uid]
		if was, runs := c.charted[w]; runs {
			return c.group(w, was.queue)
		}
		return c.group(w, w.local.target)
	})
}

// regroupAll puts the pending workloads of a tree into classes anew.
func (e *Engine) regroupAll(s *scope) {
	for _, q := range s.byName {
		e.regroup(q)
	}
	clear(s.calendar.asked[:cap(s.calendar.asked)]) // list takes up again what lies beyond its end
}

// touchReserved has the tree of a reservation planned anew, if there is one.
func (e *Engine) touchReserved(r *Reservation) {
	if n := e.forest.FindCohort(r.Cohort); n != nil {
		e.forest.Touch(n)
	}
	if q := e.queues.byName[r.ClusterQueue]; q != nil {
		e.forest.Touch(q.node)
	}
}

// noteEnds notes when the next window ends.
func (e *Engine) noteEnds() {
	e.windowEnd = timeline.Forever
	e.reservations.each(func(r *reservation) {
		for _, w := range r.spec.Windows {
			if w.End > e.now {
				e.windowEnd = min(e.windowEnd, w.End)
			}
		}
	})
}

// endWindows wakes the trees in which a window has ended.
func (e *Engine) endWindows() {
	if e.windowEnd > e.now {
		return
	}
	e.reservations.each(func(r *reservation) {
		if slices.ContainsFunc(r.spec.Windows, func(w Window) bool { return w.End > e.decidedAt && w.End <= e.now }) {
			e.touchReserved(&r.spec)
		}
	})
	e.noteEnds()
}

// node is the number of a reservation's node, -1 if it is in another tree. (A
// Cohort that is not created exists while something is in it.)
func (s *scope) node(r *Reservation) int32 {
	for i, n := range s.tree.Nodes {
		if n.Cohort && n.Name == r.Cohort && (n.Exists || s.tree.End(int32(i)) > int32(i)+1) || !n.Cohort && n.Exists && n.Name == r.ClusterQueue {
			return int32(i)
		}
	}
	return -1
}

// member is a LocalQueue for which something of a ClusterQueue is kept.
type member struct {
	local localName
	queue string
}

// openTo notes for which LocalQueues windows of a tree are kept.
func (e *Engine) openTo(s *scope) {
	s.calendar.groups = map[member]string{}
	e.reservations.each(func(r *reservation) {
		n := s.node(&r.spec)
		if n < 0 || len(r.spec.For) == 0 || r.spec.ClusterQueue == "" {
			return
		}
		if charges, problem := e.windowCharges(s, n, &r.spec); problem != "" || len(charges) == 0 {
			return
		}
		for i, g := range groupsOf(&r.spec) {
			l := r.spec.For[i]
			s.calendar.groups[member{localName{l.Namespace, l.Name}, r.spec.ClusterQueue}] = g
		}
	})
}

// groupsOf names the LocalQueues for which a reservation is.
func groupsOf(r *Reservation) (groups []string) {
	for _, l := range r.For {
		groups = append(groups, l.Namespace+"/"+l.Name)
	}
	return groups
}

// blockWindows puts those advance reservations on a tree's timeline that are
// wanted, in the order of their names.
func (e *Engine) blockWindows(s *scope, wanted func(r *reservation) bool) {
	e.reservations.each(func(r *reservation) {
		n := s.node(&r.spec)
		if n < 0 || !wanted(r) {
			return
		}
		r.problem = ""
		charges, problem := e.windowCharges(s, n, &r.spec)
		if r.problem = problem; problem != "" || len(charges) == 0 {
			s.calendar.planner.Unblock(r.spec.Name)
			return
		}
		s.calendar.planner.Block(r.spec.Name, charges...)
		s.calendar.planner.Open(r.spec.Name, groupsOf(&r.spec)...)
	})
}

// group is the name by which windows of a ClusterQueue may be open to a workload,
// "" if there are none for it.
func (c *calendar) group(w *workload, q *clusterQueue) string {
	if c == nil || len(c.groups) == 0 {
		return ""
	}
	return c.groups[member{w.local.name, q.name}]
}

// windowCharges are what a reservation keeps from now on.
func (e *Engine) windowCharges(s *scope, n int32, r *Reservation) (charges []timeline.Charge, problem string) {
	type share struct {
		node     int32
		requests []quota.Request
	}
	var parts []share
	if len(r.Amounts) > 0 {
		var requests []quota.Request
		for _, a := range r.Amounts {
			f := s.tree.Local(e.forest.Number(a.Flavor, a.Resource))
			if f < 0 || f >= s.tree.Listed() {
				return nil, fmt.Sprintf("no queue of the tree has quota of %s of flavor %s; add it there or take it out here", a.Resource, a.Flavor)
			}
			if a.Amount > 0 {
				requests = addRequest(requests, quota.Request{FR: f, Amount: a.Amount})
			}
		}
		parts = append(parts, share{n, requests})
	} else {
		for m := n; m < s.tree.End(n); m++ {
			var requests []quota.Request
			for f := range s.tree.Listed() {
				if own := s.tree.Nominal(m, f); own > 0 && own != quota.Unlimited && r.ShareMilli > 0 {
					requests = append(requests, quota.Request{FR: f, Amount: milli(own, r.ShareMilli)})
				}
			}
			parts = append(parts, share{m, requests})
		}
	}
	for _, w := range r.Windows {
		for _, p := range parts {
			if w.End > e.now && w.Start < w.End && len(p.requests) > 0 {
				charges = append(charges, timeline.Charge{Node: p.node, Requests: p.requests, Start: w.Start, End: w.End})
			}
		}
	}
	return charges, ""
}

// milli is so many thousandths of an amount, rounded up.
func milli(amount quota.Amount, thousandths int64) quota.Amount {
	thousandths = min(max(thousandths, 0), 1000)
	if amount > (math.MaxInt64-999)/1000 {
		return amount / 1000 * thousandths
	}
	return (amount*thousandths + 999) / 1000
}

func (e *Engine) reservationStatus(r *reservation) ReservationStatus {
	for _, s := range e.scopes {
		if s.node(&r.spec) >= 0 {
			switch {
			case s.calendar == nil:
				r.conflict = nil // it is over
			case s.calendar.filled():
				r.conflict = e.conflictOf(s, r)
			}
			return ReservationStatus{Name: r.spec.Name, Problem: r.problem, Conflict: r.conflict}
		}
	}
	return ReservationStatus{Name: r.spec.Name, Problem: "the node whose quota it is does not exist; create it or name another"}
}

// conflictOf is where a reservation first lacks room, as things stand since the
// last pass. What heads of StrictFIFO queues hold is not in its way.
func (e *Engine) conflictOf(s *scope, r *reservation) *ReservationConflict {
	var heads []string
	for _, q := range s.byName {
		if h := q.headHolder(); h != nil {
			heads = append(heads, h.UID)
		}
	}
	short, is := s.calendar.planner.Conflict(r.spec.Name, heads...)
	if !is {
		return nil
	}
	name := e.forest.Name(s.tree.Global(short.FR))
	return &ReservationConflict{
		Node: s.tree.Nodes[short.Node].Name, Flavor: name.Flavor, Resource: name.Resource, At: short.At, Missing: short.Missing,
	}
}
