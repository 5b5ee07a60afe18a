package queue

import (
	"slices"

	"github.com/google/btree"

	"fairlead.dev/fairlead/pkg/quota"
)

// Queue holds the pending workloads of one ClusterQueue.
//
// Invariants: active and parked are sorted by their classes' first items and
// hold no empty class; for each shape and priority there is at most one class
// in each of them, apart from workloads that stand alone.
type Queue struct {
	active, parked []*Class
	needs          needs
	epoch, kinds   uint64
	length         int
	looks          uint32
	// forms counts the twins of each form, priority and Limit, related the forms
	// with more than one.
	related int
	forms   map[formKey]*int
	twins   map[classKey]*Twins
	free    *btree.FreeListG[*Item]
	spare   *Class // see class
}

type formKey struct {
	form     uint64
	limit    int64
	priority int32
}

type classKey struct {
	shape, priority int32
	limit           int64
	alone           *Item
}

// Twins are the two classes of one shape and priority, nil where there is none.
type Twins struct {
	Active, Parked *Class
	form           *int // how many there are of its form: see Queue.relate
}

// New returns an empty queue. Queues may share a free list of tree nodes.
func New(free *btree.FreeListG[*Item]) *Queue {
	q := &Queue{}
	q.Init(free)
	return q
}

// Init makes a zero Queue an empty one, as New does.
func (q *Queue) Init(free *btree.FreeListG[*Item]) {
	q.twins, q.forms, q.free = map[classKey]*Twins{}, map[formKey]*int{}, free
}

// NewFreeList returns a free list for New.
func NewFreeList() *btree.FreeListG[*Item] { return btree.NewFreeListG[*Item](256) }

// Len is the number of workloads.
func (q *Queue) Len() int { return q.length }

// Active is the classes that are not parked, sorted by their first items; the
// slice is the queue's own.
func (q *Queue) Active() []*Class { return q.active }

// Parked is the parked classes, sorted as Active ones are; the slice is the
// queue's own.
func (q *Queue) Parked() []*Class { return q.parked }

// After is the part of a sorted list of classes whose first items come after i.
func After(list []*Class, i *Item) []*Class {
	n := find(list, i)
	if n < len(list) && list[n].First() == i {
		n++
	}
	return list[n:]
}

// Epoch counts changes of which classes are parked, of their order and of
// their plans.
func (q *Queue) Epoch() uint64 { return q.epoch }

// Kinds counts changes of which shapes, priorities and Limits there are, and of
// their plans.
func (q *Queue) Kinds() uint64 { return q.kinds }

// First is the first workload of all, parked or not; nil if there is none.
func (q *Queue) First() *Item {
	switch {
	case len(q.active) == 0 && len(q.parked) == 0:
		return nil
	case len(q.active) == 0:
		return q.parked[0].First()
	case len(q.parked) == 0 || q.active[0].First().Before(q.parked[0].First()):
		return q.active[0].First()
	}
	return q.parked[0].First()
}

// Twin is the class of the same shape and priority in the other list, nil if
// there is none.
func (q *Queue) Twin(c *Class) *Class {
	t := c.twins
	if c.parked {
		return t.Active
	}
	return t.Parked
}

// Related says whether there may be classes with plans of the same form, the
// same priority and Limit, which are to be parked together.
func (q *Queue) Related() bool { return q.related > 0 }

// RelatedTo says whether there may be such a class beside this one.
func (q *Queue) RelatedTo(c *Class) bool {
	return q.related > 0 && *c.form > 1
}

// relate counts the plan of a class by form, priority and Limit.
func (q *Queue) relate(p *quota.Plan, c *Class, by int) {
	k := formKey{p.Form, c.Limit, c.Priority}
	n := q.forms[k]
	if n == nil {
		n = new(int)
		q.forms[k] = n
	}
	c.form, c.twins.form = n, n
	was := *n
	switch *n += by; {
	case *n == 0:
		delete(q.forms, k)
	case was == 1 && *n == 2:
		q.related++
	case was == 2 && *n == 1:
		q.related--
	}
}

// Insert adds an active workload of the given shape and returns its class. If
// the class is new its Plan is nil: the caller sets it by SetPlan, or all by
// Replan before it looks at any.
func (q *Queue) Insert(i *Item, shape int32) *Class {
	return q.insert(i, classKey{shape, i.Priority, i.Limit, nil})
}

