package admission

import (
	"reflect"
	"slices"
	"strings"

	"fairlead.dev/fairlead/pkg/cache"
	"fairlead.dev/fairlead/pkg/fairshare"
	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// scope is one tree with what a pass over it needs. Trees never wait for each
// other.
type scope struct {
	tree       *cache.Tree
	queues     []*clusterQueue // by node, nil for Cohorts
	byName     []*clusterQueue
	tournament *fairshare.Tournament
	fair       bool
	reach      []quota.Request // room for KeyAt

	dirty bool
	// ahead is the queue whose representative would be admitted, while others
	// compete with it: see blocking.go. blocked: it is in the engine's list.
	ahead   *clusterQueue
	blocked bool
	// invalid are queues whose stored representative is not valid; spare is
	// room for another such list.
	invalid, spare []*clusterQueue
	// fallen are, for each node, the flavor-resources whose usage fell since
	// the last wake-up and whose topmost changed node it is; touched lists the
	// nodes with any; fell is the time of the last fall.
	fallen  []quota.Set
	touched []int32
	fell    uint64
	// movedAt is the time of the last change of usage; moving: the change is
	// not settled.
	movedAt uint64
	moving  bool
	// since is the fall up to which this pass looks at parked classes again.
	since uint64
	// version counts changes of usage.
	version uint64
	// acted are the queues that acted in this round of a pass.
	acted []*clusterQueue
	// eager: something is held, so usage may fall in the pass.
	eager bool
	// nested: queues compete through Cohorts below the root, or somebody plans:
	// then a queue keeps its turns although it has nothing to admit. literal: no
	// turn of this pass may be skipped. play are the queues that take part in it,
	// hopes those of them that may have something to admit: see leap.go.
	nested, literal bool
	play, hopes     []*clusterQueue
	keys            [2]fairshare.Key // room for sprint
	// releasedAt is when the usage of a queue of the tree last fell, by the clock.
	releasedAt uint64
	// policies: a queue of the tree may preempt. preempting: victims are sought
	// in this pass.
	policies, preempting bool
	// unborn: there has been no pass yet.
	unborn bool
	// ranked: the tree is one for rankings, or for contests. fallenNow is what has fallen at its
	// root before this pass; changes lists the queues that have changed since
	// changeEpoch began. least is the least that is asked of a
	// flavor-resource, flavorOf are those of the same flavor.
	ranked    bool
	fallenNow quota.Set
	rankings  []*ranking
	// contests are for trees with Cohorts below others; cohortAt numbers the Cohorts.
	// vain counts passes since one was foretold.
	contests    []*contest
	cohortAt    []int32
	vain        int
	aside       []*clusterQueue // room for a sprint
	changes     []int32
	changesRead int   // of them, by any ranking
	lastChange  []int // by node: one more than the place of its last in changes
	changeEpoch uint64
	least       []quota.Amount
	flavorOf    []uint64
	// calendar is the tree's future, nil if nobody plans in it; easedAt is when
	// something was last taken off it, by the engine's clock: whoever was refused
	// before is woken by it, without being touched (see eligible).
	calendar *calendar
	easedAt  uint64
	// begunAt is when the present pass began, by the same clock.
	begunAt uint64
	// wide: a queue of the tree gives verdicts that depend on all of it.
	wide bool
}

// sync replaces the scopes of stale trees and wakes everything in the new ones.
func (e *Engine) sync() {
	trees := e.forest.Sync()
	if trees == nil {
		return
	}
	gone := func(s *scope) bool { return s.tree.Stale() }
	for _, s := range e.scopes {
		if gone(s) && s.calendar != nil && s.calendar.alarmAt != 0 {
			e.agenda.Drop(s.calendar.alarm, s.calendar.alarmAt)
		}
	}
	e.scopes = slices.DeleteFunc(e.scopes, gone)
	e.dirty = slices.DeleteFunc(e.dirty, gone)
	for _, t := range trees {
		s := e.newScope(t)
		e.scopes = append(e.scopes, s)
		for _, q := range s.byName {
			clear(q.plans) // they number flavor-resources as the tree before did
			e.reopen(q)
			e.regroup(q)
			q.pending.Replan(func(c *queue.Class) *quota.Plan {
				p := e.planFor(q, e.shapes.list[c.Shape])
				s.ask(p)
				return p
			})
			q.pending.WakeAll()
			s.invalidate(q)
			if q.strict {
				e.watchHead(q)
				e.watchHolders(q)
			}
			if h := q.headHolder(); h != nil && (!q.strict || q.policy.Depth > 0) {
				e.dropHeadHold(q, h)
			}
		}
		e.markDirty(s)
	}
	sortScopes(e.scopes)
}

// reopen places the queue's workloads anew if it opened, closed or changed the
// namespaces that it serves.
func (e *Engine) reopen(q *clusterQueue) {
	now := door{exists: q.exists, open: q.problem.reason == "", namespaces: q.spec.Namespaces}
	if reflect.DeepEqual(now, q.door) {
		return
	}
	q.door = now
	q.locals.each(func(l *localQueue) {
		for _, w := range l.pending() {
			e.replace(w)
		}
	})
}

func (e *Engine) newScope(t *cache.Tree) *scope {
	s := &scope{
		tree: t, fair: e.config.FairSharing, version: 1, unborn: true,
		queues: make([]*clusterQueue, len(t.Nodes)),
		fallen: make([]quota.Set, len(t.Nodes)),
	}
	parent := make([]int32, len(t.Nodes))
	var earlier []*scope
	for i, n := range t.Nodes {
		parent[i] = t.Parent(int32(i))
		if !s.fair && parent[i] >= 0 {
			parent[i] = 0 // one order for all queues of the tree
		}
		if n.Cohort {
			continue
		}
		q := e.queues.byName[n.Name]
		if q.scope != nil {
			earlier = append(earlier, q.scope)
		}
		q.derive(e, s, int32(i))
		s.queues[i] = q
		s.nested = s.nested || parent[i] > 0
		s.wide = s.wide || q.wideVerdicts
		s.policies = s.policies || e.config.Preemption != nil && q.spec.Preemption.seeksVictims()
		s.byName = append(s.byName, q)
	}
	slices.SortFunc(s.byName, func(a, b *clusterQueue) int { return strings.Compare(a.name, b.name) })
	e.decidePlanned(s)
	s.nested = s.nested || s.calendar != nil
	s.inherit(earlier)
	if !s.policies && s.calendar == nil {
		switch {
		case s.rankable():
			e.prepareRankings(s)
			for range rankings {
				s.rankings = append(s.rankings, &ranking{})
			}
		case s.contestable():
			e.prepareRankings(s)
			s.prepareContests()
		}
	}
	s.tournament = fairshare.NewTournament(parent, s)
	return s
}

// prepareRankings has the scope note what rankings and contests need to know.
func (e *Engine) prepareRankings(s *scope) {
	s.ranked = true
	s.lastChange = make([]int, len(s.queues))
	e.meetFlavors(s)
}

// meetFlavors has rankings and contests begin anew with flavor-resources that they
// do not know.
func (e *Engine) meetFlavors(s *scope) {
	if s.tree.FlavorResources() > mostRanked {
		s.ranked = false
		return
	}
	s.allChanged()
	for i := range s.rankings {
		s.rankings[i] = &ranking{}
	}
	for i := range s.contests {
		s.contests[i] = &contest{}
	}
	for len(s.least) < int(s.tree.FlavorResources()) {
		s.least = append(s.least, quota.Unlimited)
	}
	s.flavorOf = s.flavorOf[:0]
	for f := range s.tree.FlavorResources() {
		same := uint64(0)
		for g := range s.tree.FlavorResources() {
			if e.forest.Name(s.tree.Global(f)).Flavor == e.forest.Name(s.tree.Global(g)).Flavor {
				same |= 1 << g
			}
		}
		s.flavorOf = append(s.flavorOf, same)
	}
}

// sortScopes sorts trees by name of the root; of two of the same name the
// Cohort's comes before the ClusterQueue's.
func sortScopes(list []*scope) {
	slices.SortFunc(list, func(a, b *scope) int {
		if c := strings.Compare(a.tree.Name(), b.tree.Name()); c != 0 {
			return c
		}
		if a.tree.Nodes[0].Cohort {
			return -1
		}
		return 1
	})
}

// KeyAt is the key of node n while leaf's stored representative is the best
// candidate below it: fairshare.Keyer.
func (s *scope) KeyAt(n, leaf int32, key *fairshare.Key) {
	rep := &s.queues[leaf].pass
	*key = fairshare.Key{Priority: rep.item.Priority, Time: rep.item.Time, UID: rep.item.UID}
	if !s.fair {
		key.Level = rep.verdict.level
		return
	}
	s.reach = append(s.reach[:0], rep.verdict.charges...)
	requested := len(s.reach)
	s.liftInReach(rep.item.Owner.(*workload).held())
	for m := leaf; m != n; m = s.tree.Parent(m) {
		for i := range s.reach {
			s.reach[i].Amount = s.tree.Past(m, s.reach[i].FR, s.reach[i].Amount)
		}
	}
	for _, r := range s.reach[:requested] {
		if s.tree.Over(n, r.FR, r.Amount) {
			key.Borrows = true
		}
	}
	key.Share = fairshare.After(s.tree.Tree, n, s.tree.Nodes[n].Spec.WeightMilli, s.reach)
}

// liftInReach takes off what is held for the candidate itself.
func (s *scope) liftInReach(hold []quota.Request) {
	for _, h := range hold {
		s.reach = addRequest(s.reach, quota.Request{FR: s.tree.Local(h.FR), Amount: -h.Amount})
	}
}

// invalidate notes that the queue's stored representative is not valid.
func (s *scope) invalidate(q *clusterQueue) {
	if !q.pass.invalid {
		q.pass.invalid = true
		s.invalid = append(s.invalid, q)
	}
}

func (e *Engine) markDirty(s *scope) {
	if !s.dirty {
		s.dirty = true
		e.dirty = append(e.dirty, s)
	}
}

// charge changes by delta what workloads are charged at a queue.
func (e *Engine) charge(q *clusterQueue, fr int32, delta quota.Amount) {
	e.moved(q, e.forest.Charge(q.node, fr, delta))
	if delta < 0 {
		e.clock++
		q.releasedAt = e.clock
		if q.scope != nil {
			q.scope.releasedAt = e.clock
		}
	}
}

// moved notes that usage has changed in the tree of a queue; nothing is to be
// done in a stale tree, since all of it will be woken.
func (e *Engine) moved(q *clusterQueue, t *cache.Tree) {
	if t == nil {
		return
	}
	s := q.scope
	s.changed(q)
	s.version++
	e.clock++
	s.movedAt = e.clock
	if !s.moving {
		s.moving = true
		e.moving = append(e.moving, s)
	}
}

// settle draws the consequences of an event: which usage fell on the whole,
// and which StrictFIFO queues have another head.
func (e *Engine) settle() {
	for _, q := range e.examined {
		e.watchHead(q)
		if q.strict {
			e.watchHolders(q)
		}
	}
	e.examined = e.examined[:0]
	for _, s := range e.moving {
		s.moving = false
		if !s.tree.Stale() {
			e.settleScope(s)
		}
	}
	e.moving = e.moving[:0]
}

// settleScope finds where usage fell, on the whole, since it last did: for
// each queue and flavor-resource the topmost node on its path that fell.
func (e *Engine) settleScope(s *scope) {
	trail := s.tree.Trail()
	for i, step := range trail {
		if s.queues[step.N] == nil || !s.fellAt(step.N, step.FR) || i > firstStep(trail, step.N, step.FR) {
			continue
		}
		top := step.N
		for n := s.tree.Parent(top); n >= 0; n = s.tree.Parent(n) {
			if s.fellAt(n, step.FR) {
				top = n
			}
		}
		if s.fallen[top].Empty() {
			s.touched = append(s.touched, top)
		}
		s.fallen[top].Put(step.FR)
		s.fell = s.movedAt
		e.markDirty(s)
	}
	s.tree.CutTrail(0)
}

// fellAt says whether node n uses less of fr than at the begin of the trail.
func (s *scope) fellAt(n, fr int32) bool {
	trail := s.tree.Trail()
	i := firstStep(trail, n, fr)
	return i < len(trail) && s.tree.Usage(n, fr) < trail[i].Before
}

// firstStep is the place of the first change of node n in fr, the length of
// the trail if there is none.
func firstStep(trail []quota.Step, n, fr int32) int {
	for i := range trail {
		if trail[i].N == n && trail[i].FR == fr {
			return i
		}
	}
	return len(trail)
}

// wakeTree wakes everything in the tree of a queue.
func (e *Engine) wakeTree(q *clusterQueue) {
	if q == nil || q.scope == nil || q.scope.tree.Stale() {
		return // Sync will
	}
	s := q.scope
	s.allChanged()
	for _, q := range s.byName {
		q.pending.WakeAll()
		s.invalidate(q)
	}
	e.markDirty(s)
}

// enqueue puts a pending workload into its queue.
func (e *Engine) enqueue(q *clusterQueue, w *workload) {
	w.Limit, w.sight = q.apart(w), sightNone
	c := q.pending.Insert(&w.Item, w.shape.number)
	if w.pledge != nil {
		defer e.redeem(q, w)
	}
	s := q.scope
	if s == nil || s.tree.Stale() {
		return // Sync will plan and wake
	}
	if c.Plan == nil {
		q.pending.SetPlan(c, e.planFor(q, w.shape))
		s.ask(c.Plan)
		s.changed(q)
	}
	s.invalidate(q)
	e.markDirty(s)
	if q.strict {
		e.examined = append(e.examined, q)
	}
}

// dequeue takes a pending workload out of its queue.
func (e *Engine) dequeue(q *clusterQueue, w *workload) {
	c := w.Class()
	first := c.First() == &w.Item
	q.pending.Remove(&w.Item)
	e.dropHold(q, w, HoldChanged)
	e.giveUp(q, w)
	if q.pass.head == &w.Item {
		q.pass.headKind = unseen
	}
	s := q.scope
	if s == nil || s.tree.Stale() {
		return
	}
	s.changed(q)
	if s.calendar != nil && !q.settled() {
		e.markDirty(s) // another may be among the first
	}
	if !q.strict {
		return
	}
	if first && c.Len() > 0 && c.Parked() && kind(c.Kind) == noCandidates {
		q.pending.Wake(c) // what held them back has gone
	}
	s.invalidate(q)
	e.markDirty(s)
	e.examined = append(e.examined, q)
}
