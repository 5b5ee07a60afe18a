package admission

import (
	"slices"

	"fairlead.dev/fairlead/pkg/quota"
)

// pods is the resource of which every pod asks 1 where a ClusterQueue covers it.
const pods = "pods"

// group is a resource group of a ClusterQueue in its tree's numbers.
type group struct {
	resources []string
	flavors   []groupFlavor
}

type groupFlavor struct {
	spec *Flavor
	frs  []int32 // one for each resource of the group, -1 for one it does not list
}

// place of a resource in a ClusterQueue's groups.
type coverage struct{ group, index int32 }

// plansKept is how many plans a queue keeps of shapes that come and go.
const plansKept = 64

// planFor is what workloads of a shape ask of the queue at full size, as of
// the last sync. Shapes come and go faster than queues change.
func (e *Engine) planFor(q *clusterQueue, sh *shape) *quota.Plan {
	if p := q.plans[sh]; p != nil {
		return p
	}
	if q.plans == nil || len(q.plans) >= plansKept {
		q.plans = make(map[*shape]*quota.Plan)
	}
	p := q.plan(sh, 0, e.config.IgnoreUndeclared)
	q.plans[sh] = p
	return p
}

// plan says what workloads of a shape ask of the queue, with reduce pods of
// the partial pod set left out.
func (q *clusterQueue) plan(sh *shape, reduce int32, ignoreUndeclared bool) *quota.Plan {
	together := &struct {
		plan  quota.Plan
		items [1]quota.Item // most have one
	}{}
	p := &together.plan
	p.Items = together.items[:0]
	for i := range sh.podSets {
		ps := &sh.podSets[i]
		count := ps.Count
		if int32(i) == sh.partial {
			count -= reduce
		}
		q.planPodSet(p, int32(i), ps, int64(ps.size(count)), ignoreUndeclared)
	}
	p.Simple = len(p.Items) == 1 && sh.partial < 0 && sh.misconfigured == ""
	p.Volatile = sh.partial >= 0 || q.crowded(p)
	p.Wavers = p.Volatile || !p.Simple && slices.ContainsFunc(p.Items, func(it quota.Item) bool { return len(it.Alternatives) > 1 })
	for i := range p.Items {
		for _, alt := range p.Items[i].Alternatives {
			for _, r := range alt.Requests {
				p.Requested.Put(r.FR)
			}
		}
	}
	p.Form = formOf(p, sh)
	gather(p)
	if p.Simple {
		p.IfShort = shortNoFit
		for _, alt := range p.Items[0].Alternatives {
			p.IfShort = mildest(p.IfShort, alt.IfShort)
		}
	}
	return p
}

// gather lays the requests of each item one after the other in memory: plans
// are read far more often than made.
func gather(p *quota.Plan) {
	for i := range p.Items {
		alts := slices.Clone(p.Items[i].Alternatives)
		p.Items[i].Alternatives = alts
		n := 0
		for a := range alts {
			n += len(alts[a].Requests)
		}
		requests := make([]quota.Request, 0, n)
		for a := range alts {
			from := len(requests)
			requests = append(requests, alts[a].Requests...)
			alts[a].Requests = requests[from:len(requests):len(requests)]
		}
	}
}

// mildest of what follows if two flavors are short.
func mildest(a, b int8) int8 {
	switch {
	case a == shortPreempts || b == shortPreempts:
		return shortPreempts
	case a == shortAsks || b == shortAsks:
		return shortAsks
	}
	return shortNoFit
}

// formOf hashes the alternatives and their requests, and what alike shapes have
// in common besides (FNV-1a, by numbers).
func formOf(p *quota.Plan, sh *shape) uint64 {
	h := uint64(14695981039346656037)
	mix := func(n int64) { h = (h ^ uint64(n)) * 1099511628211 }
	for i := range sh.podSets {
		for _, r := range sh.podSets[i].Requests {
			mix(r.Amount)
		}
	}
	for i := range p.Items {
		mix(int64(p.Items[i].PodSet))
		mix(int64(p.Items[i].Group))
		for _, alt := range p.Items[i].Alternatives {
			mix(int64(alt.Flavor))
			for _, r := range alt.Requests {
				mix(int64(r.FR))
				mix(r.Amount)
			}
		}
	}
	return h
}

