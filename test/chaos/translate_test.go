package chaos

import (
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	resourcehelper "k8s.io/component-helpers/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/internal/oracle"
)

// The translation of API objects for the oracle is made anew here: it shares
// nothing with the manager's, so that neither hides the other's faults. It
// covers what the actors make.

// shapeOf keeps the translated pod sets of a Workload of one generation.
type shapeOf struct {
	generation int64
	podSets    []oracle.PodSet
}

// configEvent translates an object that is no workload.
func configEvent(obj client.Object, gone bool) oracle.Event {
	switch o := obj.(type) {
	case *v1beta1.ClusterQueue:
		if gone {
			return oracle.DeleteClusterQueue{Name: o.Name}
		}
		return oracle.SetClusterQueue{ClusterQueue: clusterQueue(o)}
	case *v1beta1.Cohort:
		if gone {
			return oracle.DeleteCohort{Name: o.Name}
		}
		return oracle.SetCohort{Cohort: oracle.Cohort{Name: o.Name, Parent: string(o.Spec.ParentName),
			Groups: groups(o.Spec.ResourceGroups), WeightMilli: weight(o.Spec.FairSharing)}}
	case *v1beta1.ResourceFlavor:
		if gone {
			return oracle.DeleteFlavor{Name: o.Name}
		}
		f := oracle.Flavor{Name: o.Name, NodeLabels: o.Spec.NodeLabels, Tolerations: tolerations(o.Spec.Tolerations)}
		for _, t := range o.Spec.NodeTaints {
			f.NodeTaints = append(f.NodeTaints, oracle.Taint{Key: t.Key, Value: t.Value, Effect: string(t.Effect)})
		}
		return oracle.SetFlavor{Flavor: f}
	case *v1beta1.LocalQueue:
		if gone {
			return oracle.DeleteLocalQueue{Namespace: o.Namespace, Name: o.Name}
		}
		return oracle.SetLocalQueue{LocalQueue: oracle.LocalQueue{Namespace: o.Namespace, Name: o.Name,
			ClusterQueue: string(o.Spec.ClusterQueue), Stop: oracle.StopPolicy(o.Spec.StopPolicy)}}
	case *corev1.Namespace:
		if gone {
			return oracle.SetNamespace{Name: o.Name}
		}
		return oracle.SetNamespace{Name: o.Name, Labels: o.Labels}
	}
	panic(fmt.Sprintf("%T is not known to the oracle", obj))
}

func clusterQueue(cq *v1beta1.ClusterQueue) oracle.ClusterQueue {
	out := oracle.ClusterQueue{
		Name: cq.Name, Cohort: string(cq.Spec.CohortName), Groups: groups(cq.Spec.ResourceGroups),
		Strategy: oracle.Strategy(cq.Spec.QueueingStrategy), Stop: oracle.StopPolicy(cq.Spec.StopPolicy),
		WeightMilli: weight(cq.Spec.FairSharing), Terminating: cq.DeletionTimestamp != nil,
	}
	if s := cq.Spec.NamespaceSelector; s != nil {
		out.NamespaceSelector = &oracle.Selector{MatchLabels: s.MatchLabels}
		for _, e := range s.MatchExpressions {
			out.NamespaceSelector.Expressions = append(out.NamespaceSelector.Expressions, oracle.Requirement{Key: e.Key, Operator: string(e.Operator), Values: e.Values})
		}
	}
	if f := cq.Spec.FlavorFungibility; f != nil {
		out.Fungibility = oracle.Fungibility{WhenCanBorrow: oracle.FungibilityPolicy(f.WhenCanBorrow),
			WhenCanPreempt: oracle.FungibilityPolicy(f.WhenCanPreempt), Preference: oracle.Preference(f.Preference)}
	}
	if p := cq.Spec.Preemption; p != nil {
		out.Preemption = oracle.Preemption{WithinClusterQueue: oracle.PreemptionPolicy(p.WithinClusterQueue),
			ReclaimWithinCohort: oracle.PreemptionPolicy(p.ReclaimWithinCohort)}
		if b := p.BorrowWithinCohort; b != nil {
			out.Preemption.BorrowWithinCohort = oracle.PreemptionPolicy(b.Policy)
			if b.MaxPriorityThreshold != nil {
				threshold := int64(*b.MaxPriorityThreshold)
				out.Preemption.MaxPriorityThreshold = &threshold
			}
		}
	}
	return out
}

func groups(in []v1beta1.ResourceGroup) []oracle.ResourceGroup {
	var out []oracle.ResourceGroup
	for _, g := range in {
		var group oracle.ResourceGroup
		for _, r := range g.CoveredResources {
			group.Covered = append(group.Covered, string(r))
		}
		for _, f := range g.Flavors {
			quotas := oracle.FlavorQuotas{Name: string(f.Name), Resources: map[string]oracle.Quota{}}
			for _, r := range f.Resources {
				quotas.Resources[string(r.Name)] = oracle.Quota{Nominal: amount(r.Name, r.NominalQuota),
					BorrowingLimit: limit(r.Name, r.BorrowingLimit), LendingLimit: limit(r.Name, r.LendingLimit)}
			}
			group.Flavors = append(group.Flavors, quotas)
		}
		out = append(out, group)
	}
	return out
}

func amount(name corev1.ResourceName, q resource.Quantity) int64 {
	if name == corev1.ResourceCPU {
		return q.MilliValue()
	}
	return q.Value()
}

func limit(name corev1.ResourceName, q *resource.Quantity) *int64 {
	if q == nil {
		return nil
	}
	value := amount(name, *q)
	return &value
}

