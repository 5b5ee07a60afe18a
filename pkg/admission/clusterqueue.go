package admission

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"fairlead.dev/fairlead/pkg/cache"
	"fairlead.dev/fairlead/pkg/queue"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline/plan"
)

// clusterQueue is a ClusterQueue, or the name of one that a LocalQueue or an
// admission refers to although it does not exist.
//
// What a pass looks at in every queue of a tree comes first and together: the
// time of a pass is the time that memory takes.
type clusterQueue struct {
	pending queue.Queue
	// scope to problem are derived by sync and stale while node's tree is.
	scope *scope
	at    int32 // number in the tree
	// strict: the queue is StrictFIFO. keeps: some of its quota is local.
	// preemptsAnyway: the policy lets a workload look for victims even where it
	// would borrow. wideVerdicts: then everything in the tree is consulted.
	strict, keeps, preemptsAnyway, wideVerdicts bool
	pass                                        passState
	// limited: the limits of its pending workloads tell them apart.
	limited bool

	groups  []group
	cover   map[string]coverage
	plans   map[*shape]*quota.Plan // see planFor
	problem problem
	door    door

	name   string
	spec   ClusterQueue
	exists bool
	node   *cache.Node
	locals directory[localName, *localQueue] // that lead to it
	// reserving workloads hold quota, admitted ones are confirmed besides.
	reserving, admitted int32
	// charged is the first of the workloads that hold its quota, holders are
	// those for which some is held, in the queue's order.
	// releasedAt is when the usage of a queue last fell in the trees in which it has
	// been, by the engine's clock; the present tree's scope knows better.
	charged *workload
	// policy is how its workloads are planned, reserved are those that hold
	// reservations: see calendar.
	policy     plan.Policy
	prospects  prospects
	families   families
	reserved   []*workload
	holders    []*workload
	releasedAt uint64
	roster     roster
	// caused are the times of the evictions that its workloads have caused
	// within the last minute. alarmAt is when something parked is to be tried
	// again, 0 if nothing is; clock stands for the queue among such alarms.
	caused  []int64
	alarmAt int64
	clock   queue.Item
}

// seeksVictims says whether a policy allows to preempt anybody.
func (p *Preemption) seeksVictims() bool {
	return mayPreempt(p.WithinClusterQueue) || mayPreempt(p.ReclaimWithinCohort)
}

func mayPreempt(policy string) bool { return policy != "" && policy != "Never" }

// problem is why a queue admits nothing: the reason and message of condition
// Active=False, empty if it is active.
type problem struct{ reason, message string }

// door is what decides whether a workload may enter the queue at all. It is as
// the last sync left it: an edit shows when the tree is built anew.
type door struct {
	exists, open bool
	namespaces   *Selector
}

// queue is the ClusterQueue of that name, made if need be.
func (e *Engine) queue(name string) *clusterQueue {
	q := e.queues.byName[name]
	if q == nil {
		q = &clusterQueue{
			name: name, node: e.forest.Queue(name),
			locals: newDirectory[localName, *localQueue](localName.compare),
		}
		q.pending.Init(e.free)
		e.queues.put(name, q)
	}
	return q
}

// dropIfUnused forgets a ClusterQueue that does not exist once nothing refers
// to it.
func (e *Engine) dropIfUnused(q *clusterQueue) {
	if !q.exists && q.reserving == 0 && len(q.locals.names) == 0 {
		if q.alarmAt != 0 {
			e.alarms.Drop(&q.clock, q.alarmAt)
		}
		e.queues.remove(q.name)
		e.forest.Drop(q.node)
	}
}

func (e *Engine) setClusterQueue(spec ClusterQueue) {
	q := e.queue(spec.Name)
	if q.exists && reflect.DeepEqual(q.spec, spec) {
		return
	}
	least := q.spec.MinimumRuntime
	e.changes++
	q.spec, q.exists = spec, true
	e.plans = e.plans || spec.Backfill.plans()
	if least != spec.MinimumRuntime {
		for w := q.charged; w != nil; w = w.next {
			e.delist(w)
			e.enlist(w)
		}
	}
	e.forest.SetQueue(spec.Name, cache.Spec{
		Parent: spec.Cohort, WeightMilli: spec.WeightMilli, Quotas: e.quotas(spec.Groups),
	})
}

func (e *Engine) deleteClusterQueue(name string) {
	q := e.queues.byName[name]
	if q == nil || !q.exists {
		return
	}
	e.changes++
	q.spec, q.exists = ClusterQueue{Name: name}, false
	e.forest.RemoveQueue(name)
	e.dropIfUnused(q)
}

func (e *Engine) setCohort(spec Cohort) {
	s := cache.Spec{Parent: spec.Parent, WeightMilli: spec.WeightMilli, Quotas: e.quotas(spec.Groups)}
	if n := e.forest.FindCohort(spec.Name); n != nil && n.Exists && reflect.DeepEqual(n.Spec, s) &&
		reflect.DeepEqual(e.backfills[spec.Name], spec.Backfill) {
		return
	}
	e.changes++
	e.backfills[spec.Name] = spec.Backfill
	e.plans = e.plans || spec.Backfill.plans()
	e.forest.SetCohort(spec.Name, s)
}

