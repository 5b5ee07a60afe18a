package admission

import (
	"slices"
	"strings"

	"fairlead.dev/fairlead/pkg/cache"
	"fairlead.dev/fairlead/pkg/fairshare"
	"fairlead.dev/fairlead/pkg/quota"
)

// Snapshot is an immutable picture of queues for statuses and metrics.
type Snapshot struct {
	ClusterQueues []ClusterQueueStatus // sorted by name
	Cohorts       []CohortStatus       // sorted by name
	LocalQueues   []LocalQueueStatus   // sorted by namespace, name
	Reservations  []ReservationStatus  // sorted by name
}

// ClusterQueueStatus is what a ClusterQueue's status shows.
type ClusterQueueStatus struct {
	Name string
	// Pending counts active and inadmissible workloads; see semantics 6.
	PendingActive, PendingInadmissible int32
	// Reserving workloads hold quota, assumed ones included; Admitted ones
	// have been seen on the API server with their admission.
	Reserving, Admitted int32
	// Preempting workloads wait for those preempted for them; quota is held.
	Preempting int32
	Usage      []FlavorUsage // every flavor-resource the queue lists, in its order
	// WeightedShare is the ceiling of the share, the largest int64 for a
	// borrowing node of weight 0.
	WeightedShare int64
	// ActiveReason is "Ready" or the reason of condition Active=False; ActiveMessage
	// joins all that apply.
	ActiveReason, ActiveMessage string
	// Closing: the object is being deleted, and the queue admits nothing.
	Closing bool
	// Excess is what it, or a Cohort above it that it borrows from, uses beyond
	// what it may.
	Excess []Excess
}

// FlavorUsage is the usage of one flavor-resource.
type FlavorUsage struct {
	Flavor, Resource string
	Total, Borrowed  int64
	// Nominal is the queue's own quota, Held what is held in it for workloads
	// that wait; for metrics.
	Nominal, Held int64
}

// CohortStatus is what a Cohort's status shows.
type CohortStatus struct {
	Name          string
	WeightedShare int64
	// Problem is a cycle or similar, empty if none.
	Problem string
	// Excess is what its members use beyond what it may.
	Excess []Excess
}

// LocalQueueStatus is what a LocalQueue's status shows.
type LocalQueueStatus struct {
	Namespace, Name             string
	Pending                     int32
	Reserving, Admitted         int32
	Usage                       []FlavorUsage
	ActiveReason, ActiveMessage string
}

// Snapshot pictures the queues as they are. It costs the number of queues and
// of classes of pending workloads, not of workloads.
func (e *Engine) Snapshot() *Snapshot {
	e.sync()
	snap := &Snapshot{}
	shares := map[*cache.Node]int64{}
	excesses := map[*cache.Node][]Excess{}
	for _, s := range e.scopes {
		e.forest.WithoutHolds(s.tree, func() {
			for n, list := range e.excesses(s) {
				excesses[s.tree.Nodes[n]] = list
			}
			for i, n := range s.tree.Nodes {
				if s.fair {
					shares[n] = fairshare.Of(s.tree.Tree, int32(i), n.Spec.WeightMilli).Status()
				}
				if n.Cohort {
					snap.Cohorts = append(snap.Cohorts, CohortStatus{Name: n.Name, WeightedShare: shares[n], Problem: s.tree.Cycle, Excess: excesses[n]})
				}
			}
		})
	}
	slices.SortFunc(snap.Cohorts, func(a, b CohortStatus) int { return strings.Compare(a.Name, b.Name) })
	e.queues.each(func(q *clusterQueue) {
		if q.exists {
			st := e.queueStatus(q)
			st.WeightedShare, st.Excess = shares[q.node], excesses[q.node]
			for i := range st.Excess {
				st.ActiveMessage += "; overcommitted: " + st.Excess[i].String()
			}
			snap.ClusterQueues = append(snap.ClusterQueues, st)
		}
	})
	e.locals.each(func(l *localQueue) {
		if l.exists {
			snap.LocalQueues = append(snap.LocalQueues, e.localStatus(l))
		}
	})
	e.reservations.each(func(r *reservation) {
		snap.Reservations = append(snap.Reservations, e.reservationStatus(r))
	})
	return snap
}

