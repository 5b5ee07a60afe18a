package translate

import (
	"math"
	"sort"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/quota"
)

// Queues remembers the queues, flavors and namespaces fed to the engine, to
// find out what a job that runs already holds, and what pods in a strict
// namespace have to request.
type Queues struct {
	clusterQueues map[string]admission.ClusterQueue
	localQueues   map[[2]string]admission.LocalQueue
	flavors       map[string]admission.Flavor
	strict        map[string]bool // namespaces
}

// NewQueues knows none yet.
func NewQueues() *Queues {
	return &Queues{
		clusterQueues: map[string]admission.ClusterQueue{},
		localQueues:   map[[2]string]admission.LocalQueue{},
		flavors:       map[string]admission.Flavor{},
		strict:        map[string]bool{},
	}
}

// Learn takes an event in; those of other objects it ignores.
func (q *Queues) Learn(event admission.Event) {
	switch e := event.(type) {
	case admission.SetClusterQueue:
		q.clusterQueues[e.Name] = e.ClusterQueue
	case admission.DeleteClusterQueue:
		delete(q.clusterQueues, e.Name)
	case admission.SetLocalQueue:
		q.localQueues[[2]string{e.Namespace, e.Name}] = e.LocalQueue
	case admission.DeleteLocalQueue:
		delete(q.localQueues, [2]string{e.Namespace, e.Name})
	case admission.SetFlavor:
		q.flavors[e.Name] = e.Flavor
	case admission.DeleteFlavor:
		delete(q.flavors, e.Name)
	case admission.SetNamespace:
		if e.Labels[v1beta1.ManagedLabel] == v1beta1.ManagedStrict {
			q.strict[e.Name] = true
		} else {
			delete(q.strict, e.Name)
		}
	case admission.DeleteNamespace:
		delete(q.strict, e.Name)
	}
}

// Adopt says what a workload holds whose job runs without an admission: per
// resource group the flavor that the pods select nodes of, else the first.
// Nil if the workload's queue leads nowhere or its shape cannot be counted.
func (q *Queues) Adopt(wl *admission.Workload) *admission.Assignment {
	cq, ok := q.clusterQueues[q.localQueues[[2]string{wl.Namespace, wl.Queue}].ClusterQueue]
	if !ok || !chargeable(wl) {
		return nil
	}
	held := &admission.Assignment{ClusterQueue: cq.Name}
	for i := range wl.PodSets {
		held.PodSets = append(held.PodSets, q.adoptPodSet(&cq, &wl.PodSets[i]))
	}
	return held
}

// chargeable says whether all requests could be counted. What breaks a rule,
// of a LimitRange made later for example, runs all the same.
func chargeable(wl *admission.Workload) bool {
	for i := range wl.PodSets {
		if wl.PodSets[i].Requests == nil {
			return false
		}
	}
	return len(wl.PodSets) > 0
}

func (q *Queues) adoptPodSet(cq *admission.ClusterQueue, ps *admission.PodSet) admission.PodSetAssignment {
	out := admission.PodSetAssignment{Name: ps.Name, Count: ps.Count}
	for g := range cq.Groups {
		group := &cq.Groups[g]
		flavor := q.flavorOf(group, ps.NodeSelector)
		for _, resource := range group.Resources {
			amount, asked := requested(ps.Requests, resource)
			if !asked || flavor == "" {
				continue
			}
			out.Flavors = append(out.Flavors, admission.ResourceFlavorName{Resource: resource, Flavor: flavor})
			out.Usage = append(out.Usage, quota.ResourceAmount{Resource: resource, Amount: times(amount, ps.Count)})
		}
	}
	sort.Slice(out.Flavors, func(i, j int) bool { return out.Flavors[i].Resource < out.Flavors[j].Resource })
	sort.Slice(out.Usage, func(i, j int) bool { return out.Usage[i].Resource < out.Usage[j].Resource })
	return out
}

// flavorOf returns the first flavor all of whose labels the pods select (and
// that has any), else the first.
func (q *Queues) flavorOf(group *admission.ResourceGroup, selector map[string]string) string {
	for _, f := range group.Flavors {
		labels := q.flavors[f.Flavor].NodeLabels
		matches := len(labels) > 0
		for key, value := range labels {
			matches = matches && selector[key] == value
		}
		if matches {
			return f.Flavor
		}
	}
	if len(group.Flavors) == 0 {
		return ""
	}
	return group.Flavors[0].Flavor
}

func requested(requests []quota.ResourceAmount, resource string) (quota.Amount, bool) {
	for _, r := range requests {
		if r.Resource == resource {
			return r.Amount, true
		}
	}
	return 0, false
}

// times cannot overflow for a shape without Problem; it saturates all the same.
func times(amount quota.Amount, count int32) quota.Amount {
	if count > 0 && amount > math.MaxInt64/int64(count) {
		return math.MaxInt64
	}
	return amount * int64(count)
}
