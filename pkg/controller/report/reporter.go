package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/lifecycle"
	"fairlead.dev/fairlead/pkg/controller/translate"
	"fairlead.dev/fairlead/pkg/job"
	"fairlead.dev/fairlead/pkg/metrics"
)

// Reporter implements lifecycle.Reporter.
type Reporter struct {
	kind     job.Kind
	log      logr.Logger
	counters *metrics.Counters
	events   *Events
	// Admitted is called after each admission that was written.
	Admitted func()
}

// New returns a Reporter.
func New(kind job.Kind, log logr.Logger, counters *metrics.Counters, events *Events) *Reporter {
	return &Reporter{kind: kind, log: log, counters: counters, events: events, Admitted: func() {}}
}

// Decided implements lifecycle.Reporter.
func (r *Reporter) Decided(wl *v1beta1.Workload, admit admission.Admit) {
	r.log.Info("admit", "workloadUID", admit.UID, "namespace", wl.Namespace, "workload", wl.Name,
		"queue", string(wl.Spec.QueueName), "clusterQueue", admit.Assignment.ClusterQueue,
		"reason", admitReason(admit), "share", admit.Share)
}

func admitReason(admit admission.Admit) string {
	if admit.Borrows {
		return "FitsByBorrowing"
	}
	return "Fits"
}

// Waits implements lifecycle.Reporter.
func (r *Reporter) Waits(wl *v1beta1.Workload, wait admission.Wait) {
	if wait.Limit != "" {
		r.counters.PreemptionLimited(string(wait.Limit))
	}
	r.log.Info("wait", "limit", string(wait.Limit), "workloadUID", wait.UID, "namespace", wl.Namespace, "workload", wl.Name,
		"queue", string(wl.Spec.QueueName), "reason", string(wait.Reason), "message", wait.Why.String())
}

// Preempts implements lifecycle.Reporter.
func (r *Reporter) Preempts(wl *v1beta1.Workload, evict admission.Evict) {
	victims := make([]string, 0, len(evict.Victims))
	for i := range evict.Victims {
		victim := &evict.Victims[i]
		victims = append(victims, victim.UID)
		if !evict.Resumed {
			r.counters.Preempted(evict.ClusterQueue, string(victim.Reason))
		}
		r.log.Info("preempt", "workloadUID", victim.UID, "clusterQueue", victim.ClusterQueue, "path", strings.Join(victim.Path, "/"),
			"reason", string(victim.Reason), "preemptorUID", evict.Preemptor, "preemptingClusterQueue", evict.ClusterQueue,
			"preemptorShare", victim.PreemptorShare, "shareBefore", victim.ShareBefore, "shareAfter", victim.ShareAfter)
	}
	r.log.Info("hold", "workloadUID", evict.Preemptor, "namespace", wl.Namespace, "workload", wl.Name, "queue", string(wl.Spec.QueueName),
		"clusterQueue", evict.ClusterQueue, "reason", "Preempts", "victims", victims, "resumed", evict.Resumed,
		"deadline", time.Unix(0, evict.Preemption.Deadline).UTC().Format(time.RFC3339))
}

// HoldEnded implements lifecycle.Reporter.
func (r *Reporter) HoldEnded(wl *v1beta1.Workload, end admission.EndHold) {
	r.counters.HoldEnded(string(end.Cause))
	r.log.Info("endHold", "workloadUID", end.UID, "namespace", wl.Namespace, "workload", wl.Name,
		"queue", string(wl.Spec.QueueName), "reason", string(end.Cause))
}

