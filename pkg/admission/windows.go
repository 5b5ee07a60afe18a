package admission

import (
	"fmt"
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
// For nobody it is but other windows on the timeline; for some it tells their
// workloads apart, and the tree is planned anew, as it is if it has now to be
// planned at all, or no more.
func (e *Engine) rewindow(r *Reservation) {
	i := slices.IndexFunc(e.scopes, func(s *scope) bool { return s.node(r) >= 0 && !s.tree.Stale() })
	if i < 0 || len(r.For) > 0 || e.scopes[i].calendar == nil || !e.looksAhead(e.scopes[i]) {
		e.touchReserved(r)
		return
	}
	s := e.scopes[i]
	if !s.calendar.filled() {
		return
	}
	s.calendar.planner.Unblock(r.Name)
	e.reservations.each(func(o *reservation) {
		if s.node(&o.spec) >= 0 && len(o.spec.For) == 0 {
			s.calendar.planner.Unblock(o.spec.Name)
		}
	})
	e.blockWindows(s, func(o *reservation) bool { return len(o.spec.For) == 0 })
	s.version++
	e.markDirty(s)
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

// openTo notes for which LocalQueues windows of a tree are kept.
func (e *Engine) openTo(s *scope) {
	s.calendar.groups = map[localName]string{}
	e.reservations.each(func(r *reservation) {
		if s.node(&r.spec) < 0 {
			return
		}
		for _, l := range r.spec.For {
			s.calendar.groups[localName{l.Namespace, l.Name}] = l.Namespace + "/" + l.Name
		}
	})
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
			return
		}
		s.calendar.planner.Block(r.spec.Name, charges...)
		var groups []string
		for _, l := range r.spec.For {
			groups = append(groups, s.calendar.groups[localName{l.Namespace, l.Name}])
		}
		s.calendar.planner.Open(r.spec.Name, groups...)
	})
}

// group is the name by which windows may be open to a workload.
func (c *calendar) group(w *workload) string { return c.groups[w.local.name] }

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
			if f < 0 || f >= s.calendar.planner.Timeline().FlavorResources() {
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
			for f := range s.calendar.planner.Timeline().FlavorResources() {
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
