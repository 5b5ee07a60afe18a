package queue

import "fairlead.dev/fairlead/pkg/quota"

// needs summarizes what a queue's classes ask for, so that a queue whom a
// freed amount cannot help is passed over without looking at its classes.
type needs struct {
	// least is the smallest request of each flavor-resource by a simple plan,
	// quota.Unlimited if there is none.
	least []quota.Amount
	// complex counts plans that are not simple: their needs are not summarized.
	complex int
	// stale says that least may be too small, because a class has gone.
	stale bool
}

func (n *needs) add(p *quota.Plan) {
	if !p.Simple {
		n.complex++
		return
	}
	for _, alt := range p.Items[0].Alternatives {
		for _, r := range alt.Requests {
			for int(r.FR) >= len(n.least) {
				n.least = append(n.least, quota.Unlimited)
			}
			n.least[r.FR] = min(n.least[r.FR], r.Amount)
		}
	}
}

func (n *needs) remove(p *quota.Plan) {
	if !p.Simple {
		n.complex--
		return
	}
	for _, alt := range p.Items[0].Alternatives {
		for _, r := range alt.Requests {
			if r.Amount <= n.least[r.FR] {
				n.stale = true
			}
		}
	}
}

// Least is the smallest amount of flavor-resource fr that a class with a
// simple plan asks for in a flavor open to it, quota.Unlimited if none does.
func (q *Queue) Least(fr int32) quota.Amount {
	if q.needs.stale {
		q.recount()
	}
	if int(fr) >= len(q.needs.least) {
		return quota.Unlimited
	}
	return q.needs.least[fr]
}

// Complex says whether a class has a plan whose needs Least leaves out.
func (q *Queue) Complex() bool { return q.needs.complex > 0 }

func (q *Queue) recount() {
	for f := range q.needs.least {
		q.needs.least[f] = quota.Unlimited
	}
	q.needs.complex, q.needs.stale = 0, false
	for _, c := range q.active {
		q.needs.add(c.Plan)
	}
	for _, c := range q.parked {
		if c.twins.active == nil {
			q.needs.add(c.Plan)
		}
	}
}
