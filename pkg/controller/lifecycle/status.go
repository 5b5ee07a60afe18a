package lifecycle

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

// Reasons of our own for Evicted and Requeued, where Kueue has none.
const (
	// EvictedBySuspension: somebody suspended the running job.
	EvictedBySuspension = "Suspended"
	// EvictedByFailedStart: the server would not let the job start.
	EvictedByFailedStart = "FailedToStart"
)

// statusPut is the body of a status write. The server takes nothing but the
// status from it, so the specification is left out.
type statusPut struct {
	APIVersion string                 `json:"apiVersion"`
	Kind       string                 `json:"kind"`
	Metadata   statusPutMeta          `json:"metadata"`
	Status     v1beta1.WorkloadStatus `json:"status"`
}

type statusPutMeta struct {
	Name            string    `json:"name"`
	Namespace       string    `json:"namespace"`
	UID             types.UID `json:"uid"`
	ResourceVersion string    `json:"resourceVersion"`
}

// putStatus is the write that replaces the Workload's status, made on this
// sight of it.
func putStatus(wl *v1beta1.Workload, purpose Purpose, status v1beta1.WorkloadStatus) *Write {
	body, err := json.Marshal(statusPut{
		APIVersion: v1beta1.GroupVersion.String(),
		Kind:       "Workload",
		Metadata: statusPutMeta{
			Name: wl.Name, Namespace: wl.Namespace, UID: wl.UID, ResourceVersion: wl.ResourceVersion,
		},
		Status: status,
	})
	if err != nil {
		panic("a Workload status cannot be encoded: " + err.Error())
	}
	return &Write{
		Verb: PutWorkloadStatus, Purpose: purpose,
		Namespace: wl.Namespace, Name: wl.Name, UID: wl.UID, Version: wl.ResourceVersion, Body: body,
		Basis: wl, Status: &status,
	}
}

// after is the Workload as a status write has left it: the server takes the
// status as it is sent, and nothing else.
func (w *Write) after(resourceVersion string) *v1beta1.Workload {
	was := w.Basis.(*v1beta1.Workload)
	is := &v1beta1.Workload{TypeMeta: was.TypeMeta, ObjectMeta: was.ObjectMeta, Spec: was.Spec, Status: *w.Status}
	is.ResourceVersion = resourceVersion
	return is
}

// edit is a Workload's status being changed.
type edit struct {
	status     v1beta1.WorkloadStatus
	generation int64
	now        metav1.Time
}

func editStatus(wl *v1beta1.Workload, now time.Time) *edit {
	return &edit{status: *wl.Status.DeepCopy(), generation: wl.Generation, now: metav1.NewTime(now)}
}

func (e *edit) set(kind string, value bool, reason, message string) {
	status := metav1.ConditionFalse
	if value {
		status = metav1.ConditionTrue
	}
	meta.SetStatusCondition(&e.status.Conditions, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: truncate(message),
		ObservedGeneration: e.generation, LastTransitionTime: e.now,
	})
}

// settle makes a condition False if it is True, and leaves it alone otherwise.
func (e *edit) settle(kind, reason, message string) {
	if meta.IsStatusConditionTrue(e.status.Conditions, kind) {
		e.set(kind, false, reason, message)
	}
}

// truncate keeps a message within what the API allows.
func truncate(message string) string {
	const most = 32 << 10
	if len(message) > most {
		return strings.ToValidUTF8(message[:most], "")
	}
	return message
}

// admitted gives the workload an assignment: QuotaReserved and Admitted in one.
func admitted(wl *v1beta1.Workload, assignment *admission.Assignment, message string, now time.Time) v1beta1.WorkloadStatus {
	e := editStatus(wl, now)
	e.status.Admission = translate.Admission(assignment)
	e.status.ResourceRequests = nil
	e.status.ReclaimablePods = nil
	e.status.Preemption = nil
	e.set(v1beta1.WorkloadQuotaReserved, true, v1beta1.ReasonQuotaReserved, message)
	e.set(v1beta1.WorkloadAdmitted, true, v1beta1.ReasonAdmitted, "The job may run")
	e.settle(v1beta1.WorkloadEvicted, v1beta1.ReasonQuotaReserved, "Quota is reserved again")
	e.settle(v1beta1.WorkloadPreempted, v1beta1.ReasonQuotaReserved, "Quota is reserved again")
	e.requeue()
	if rs := e.status.RequeueState; rs != nil {
		rs.RequeueAt = nil
	}
	return e.status
}

// accepted lets the job of a workload run that holds quota already.
func accepted(wl *v1beta1.Workload, now time.Time) v1beta1.WorkloadStatus {
	e := editStatus(wl, now)
	e.set(v1beta1.WorkloadAdmitted, true, v1beta1.ReasonAdmitted, "The job may run")
	return e.status
}

// finished ends the workload.
func finished(wl *v1beta1.Workload, reason, message string, now time.Time) v1beta1.WorkloadStatus {
	e := editStatus(wl, now)
	e.set(v1beta1.WorkloadFinished, true, reason, message)
	return e.status
}

// explained says why the workload waits, and for what. Admitted is not touched:
// it may never have been written.
func explained(wl *v1beta1.Workload, v *verdict, shape translate.Shape, now time.Time) v1beta1.WorkloadStatus {
	e := editStatus(wl, now)
	e.status.ResourceRequests = shape.ResourceRequests()
	e.set(v1beta1.WorkloadQuotaReserved, false, v.reason, v.message)
	return e.status
}

func reservedMessage(assignment *admission.Assignment) string {
	return fmt.Sprintf("Quota reserved in ClusterQueue %s", assignment.ClusterQueue)
}
