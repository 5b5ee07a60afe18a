package queuestatus

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

// clusterQueueStatus is what a ClusterQueue's status should say.
func clusterQueueStatus(cq *v1beta1.ClusterQueue, now *admission.ClusterQueueStatus, fairSharing bool) v1beta1.ClusterQueueStatus {
	status := v1beta1.ClusterQueueStatus{
		Conditions:         active(cq.Status.Conditions, now.ActiveReason, now.ActiveMessage, cq.Generation),
		FlavorsUsage:       flavorUsage(now.Usage),
		FlavorsReservation: flavorUsage(now.Usage),
		PendingWorkloads:   now.PendingActive + now.PendingInadmissible,
		ReservingWorkloads: now.Reserving,
		AdmittedWorkloads:  now.Admitted,
	}
	if fairSharing {
		status.FairSharing = &v1beta1.FairSharingStatus{WeightedShare: now.WeightedShare}
	}
	return status
}

// localQueueStatus is what a LocalQueue's status should say. What decayed
// usage it records is kept.
func localQueueStatus(lq *v1beta1.LocalQueue, now *admission.LocalQueueStatus) v1beta1.LocalQueueStatus {
	return v1beta1.LocalQueueStatus{
		Conditions:         active(lq.Status.Conditions, now.ActiveReason, now.ActiveMessage, lq.Generation),
		FlavorsUsage:       localFlavorUsage(now.Usage),
		FlavorsReservation: localFlavorUsage(now.Usage),
		PendingWorkloads:   now.Pending,
		ReservingWorkloads: now.Reserving,
		AdmittedWorkloads:  now.Admitted,
		FairSharing:        lq.Status.FairSharing,
	}
}

// cohortStatus is what a Cohort's status should say. A root has no share.
func cohortStatus(c *v1beta1.Cohort, now *admission.CohortStatus, fairSharing bool) v1beta1.CohortStatus {
	if !fairSharing || c.Spec.ParentName == "" {
		return v1beta1.CohortStatus{}
	}
	return v1beta1.CohortStatus{FairSharing: &v1beta1.FairSharingStatus{WeightedShare: now.WeightedShare}}
}

func active(current []metav1.Condition, reason, message string, generation int64) []metav1.Condition {
	status := metav1.ConditionFalse
	if reason == v1beta1.ClusterQueueReady {
		status = metav1.ConditionTrue
	}
	conditions := append([]metav1.Condition(nil), current...)
	meta.SetStatusCondition(&conditions, metav1.Condition{
		Type: v1beta1.ConditionActive, Status: status, Reason: reason, Message: message, ObservedGeneration: generation,
	})
	return conditions
}

// flavorUsage groups usage, which comes in the queue's order, by flavor.
func flavorUsage(usage []admission.FlavorUsage) []v1beta1.FlavorUsage {
	var out []v1beta1.FlavorUsage
	places := map[string]int{}
	for _, u := range usage {
		at, known := places[u.Flavor]
		if !known {
			at = len(out)
			places[u.Flavor] = at
			out = append(out, v1beta1.FlavorUsage{Name: v1beta1.ResourceFlavorReference(u.Flavor)})
		}
		name := corev1.ResourceName(u.Resource)
		out[at].Resources = append(out[at].Resources, v1beta1.ResourceUsage{
			Name: name, Total: translate.Quantity(name, u.Total), Borrowed: translate.Quantity(name, u.Borrowed),
		})
	}
	return out
}

func localFlavorUsage(usage []admission.FlavorUsage) []v1beta1.LocalQueueFlavorUsage {
	var out []v1beta1.LocalQueueFlavorUsage
	places := map[string]int{}
	for _, u := range usage {
		at, known := places[u.Flavor]
		if !known {
			at = len(out)
			places[u.Flavor] = at
			out = append(out, v1beta1.LocalQueueFlavorUsage{Name: v1beta1.ResourceFlavorReference(u.Flavor)})
		}
		name := corev1.ResourceName(u.Resource)
		out[at].Resources = append(out[at].Resources, v1beta1.LocalQueueResourceUsage{Name: name, Total: translate.Quantity(name, u.Total)})
	}
	return out
}
