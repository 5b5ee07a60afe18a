package queue

import "slices"

// Regroup gives each workload the Limit by which it is to be told apart now. Those
// of a class for which that is the same stay together, parked if they were, with
// what is known of the last verdict on them.
func (q *Queue) Regroup(limit func(*Item) int64) {
	for _, list := range [][]*Class{slices.Clone(q.active), slices.Clone(q.parked)} {
		for _, c := range list {
			var all []*Item
			c.Each(func(i *Item) { all = append(all, i) })
			if slices.ContainsFunc(all, func(i *Item) bool { return i.Limit != limit(i) }) {
				q.split(c, all, limit)
			}
		}
	}
}

// split takes all workloads of a class and puts those of each Limit into one of
// their own, or that of their like.
func (q *Queue) split(c *Class, all []*Item, limit func(*Item) int64) {
	known := Class{ParkedAt: c.ParkedAt, Plan: c.Plan}
	known.learn(c)
	parked, alone, seen := c.parked, c.alone != nil, make([]bool, len(all))
	for n, i := range all {
		seen[n] = i.Seen()
	}
	shape := c.Shape
	for _, i := range all {
		q.Remove(i)
		i.Limit = limit(i)
	}
	for n, i := range all {
		k := classKey{shape, i.Priority, i.Limit, nil}
		if alone {
			k.alone = i
		}
		q.settle(i, k, &known, parked)
		i.See(seen[n])
	}
}

// settle puts a workload into a class with what is known of the last verdict on it.
func (q *Queue) settle(i *Item, k classKey, known *Class, parked bool) {
	var active *Class
	if t := q.twins[k]; parked && t != nil && t.Active != nil {
		active = t.Active
		q.active = drop(q.active, active)
		t.Active = nil // so that insert makes another
	}
	c := q.insert(i, k)
	if c.Plan == nil && active != nil {
		c.Plan, c.form = active.Plan, active.form
	} else if c.Plan == nil && known.Plan != nil {
		q.SetPlan(c, known.Plan)
	}
	if c.Len() == 1 {
		if c.learn(known); i.Told != 0 {
			c.told, c.untold = i.Told, c.untold[:0]
		}
	}
	if !parked {
		return
	}
	c = q.Park(c, known.ParkedAt)
	if active != nil {
		c.twins.Active = active
		q.active = place(q.active, active)
	}
}