func (q *Queue) insert(i *Item, k classKey) *Class {
	t := q.twins[k]
	if t == nil {
		t = &Twins{}
		q.twins[k] = t
	}
	c := t.Active
	if c == nil {
		c = q.class()
		c.Shape, c.Priority, c.Limit, c.alone, c.twins = k.shape, k.priority, k.limit, k.alone, t
		if t.Parked != nil {
			c.Plan, c.form = t.Parked.Plan, t.form
		}
		t.Active = c
	} else if i.Before(c.First()) {
		q.active = drop(q.active, c)
	}
	q.length++
	i.class = c
	i.See(false)
	c.members.insert(i, q.free)
	c.untold = append(c.untold, i)
	if c.First() == i {
		q.active = place(q.active, c)
	}
	return c
}

// Look notes that a verdict has been given on all workloads of a class, and
// whether it lets them wait in their own right (seen), or behind others for the
// order of the queue alone. Workloads that come into the Queue have not been
// seen.
func (q *Queue) Look(c *Class, seen bool) {
	q.looks++
	c.look, c.seen = q.looks, seen
}

// SetPlan gives a class its plan.
func (q *Queue) SetPlan(c *Class, p *quota.Plan) {
	c.Plan = p
	q.epoch++
	q.kinds++
	q.needs.add(c)
	q.relate(p, c, +1)
}

// Remove takes a workload out.
func (q *Queue) Remove(i *Item) {
	c := i.class
	i.class = nil
	q.length--
	list := &q.active
	if c.parked {
		list = &q.parked
	}
	if i != c.First() {
		c.members.remove(i)
		return
	}
	at := find(*list, i)
	c.members.remove(i)
	if c.Len() > 0 && (at+1 == len(*list) || c.First().Before((*list)[at+1].First())) {
		return // it keeps its place
	}
	*list = slices.Delete(*list, at, at+1)
	if c.parked {
		q.epoch++
	}
	if c.Len() > 0 {
		*list = place(*list, c)
		return
	}
	q.forget(c)
}

// forget drops an empty class from its twins.
func (q *Queue) forget(c *Class) {
	t := c.twins
	if c.parked {
		t.Parked = nil
	} else {
		t.Active = nil
	}
	if t.Active == nil && t.Parked == nil {
		delete(q.twins, c.key())
		q.kinds++
		if c.Plan != nil {
			q.needs.remove(c)
			q.relate(c.Plan, c, -1)
		}
	}
}

// Park parks an active class and returns the class that holds its workloads
// from now on. now is stored as its ParkedAt.
func (q *Queue) Park(c *Class, now uint64) *Class {
	t := c.twins
	q.active = drop(q.active, c)
	t.Active = nil
	last, old := c, t.Parked
	if old != nil && old.Len() >= c.Len() && old.First().Before(c.First()) {
		c = q.merge(old, c) // in its place
	} else {
		if old != nil {
			q.parked = drop(q.parked, old)
			c = q.merge(c, old)
		}
		q.parked = place(q.parked, c)
		q.epoch++
	}
	c.parked, c.ParkedAt = true, now
	if c != last {
		c.learn(last)
		q.spare = last
	}
	t.Parked = c
	return c
}

// Isolate lets an active workload stand alone, in an active class of its own
// until it is removed, and returns that.
func (q *Queue) Isolate(i *Item) *Class {
	old := i.class
	if old.alone != nil {
		return old
	}
	plan, shape, seen := old.Plan, old.Shape, i.Seen()
	q.Remove(i)
	c := q.insert(i, classKey{shape, i.Priority, i.Limit, i})
	i.See(seen)
	if plan != nil {
		q.SetPlan(c, plan)
	}
	return c
}

// Fellows is the parked class of the workloads of the same shape and priority as
// one that stands alone, nil if there is none.
func (q *Queue) Fellows(c *Class) *Class {
	if c.alone == nil {
		return nil
	}
	if t := q.twins[classKey{c.Shape, c.Priority, c.Limit, nil}]; t != nil {
		return t.Parked
	}
	return nil
}

// Rejoin lets a parked workload that stands alone stand with its Fellows again,
// who must have got the same verdict, and returns their class.
func (q *Queue) Rejoin(c *Class, now uint64) *Class {
	i, fellows, seen := c.First(), q.Fellows(c), c.First().Seen()
	q.Remove(i)
	t := fellows.twins
	active := t.Active
	if active != nil {
		q.active = drop(q.active, active)
		t.Active = nil // so that insert makes another
	}
	c = q.insert(i, fellows.key())
	i.See(seen)
	c.learn(fellows)
	c = q.Park(c, now)
	if active != nil {
		t.Active = active
		q.active = place(q.active, active)
	}
	return c
}

