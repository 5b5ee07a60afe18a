package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/fairshare"
	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// passState is what a pass knows of a queue. Between passes no queue stores a
// representative.
type passState struct {
	// item is the stored representative, nil if none; verdict is its verdict,
	// judged when the tree's version was version.
	item    *queue.Item
	verdict verdict
	last    verdict // the verdict before it
	version uint64
	// invalid: the representative is to be stored anew before the next choice.
	invalid bool
	acted   bool
	// fallen are flavor-resources whose fall wakes parked classes of the
	// queue, if since is the scope's. Such a class is woken without being
	// touched: see eligible.
	fallen quota.Set
	since  uint64
	// head is the first workload of a StrictFIFO queue when it was last
	// looked at; holder is the head while quota is held for it.
	head, holder *queue.Item
	headKind     kind            // of the head's last verdict
	hold         []quota.Request // in the forest's numbers
	blocked      quota.Set       // room for findStrict
}

// pass admits everything in one tree that can be admitted now (semantics,
// section 4, "A pass").
//
//	wake ──> store each invalid queue ──> winner on stored keys ──> store again
//	             ^                             │ none                │ the same?
//	             │                             v                     v
//	             └── next round, if     end of the round       act: admit, or park
//	                 anybody acted
func (e *Engine) pass(s *scope) {
	s.eager, s.since = s.tree.Holds(), 0
	e.wake(s)
	if s.hopes = append(s.hopes[:0], s.invalid...); !e.goOn(s) {
		return
	}
	for {
		e.storeInvalid(s)
		leaf := s.tournament.Winner()
		if leaf < 0 {
			if len(s.acted) == 0 {
				return
			}
			s.nextRound()
			continue
		}
		q := s.queues[leaf]
		if !e.recheck(s, q) {
			continue
		}
		if e.act(s, q) && !e.goOn(s) {
			return
		}
		q.pass.acted = true
		s.acted = append(s.acted, q)
		e.store(s, q)
	}
}

// nextRound lets those take part again that have acted.
func (s *scope) nextRound() {
	acted := s.acted
	s.acted = s.acted[:0]
	for _, q := range acted {
		q.pass.acted = false
		if q.pass.item != nil {
			s.tournament.Enter(q.at)
		}
	}
}

// storeInvalid stores the representatives that are not valid, in the order of
// the tree, until all are.
func (e *Engine) storeInvalid(s *scope) {
	for {
		if s.eager {
			e.settleScope(s)
			e.wake(s)
		} else {
			s.tree.CutTrail(0) // nothing fell
		}
		if len(s.invalid) == 0 {
			return
		}
		list := s.invalid
		s.invalid = s.spare
		slices.SortFunc(list, func(a, b *clusterQueue) int { return int(a.at) - int(b.at) })
		for _, q := range list {
			if q.pass.invalid {
				e.store(s, q)
			}
		}
		s.spare = list[:0]
	}
}

// recheck judges the winner on live usage and says whether it may act: whether
// it is still the same workload with the same verdict.
func (e *Engine) recheck(s *scope, q *clusterQueue) bool {
	if q.pass.version == s.version {
		return true
	}
	was := q.pass.item
	q.pass.verdict, q.pass.last = q.pass.last, q.pass.verdict
	e.store(s, q)
	return q.pass.item == was && q.pass.verdict.same(&q.pass.last)
}

// goOn says whether a pass over nested Cohorts has anything left to do but to
// park, turn by turn, what does not fit and will not; if not it parks that all
// at once. Until then such a queue keeps its turn, for meanwhile it may stand
// for its Cohort in place of a sibling. Where all queues are in one order
// findBestEffort can leave each out by itself; and while something is held,
// usage may fall and a turn is never idle.
func (e *Engine) goOn(s *scope) bool {
	if !s.nested || s.eager {
		return true
	}
	for n := len(s.hopes); n > 0; n = len(s.hopes) {
		if s.hopes[n-1].hopeful() {
			return true
		}
		s.hopeless = append(s.hopeless, s.hopes[n-1])
		s.hopes = s.hopes[:n-1]
	}
	for _, q := range s.hopeless {
		q.pass.item, q.pass.acted, q.pass.invalid = nil, false, false
		if s.tournament.Entered(q.at) {
			s.tournament.Leave(q.at)
		}
		e.retire(q)
	}
	s.hopeless, s.acted, s.invalid = s.hopeless[:0], s.acted[:0], s.invalid[:0]
	return false
}

// act lets a queue's representative do what its verdict says, and says whether
// that was to be admitted.
func (e *Engine) act(s *scope, q *clusterQueue) bool {
	item, v := q.pass.item, &q.pass.verdict
	if v.kind == fits {
		if q.pass.holder == item {
			e.dropHold(q)
		}
		e.admit(q, item.Owner.(*workload), v)
		return true
	}
	// There is nobody to preempt.
	if q.strict() && q.pending.First() == item {
		e.holdFor(q, item, v)
	}
	e.park(q, item.Class(), v)
	return false
}

// store finds the queue's representative: its first workload that is not
// parked and may act.
func (e *Engine) store(s *scope, q *clusterQueue) {
	q.pass.invalid = false
	if q.strict() {
		q.pass.item = e.findStrict(q)
	} else {
		q.pass.item = e.findBestEffort(s, q)
	}
	q.pass.version = s.version
	switch {
	case q.pass.item != nil && !q.pass.acted:
		s.tournament.Enter(q.at)
	case s.tournament.Entered(q.at):
		s.tournament.Leave(q.at)
	}
}

