package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline/plan"
)

// calendar is the future of one planned tree: who holds a reservation, and who
// may start without delaying one (ADR 0005).
//
//	present ── chart ──> planner: what runs, until when
//	park ────────────┐                       │
//	                 v                       v
//	plan: blocked workloads, in order ──> reservations ──> mayStart, in each verdict
//	       │                                                   │ refused
//	       └─ reservation due, room for the refused: wake <────┘ parked
//
// Trees in which nobody plans have none.
type calendar struct {
	planner *plan.Planner
	slack   int64
	// groups are the LocalQueues for which some window of a ClusterQueue is kept.
	groups map[member]string
	// until is what was charted of each workload that runs or for which quota
	// is held.
	charted map[*workload]charted
	// before is the scope of the same nodes before this one, until the calendar
	// is filled; ends are what earlier calendars knew of what runs, with the
	// ends that their planners gave it since.
	before *scope
	ends   map[*workload]charted
	// stirs is when something planned changes by itself: the next pass from then
	// on must see it.
	stirs int64
	// alarm stands for the tree in the engine's agenda, at the time alarmAt, 0 if
	// it is not in it.
	alarm   *queue.Item
	alarmAt int64
	// list is what the planner was told last of who is blocked, of those asked for;
	// blocked, due and room are room for replan and planParked.
	list          []plan.Workload
	asked         []asked
	blocked, room []*workload
	due           []string
	seen          []*workload // in this pass, as representatives
	// fresh: who is among the first of some queue may be others than at the last
	// plan: a representative has become blocked, or is not any more, or somebody
	// has been admitted or has lost his reservation.
	fresh bool
	// placesOnly: over a new tree some count as holders who hold nothing yet. They
	// have a place among the first of their queue, until the next plan.
	placesOnly bool
	// held: since the last plan somebody has come to hold something after a
	// preemption that he did not hold before.
	held bool
	one  [1]quota.Request
}

// asked is for what the planner was told something, and what that depends on.
type asked struct {
	w     *workload
	local *localQueue
	plan  *quota.Plan
	limit int64
}

// filled says that the planner knows what runs. Until the first pass over a
// new tree it does not.
func (c *calendar) filled() bool { return c != nil && c.planner != nil }

// calendar is that of the queue's tree, nil if there is none or it is not yet
// filled.
func (q *clusterQueue) calendar() *calendar {
	if c := q.future(); c.filled() {
		return c
	}
	return nil
}

// future is the calendar of the queue's tree, be it filled or not; nil if there
// is none.
func (q *clusterQueue) future() *calendar {
	if s := q.scope; s != nil && !s.tree.Stale() {
		return s.calendar
	}
	return nil
}

// isBlocked says whether a pending workload waits for quota, or was refused, when
// it was last looked at. Whose reservation lets it start is blocked until it has
// had its turn.
func (w *workload) isBlocked() bool {
	switch {
	case w.preempting():
		return false
	case w.sight == sightFit:
		return w.reserved
	case w.sight == sightShort:
		return true
	}
	reason := reasonNames[w.Told]
	return w.Seen() && (reason == WaitingForQuota || reason == WaitingForPreemptedWorkloads)
}

// sight is what a representative's verdict said that has not had its turn.
type sight uint8

const (
	sightNone sight = iota
	sightFit
	sightShort
)

// see notes the verdict on a new representative of a queue.
func (e *Engine) see(q *clusterQueue, w *workload, v *verdict) {
	c, was := q.scope.calendar, w.isBlocked()
	if w.sight == sightNone {
		c.seen = append(c.seen, w)
	}
	switch {
	case v.kind == fits:
		w.sight = sightFit
	case reasonNames[v.reason] == WaitingForQuota:
		w.sight = sightShort
	default:
		w.sight = sightNone
	}
	c.fresh = c.fresh || was != w.isBlocked() && !q.settled()
}

// overlook forgets what was seen of the first of a class that is parked.
func (c *calendar) overlook(k *queue.Class) {
	if len(c.seen) > 0 {
		k.First().Owner.(*workload).sight = sightNone
	}
}

