package admission

import (
	"slices"
	"strings"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
	"fairlead.dev/fairlead/pkg/timeline/plan"
)

// backfillOf is a ClusterQueue's own Backfill or that of the nearest Cohort above
// that has one.
func (e *Engine) backfillOf(s *scope, at int32) *Backfill {
	b := s.queues[at].spec.Backfill
	for n := s.tree.Parent(at); n >= 0 && b == nil; n = s.tree.Parent(n) {
		b = e.backfills[s.tree.Nodes[n].Name]
	}
	if b == nil {
		b = &Backfill{}
	}
	return b
}

// AssumedLimit is for how long the ClusterQueue in which a workload waits or
// runs takes those to run that have no limit, in nanoseconds; 0 if neither it
// nor a Cohort above says.
func (e *Engine) AssumedLimit(uid string) int64 {
	w := e.workloads[uid]
	if w == nil || w.state == finished {
		return 0
	}
	q := w.where()
	if q == nil || q.scope == nil || q.scope.tree.Stale() {
		return 0
	}
	return e.backfillOf(q.scope, q.at).DefaultLimit
}

// policyOf is how a ClusterQueue's workloads are planned.
func (e *Engine) policyOf(s *scope, at int32) plan.Policy {
	b := e.backfillOf(s, at)
	p := plan.Policy{Depth: int(b.Depth), Borrowing: 1, Default: b.DefaultLimit, BackfillUnlimited: b.BackfillUnlimited}
	switch b.Mode {
	case BackfillEASY:
		p.Depth = max(p.Depth, 0)
		if p.Depth == 0 {
			p.Depth = int(DefaultDepthEASY)
		}
	case BackfillConservative:
		p.Depth = max(p.Depth, 0)
		if p.Depth == 0 {
			p.Depth = int(DefaultDepthConservative)
		}
	default:
		p.Depth = 0
	}
	if b.BorrowingDepth != nil {
		p.Borrowing = max(0, int(*b.BorrowingDepth))
	}
	if p.Default <= 0 {
		p.Default = DefaultLimit
	}
	return p
}

// plans says whether somebody holds reservations by it.
func (b *Backfill) plans() bool { return b != nil && b.Mode != "" && b.Mode != BackfillNone }

// decidePlanned gives the tree a calendar if somebody in it plans.
func (e *Engine) decidePlanned(s *scope) {
	for _, q := range s.byName {
		q.policy = e.policyOf(s, q.at)
	}
	if !e.looksAhead(s) || s.tree.Cycle != "" {
		return
	}
	s.calendar = &calendar{slack: e.slack()}
	e.openTo(s)
}

// looksAhead says whether somebody in the tree holds reservations, or something of it
// is kept in advance.
func (e *Engine) looksAhead(s *scope) bool {
	return slices.ContainsFunc(s.byName, func(q *clusterQueue) bool { return q.policy.Depth > 0 }) || e.reservedNode(s)
}

// inherit lets a new scope of the same nodes know what the calendar of the one
// before says of what runs and waits in it.
func (s *scope) inherit(earlier []*scope) {
	if s.calendar == nil {
		for _, q := range s.byName {
			q.forgetReserved()
		}
		return
	}
	if len(earlier) == 0 || earlier[0].calendar == nil || !sameNodes(earlier[0], s) {
		return
	}
	was := earlier[0]
	s.calendar.ends = map[*workload]charted{}
	for _, q := range s.byName {
		for w := q.charged; w != nil; w = w.next {
			was.calendar.endOf(w, s.calendar.ends)
		}
		for _, w := range q.holders {
			was.calendar.endOf(w, s.calendar.ends)
		}
	}
	if s.calendar.before = was; !was.calendar.filled() {
		s.calendar.before = was.calendar.before
	}
}

// endOf notes until when a workload was planned, if the calendar knows.
func (c *calendar) endOf(w *workload, ends map[*workload]charted) {
	if !c.filled() {
		if was, ok := c.ends[w]; ok {
			ends[w] = was
		}
		return
	}
	if was, known := c.charted[w]; known {
		was.planned, _ = c.planner.End(w.UID)
		ends[w] = was
	}
}

func sameNodes(a, b *scope) bool {
	if len(a.queues) != len(b.queues) {
		return false
	}
	for i, n := range a.tree.Nodes {
		o := b.tree.Nodes[i]
		if n.Name != o.Name || n.Cohort != o.Cohort || a.tree.Parent(int32(i)) != b.tree.Parent(int32(i)) {
			return false
		}
	}
	return true
}

// fill tells the planner of a new tree everything: what runs, until when it was
// planned so far, for whom quota is held, windows, and the reservations that
// were held in the same nodes.
func (e *Engine) fill(s *scope) {
	c := s.calendar
	config := plan.Config{Policies: make([]plan.Policy, len(s.queues)), Slack: e.slack(), Overrun: e.overrun()}
	for n := range config.Policies {
		config.Policies[n].Default = DefaultLimit
		if q := s.queues[n]; q != nil {
			config.Policies[n] = q.policy
		}
	}
	p, err := plan.New(s.tree.Tree, config, e.decidedAt)
	if err != nil {
		panic("admission: " + err.Error())
	}
	c.planner, c.charted = p, map[*workload]charted{}
	for _, q := range s.byName {
		var users []*workload
		for w := q.charged; w != nil; w = w.next {
			if !w.gone() {
				users = append(users, w)
			}
		}
		slices.SortFunc(users, func(a, b *workload) int { return strings.Compare(a.UID, b.UID) })
		for _, w := range users {
			e.refill(q, w, w.charge)
		}
		for _, w := range q.holders {
			e.refill(q, w, w.hold.amounts)
		}
	}
	e.blockWindows(s, func(*reservation) bool { return true })
	e.keepReservations(s)
	c.before, c.ends = nil, nil
	c.alarm = &queue.Item{UID: s.tree.Name(), Owner: s}
	if s.tree.Nodes[0].Cohort {
		c.alarm.UID = "/" + c.alarm.UID
	}
}

