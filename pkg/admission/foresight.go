package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
)

// In a planned tree a workload may start if there is room for it now and it would
// have ended when room for it is lacking: how long that is, is the same for all of
// equal requests in a queue, whatever their limits. So one question a plan and
// alternative, asked once while nothing changes, tells of all classes of it that
// stand by themselves whether they may start.
//
//	usage, timeline ──> prospect of each plan: short? clear until when?
//	                                   │ and until when it would run
//	class ─────────────────────────────┴──> kind of verdict, refused?

// prospects are those of a queue as of a version of usage and timeline.
type prospects struct {
	version, changes uint64
	list             []prospect
}

// prospect is what an alternative of a plan would come to.
type prospect struct {
	plan *quota.Plan
	at   int // which alternative of it
	// kind is that of the verdict for who has ended at clear, when room begins to
	// be lacking for what there is room for now; who has not is refused.
	kind  kind
	clear int64
}

// foresee is the kind of verdict that a class would get now, and whether it would
// be refused in a flavor in which there is room.
func (e *Engine) foresee(q *clusterQueue, c *queue.Class) (k kind, refused bool) {
	cal := q.scope.calendar
	if !c.Plan.Simple || q.scope.tree.Huge() || len(cal.groups) > 0 && cal.group(c.First().Owner.(*workload), q) != "" {
		return e.foreseeExactly(q, c)
	}
	end := timeline.After(cal.planner.Timeline().Now(), q.relied(c.Limit))
	for i := range c.Plan.Items[0].Alternatives {
		p := q.prospect(c.Plan, i)
		if end > p.clear {
			refused = true
			continue
		}
		k = max(k, p.kind)
	}
	if refused && c.Alone() && c.First().Owner.(*workload).reserved {
		return e.foreseeExactly(q, c) // what is reserved for it is not in its way
	}
	return k, refused
}

func (e *Engine) foreseeExactly(q *clusterQueue, c *queue.Class) (k kind, refused bool) {
	e.judgeClass(q, c, &e.spare)
	return e.spare.kind, e.spare.refused
}

// judgeClass finds the verdict on the first workload of a class for which nothing
// is held.
func (e *Engine) judgeClass(q *clusterQueue, c *queue.Class, v *verdict) {
	v.starter = q.starter(c.First().Owner.(*workload))
	e.judge(q, e.shapes.list[c.Shape], c.Plan, v)
	v.starter = nil
}

// relied is for how long, at most, a workload of some limit would run as far as
// anybody can rely on it.
func (q *clusterQueue) relied(limit int64) int64 {
	switch {
	case limit > 0:
		return limit
	case q.policy.BackfillUnlimited:
		return q.policy.Default
	}
	return timeline.Forever
}

// prospect finds what an alternative of one of the queue's plans would come to.
func (q *clusterQueue) prospect(plan *quota.Plan, at int) *prospect {
	s, known := q.scope, &q.prospects
	planner := s.calendar.planner
	if known.version != s.version || known.changes != planner.Version() {
		known.version, known.changes, known.list = s.version, planner.Version(), known.list[:0]
	}
	for i := range known.list {
		if p := &known.list[i]; p.plan == plan && p.at == at {
			return p
		}
	}
	known.list = append(known.list, q.survey(plan, at))
	return &known.list[len(known.list)-1]
}

func (q *clusterQueue) survey(plan *quota.Plan, at int) prospect {
	p, alt := prospect{plan: plan, at: at, kind: fits, clear: timeline.Forever}, &plan.Items[0].Alternatives[at]
	if alt.Overflow {
		p.kind = noFit
		return p
	}
	t, line, short := q.scope.tree, q.scope.calendar.planner.Timeline(), false
	for _, r := range alt.Requests {
		if r.Amount > t.Potential(q.at, r.FR) || !t.Fits(q.at, r.FR, r.Amount) {
			short = true
			continue
		}
		p.clear = min(p.clear, line.ClearUntil(q.at, r.FR, r.Amount))
	}
	switch {
	case short && q.mayPreemptFor(alt):
		p.kind = noCandidates
	case short:
		p.kind = noFit
	}
	return p
}

// knows says whether all workloads of a class have been told why they wait, and
// its first whose start it would delay if it is refused.
func knows(c *queue.Class, refused bool) bool {
	told := c.Told()
	return told != 0 && c.Silent(told) && (!refused || c.ToldFirst(delaysOthers))
}

// families are the plans of a queue's pending workloads, each with the least time
// for which one of them would run, as of a state of the queue. all: none of them
// is but simple.
type families struct {
	kinds uint64
	all   bool
	list  []family
}

type family struct {
	plan     *quota.Plan
	shortest int64
}

func (q *clusterQueue) knowFamilies() {
	f := &q.families
	if f.kinds == q.pending.Kinds() && f.list != nil {
		return
	}
	f.kinds, f.all, f.list = q.pending.Kinds(), true, f.list[:0]
	for _, classes := range [][]*queue.Class{q.pending.Active(), q.pending.Parked()} {
		for _, c := range classes {
			f.all = f.all && c.Plan.Simple
			length := q.relied(c.Limit)
			at := slices.IndexFunc(f.list, func(o family) bool { return o.plan == c.Plan })
			if at < 0 {
				f.list = append(f.list, family{c.Plan, length})
				continue
			}
			f.list[at].shortest = min(f.list[at].shortest, length)
		}
	}
}