// overlookAll forgets what was seen in a pass that ends.
func (c *calendar) overlookAll() {
	if c == nil {
		return
	}
	for _, w := range c.seen {
		w.sight = sightNone
	}
	c.seen = c.seen[:0]
}

// planParked plans anew if, now that something has been parked, anything was taken
// off the timeline or has come into the way of a reservation, something is held that
// was not, a workload of the queue is to hold a reservation and has none, or holds one and is blocked no more.
func (e *Engine) planParked(q *clusterQueue) {
	c := q.calendar()
	if c == nil {
		return
	}
	c.room, _ = e.choose(q, c.room[:0])
	if c.held || !c.planner.Settled() || slices.ContainsFunc(q.reserved, func(w *workload) bool { return !w.isBlocked() }) ||
		slices.ContainsFunc(c.room, func(w *workload) bool { return !w.reserved }) {
		e.replan(q.scope, false)
	}
}

// replan brings the reservations of a tree up to date, and wakes whoever they
// let go on. begin says that a pass begins.
func (e *Engine) replan(s *scope, begin bool) {
	c := s.calendar
	eased, moved := c.planner.Eased(), false
	c.fresh, c.held = false, false
	c.planner.Mark()
	// Who loses his place when all are planned anew leaves it to the next.
	for lost, turn := true, 0; lost && turn < 2; turn++ {
		e.chooseAll(s)
		lost = false
		if same := e.list(c); same && c.planner.Settled() && !c.placesOnly {
			break
		}
		holders := c.planner.Holders()
		moved = c.planner.Plan(c.list) || moved
		moved = c.planner.Eased() || moved // by who has lost his to another
		if c.planner.Holders() != holders || c.placesOnly {
			lost, c.placesOnly = s.noteReserved(), false
		}
		s.version++
	}
	c.due = c.planner.Due(c.due[:0])
	for _, uid := range c.due {
		if begin || c.planner.Moved(uid) {
			e.wakeHolder(s, e.workloads[uid])
		}
	}
	// Whoever gave way to one for whom there is no place has got the same again.
	if eased || moved && c.planner.Replanned() {
		e.wakeRefused(s)
	}
}

// chooseAll puts into the calendar who is to hold reservations, in the order of
// planning, and takes them from those who are to hold none any more.
func (e *Engine) chooseAll(s *scope) {
	c := s.calendar
	c.blocked = c.blocked[:0]
	var all []*workload
	for _, q := range s.byName {
		if q.policy.Depth != 0 {
			var lose []*workload
			c.blocked, lose = e.choose(q, c.blocked)
			all = append(all, lose...)
		}
	}
	for _, h := range all {
		c.planner.Release(h.UID)
		h.local.target.unreserve(h)
	}
	slices.SortFunc(c.blocked, compareItems)
}

// list puts the blocked workloads as the planner sees them into the calendar's
// list, and says whether that is the one that it had before.
func (e *Engine) list(c *calendar) (same bool) {
	same = len(c.asked) == len(c.blocked)
	c.asked = slices.Grow(c.asked, len(c.blocked))[:len(c.blocked)]
	c.list = slices.Grow(c.list, len(c.blocked))[:len(c.blocked)]
	for i, w := range c.blocked {
		now := asked{w, w.local, w.Class().Plan, w.limit}
		if c.asked[i] != now {
			c.asked[i], c.list[i], same = now, e.planned(w), false
		}
	}
	return same
}

// noteReserved notes who holds reservations by now, and says whether somebody
// has lost his.
func (s *scope) noteReserved() (lost bool) {
	c := s.calendar
	for _, q := range s.byName {
		q.reserved = slices.DeleteFunc(q.reserved, func(w *workload) bool {
			_, w.reserved = c.planner.Reservation(w.UID)
			lost = lost || !w.reserved
			return !w.reserved
		})
	}
	c.fresh = c.fresh || lost
	for _, w := range c.blocked {
		if w.reserved {
			continue
		}
		if _, holds := c.planner.Reservation(w.UID); holds {
			w.setReserved()
		}
	}
	return lost
}

