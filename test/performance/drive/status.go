package drive

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	fairlead "fairlead.dev/fairlead/apis/v1beta1"
)

// setAdmitted writes into a Workload's status what the manager writes when it
// reserves quota and admits in one.
func setAdmitted(w *fairlead.Workload, clusterQueue string, n int64, now time.Time) {
	one := int32(1)
	w.Status.Admission = &fairlead.Admission{
		ClusterQueue: fairlead.ClusterQueueReference(clusterQueue),
		PodSetAssignments: []fairlead.PodSetAssignment{{
			Name:          fairlead.DefaultPodSetName,
			Flavors:       map[corev1.ResourceName]fairlead.ResourceFlavorReference{corev1.ResourceCPU: FlavorName},
			ResourceUsage: cores(n),
			Count:         &one,
		}},
	}
	w.Status.Conditions = append(w.Status.Conditions,
		metav1.Condition{
			Type: fairlead.WorkloadQuotaReserved, Status: metav1.ConditionTrue, Reason: fairlead.ReasonQuotaReserved,
			Message: "Quota reserved in ClusterQueue " + clusterQueue, ObservedGeneration: w.Generation, LastTransitionTime: metav1.NewTime(now),
		},
		metav1.Condition{
			Type: fairlead.WorkloadAdmitted, Status: metav1.ConditionTrue, Reason: fairlead.ReasonAdmitted,
			Message: "The workload is admitted", ObservedGeneration: w.Generation, LastTransitionTime: metav1.NewTime(now),
		})
}

// admittedEvent is the one Event that an admission leaves.
func admittedEvent(w *fairlead.Workload, clusterQueue string, now time.Time) *eventsv1.Event {
	return &eventsv1.Event{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.Namespace, Name: nameWithHash(w.Name, w.Name+"admitted")},
		EventTime:  metav1.NewMicroTime(now),
		Type:       corev1.EventTypeNormal, Reason: fairlead.ReasonAdmitted, Action: "Admit",
		ReportingController: "fairlead.dev/manager", ReportingInstance: "fairlead-manager",
		Note: "Admitted by ClusterQueue " + clusterQueue,
		Regarding: corev1.ObjectReference{
			APIVersion: fairlead.GroupVersion.String(), Kind: "Workload",
			Namespace: w.Namespace, Name: w.Name, UID: w.UID, ResourceVersion: w.ResourceVersion,
		},
	}
}