func (e *Engine) findBestEffort(s *scope, q *clusterQueue) *queue.Item {
	if !s.eager && !s.nested && !q.hopeful() {
		e.retire(q)
		return nil
	}
	v := &q.pass.verdict
	var last *queue.Item
	for {
		c := q.candidate(last)
		if c == nil {
			return nil
		}
		last = c.First()
		e.judge(q, e.shapes.list[c.Shape], c.Plan, v)
		if c.Parked() {
			c = q.pending.Wake(c)
		}
		if v.kind != noFit {
			return c.First()
		}
		e.park(q, c, v)
	}
}

// woken says whether a fall of usage may have woken parked classes that were
// only looked at.
func (q *clusterQueue) woken() bool { return q.scope.since != 0 && q.pass.since == q.scope.since }

// eligible says whether a parked class has been woken by a fall of usage.
func (q *clusterQueue) eligible(c *queue.Class) bool {
	return c.ParkedAt <= q.scope.since && (c.Wide || c.Consulted.Meets(q.pass.fallen))
}

// candidate is the first class, in the queue's order, that is not parked or
// has been woken; nil if there is none. No parked class up to the one that
// begins with last is one.
func (q *clusterQueue) candidate(last *queue.Item) *queue.Class {
	var active *queue.Class
	if list := q.pending.Active(); len(list) > 0 {
		active = list[0]
	}
	if !q.woken() {
		return active
	}
	list := q.pending.Parked()
	if last != nil {
		list = queue.After(q.pending.Parked(), last)
	}
	for _, c := range list {
		if active != nil && active.First().Before(c.First()) {
			break
		}
		if q.eligible(c) {
			return c
		}
	}
	return active
}

// hopeful is false only if no workload of the queue that is not parked fits,
// nor will until some usage falls: then all that is left for the queue to do
// is to park them, turn by turn, and nobody can tell whether it does. A
// StrictFIFO queue has to take its turn, because its head may hold quota by it.
func (q *clusterQueue) hopeful() bool {
	if q.strict() {
		return q.pass.item != nil || q.pass.invalid
	}
	for _, c := range q.pending.Active() {
		if q.mightFit(c.Plan) {
			return true
		}
	}
	if !q.woken() {
		return false
	}
	for _, c := range q.pending.Parked() {
		if q.eligible(c) && q.mightFit(c.Plan) {
			return true
		}
	}
	return false
}

// retire parks all that is left of a queue without hope.
func (e *Engine) retire(q *clusterQueue) {
	if q.strict() {
		return // nothing is left: see hopeful
	}
	q.pass.since = 0
	v := &q.pass.verdict
	for active := q.pending.Active(); len(active) > 0; active = q.pending.Active() {
		c := active[0]
		e.judge(q, e.shapes.list[c.Shape], c.Plan, v)
		e.park(q, c, v)
	}
}

// park parks a class by a verdict, with whatever else of equal shape is in a
// BestEffortFIFO queue, and tells its workloads why they wait. (All that is
// active, or woken, comes after the class's first workload.)
func (e *Engine) park(q *clusterQueue, c *queue.Class, v *verdict) {
	form, priority, plan := e.shapes.list[c.Shape], c.Priority, c.Plan
	e.parkClass(q, c, v)
	if q.strict() {
		return
	}
	for i := 0; i < len(q.pending.Active()); {
		if o := q.pending.Active()[i]; o.Priority == priority && plan.Opens(o.Plan) && form.alike(e.shapes.list[o.Shape]) {
			e.parkClass(q, o, v)
			continue
		}
		i++
	}
	if !q.woken() {
		return
	}
	for _, o := range q.pending.Parked() {
		if o.Priority == priority && q.eligible(o) && plan.Opens(o.Plan) && form.alike(e.shapes.list[o.Shape]) {
			e.note(o, v)
			o.ParkedAt = e.clock
		}
	}
}

func (e *Engine) parkClass(q *clusterQueue, c *queue.Class, v *verdict) {
	e.clock++
	e.note(c, v)
	c = q.pending.Park(c, e.clock)
	e.tell(q, c, v.reason, "")
}

// note keeps of a verdict on a class what tells whether a fall may change it.
func (e *Engine) note(c *queue.Class, v *verdict) {
	c.Consulted = append(c.Consulted[:0], v.consulted...)
	c.Wide, c.Kind = v.wide, int8(v.kind)
}

// tell gives each workload of a class the reason why it waits, if it has not
// been told that reason.
func (e *Engine) tell(q *clusterQueue, c *queue.Class, reason reasonCode, message string) {
	if c.Silent(reason) {
		return
	}
	c.Tell(reason, func(i *queue.Item) {
		if message == "" {
			message = e.explain(q, c, reason)
		}
		e.out = append(e.out, Wait{UID: i.UID, Reason: reasonNames[reason], Message: message})
	})
}

// admit charges a workload by a verdict and tells the shell to write it.
func (e *Engine) admit(q *clusterQueue, w *workload, v *verdict) {
	assignment := e.assignment(q, w.shape, v)
	w.local.drop(w)
	q.pending.Remove(&w.Item)
	if q.strict() {
		e.watchHead(q)
	}
	w.state, w.home, w.admission, w.Told = assumed, q, assignment, 0
	borrows := q.borrows(v.charges)
	w.charge = make([]quota.Request, len(v.charges))
	for i, r := range v.charges {
		w.charge[i] = quota.Request{FR: q.scope.tree.Global(r.FR), Amount: r.Amount}
		e.charge(q, w.charge[i].FR, r.Amount)
	}
	q.reserving++
	w.local.charge(w, +1)
	d := Admit{UID: w.UID, Assignment: *assignment, Borrows: borrows}
	if q.scope.fair {
		d.Share = q.share().Status()
	}
	e.out = append(e.out, d)
}

// share is the queue's dominant resource share as it stands.
func (q *clusterQueue) share() fairshare.Share {
	return fairshare.Of(q.scope.tree.Tree, q.at, q.spec.WeightMilli)
}