func (e *Engine) queueStatus(q *clusterQueue) ClusterQueueStatus {
	st := ClusterQueueStatus{
		Name: q.name, Reserving: q.reserving, Admitted: q.admitted,
		ActiveReason: "Ready", ActiveMessage: "the ClusterQueue admits workloads",
		Usage:   e.listedUsage(q, q.node.Used),
		Closing: q.spec.Inactive != "",
	}
	if q.problem.reason != "" {
		st.ActiveReason, st.ActiveMessage = q.problem.reason, q.problem.message
	}
	for i := range st.Usage {
		st.Usage[i].Held = q.node.Held(q.node.Spec.Quotas[i].FR)
	}
	for _, w := range q.holders {
		if w.preempting() {
			st.Preempting++
		}
	}
	for _, c := range q.pending.Active() {
		st.PendingActive += int32(c.Len())
	}
	freed := false
	count := func() {
		for _, c := range q.pending.Parked() {
			if q.strict || c.Alone() && c.First().Owner.(*workload).preempting() || freed && q.mightFit(c.Plan) && e.fitsNow(q, c.Shape, c.Plan) {
				st.PendingActive += int32(c.Len())
			} else {
				st.PendingInadmissible += int32(c.Len())
			}
		}
	}
	if s := q.scope; s.tree.Holds() && !q.strict {
		freed = true
		e.forest.WithoutHolds(s.tree, count)
	} else {
		count()
	}
	q.locals.each(func(l *localQueue) {
		if !stopped(l.spec.Stop) {
			st.PendingInadmissible += l.waiting[misconfigured] + l.waiting[suspended] + l.waiting[pendingEvaluation]
		}
	})
	return st
}

// fitsNow judges a shape without keeping the verdict.
func (e *Engine) fitsNow(q *clusterQueue, number int32, p *quota.Plan) bool {
	e.judge(q, e.shapes.list[number], p, &e.spare)
	return e.spare.kind == fits
}

// listedUsage lists the flavor-resources of a queue in its order.
func (e *Engine) listedUsage(q *clusterQueue, used func(fr int32) quota.Amount) []FlavorUsage {
	list := make([]FlavorUsage, 0, len(q.node.Spec.Quotas))
	for _, r := range q.node.Spec.Quotas {
		name, total := e.forest.Name(r.FR), used(r.FR)
		list = append(list, FlavorUsage{
			Flavor: name.Flavor, Resource: name.Resource,
			Total: total, Borrowed: max(0, total-r.Nominal), Nominal: r.Nominal,
		})
	}
	return list
}

func (e *Engine) localStatus(l *localQueue) LocalQueueStatus {
	st := LocalQueueStatus{
		Namespace: l.name.namespace, Name: l.name.name,
		Reserving: l.reserving, Admitted: l.admitted,
		ActiveReason: "Ready", ActiveMessage: "the LocalQueue leads to an active ClusterQueue",
	}
	q := l.target
	switch {
	case !q.exists:
		st.ActiveReason, st.ActiveMessage = "ClusterQueueDoesNotExist", "ClusterQueue "+q.name+" does not exist"
	case stopped(l.spec.Stop):
		st.ActiveReason, st.ActiveMessage = "Stopped", "stopPolicy is "+string(l.spec.Stop)
	case q.problem.reason != "":
		st.ActiveReason, st.ActiveMessage = "ClusterQueueIsInactive", "ClusterQueue "+q.name+" is inactive: "+q.problem.message
	}
	if !stopped(l.spec.Stop) {
		st.Pending = l.waiting[0] + l.waiting[misconfigured] + l.waiting[suspended] + l.waiting[pendingEvaluation]
	}
	st.Usage = e.listedUsage(q, func(fr int32) quota.Amount { return requestOf(l.usage, fr) })
	for i := range st.Usage {
		st.Usage[i].Borrowed, st.Usage[i].Nominal = 0, 0
	}
	return st
}
