package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/translate"
	"fairlead.dev/fairlead/pkg/job"
	"fairlead.dev/fairlead/pkg/job/batchjob"
)

// Options say what is asked.
type Options struct {
	// Kind is Job or Workload.
	Kind, Namespace, Name string
	// AssumedLimit is how long workloads without a maximum execution time run at
	// most.
	AssumedLimit time.Duration
	// Samples is how many futures are drawn; 0 lets the size of the cluster decide.
	Samples int
	Seed    uint64
}

// Kinds are those that can be asked about, by the names that kubectl knows.
var Kinds = map[string]string{
	"job": "Job", "jobs": "Job", "jobs.batch": "Job", "job.batch": "Job",
	"workload": "Workload", "workloads": "Workload", "wl": "Workload", "workloads.fairlead.dev": "Workload", "workload.fairlead.dev": "Workload",
}

// Explain answers with the rights of the client. Where these do not reach beyond
// a namespace, it answers from what is there. An error says that the job itself
// could not be read.
func Explain(ctx context.Context, c client.Reader, options Options, now time.Time) (*Report, error) {
	r := &Report{Kind: options.Kind, Namespace: options.Namespace, Name: options.Name}
	wl, err := find(ctx, c, r)
	if err != nil || wl == nil {
		return r, err
	}
	r.Workload, r.LocalQueue = wl.Name, string(wl.Spec.QueueName)
	if r.settled(wl) {
		return r, nil
	}
	r.told(wl)
	s, err := readSite(ctx, c, now)
	switch {
	case apierrors.IsForbidden(err):
		r.fromNamespace(ctx, c, wl, err)
		return r, nil
	case err != nil:
		return nil, err
	}
	r.Notes = append(r.Notes, s.notes...)
	return r, r.fromSite(s, wl, options)
}

// find finds the Workload; nil if there is none, and then the report says why.
func find(ctx context.Context, c client.Reader, r *Report) (*v1beta1.Workload, error) {
	wl := &v1beta1.Workload{}
	key := client.ObjectKey{Namespace: r.Namespace, Name: r.Name}
	if r.Kind == "Workload" {
		if err := c.Get(ctx, key, wl); err != nil {
			return nil, fmt.Errorf("workload %s in namespace %s: %w", r.Name, r.Namespace, err)
		}
		return wl, nil
	}
	j := &batchv1.Job{}
	if err := c.Get(ctx, key, j); err != nil {
		return nil, fmt.Errorf("job %s in namespace %s: %w", r.Name, r.Namespace, err)
	}
	kind := batchjob.Kind{}
	err := c.Get(ctx, job.WorkloadKey(kind, j), wl)
	switch {
	case err == nil:
		return wl, nil
	case !apierrors.IsNotFound(err):
		return nil, fmt.Errorf("the Workload of job %s in namespace %s: %w", r.Name, r.Namespace, err)
	}
	r.withoutWorkload(j)
	return nil, nil
}

// withoutWorkload says why a Job has no Workload.
func (r *Report) withoutWorkload(j *batchv1.Job) {
	r.State, r.LocalQueue = NotQueued, j.Labels[v1beta1.QueueLabel]
	for _, c := range j.Status.Conditions {
		if c.Status == corev1.ConditionTrue && (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) {
			r.State, r.Summary = Finished, fmt.Sprintf("it has ended (%s), and its Workload is gone", c.Type)
			return
		}
	}
	switch {
	case r.LocalQueue == "":
		r.Summary = fmt.Sprintf("it is in no queue: it has no label %s, so Fairlead leaves it alone", v1beta1.QueueLabel)
	case j.Spec.Suspend == nil || !*j.Spec.Suspend:
		r.Summary = "it runs, and has no Workload: the manager has not seen it yet; is it running?"
	default:
		r.Summary = "it is suspended and has no Workload yet: the manager makes one within a second or so; if this lasts, the manager does not run, or an event of the Job says what is wrong with it"
	}
}