// rests says that nothing in the queue has come or been woken in this pass.
func (q *clusterQueue) rests() bool {
	return len(q.pending.Active()) == 0 && !q.fell() && q.scope.easedAt <= q.scope.begunAt
}

// hopeless says that none of the queue's workloads may start, if that can be seen
// without a look at each: the shortest of each plan may not.
func (e *Engine) hopeless(q *clusterQueue) bool {
	cal := q.scope.calendar
	switch {
	case q.rests():
		return true
	case len(cal.groups) > 0 || q.scope.tree.Huge():
		return false
	}
	if q.knowFamilies(); !q.families.all {
		return false
	}
	now := cal.planner.Timeline().Now()
	for _, f := range q.families.list {
		for at := range f.plan.Items[0].Alternatives {
			if p := q.prospect(f.plan, at); p.kind == fits && timeline.After(now, f.shortest) <= p.clear {
				return false
			}
		}
	}
	return !slices.ContainsFunc(q.reserved, func(w *workload) bool { // its own reservation is not in its way
		k, _ := e.foresee(q, w.Class())
		return k == fits
	})
}

// plannedHope says whether a workload of the queue that is not parked may start.
func (e *Engine) plannedHope(q *clusterQueue) bool {
	if e.hopeless(q) {
		return false
	}
	w := q.walk()
	for c := w.next(); c != nil; c = w.next() {
		if k, _ := e.foresee(q, c); k == fits || c.Plan.Volatile {
			q.pass.hopefulAt = q.scope.version
			return true
		}
	}
	return false
}

// plannedTurns is turns in a planned tree.
func (e *Engine) plannedTurns(q *clusterQueue) (first *queue.Class, turns int) {
	if e.hopeless(q) {
		return nil, 0
	}
	e.counted = e.counted[:0]
	w := q.walk()
	for c := w.next(); c != nil; c = w.next() {
		switch k, _ := e.foresee(q, c); {
		case k == fits || c.Plan.Volatile:
			return c, turns
		case k == noCandidates && e.counts(q, c):
			turns++
		}
	}
	return nil, turns
}

// retirePlanned parks all that is left of a queue in a pass in which nothing more
// may start.
func (e *Engine) retirePlanned(q *clusterQueue) {
	if q.rests() {
		return
	}
	v := &q.pass.verdict
	w := q.walk()
	for c := w.next(); c != nil; c = w.next() {
		k, refused := e.foresee(q, c)
		if (asksOnce(c.Plan) || !q.pending.RelatedTo(c)) && e.idleApart(q, c, k, refused) {
			continue
		}
		last := c.First()
		e.judgeClass(q, c, v)
		e.park(q, c, v)
		w = q.walk() // nothing may be left that is not parked
		w.parked = queue.After(w.parked, last)
	}
}

// asksOnce says that a plan asks for one flavor-resource only. All that are alike
// then come to the same verdict as the first of them, each by itself, even if a
// reservation is not in the way of that.
func asksOnce(p *quota.Plan) bool {
	return p.Simple && len(p.Items[0].Alternatives) == 1 && len(p.Items[0].Alternatives[0].Requests) == 1
}

// mustStep says whether a pass over a planned tree must take every turn: if
// others may be among the first of a queue than were at the last plan, or may be
// once somebody is parked, be it for the first time or because he does not fit any
// more. Whoever is parked anew changes nothing of who is blocked.
func (e *Engine) mustStep(s *scope) bool {
	c := s.calendar
	return c != nil && (c.fresh ||
		slices.ContainsFunc(c.seen, func(w *workload) bool { return w.overrated() && !w.local.target.settled() }) ||
		slices.ContainsFunc(s.play, func(q *clusterQueue) bool {
			return slices.ContainsFunc(q.pending.Active(), func(c *queue.Class) bool { return !knows(c, false) }) && !q.settled()
		}))
}

// unblocks says whether, by an outlook, somebody may start who is blocked and among
// the first of a queue with a place left. Once he is its representative another has
// that place, as soon as anybody is parked before his turn comes.
func (s *scope) unblocks() bool {
	return s.calendar != nil && slices.ContainsFunc(s.play, func(q *clusterQueue) bool {
		if !q.pass.hope || q.settled() {
			return false
		}
		w := q.pass.first.First().Owner.(*workload)
		return w.isBlocked() && !w.reserved
	})
}

// overrated says that a workload is not blocked because it fitted when it was
// looked at last.
func (w *workload) overrated() bool { return w.state == pending && w.sight == sightFit && !w.reserved }

// settled says that as many of the queue's workloads hold reservations as may.
func (q *clusterQueue) settled() bool {
	held := 0
	for _, w := range q.reserved {
		if w.isBlocked() {
			held++
		}
	}
	return held >= q.policy.Depth
}

// allPlay lets all queues of the tree that have something pending take part in a
// pass: any may come to hope by what others do.
func (s *scope) allPlay() {
	s.play = s.play[:0]
	for _, q := range s.byName {
		if q.pending.Len() > 0 || q.pass.invalid {
			s.play = append(s.play, q)
		}
	}
}