func weight(f *v1beta1.FairSharing) *int64 {
	if f == nil || f.Weight == nil {
		return nil
	}
	value := f.Weight.MilliValue()
	return &value
}

func tolerations(in []corev1.Toleration) []oracle.Toleration {
	var out []oracle.Toleration
	for _, t := range in {
		out = append(out, oracle.Toleration{Key: t.Key, Operator: string(t.Operator), Value: t.Value, Effect: string(t.Effect)})
	}
	return out
}

// podSetsOf translates what a Workload asks for.
func podSetsOf(wl *v1beta1.Workload) ([]oracle.PodSet, error) {
	var all []oracle.PodSet
	for i := range wl.Spec.PodSets {
		ps := &wl.Spec.PodSets[i]
		template := &corev1.PodTemplateSpec{}
		if err := json.Unmarshal(ps.Template.Raw, template); err != nil {
			return nil, fmt.Errorf("workload %s/%s: its template cannot be read: %w", wl.Namespace, wl.Name, err)
		}
		set := oracle.PodSet{Name: string(ps.Name), Count: int64(ps.Count), Requests: requests(&template.Spec),
			NodeSelector: template.Spec.NodeSelector, Affinity: affinity(template.Spec.Affinity), Tolerations: tolerations(template.Spec.Tolerations)}
		if ps.MinCount != nil {
			least := int64(*ps.MinCount)
			set.MinCount = &least
		}
		all = append(all, set)
	}
	return all, nil
}

// requests are those of one pod; limits stand in for missing requests.
func requests(spec *corev1.PodSpec) map[string]int64 {
	pod := &corev1.Pod{Spec: *spec.DeepCopy()}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			r := &containers[i].Resources
			for name, q := range r.Limits {
				if _, given := r.Requests[name]; !given {
					if r.Requests == nil {
						r.Requests = corev1.ResourceList{}
					}
					r.Requests[name] = q
				}
			}
		}
	}
	out := map[string]int64{}
	for name, q := range resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}) {
		out[string(name)] = amount(name, q)
	}
	return out
}

func affinity(a *corev1.Affinity) [][]oracle.Requirement {
	if a == nil || a.NodeAffinity == nil || a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	var terms [][]oracle.Requirement
	for _, term := range a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		all := []oracle.Requirement{}
		for _, e := range term.MatchExpressions {
			all = append(all, oracle.Requirement{Key: e.Key, Operator: string(e.Operator), Values: e.Values})
		}
		terms = append(terms, all)
	}
	return terms
}

// workload translates a Workload whose pod sets are known.
func workload(wl *v1beta1.Workload, podSets []oracle.PodSet) oracle.Workload {
	out := oracle.Workload{
		UID: oracle.UID(wl.UID), Namespace: wl.Namespace, LocalQueue: string(wl.Spec.QueueName),
		QueueTime: wl.CreationTimestamp.UnixNano(), PodSets: reclaimed(podSets, wl.Status.ReclaimablePods),
		Active: (wl.Spec.Active == nil || *wl.Spec.Active) && wl.DeletionTimestamp == nil, Admission: admission(wl),
	}
	out.Evicted = out.Admission != nil && isTrue(wl, v1beta1.WorkloadEvicted)
	if c := condition(wl, v1beta1.WorkloadQuotaReserved); c != nil {
		out.ReservedAt = c.LastTransitionTime.UnixNano()
	}
	if c := condition(wl, v1beta1.WorkloadAdmitted); c != nil {
		out.AdmittedAt = c.LastTransitionTime.UnixNano()
	}
	if wl.Spec.Priority != nil {
		out.Priority = int64(*wl.Spec.Priority)
	}
	if out.Admission == nil {
		out.Withheld = withheld(wl)
	}
	return out
}

// withheld says why a workload that is in no queue's way is not to be tried.
func withheld(wl *v1beta1.Workload) oracle.Reason {
	if rs := wl.Status.RequeueState; rs != nil && rs.RequeueAt != nil && rs.RequeueAt.After(time.Now()) {
		return oracle.PendingEvaluation
	}
	return ""
}

func reclaimed(sets []oracle.PodSet, reclaimable []v1beta1.ReclaimablePod) []oracle.PodSet {
	if len(reclaimable) == 0 {
		return sets
	}
	sets = append([]oracle.PodSet(nil), sets...)
	for i := range sets {
		for _, r := range reclaimable {
			if string(r.Name) == sets[i].Name {
				sets[i].Reclaimable = int64(r.Count)
			}
		}
	}
	return sets
}

func admission(wl *v1beta1.Workload) *oracle.Admission {
	if wl.Status.Admission == nil || !isTrue(wl, v1beta1.WorkloadQuotaReserved) {
		return nil
	}
	out := &oracle.Admission{ClusterQueue: string(wl.Status.Admission.ClusterQueue), Reserved: !isTrue(wl, v1beta1.WorkloadAdmitted)}
	for _, psa := range wl.Status.Admission.PodSetAssignments {
		a := oracle.PodSetAssignment{Name: string(psa.Name), Flavors: map[string]string{}, Usage: map[string]int64{}}
		if psa.Count != nil {
			a.Count = int64(*psa.Count)
		}
		for r, f := range psa.Flavors {
			a.Flavors[string(r)] = string(f)
		}
		for r, q := range psa.ResourceUsage {
			a.Usage[string(r)] = amount(r, q)
		}
		out.PodSets = append(out.PodSets, a)
	}
	return out
}

func isTrue(wl *v1beta1.Workload, kind string) bool {
	return meta.IsStatusConditionTrue(wl.Status.Conditions, kind)
}

func condition(wl *v1beta1.Workload, kind string) *metav1.Condition {
	return meta.FindStatusCondition(wl.Status.Conditions, kind)
}
