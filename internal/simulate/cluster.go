package simulate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/translate"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// Cluster is a live cluster's state at one moment.
type Cluster struct {
	Set *QueueSet
	// Jobs are its Workloads: all are there at the beginning, and those that
	// hold quota run.
	Jobs *trace.Trace
	// Begin is the moment.
	Begin time.Time
}

// RunOf says how long a Workload will run in all.
type RunOf func(*v1beta1.Workload) time.Duration

// AssumeRun is a Workload's maximum execution time, as stated or given, else
// otherwise.
func AssumeRun(otherwise time.Duration) RunOf {
	return func(wl *v1beta1.Workload) time.Duration {
		if limit := translate.ExecutionTimeInForce(wl); limit != nil {
			return time.Duration(*limit) * time.Second
		}
		return otherwise
	}
}

// ReadCluster reads queues, flavors, cohorts and Workloads of a cluster.
// Workloads that are finished, or that somebody holds, are left out.
func ReadCluster(ctx context.Context, c client.Reader, name string, runOf RunOf, now time.Time) (*Cluster, error) {
	p := newParser()
	p.config.IgnoreUndeclared = false
	if err := p.readQueues(ctx, c); err != nil {
		return nil, err
	}
	set, err := p.set(name)
	if err != nil {
		return nil, err
	}
	if err := set.readReservations(ctx, c, now); err != nil {
		return nil, err
	}
	var workloads v1beta1.WorkloadList
	if err := c.List(ctx, &workloads); err != nil {
		return nil, fmt.Errorf("listing Workloads: %w", err)
	}
	slices.SortFunc(workloads.Items, func(a, b v1beta1.Workload) int { return strings.Compare(string(a.UID), string(b.UID)) })
	b := trace.NewBuilder()
	held := 0
	for i := range workloads.Items {
		wl := &workloads.Items[i]
		switch {
		case translate.IsFinished(wl):
		case !wl.IsActive():
			held++
		default:
			addWorkload(b, wl, runOf(wl), now)
		}
	}
	if held > 0 {
		set.Notes = append(set.Notes, fmt.Sprintf("%d Workloads that somebody holds are left out", held))
	}
	return &Cluster{Set: set, Jobs: b.Trace(), Begin: now}, nil
}

// readReservations adds the windows that lie ahead.
func (s *QueueSet) readReservations(ctx context.Context, c client.Reader, now time.Time) error {
	var list v1beta1.ReservationList
	if err := c.List(ctx, &list); err != nil {
		return fmt.Errorf("listing Reservations: %w", err)
	}
	for i := range list.Items {
		r, _, err := translate.Reservation(&list.Items[i], now)
		if err != nil {
			s.Notes = append(s.Notes, fmt.Sprintf("Reservation %s keeps nothing: %v", list.Items[i].Name, err))
			continue
		}
		s.Events = append(s.Events, admission.SetReservation{Reservation: r})
	}
	return nil
}

// readQueues lists what a queue set is made of.
func (p *parser) readQueues(ctx context.Context, c client.Reader) error {
	var flavors v1beta1.ResourceFlavorList
	var cohorts v1beta1.CohortList
	var clusterQueues v1beta1.ClusterQueueList
	var localQueues v1beta1.LocalQueueList
	var namespaces corev1.NamespaceList
	for _, list := range []client.ObjectList{&flavors, &cohorts, &clusterQueues, &localQueues, &namespaces} {
		if err := c.List(ctx, list); err != nil {
			return fmt.Errorf("listing %T: %w (is Fairlead installed there, and may you list its objects?)", list, err)
		}
	}
	for i := range flavors.Items {
		p.flavors[flavors.Items[i].Name] = translate.Flavor(&flavors.Items[i])
	}
	for i := range cohorts.Items {
		p.cohorts[cohorts.Items[i].Name] = translate.Cohort(&cohorts.Items[i])
	}
	for i := range clusterQueues.Items {
		p.clusterQueues[clusterQueues.Items[i].Name] = translate.ClusterQueue(&clusterQueues.Items[i])
	}
	for i := range localQueues.Items {
		lq := &localQueues.Items[i]
		p.localQueues[lq.Namespace+"/"+lq.Name] = translate.LocalQueue(lq).LocalQueue
	}
	for _, ns := range namespaces.Items {
		labels := map[string]string{}
		for key, value := range ns.Labels {
			labels[key] = value
		}
		p.namespaces[ns.Name] = labels
	}
	return nil
}

// addWorkload adds a Workload as a job that is there already.
func addWorkload(b *trace.Builder, wl *v1beta1.Workload, run time.Duration, now time.Time) {
	shapes := translate.Shapes{}
	value := translate.Workload(wl, shapes.Of(wl))
	value.Preempting = nil // what was begun is decided anew
	job := trace.Job{
		Run: run, Queue: b.Queue(value.Namespace + "/" + value.Queue), User: b.User(value.Namespace),
		Shape: b.ShapeOf(value.PodSets), Priority: value.Priority, Line: int32(b.Len() + 1),
	}
	if limit := translate.ExecutionTimeInForce(wl); limit != nil {
		job.Limit = time.Duration(*limit) * time.Second
	}
	if value.Admission != nil {
		since := wl.CreationTimestamp.Time
		if c := meta.FindStatusCondition(wl.Status.Conditions, v1beta1.WorkloadQuotaReserved); c != nil {
			since = c.LastTransitionTime.Time
		}
		value.ReservedAt = since.UnixNano()
		job.Run = max(time.Second, run-now.Sub(since))
	}
	b.AddFound(job, &value)
}

// Merge adds jobs made up to those of a cluster; they come later.
func (c *Cluster) Merge(more *trace.Trace) {
	if len(c.Jobs.Jobs) == 0 {
		found := c.Jobs.Found
		*c.Jobs = *more
		c.Jobs.Found = found
		return
	}
	b := c.Jobs
	shapes, queues, users := int32(len(b.Shapes)), int32(len(b.Queues)), int32(len(b.Users))
	b.Shapes = append(b.Shapes, more.Shapes...)
	b.Queues = append(b.Queues, more.Queues...)
	b.Users = append(b.Users, more.Users...)
	for _, j := range more.Jobs {
		j.Shape, j.Queue, j.User = j.Shape+shapes, j.Queue+queues, j.User+users
		b.Jobs = append(b.Jobs, j)
	}
}