// wakeHolder wakes a workload whose reservation has begun.
func (e *Engine) wakeHolder(s *scope, w *workload) {
	q := w.local.target
	if k := w.Class(); k.Parked() {
		q.pending.Wake(k)
	}
	s.invalidate(q)
}

// wakeRefused wakes those that were refused at the last look. Also if all of a
// queue's have been woken before, its representative is not valid any more.
func (e *Engine) wakeRefused(s *scope) {
	for _, q := range s.byName {
		if q.waitsRefused() {
			s.invalidate(q)
		}
		if !s.eager && !q.strict {
			continue // they are woken where they are
		}
		for i := 0; i < len(q.pending.Parked()); {
			if k := q.pending.Parked()[i]; k.Refused {
				q.pending.Wake(k)
				continue
			}
			i++
		}
	}
	e.clock++
	s.easedAt = e.clock
}

// waitsRefused says whether a workload of the queue was refused at the last look.
// That on the representative was the last on it alone.
func (q *clusterQueue) waitsRefused() bool {
	rep := q.pass.item
	if rep != nil && q.pass.verdict.refused {
		return true
	}
	refused := func(k *queue.Class) bool {
		return k.Refused && (rep == nil || k != rep.Class() || k.ToldBesides(rep))
	}
	return slices.ContainsFunc(q.pending.Active(), refused) || slices.ContainsFunc(q.pending.Parked(), refused)
}

// mostAlternatives is how many complete assignments of a workload are planned.
const mostAlternatives = 16

// planned is a blocked workload as the planner sees it.
func (e *Engine) planned(w *workload) plan.Workload {
	q := w.local.target
	p := w.Class().Plan
	if p.Whole == nil {
		p.Whole = wholes(p)
	}
	group := q.scope.calendar.group(w, q)
	return plan.Workload{UID: w.UID, Leaf: q.at, Alternatives: p.Whole, Limit: w.limit, Group: group, Class: classOf(q.at, p.Whole, w.limit, group)}
}

// wholes lists the complete assignments of a plan, the first item's flavor
// changing last, each flavor-resource once.
func wholes(p *quota.Plan) [][]quota.Request {
	all := [][]quota.Request{{}}
	for i := range p.Items {
		if p.Items[i].Group < 0 {
			continue // who asks for what his queue does not cover is told so
		}
		longer := make([][]quota.Request, 0, len(all))
		for _, prefix := range all {
			for a := range p.Items[i].Alternatives {
				alt := &p.Items[i].Alternatives[a]
				if alt.Overflow {
					continue
				}
				whole := slices.Clone(prefix)
				for _, r := range alt.Requests {
					whole = addRequest(whole, r)
				}
				longer = append(longer, whole)
			}
		}
		all = longer[:min(len(longer), mostAlternatives)]
	}
	return all
}

// classOf is a hash (FNV-1a) of what makes workloads equal for the planner,
// never 0.
func classOf(leaf int32, alternatives [][]quota.Request, limit int64, group string) uint64 {
	h := uint64(14695981039346656037)
	mix := func(n int64) { h = (h ^ uint64(n)) * 1099511628211 }
	mix(int64(leaf))
	mix(limit)
	for i := range len(group) {
		mix(int64(group[i]))
	}
	for _, alternative := range alternatives {
		mix(-1)
		for _, r := range alternative {
			mix(int64(r.FR))
			mix(r.Amount)
		}
	}
	return max(h, 1)
}

// beginPlan begins a pass over a planned tree.
func (e *Engine) beginPlan(s *scope) {
	if !s.calendar.filled() {
		e.fill(s)
	}
	s.calendar.seen = s.calendar.seen[:0]
	s.calendar.planner.Advance(e.now)
	e.replan(s, true)
}

// holds says whether the workload waits with quota of its own, now or planned.
func (w *workload) holds() bool { return w.preempting() || w.reserved }

// planActed follows what a queue of a planned tree has done.
func (e *Engine) planActed(q *clusterQueue) {
	c := q.scope.calendar
	if c == nil {
		return
	}
	c.fresh = c.fresh || !q.settled()
	if !c.planner.Settled() {
		e.replan(q.scope, false)
	}
}