// Written implements lifecycle.Reporter.
func (r *Reporter) Written(write *lifecycle.Write, wl *v1beta1.Workload, obj client.Object) {
	r.counters.Written(string(write.Purpose))
	switch write.Purpose {
	case lifecycle.Admit, lifecycle.Adopt:
		r.Admitted()
		r.admitted(write, obj.(*v1beta1.Workload))
	case lifecycle.StartJob:
		r.started(wl, obj)
	case lifecycle.Evict:
		r.evicted(obj.(*v1beta1.Workload))
	case lifecycle.Ready:
		r.ready(obj.(*v1beta1.Workload))
	case lifecycle.Delete:
		r.log.Info("delete", "namespace", write.Namespace, "name", write.Name, "reason", "the job is evicted and must not run again")
	case lifecycle.Finish:
		r.finished(obj.(*v1beta1.Workload))
	case lifecycle.StopJob, lifecycle.Release, lifecycle.Discard:
		r.log.Info(string(write.Purpose), "namespace", write.Namespace, "name", write.Name)
	}
}

func (r *Reporter) admitted(write *lifecycle.Write, wl *v1beta1.Workload) {
	if wl.Status.Admission == nil {
		return
	}
	clusterQueue := string(wl.Status.Admission.ClusterQueue)
	r.counters.Admitted(clusterQueue, time.Since(wl.CreationTimestamp.Time), time.Since(queuedAt(wl)))
	if write.Purpose == lifecycle.Adopt {
		r.log.Info("adopt", "workloadUID", string(wl.UID), "namespace", wl.Namespace, "workload", wl.Name,
			"queue", string(wl.Spec.QueueName), "clusterQueue", clusterQueue, "reason", "RunsAlready")
	}
	if metav1.GetControllerOf(wl) == nil {
		r.events.Emit(objectReference(v1beta1.GroupVersion.WithKind("Workload"), wl), nil, corev1.EventTypeNormal,
			v1beta1.ReasonAdmitted, "Admitted by ClusterQueue "+clusterQueue)
	}
}

// started gives the one Event of an admission, on the object that its user
// knows: the job.
func (r *Reporter) started(wl *v1beta1.Workload, obj client.Object) {
	if wl == nil || wl.Status.Admission == nil {
		return
	}
	related := objectReference(v1beta1.GroupVersion.WithKind("Workload"), wl)
	r.events.Emit(objectReference(r.kind.GroupVersionKind(), obj), &related, corev1.EventTypeNormal, v1beta1.ReasonAdmitted,
		fmt.Sprintf("Admitted by ClusterQueue %s through LocalQueue %s", wl.Status.Admission.ClusterQueue, wl.Spec.QueueName))
}

// queuedAt is when the workload was created or last requeued.
func queuedAt(wl *v1beta1.Workload) time.Time {
	if c := translate.Condition(wl, v1beta1.WorkloadRequeued); c != nil && c.Status == metav1.ConditionTrue {
		return c.LastTransitionTime.Time
	}
	return wl.CreationTimestamp.Time
}

// ready counts the pods of a workload that have become ready for the first time
// since its admission.
func (r *Reporter) ready(wl *v1beta1.Workload) {
	is, admitted := translate.Condition(wl, v1beta1.WorkloadPodsReady), translate.Condition(wl, v1beta1.WorkloadAdmitted)
	if is == nil || is.Reason != v1beta1.PodsReadyStarted || admitted == nil || wl.Status.Admission == nil {
		return
	}
	r.counters.PodsReady(string(wl.Status.Admission.ClusterQueue), time.Since(queuedAt(wl)), time.Since(admitted.LastTransitionTime.Time))
}

