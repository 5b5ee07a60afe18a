package admission

import (
	"slices"
	"strings"

	"fairlead.dev/fairlead/pkg/fairshare"
	"fairlead.dev/fairlead/pkg/quota"
)

// admit charges a workload by a verdict and tells the shell to write it.
func (e *Engine) admit(q *clusterQueue, w *workload, v *verdict) {
	given := e.given(q, w.shape, v)
	w.local.drop(w)
	q.pending.Remove(&w.Item)
	q.scope.changed(q) // even if it is charged nothing
	if q.strict {
		e.watchHead(q)
	}
	w.state, w.home, w.admission, w.charge, w.Told = assumed, q, given.assignment, given.charge, 0
	borrows := q.borrows(v.charges)
	for _, r := range given.charge {
		e.charge(q, r.FR, r.Amount)
	}
	q.reserving++
	w.reservedAt, w.admittedAt, w.began = e.now, e.now, e.now
	w.link()
	e.present(w)
	e.lacksPods(w, true)
	w.local.charge(w, +1)
	d := Admit{UID: w.UID, Assignment: *given.assignment, Borrows: borrows}
	if q.scope.fair {
		d.Share = q.share().Status()
	}
	e.out = append(e.out, d)
}

// share is the queue's dominant resource share as it stands.
func (q *clusterQueue) share() fairshare.Share {
	return fairshare.Of(q.scope.tree.Tree, q.at, q.spec.WeightMilli)
}

// grant is what a verdict that fits gives, in the words of the API and in the
// forest's numbers. It is shared by all who get the same.
type grant struct {
	assignment *Assignment
	charge     []quota.Request
}

// given is what a verdict that fits gives a workload of a shape. For plans
// with one choice it is remembered in the plan.
func (e *Engine) given(q *clusterQueue, sh *shape, v *verdict) *grant {
	if !v.plan.Simple {
		return e.grant(q, sh, v)
	}
	if v.plan.Memo == nil {
		v.plan.Memo = make([]any, len(v.plan.Items[0].Alternatives))
	}
	at := v.choice[0]
	if v.plan.Memo[at] == nil {
		v.plan.Memo[at] = e.grant(q, sh, v)
	}
	return v.plan.Memo[at].(*grant)
}

func (e *Engine) grant(q *clusterQueue, sh *shape, v *verdict) *grant {
	g := &grant{assignment: e.assignment(q, sh, v), charge: make([]quota.Request, len(v.charges))}
	for i, r := range v.charges {
		g.charge[i] = quota.Request{FR: q.scope.tree.Global(r.FR), Amount: r.Amount}
	}
	return g
}

// assignment is what a verdict that fits gives each pod set.
func (e *Engine) assignment(q *clusterQueue, sh *shape, v *verdict) *Assignment {
	a := &Assignment{ClusterQueue: q.name, PodSets: make([]PodSetAssignment, len(sh.podSets))}
	for i := range sh.podSets {
		a.PodSets[i].Name = sh.podSets[i].Name
		count := sh.podSets[i].Count
		if int32(i) == sh.partial {
			count -= v.reduced
		}
		a.PodSets[i].Count = sh.podSets[i].size(count)
	}
	for i := range v.plan.Items {
		it := &v.plan.Items[i]
		e.assignItem(q, sh, it, it.Alternatives[v.choice[i]].Flavor, &a.PodSets[it.PodSet])
	}
	for i := range a.PodSets {
		slices.SortFunc(a.PodSets[i].Flavors, func(x, y ResourceFlavorName) int { return strings.Compare(x.Resource, y.Resource) })
		slices.SortFunc(a.PodSets[i].Usage, func(x, y quota.ResourceAmount) int { return strings.Compare(x.Resource, y.Resource) })
	}
	return a
}

// assignItem writes the flavor chosen for one pod set in one resource group.
func (e *Engine) assignItem(q *clusterQueue, sh *shape, it *quota.Item, flavor int32, to *PodSetAssignment) {
	gr := &q.groups[it.Group]
	name := gr.flavors[flavor].spec.Name
	give := func(resource string, each quota.Amount) {
		if c, ok := q.cover[resource]; !ok || c.group != it.Group {
			return
		}
		amount, _ := quota.Times(max(0, each), int64(to.Count))
		to.Flavors = append(to.Flavors, ResourceFlavorName{Resource: resource, Flavor: name})
		to.Usage = append(to.Usage, quota.ResourceAmount{Resource: resource, Amount: amount})
	}
	for _, r := range sh.podSets[it.PodSet].Requests {
		if r.Resource != pods {
			give(r.Resource, r.Amount)
		}
	}
	give(pods, 1)
}
