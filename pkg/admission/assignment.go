package admission

import (
	"slices"
	"strings"

	"fairlead.dev/fairlead/pkg/quota"
)

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