// evictionOf is what is counted of an eviction that has just been written.
func evictionOf(wl *v1beta1.Workload, evicted *metav1.Condition) metrics.Eviction {
	ev := metrics.Eviction{ClusterQueue: string(wl.Status.Admission.ClusterQueue), Reason: evicted.Reason}
	pods := translate.Condition(wl, v1beta1.WorkloadPodsReady)
	if cause, ok := strings.CutPrefix(evicted.Reason, v1beta1.EvictedDeactivatedDueToPrefix); ok {
		ev.Reason, ev.Cause = v1beta1.EvictedDeactivated, cause
	} else if evicted.Reason == v1beta1.EvictedPodsReadyTimeout && pods != nil {
		ev.Cause = pods.Reason
	} else if c := translate.Condition(wl, v1beta1.WorkloadPreempted); evicted.Reason == v1beta1.EvictedPreempted && c != nil {
		ev.Cause = c.Reason
	}
	if pods != nil && pods.Status == metav1.ConditionTrue {
		ev.Ready = time.Since(pods.LastTransitionTime.Time)
	}
	if stats := wl.Status.SchedulingStats; stats != nil {
		for _, s := range stats.Evictions {
			ev.First = ev.First || s.Reason == ev.Reason && s.UnderlyingCause == ev.Cause && s.Count == 1
		}
	}
	return ev
}

func (r *Reporter) evicted(wl *v1beta1.Workload) {
	c := translate.Condition(wl, v1beta1.WorkloadEvicted)
	if c == nil || wl.Status.Admission == nil {
		return
	}
	clusterQueue := string(wl.Status.Admission.ClusterQueue)
	r.counters.Evicted(evictionOf(wl, c))
	r.log.Info("evict", "workloadUID", string(wl.UID), "namespace", wl.Namespace, "workload", wl.Name,
		"queue", string(wl.Spec.QueueName), "clusterQueue", clusterQueue, "reason", c.Reason, "message", c.Message)
	r.events.Emit(r.forUser(wl), nil, corev1.EventTypeNormal, v1beta1.WorkloadEvicted, c.Message)
}

func (r *Reporter) finished(wl *v1beta1.Workload) {
	clusterQueue := ""
	if wl.Status.Admission != nil {
		clusterQueue = string(wl.Status.Admission.ClusterQueue)
	}
	r.counters.Finished(clusterQueue)
	if c := translate.Condition(wl, v1beta1.WorkloadFinished); c != nil && c.Reason == v1beta1.FinishedFailedToStart {
		r.events.Emit(r.forUser(wl), nil, corev1.EventTypeWarning, c.Reason, c.Message)
	}
}

// forUser refers to the job of a Workload, or to the Workload if it has none.
func (r *Reporter) forUser(wl *v1beta1.Workload) corev1.ObjectReference {
	if owner := metav1.GetControllerOf(wl); owner != nil {
		return corev1.ObjectReference{APIVersion: owner.APIVersion, Kind: owner.Kind, Name: owner.Name,
			Namespace: wl.Namespace, UID: owner.UID}
	}
	return objectReference(v1beta1.GroupVersion.WithKind("Workload"), wl)
}

// overcommitted is the reason of the Event about a ClusterQueue that uses more
// than it may.
const overcommitted = "Overcommitted"

// Overcommitted tells that a ClusterQueue has begun to use more than it may, or
// to borrow what is not there.
func (r *Reporter) Overcommitted(cq *v1beta1.ClusterQueue, message string) {
	r.log.Info("overcommit", "clusterQueue", cq.Name, "message", message)
	about := objectReference(v1beta1.GroupVersion.WithKind("ClusterQueue"), cq)
	about.Namespace = metav1.NamespaceDefault // Events of what has no namespace live there
	r.events.Emit(about, nil, corev1.EventTypeWarning, overcommitted, "Overcommitted: "+message)
}

// Refused implements lifecycle.Reporter.
func (r *Reporter) Refused(write *lifecycle.Write, err error) {
	r.counters.Refused(string(write.Purpose))
	r.log.Error(err, "the API server refused a write", "purpose", string(write.Purpose), "namespace", write.Namespace, "name", write.Name)
}

// Warn implements lifecycle.Reporter.
func (r *Reporter) Warn(obj client.Object, reason, message string) {
	r.log.Info("warning", "namespace", obj.GetNamespace(), "job", obj.GetName(), "reason", reason, "message", message)
	r.events.Emit(objectReference(r.kind.GroupVersionKind(), obj), nil, corev1.EventTypeWarning, reason, message)
}
