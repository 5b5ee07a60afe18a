package admission

import (
	"fmt"

	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
)

// Standing is what the engine can say of one workload, as of the last pass.
type Standing struct {
	// Charged: it holds quota of ClusterQueue. If not, ClusterQueue is the one
	// that it waits for, "" if its LocalQueue leads to none.
	Charged      bool
	ClusterQueue string
	// Reason and Message say why it waits, in the words of Wait with the amounts
	// of now; Limit is as there. Empty if it holds quota, or if no pass has
	// looked at it yet.
	Reason  PendingReason
	Message string
	Limit   PreemptionLimit
	// Queued: it is in the queue of its ClusterQueue, where Ahead workloads come
	// before it, of Length. Those that wait outside (held, backing off, without a
	// queue) are not counted.
	Queued        bool
	Ahead, Length int
	// Strict: the queue is StrictFIFO.
	Strict bool
	// Short is what it lacks: each flavor-resource, in the order of pod sets and
	// flavors, of which more is requested than is available. Flavors are
	// alternatives. Empty unless it waits for quota, or asks for more than it
	// could ever have.
	Short []Shortage
}

// Shortage is what a pod set lacks of one flavor-resource.
type Shortage struct {
	PodSet, Flavor, Resource string
	// Requested by the pod set; Available to its ClusterQueue, of which some may
	// be borrowed. All in the units of quotas.
	Requested, Available quota.Amount
	// Nominal quota of the ClusterQueue, what its workloads use, what is held in
	// it for others that wait, and Most: the most that it could ever use.
	Nominal, Used, Held, Most quota.Amount
}

// Missing is how much more would have to be available.
func (s *Shortage) Missing() quota.Amount { return s.Requested - s.Available }

// Standing says how a workload stands; false if the engine does not know it, or
// knows that it is finished. It costs the number of workloads that wait before
// it. Like Step it is for the goroutine that owns the engine.
func (e *Engine) Standing(uid string) (Standing, bool) {
	w := e.workloads[uid]
	if w == nil || w.state == finished {
		return Standing{}, false
	}
	if w.state != pending {
		return Standing{Charged: true, ClusterQueue: w.home.name}, true
	}
	var s Standing
	if q := w.local.target; q != nil {
		s.ClusterQueue = q.name
	}
	if w.obstacle != 0 {
		s.Reason, s.Message = reasonNames[w.obstacle], e.explainObstacle(w)
		return s, true
	}
	q, c := w.local.target, w.Class()
	s.Queued, s.Length, s.Strict = true, q.pending.Len(), q.strict
	for _, list := range [][]*queue.Class{q.pending.Active(), q.pending.Parked()} {
		for _, o := range list {
			o.Each(func(i *queue.Item) {
				if i.Before(&w.Item) {
					s.Ahead++
				}
			})
		}
	}
	if w.Told == 0 || q.scope == nil || q.scope.tree.Stale() {
		return s, true
	}
	s.Reason, s.Limit = reasonNames[w.Told], limitNames[w.Told]
	e.lift(q, w, -1)
	defer e.lift(q, w, +1)
	e.judge(q, w.shape, c.Plan, &e.spare)
	if e.spare.kind == fits && w.Told == waitingForQuota {
		s.Message = fmt.Sprintf("it would fit ClusterQueue %s, but must not pass those before it", q.name)
		if q.strict {
			s.Message = heldBackMessage
		}
		return s, true
	}
	s.Message = e.explain(q, c, w.Told)
	e.addShortages(&s, q, c, w.shape)
	return s, true
}

// addShortages lists what the pod sets of a class lack, one by one.
func (e *Engine) addShortages(s *Standing, q *clusterQueue, c *queue.Class, sh *shape) {
	t := q.scope.tree
	for i := range c.Plan.Items {
		it := &c.Plan.Items[i]
		for a := range it.Alternatives {
			for _, r := range it.Alternatives[a].Requests {
				available := max(0, t.Available(q.at, r.FR))
				if r.Amount <= available {
					continue
				}
				name, cell, used := e.forest.Name(t.Global(r.FR)), t.At(q.at, r.FR), q.node.Used(t.Global(r.FR))
				s.Short = append(s.Short, Shortage{
					PodSet: sh.podSets[it.PodSet].Name, Flavor: name.Flavor, Resource: name.Resource,
					Requested: r.Amount, Available: available, Nominal: cell.Nominal, Used: used, Held: cell.Usage - used, Most: cell.Potential,
				})
			}
		}
	}
}