// quotas lists the quotas of resource groups in the forest's numbers. What is
// named twice counts once, as first named.
func (e *Engine) quotas(groups []ResourceGroup) []cache.Quota {
	var list []cache.Quota
	seen := map[int32]bool{}
	for g := range groups {
		for f := range groups[g].Flavors {
			fq := &groups[g].Flavors[f]
			for _, r := range fq.Quotas {
				n := e.forest.Number(fq.Flavor, r.Resource)
				if seen[n] {
					continue
				}
				seen[n] = true
				limits := quota.None
				limits.Nominal = r.Nominal
				if r.BorrowingLimit != nil {
					limits.BorrowingLimit = *r.BorrowingLimit
				}
				if r.LendingLimit != nil {
					limits.LendingLimit = *r.LendingLimit
				}
				list = append(list, cache.Quota{FR: n, Quota: limits})
			}
		}
	}
	return list
}

func (e *Engine) setFlavor(spec Flavor) {
	if old := e.flavors[spec.Name]; old != nil && reflect.DeepEqual(*old, spec) {
		return
	}
	e.changes++
	e.flavors[spec.Name] = &spec
	e.touchUsers(spec.Name)
}

func (e *Engine) deleteFlavor(name string) {
	if e.flavors[name] != nil {
		e.changes++
		delete(e.flavors, name)
		e.touchUsers(name)
	}
}

// touchUsers makes the trees stale in which a ClusterQueue lists the flavor.
func (e *Engine) touchUsers(flavor string) {
	e.queues.each(func(q *clusterQueue) {
		for g := range q.spec.Groups {
			for f := range q.spec.Groups[g].Flavors {
				if q.spec.Groups[g].Flavors[f].Flavor == flavor {
					e.forest.Touch(q.node)
				}
			}
		}
	})
}

// serves says whether the queue's namespace selector matches a namespace.
func (q *clusterQueue) serves(e *Engine, namespace string) bool {
	return q.door.namespaces.matches(e.namespaces[namespace])
}

// derive computes what depends on the queue's specification and its new tree.
func (q *clusterQueue) derive(e *Engine, s *scope, at int32) {
	if q.scope != nil {
		q.releasedAt = max(q.releasedAt, q.scope.releasedAt)
	}
	q.scope, q.at, q.prospects, q.families = s, at, prospects{}, families{}
	q.strict = q.spec.Strategy == StrictFIFO
	q.keeps = false
	for f := range s.tree.FlavorResources() {
		q.keeps = q.keeps || s.tree.At(at, f).Local > 0
	}
	q.pass = passState{
		verdict: q.pass.verdict, last: q.pass.last,
		head: q.pass.head, headKind: unseen,
	}
	policy := &q.spec.Preemption
	q.preemptsAnyway = mayPreempt(policy.BorrowWithinCohort) ||
		e.config.FairSharing && mayPreempt(policy.ReclaimWithinCohort)
	q.wideVerdicts = e.config.FairSharing && mayPreempt(policy.ReclaimWithinCohort)
	q.problem = q.findProblem(e)
	q.groups, q.cover = q.groups[:0], map[string]coverage{}
	if q.problem.reason != "" {
		return
	}
	for g := range q.spec.Groups {
		rg := &q.spec.Groups[g]
		gr := group{resources: rg.Resources}
		for f := range rg.Flavors {
			fl := groupFlavor{spec: e.flavors[rg.Flavors[f].Flavor]}
			for _, r := range rg.Resources {
				fr := int32(-1)
				if slices.ContainsFunc(rg.Flavors[f].Quotas, func(l ResourceQuota) bool { return l.Resource == r }) {
					fr = s.tree.Local(e.forest.Number(rg.Flavors[f].Flavor, r))
				}
				fl.frs = append(fl.frs, fr)
			}
			gr.flavors = append(gr.flavors, fl)
		}
		for i, r := range rg.Resources {
			if _, twice := q.cover[r]; !twice {
				q.cover[r] = coverage{group: int32(g), index: int32(i)}
			}
		}
		q.groups = append(q.groups, gr)
	}
}

// findProblem says why the queue admits nothing. The reason is the first that
// applies; the message joins all.
func (q *clusterQueue) findProblem(e *Engine) problem {
	var p problem
	add := func(reason, message string) {
		if p.reason == "" {
			p.reason, p.message = reason, message
		} else {
			p.message += "; " + message
		}
	}
	if stopped(q.spec.Stop) {
		add("Stopped", "stopPolicy is "+string(q.spec.Stop))
	}
	if missing := q.missingFlavors(e); len(missing) > 0 {
		add("FlavorNotFound", "ResourceFlavors that do not exist: "+strings.Join(missing, ", "))
	}
	if q.spec.Inactive != "" {
		add(q.spec.Inactive, "the ClusterQueue is "+q.spec.Inactive)
	}
	if c := q.scope.tree.Cycle; c != "" {
		add("CohortCycle", fmt.Sprintf("%s; change the parent of one of them", c))
	}
	return p
}

func (q *clusterQueue) missingFlavors(e *Engine) []string {
	var missing []string
	for g := range q.spec.Groups {
		for f := range q.spec.Groups[g].Flavors {
			name := q.spec.Groups[g].Flavors[f].Flavor
			if e.flavors[name] == nil {
				missing = append(missing, name)
			}
		}
	}
	return missing
}