// SetApart lets a workload stand alone as Isolate does, but parked if it is
// parked, with what is known of its last verdict, and returns its class.
func (q *Queue) SetApart(i *Item) *Class {
	old := i.class
	if old.alone != nil {
		return old
	}
	known := Class{ParkedAt: old.ParkedAt, parked: old.parked}
	known.learn(old)
	c := q.Isolate(i)
	c.learn(&known)
	if !known.parked {
		return c
	}
	told := i.Told
	c = q.Park(c, known.ParkedAt)
	c.told, c.untold, i.Told = told, c.untold[:0], told
	return c
}

// ParkAfter parks those workloads of an active class that come after i, as
// Park does with all, and notes that they have been seen.
func (q *Queue) ParkAfter(c *Class, i *Item, now uint64) *Class {
	if !c.First().Before(i) {
		q.Look(c, true)
		return q.Park(c, now)
	}
	var later []*Item
	c.Each(func(o *Item) {
		if i.Before(o) {
			later = append(later, o)
		}
	})
	if len(later) == 0 {
		return nil
	}
	t, shape := c.twins, c.Shape
	active := t.Active
	for _, o := range later {
		q.Remove(o)
	}
	q.active = drop(q.active, active)
	t.Active = nil // so that insert makes another
	for _, o := range later {
		q.insert(o, classKey{shape, o.Priority, o.Limit, nil})
	}
	t.Active.Plan, t.Active.form = active.Plan, active.form
	t.Active.learn(active)
	q.Look(t.Active, true)
	parked := q.Park(t.Active, now)
	t.Active = active
	q.active = place(q.active, active)
	return parked
}

// class is an empty class. The one that Park merged into another last is used
// again: whoever has parked it has done with it by now.
func (q *Queue) class() *Class {
	c := q.spare
	if c == nil {
		c = &Class{}
	}
	q.spare = nil
	*c = Class{more: c.more[:0]}
	c.untold = c.one[:0]
	return c
}

// Wake makes a parked class active and returns the class that holds its
// workloads from now on.
func (q *Queue) Wake(c *Class) *Class {
	t := c.twins
	q.parked = drop(q.parked, c)
	q.epoch++
	t.Parked = nil
	if old := t.Active; old != nil {
		q.active = drop(q.active, old)
		c = q.merge(c, old)
	}
	c.parked = false
	t.Active = c
	q.active = place(q.active, c)
	return c
}

// WakeAll makes all classes active.
func (q *Queue) WakeAll() {
	for len(q.parked) > 0 {
		q.Wake(q.parked[len(q.parked)-1])
	}
}

// Replan gives every class a new plan; verdicts of old plans are forgotten.
func (q *Queue) Replan(plan func(*Class) *quota.Plan) {
	q.needs, q.related = needs{}, 0
	clear(q.forms)
	for _, c := range q.active {
		q.SetPlan(c, plan(c))
		c.Consult(nil)
	}
	for _, c := range q.parked {
		c.Consult(nil)
		if t := c.twins.Active; t != nil {
			c.Plan, c.form = t.Plan, t.form
			continue
		}
		q.SetPlan(c, plan(c))
	}
}

// merge moves the workloads of the smaller class, and what is known of them,
// into the larger one and returns that.
func (q *Queue) merge(c, o *Class) *Class {
	if c.Len() < o.Len() {
		c, o = o, c
	}
	if o.mixed || (o.told != 0 && o.told != c.told) {
		c.mixed = true
	}
	c.untold = append(c.untold, o.untold...)
	o.members.each(func(i *Item) {
		seen := i.Seen()
		i.class = c
		i.See(seen)
		c.members.insert(i, q.free)
	})
	o.members, o.untold = members{}, nil
	return c
}

// find is where a class whose first item is i belongs.
func find(list []*Class, i *Item) int {
	n, _ := slices.BinarySearchFunc(list, i, func(c *Class, i *Item) int {
		f := c.First()
		switch {
		case f == i:
			return 0
		case f.Before(i):
			return -1
		}
		return 1
	})
	return n
}

func place(list []*Class, c *Class) []*Class {
	return slices.Insert(list, find(list, c.First()), c)
}

func drop(list []*Class, c *Class) []*Class {
	n := find(list, c.First())
	return slices.Delete(list, n, n+1)
}
