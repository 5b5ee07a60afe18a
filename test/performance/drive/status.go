package drive

import (
	"encoding/json"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
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

// component is the manager's name in its Events.
const component = "fairlead-manager"

// jobEvent is the one Event that an admission leaves on a Job.
func jobEvent(j *batchv1.Job, w *fairlead.Workload, clusterQueue string, now time.Time) *corev1.Event {
	event := admittedEvent(corev1.ObjectReference{
		APIVersion: batchv1.SchemeGroupVersion.String(), Kind: "Job", Namespace: j.Namespace, Name: j.Name, UID: j.UID,
	}, fmt.Sprintf("Admitted by ClusterQueue %s through LocalQueue %s", clusterQueue, w.Spec.QueueName), now)
	related := workloadReference(w)
	event.Related = &related
	return event
}

// workloadEvent is the one Event that an admission leaves on a bare Workload.
func workloadEvent(w *fairlead.Workload, clusterQueue string, now time.Time) *corev1.Event {
	return admittedEvent(workloadReference(w), "Admitted by ClusterQueue "+clusterQueue, now)
}

func workloadReference(w *fairlead.Workload) corev1.ObjectReference {
	return corev1.ObjectReference{
		APIVersion: fairlead.GroupVersion.String(), Kind: "Workload", Namespace: w.Namespace, Name: w.Name, UID: w.UID,
	}
}

func admittedEvent(about corev1.ObjectReference, message string, at time.Time) *corev1.Event {
	now := metav1.NewTime(at)
	return &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: about.Namespace, Name: fmt.Sprintf("%s.%x", about.Name, now.UnixNano())},
		InvolvedObject: about,
		Type:           corev1.EventTypeNormal, Reason: fairlead.ReasonAdmitted, Action: fairlead.ReasonAdmitted, Message: message,
		Source: corev1.EventSource{Component: component}, ReportingController: component, ReportingInstance: component,
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
	}
}
