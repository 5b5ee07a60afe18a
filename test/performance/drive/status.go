package drive

import (
	"encoding/json"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	fairlead "fairlead.dev/fairlead/apis/v1beta1"
)

// driverMessage is the message of a Workload that the driver finishes itself.
const driverMessage = "The job has ended"

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
			Message: "The job may run", ObservedGeneration: w.Generation, LastTransitionTime: metav1.NewTime(now),
		})
}

// setFinished adds the condition that ends a Workload.
func setFinished(w *fairlead.Workload, now time.Time, message string) {
	meta.SetStatusCondition(&w.Status.Conditions, metav1.Condition{
		Type: fairlead.WorkloadFinished, Status: metav1.ConditionTrue, Reason: fairlead.FinishedSucceeded,
		Message: message, ObservedGeneration: w.Generation, LastTransitionTime: metav1.NewTime(now),
	})
}

// completionMessage is what the job controller says of a completed Job, which
// the manager passes on.
func completionMessage(j *batchv1.Job) string {
	for _, c := range j.Status.Conditions {
		if c.Type == batchv1.JobComplete && c.Message != "" {
			return c.Message
		}
	}
	return driverMessage
}

// statusBody is the body of a status PUT. The server takes nothing but the
// status from it, so the manager leaves the specification out.
func statusBody(w *fairlead.Workload) ([]byte, error) {
	type metadata struct {
		Name            string    `json:"name"`
		Namespace       string    `json:"namespace"`
		UID             types.UID `json:"uid"`
		ResourceVersion string    `json:"resourceVersion"`
	}
	body, err := json.Marshal(struct {
		APIVersion string                  `json:"apiVersion"`
		Kind       string                  `json:"kind"`
		Metadata   metadata                `json:"metadata"`
		Status     fairlead.WorkloadStatus `json:"status"`
	}{
		fairlead.GroupVersion.String(), "Workload",
		metadata{w.Name, w.Namespace, w.UID, w.ResourceVersion}, w.Status,
	})
	if err != nil {
		return nil, fmt.Errorf("encode the status of workload %s: %w", w.Name, err)
	}
	return body, nil
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