// refill charts a workload as chart does, until the end that it was planned to
// have so far.
func (e *Engine) refill(q *clusterQueue, w *workload, requests []quota.Request) {
	c := q.scope.calendar
	if usesNothing(requests) {
		return
	}
	now := charted{queue: q, local: w.local.name, requests: requests, end: w.plannedEnd(q), limit: w.limit}
	end := now.end
	if was, ok := c.ends[w]; ok && was.end == end && was.limit == now.limit {
		end = was.planned
	}
	c.planner.Run(plan.Workload{UID: w.UID, Leaf: q.at, Alternatives: [][]quota.Request{c.local(q.scope, requests)}, Limit: w.limit, Group: c.group(w, q)}, 0, end)
	c.charted[w] = now
}

// keepReservations takes over the reservations of a calendar of the same nodes,
// as they were: the next Plan drops those whose workload could not get the same
// as before, and these keep their place among the first of their queue. So do
// those of something that is not in the new tree.
func (e *Engine) keepReservations(s *scope) {
	type kept struct {
		w *workload
		plan.Workload
		plan.Reservation
	}
	var list []kept
	var gone []*workload
	if was := s.calendar.before; was != nil {
		for _, r := range was.calendar.planner.Reservations() {
			w, q := e.workloads[r.UID], s.queues[r.Leaf]
			if w == nil || !w.reserved || w.local.target != q {
				continue
			}
			if old, ok := translated(was, s, w); ok {
				list = append(list, kept{w, old, r})
			} else {
				gone = append(gone, w)
			}
		}
	}
	for _, q := range s.byName {
		q.forgetReserved()
	}
	for _, k := range list {
		s.calendar.planner.Keep(k.Workload, k.Reservation)
		if _, k.w.reserved = s.calendar.planner.Reservation(k.w.UID); k.w.reserved {
			k.w.setReserved()
		}
	}
	for _, w := range gone {
		w.setReserved()
	}
	s.calendar.placesOnly = len(gone) > 0
}

// forgetReserved forgets who holds reservations.
func (q *clusterQueue) forgetReserved() {
	for _, w := range q.reserved {
		w.reserved = false
	}
	q.reserved = q.reserved[:0]
}

// translated is a workload for which a reservation is held, as it was when that
// was made, in the numbers of another tree of the same nodes, and in the group that
// its LocalQueue now is; false if the other does not know them all.
func translated(from, to *scope, held *workload) (plan.Workload, bool) {
	w, _ := from.calendar.planner.Planned(held.UID)
	w.Group = to.calendar.group(held, held.local.target)
	alternatives := make([][]quota.Request, len(w.Alternatives))
	for i, list := range w.Alternatives {
		for _, r := range list {
			r.FR = to.tree.Local(from.tree.Global(r.FR))
			if r.FR < 0 {
				return w, false
			}
			alternatives[i] = append(alternatives[i], r)
		}
	}
	w.Alternatives = alternatives
	w.Class = classOf(w.Leaf, alternatives, w.Limit, w.Group)
	return w, true
}

func (e *Engine) slack() int64 {
	if e.config.Slack > 0 {
		return e.config.Slack
	}
	return DefaultSlack
}

func (e *Engine) overrun() int64 {
	if e.config.Overrun > 0 {
		return e.config.Overrun
	}
	return DefaultOverrun
}

// schedule puts the tree into the engine's agenda for the next time at which
// something planned happens of which no event tells.
func (e *Engine) schedule(s *scope) {
	c := s.calendar
	c.stirs = c.planner.Stirs()
	at := c.planner.Next()
	if at == timeline.Forever {
		at = 0
	}
	if at == c.alarmAt {
		return
	}
	if c.alarmAt != 0 {
		e.agenda.Drop(c.alarm, c.alarmAt)
	}
	if c.alarmAt = at; at == 0 {
		return
	}
	e.agenda.Put(c.alarm, at)
}

// apart is what tells a pending workload of the queue apart from others of its
// shape: where the tree is planned its limit and, if a window is kept for its
// LocalQueue, that.
func (q *clusterQueue) apart(w *workload) int64 {
	if !q.limited {
		return 0
	}
	if g := q.scope.calendar.group(w, q); g != "" {
		return int64(classOf(0, nil, w.limit, g) | 1<<63)
	}
	return w.limit
}

// regroup puts the queue's pending workloads into classes by limit where the
// tree is planned, and regardless of limits where it is not.
func (e *Engine) regroup(q *clusterQueue) {
	planned := q.scope.calendar != nil
	if !planned && !q.limited {
		return
	}
	q.limited = planned
	q.pending.Regroup(func(i *queue.Item) int64 { return q.apart(i.Owner.(*workload)) })
}

// stir lets passes see what time has changed in planned trees, where others are
// among the first since the last plan, and where room was made after it.
func (e *Engine) stir() {
	for i := e.agenda.Pop(e.now); i != nil; i = e.agenda.Pop(e.now) {
		s := i.Owner.(*scope)
		s.calendar.alarmAt = 0
		e.markDirty(s)
	}
	for _, s := range e.scopes {
		if c := s.calendar; c.filled() && (c.stirs <= e.now || c.fresh || !c.planner.Settled()) {
			e.markDirty(s)
		}
	}
}
