package translate

import (
	"sort"

	corev1 "k8s.io/api/core/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/quota"
)

// HeldBy returns what a Workload holds by its status, nil if nothing. Amounts
// that cannot be counted, written by somebody else, count as zero.
func HeldBy(wl *v1beta1.Workload) *admission.Assignment {
	if !HoldsQuota(wl) {
		return nil
	}
	held := &admission.Assignment{ClusterQueue: string(wl.Status.Admission.ClusterQueue)}
	for i := range wl.Status.Admission.PodSetAssignments {
		held.PodSets = append(held.PodSets, heldByPodSet(&wl.Status.Admission.PodSetAssignments[i]))
	}
	return held
}

func heldByPodSet(psa *v1beta1.PodSetAssignment) admission.PodSetAssignment {
	out := admission.PodSetAssignment{Name: string(psa.Name)}
	if psa.Count != nil {
		out.Count = *psa.Count
	}
	for name, flavor := range psa.Flavors {
		out.Flavors = append(out.Flavors, admission.ResourceFlavorName{Resource: string(name), Flavor: string(flavor)})
	}
	sort.Slice(out.Flavors, func(i, j int) bool { return out.Flavors[i].Resource < out.Flavors[j].Resource })
	for name, q := range psa.ResourceUsage {
		amount, err := Amount(name, q)
		if err != nil {
			amount = 0
		}
		out.Usage = append(out.Usage, quota.ResourceAmount{Resource: string(name), Amount: amount})
	}
	sort.Slice(out.Usage, func(i, j int) bool { return out.Usage[i].Resource < out.Usage[j].Resource })
	return out
}

// Admission writes an assignment as a Workload's status holds it.
func Admission(a *admission.Assignment) *v1beta1.Admission {
	out := &v1beta1.Admission{ClusterQueue: v1beta1.ClusterQueueReference(a.ClusterQueue)}
	for i := range a.PodSets {
		ps := &a.PodSets[i]
		count := ps.Count
		assigned := v1beta1.PodSetAssignment{Name: v1beta1.PodSetReference(ps.Name), Count: &count}
		if len(ps.Flavors) > 0 {
			assigned.Flavors = make(map[corev1.ResourceName]v1beta1.ResourceFlavorReference, len(ps.Flavors))
			for _, f := range ps.Flavors {
				assigned.Flavors[corev1.ResourceName(f.Resource)] = v1beta1.ResourceFlavorReference(f.Flavor)
			}
		}
		if len(ps.Usage) > 0 {
			assigned.ResourceUsage = make(corev1.ResourceList, len(ps.Usage))
			for _, u := range ps.Usage {
				assigned.ResourceUsage[corev1.ResourceName(u.Resource)] = Quantity(corev1.ResourceName(u.Resource), u.Amount)
			}
		}
		out.PodSetAssignments = append(out.PodSetAssignments, assigned)
	}
	return out
}