// settled says whether a Workload's status tells all there is.
func (r *Report) settled(wl *v1beta1.Workload) bool {
	since := func(kind string) *metav1.Condition {
		c := translate.Condition(wl, kind)
		if c != nil {
			r.Since = &c.LastTransitionTime.Time
		}
		return c
	}
	if a := wl.Status.Admission; a != nil {
		r.ClusterQueue = string(a.ClusterQueue)
		for i := range a.PodSetAssignments {
			r.Holds = append(r.Holds, holding(&a.PodSetAssignments[i]))
		}
	}
	switch {
	case translate.IsFinished(wl):
		c := since(v1beta1.WorkloadFinished)
		r.State, r.Summary = Finished, fmt.Sprintf("it has ended: %s (%s)", c.Message, c.Reason)
	case translate.IsEvicted(wl) && translate.HoldsQuota(wl):
		c := since(v1beta1.WorkloadEvicted)
		r.State, r.Summary = Stopping, fmt.Sprintf("it is being stopped: %s (%s); its quota is free when its pods are gone", c.Message, c.Reason)
	case translate.IsAdmitted(wl):
		c := since(v1beta1.WorkloadAdmitted)
		if limit := translate.ExecutionTimeInForce(wl); limit != nil {
			ends := c.LastTransitionTime.Add(time.Duration(*limit)*time.Second - translate.PastExecution(wl))
			r.Ends = &ends
		}
		r.State, r.Summary = Running, fmt.Sprintf("it is admitted in ClusterQueue %s; kube-scheduler places its pods", r.ClusterQueue)
	case translate.HoldsQuota(wl):
		since(v1beta1.WorkloadQuotaReserved)
		r.State, r.Summary = Starting, fmt.Sprintf("its quota is reserved in ClusterQueue %s; it waits for admission checks", r.ClusterQueue)
		for _, check := range wl.Status.AdmissionChecks {
			if check.State != v1beta1.CheckStateReady {
				r.Notes = append(r.Notes, strings.TrimSuffix(fmt.Sprintf("AdmissionCheck %s is %s: %s", check.Name, check.State, check.Message), ": "))
			}
		}
	default:
		return false
	}
	return true
}

// holding is what a pod set was given.
func holding(a *v1beta1.PodSetAssignment) string {
	var parts []string
	for _, name := range sortedKeys(a.Flavors) {
		amount := a.ResourceUsage[name]
		parts = append(parts, fmt.Sprintf("%s %s of flavor %s", amount.String(), name, a.Flavors[name]))
	}
	return fmt.Sprintf("pod set %s: %s", a.Name, strings.Join(parts, ", "))
}

// told takes over what the manager has written of a Workload that waits.
func (r *Report) told(wl *v1beta1.Workload) {
	r.State, r.Since = Waiting, &wl.CreationTimestamp.Time
	if c := translate.Condition(wl, v1beta1.WorkloadQuotaReserved); c != nil && c.Status == metav1.ConditionFalse {
		r.Reason, r.Message = c.Reason, c.Message
	}
	r.summarize()
}

// summarize says in a sentence how a job stands that has not started.
func (r *Report) summarize() {
	switch admission.PendingReason(r.Reason) {
	case admission.Deactivated, admission.OnHold, admission.Suspended:
		r.State, r.Summary = Held, "it is held back"
	case admission.Misconfigured, admission.NoMatchingFlavor, admission.ExceedsMaxQuota:
		r.Summary = "it waits, and will not start unless it or its queue is changed"
	default:
		r.Summary = "it waits"
	}
}

// fromNamespace answers from what the namespace tells.
func (r *Report) fromNamespace(ctx context.Context, c client.Reader, wl *v1beta1.Workload, forbidden error) {
	var list v1beta1.WorkloadList
	if err := c.List(ctx, &list, client.InNamespace(wl.Namespace)); err != nil {
		r.Notes = append(r.Notes, fmt.Sprintf("the other Workloads of the namespace could not be read: %v", err))
	} else {
		ahead, length := 0, 0
		for i := range list.Items {
			o := &list.Items[i]
			if o.Spec.QueueName != wl.Spec.QueueName || translate.IsFinished(o) || translate.HoldsQuota(o) || !o.IsActive() {
				continue
			}
			length++
			if before(o, wl) {
				ahead++
			}
		}
		r.Notes = append(r.Notes, fmt.Sprintf("of the %d that wait in LocalQueue %s, %d come before it; other queues may lead to the same ClusterQueue", length, wl.Spec.QueueName, ahead))
	}
	r.Notes = append(r.Notes, fmt.Sprintf("when it will start depends on what others run, which you may not see (%s). An administrator can let you: "+
		"kubectl create clusterrolebinding NAME --clusterrole=fairlead-batch-viewer --user=YOU", unseen(forbidden)))
}

// unseen says in short what may not be listed.
func unseen(err error) string {
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Details != nil {
		return "list " + status.Status().Details.Kind + " in all namespaces"
	}
	return err.Error()
}

// before is the order in a queue, by what a Workload's object tells.
func before(a, b *v1beta1.Workload) bool {
	var p, q int32
	if a.Spec.Priority != nil {
		p = *a.Spec.Priority
	}
	if b.Spec.Priority != nil {
		q = *b.Spec.Priority
	}
	return cmp.Or(cmp.Compare(q, p), a.CreationTimestamp.Compare(b.CreationTimestamp.Time), strings.Compare(string(a.UID), string(b.UID))) < 0
}

// errGone: between two readings of the API server.
var errGone = errors.New("it has started, ended or gone just now: ask again")