// planPodSet appends one item for each resource group that the pod set asks
// something of, and one without alternatives for an uncovered resource.
func (q *clusterQueue) planPodSet(p *quota.Plan, index int32, ps *PodSet, count int64, ignoreUndeclared bool) {
	wants := make([][]quota.ResourceAmount, len(q.groups))
	want := func(c coverage, resource string, each quota.Amount) {
		wants[c.group] = append(wants[c.group], quota.ResourceAmount{Resource: resource, Amount: each})
	}
	for _, r := range ps.Requests {
		if r.Resource == pods {
			continue
		}
		c, ok := q.cover[r.Resource]
		switch {
		case ok:
			want(c, r.Resource, r.Amount)
		case r.Amount > 0 && count > 0 && !ignoreUndeclared:
			p.Items = append(p.Items, quota.Item{PodSet: index, Group: -1})
		}
	}
	if c, ok := q.cover[pods]; ok {
		want(c, pods, 1)
	}
	for g := range q.groups {
		if len(wants[g]) == 0 {
			continue
		}
		item := quota.Item{PodSet: index, Group: int32(g)}
		for f := range q.groups[g].flavors {
			fl := &q.groups[g].flavors[f]
			if !fl.spec.admits(ps) {
				continue
			}
			alt := quota.Alternative{Flavor: int32(f)}
			listed := true
			for _, r := range wants[g] {
				fr := fl.frs[q.cover[r.Resource].index]
				listed = listed && fr >= 0
				amount, exact := quota.Times(max(0, r.Amount), count)
				alt.Overflow = alt.Overflow || !exact
				if amount > 0 {
					alt.Requests = append(alt.Requests, quota.Request{FR: fr, Amount: amount})
				}
			}
			alt.IfShort = q.ifShort(&alt)
			if listed {
				item.Alternatives = append(item.Alternatives, alt)
			}
		}
		p.Items = append(p.Items, item)
	}
}

// What an alternative amounts to if there is not room for one of its requests.
const (
	shortAsks     int8 = iota // depends on usage
	shortNoFit                // NoFit
	shortPreempts             // Preempt without victims
)

// ifShort says what follows if any request of an alternative is short.
func (q *clusterQueue) ifShort(alt *quota.Alternative) int8 {
	t := q.scope.tree
	if alt.Overflow {
		return shortNoFit
	}
	may, asks := 0, false
	for _, r := range alt.Requests {
		switch {
		case r.FR < 0, r.Amount > t.Potential(q.at, r.FR):
			return shortNoFit
		case q.preemptsAnyway, t.Nominal(q.at, r.FR) >= r.Amount:
			may++
		case t.Parent(q.at) > 0:
			asks = true // a Cohort below the root may hold it
		}
	}
	switch {
	case asks:
		return shortAsks
	case may == len(alt.Requests):
		return shortPreempts
	case may == 0:
		return shortNoFit
	}
	return shortAsks
}

// crowded says whether pod sets together might ask more of a flavor-resource
// than the queue could ever use, although one alone does not.
func (q *clusterQueue) crowded(p *quota.Plan) bool {
	var sum []quota.Request
	var several bool
	for i := range p.Items {
		for _, alt := range p.Items[i].Alternatives {
			for _, r := range alt.Requests {
				at := slices.IndexFunc(sum, func(s quota.Request) bool { return s.FR == r.FR })
				if at < 0 {
					sum = append(sum, r)
					continue
				}
				several = true
				sum[at].Amount = quota.AddSaturating(sum[at].Amount, r.Amount)
			}
		}
	}
	if !several {
		return false
	}
	return slices.ContainsFunc(sum, func(s quota.Request) bool {
		return s.Amount > q.scope.tree.Potential(q.at, s.FR)
	})
}

// mightFit is false only if the plan does not fit now and, while no usage
// falls, never will; nor will the reason change.
func (q *clusterQueue) mightFit(p *quota.Plan) bool {
	if p.Volatile {
		return true
	}
	for i := range p.Items {
		alts, fit := p.Items[i].Alternatives, false
		for a := range alts {
			if fit = q.roomFor(&alts[a]); fit {
				break
			}
		}
		if !fit {
			return false
		}
	}
	return true
}

// roomFor says whether there is room for what one alternative asks, alone. It
// looks first at what was short last time.
func (q *clusterQueue) roomFor(alt *quota.Alternative) bool {
	if alt.Overflow {
		return false
	}
	n := len(alt.Requests)
	for i := range n {
		at := (i + int(alt.Hint)) % n
		if r := &alt.Requests[at]; r.Amount > q.scope.tree.Available(q.at, r.FR) {
			alt.Hint = uint8(at)
			return false
		}
	}
	return true
}
