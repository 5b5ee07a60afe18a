package chaos

import (
	"context"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/internal/oracle"
)

// state is everything, as the API server lists it.
type state struct {
	queues     v1beta1.ClusterQueueList
	cohorts    v1beta1.CohortList
	flavors    v1beta1.ResourceFlavorList
	locals     v1beta1.LocalQueueList
	namespaces corev1.NamespaceList
	workloads  v1beta1.WorkloadList
	jobs       batchv1.JobList

	jobOf map[types.UID]*batchv1.Job // by the job's UID
}

func listAll(ctx context.Context, c client.Client) (*state, error) {
	s := &state{jobOf: map[types.UID]*batchv1.Job{}}
	for _, list := range []client.ObjectList{&s.queues, &s.cohorts, &s.flavors, &s.locals, &s.namespaces, &s.workloads, &s.jobs} {
		if err := c.List(ctx, list); err != nil {
			return nil, fmt.Errorf("list %T: %w", list, err)
		}
	}
	for i := range s.jobs.Items {
		s.jobOf[s.jobs.Items[i].UID] = &s.jobs.Items[i]
	}
	return s, nil
}

// configs are all objects but workloads, for the oracle.
func (s *state) configs() []oracle.Event {
	var all []oracle.Event
	for i := range s.flavors.Items {
		all = append(all, configEvent(&s.flavors.Items[i], false))
	}
	for i := range s.cohorts.Items {
		all = append(all, configEvent(&s.cohorts.Items[i], false))
	}
	for i := range s.queues.Items {
		all = append(all, configEvent(&s.queues.Items[i], false))
	}
	for i := range s.locals.Items {
		all = append(all, configEvent(&s.locals.Items[i], false))
	}
	for i := range s.namespaces.Items {
		all = append(all, configEvent(&s.namespaces.Items[i], false))
	}
	return all
}

// live are the Workloads that count: those whose job has not ended.
func (s *state) live() []*v1beta1.Workload {
	var all []*v1beta1.Workload
	for i := range s.workloads.Items {
		wl := &s.workloads.Items[i]
		owner := metav1.GetControllerOf(wl)
		if isTrue(wl, v1beta1.WorkloadFinished) || owner == nil {
			continue
		}
		if job := s.jobOf[owner.UID]; job != nil && !jobEnded(job) {
			all = append(all, wl)
		}
	}
	return all
}

// world feeds all objects, and those Workloads that are not left out, to a new
// oracle.
func (s *state) world(options oracle.Options, leftOut map[oracle.UID]bool) (*oracle.World, error) {
	world := oracle.New(options)
	for _, e := range s.configs() {
		world.Apply(e)
	}
	for _, wl := range s.live() {
		if leftOut[oracle.UID(wl.UID)] {
			continue
		}
		podSets, err := podSetsOf(wl)
		if err != nil {
			return nil, err
		}
		world.Apply(oracle.SetWorkload{Workload: workload(wl, podSets)})
	}
	return world, nil
}

// differences lists in what the state differs from what the rules make of it.
func (s *state) differences(options oracle.Options) ([]string, error) {
	world, err := s.world(options, nil)
	if err != nil {
		return nil, err
	}
	d := &differences{state: s, world: world}
	d.jobsAndWorkloads()
	d.statuses()
	for _, e := range world.MustEvict() {
		d.say("Workload %s holds quota and should be evicted: %s", d.nameOf(e.UID), e.Reason)
	}
	if err := d.unserved(options); err != nil {
		return nil, err
	}
	d.reasons()
	return d.found, nil
}

type differences struct {
	*state
	world *oracle.World
	found []string
	waits []oracle.Wait
}

func (d *differences) say(format string, args ...any) {
	d.found = append(d.found, fmt.Sprintf(format, args...))
}

func (d *differences) nameOf(uid oracle.UID) string {
	for i := range d.workloads.Items {
		if wl := &d.workloads.Items[i]; string(wl.UID) == string(uid) {
			return wl.Namespace + "/" + wl.Name
		}
	}
	return string(uid)
}

// jobsAndWorkloads: every Job in a queue has one Workload, every Workload a
// Job, and they say the same.
func (d *differences) jobsAndWorkloads() {
	of := map[types.UID]*v1beta1.Workload{}
	for i := range d.workloads.Items {
		wl := &d.workloads.Items[i]
		owner := metav1.GetControllerOf(wl)
		switch {
		case owner == nil:
			d.say("Workload %s/%s has no owner", wl.Namespace, wl.Name)
			continue
		case d.jobOf[owner.UID] == nil:
			d.say("Workload %s/%s: its Job %s is gone", wl.Namespace, wl.Name, owner.Name)
		case of[owner.UID] != nil:
			d.say("Job %s/%s has two Workloads: %s and %s", wl.Namespace, owner.Name, of[owner.UID].Name, wl.Name)
		}
		of[owner.UID] = wl
	}
	for i := range d.jobs.Items {
		j := &d.jobs.Items[i]
		name, wl := j.Namespace+"/"+j.Name, of[j.UID]
		suspended := j.Spec.Suspend != nil && *j.Spec.Suspend
		_, queued := j.Labels[v1beta1.QueueLabel]
		switch {
		case jobEnded(j):
			if wl != nil && !isTrue(wl, v1beta1.WorkloadFinished) {
				d.say("Job %s has ended, but its Workload is not Finished", name)
			}
		case j.DeletionTimestamp != nil:
			d.say("Job %s is still being deleted", name)
		case !queued:
			if wl != nil {
				d.say("Job %s is in no queue, but has a Workload", name)
			}
		case wl == nil:
			if j.Labels[v1beta1.PriorityClassLabel] != "royal" {
				d.say("Job %s has no Workload", name)
			}
		default:
			d.jobAndWorkload(name, j, wl, suspended)
		}
	}
}

func (d *differences) jobAndWorkload(name string, j *batchv1.Job, wl *v1beta1.Workload, suspended bool) {
	holds := isTrue(wl, v1beta1.WorkloadQuotaReserved)
	if holds != (wl.Status.Admission != nil) {
		d.say("Workload of Job %s: QuotaReserved is %t, but admission set is %t", name, holds, wl.Status.Admission != nil)
	}
	if holds && isTrue(wl, v1beta1.WorkloadEvicted) {
		d.say("Job %s is evicted and holds its quota still", name)
	}
	if isTrue(wl, v1beta1.WorkloadAdmitted) && !holds {
		d.say("Job %s is admitted without quota", name)
	}
	if holds == suspended {
		d.say("Job %s: suspended is %t, but it holding quota is %t", name, suspended, holds)
	}
	if suspended && j.Status.Active > 0 {
		d.say("Job %s is suspended and has %d pods", name, j.Status.Active)
	}
	if suspended && j.Annotations[v1beta1.InjectedAnnotation] != "" {
		d.say("Job %s waits, but its template is not restored", name)
	}
	if string(wl.Spec.QueueName) != j.Labels[v1beta1.QueueLabel] && suspended {
		d.say("Job %s is in queue %s, its Workload in %s", name, j.Labels[v1beta1.QueueLabel], wl.Spec.QueueName)
	}
}

// counts of workloads in a queue.
type counts struct{ pending, reserving, admitted int32 }

// statuses compares what the statuses of queues say with the list of Workloads
// and the oracle's usage.
func (d *differences) statuses() {
	ofQueue, ofLocal := map[string]counts{}, map[client.ObjectKey]counts{}
	localUsage := map[client.ObjectKey]map[oracle.FlavorResource]int64{}
	targets := map[client.ObjectKey]string{}
	for i := range d.locals.Items {
		targets[client.ObjectKeyFromObject(&d.locals.Items[i])] = string(d.locals.Items[i].Spec.ClusterQueue)
	}
	for _, wl := range d.live() {
		key := client.ObjectKey{Namespace: wl.Namespace, Name: string(wl.Spec.QueueName)}
		target, exists := targets[key]
		given := admission(wl)
		switch {
		case given != nil:
			q, l := ofQueue[given.ClusterQueue], ofLocal[key]
			q.reserving, l.reserving = q.reserving+1, l.reserving+1
			if isTrue(wl, v1beta1.WorkloadAdmitted) {
				q.admitted, l.admitted = q.admitted+1, l.admitted+1
			}
			ofQueue[given.ClusterQueue], ofLocal[key] = q, l
			if localUsage[key] == nil {
				localUsage[key] = map[oracle.FlavorResource]int64{}
			}
			for _, a := range given.PodSets {
				for r, f := range a.Flavors {
					localUsage[key][oracle.FlavorResource{Flavor: f, Resource: r}] += charged(wl, &a, r)
				}
			}
		case exists && wl.IsActive() && !waitsForTime(wl):
			q, l := ofQueue[target], ofLocal[key]
			q.pending, l.pending = q.pending+1, l.pending+1
			ofQueue[target], ofLocal[key] = q, l
		}
	}
	for i := range d.queues.Items {
		cq := &d.queues.Items[i]
		said := counts{cq.Status.PendingWorkloads, cq.Status.ReservingWorkloads, cq.Status.AdmittedWorkloads}
		if said != ofQueue[cq.Name] {
			d.say("ClusterQueue %s says %+v workloads, but there are %+v", cq.Name, said, ofQueue[cq.Name])
		}
		if c := activeCondition(cq.Status.Conditions); (c == "True") != d.world.Active(cq.Name) {
			d.say("ClusterQueue %s: Active is %q, but the oracle finds %t", cq.Name, c, d.world.Active(cq.Name))
		}
		for _, f := range cq.Status.FlavorsReservation {
			for _, r := range f.Resources {
				fr := oracle.FlavorResource{Flavor: string(f.Name), Resource: string(r.Name)}
				if total, used := amount(r.Name, r.Total), d.world.Usage(oracle.QueueNode(cq.Name), fr); total != used {
					d.say("ClusterQueue %s says that it uses %d of %v, but it is %d", cq.Name, total, fr, used)
				}
			}
		}
	}
	for i := range d.locals.Items {
		lq := &d.locals.Items[i]
		key := client.ObjectKeyFromObject(lq)
		said := counts{lq.Status.PendingWorkloads, lq.Status.ReservingWorkloads, lq.Status.AdmittedWorkloads}
		if said != ofLocal[key] {
			d.say("LocalQueue %s says %+v workloads, but there are %+v", key, said, ofLocal[key])
		}
		for _, f := range lq.Status.FlavorsReservation {
			for _, r := range f.Resources {
				fr := oracle.FlavorResource{Flavor: string(f.Name), Resource: string(r.Name)}
				if total := amount(r.Name, r.Total); total != localUsage[key][fr] {
					d.say("LocalQueue %s says that it uses %d of %v, but it is %d", key, total, fr, localUsage[key][fr])
				}
			}
		}
	}
}

// waitsForTime says whether a workload is not in its queue for the time being.
func waitsForTime(wl *v1beta1.Workload) bool { return withheld(wl) == oracle.OnHold }

// charged is what is charged of an assignment: reclaimable pods are free.
func charged(wl *v1beta1.Workload, a *oracle.PodSetAssignment, resource string) int64 {
	left := a.Count
	for _, r := range wl.Status.ReclaimablePods {
		for _, ps := range wl.Spec.PodSets {
			if ps.Name == r.Name && string(ps.Name) == a.Name {
				left = min(left, int64(ps.Count-r.Count))
			}
		}
	}
	if left == a.Count || a.Count == 0 {
		return a.Usage[resource]
	}
	return a.Usage[resource] / a.Count * left
}

func activeCondition(conditions []metav1.Condition) string {
	for _, c := range conditions {
		if c.Type == v1beta1.ConditionActive {
			return string(c.Status)
		}
	}
	return ""
}

// unserved: the oracle, given this state, must find nothing to admit. A head
// of a StrictFIFO queue may hold quota by which others do not fit, since it
// acted before they came; so those whom a first pass admits are tried again
// when the holds of all others are in place. Workloads that came to fit by a
// rise of usage alone are not counted, since admissions wake nobody.
func (d *differences) unserved(options oracle.Options) error {
	rise := d.world.UnservedAfterRise()
	outcome := d.world.Apply(oracle.Decide{})
	d.waits = outcome.Waits
	for _, e := range outcome.Evicts {
		for _, victim := range e.Victims {
			d.say("Workload %s waits, but the oracle would preempt %s for it: %s", d.nameOf(e.Preemptor), d.nameOf(victim.UID), victim.Reason)
		}
	}
	later := map[oracle.UID]bool{}
	for _, a := range outcome.Admits {
		if !slices.Contains(rise, a.UID) {
			later[a.UID] = true
		}
	}
	if len(later) == 0 {
		return nil
	}
	world, err := d.state.world(options, later)
	if err != nil {
		return err
	}
	world.Apply(oracle.Decide{})
	for _, wl := range d.live() {
		if !later[oracle.UID(wl.UID)] {
			continue
		}
		podSets, err := podSetsOf(wl)
		if err != nil {
			return err
		}
		world.Apply(oracle.SetWorkload{Workload: workload(wl, podSets)})
	}
	for _, a := range world.Apply(oracle.Decide{}).Admits {
		if later[a.UID] {
			d.say("Workload %s waits, but the oracle would admit it: %+v", d.nameOf(a.UID), a.Admission.PodSets)
		}
	}
	return nil
}

// heldBackOnce: a Job that takes fewer pods too may have been held back in a
// StrictFIFO queue when a smaller size of it fitted. When that fits no longer
// nobody wakes it: it says so at the next fall of usage.
func heldBackOnce(wl *v1beta1.Workload, said string, now oracle.Reason) bool {
	partial := slices.ContainsFunc(wl.Spec.PodSets, func(ps v1beta1.PodSet) bool { return ps.MinCount != nil })
	return partial && said == string(oracle.WaitingForQuota) && now == oracle.ExceedsMaxQuota
}

// reasons: what a waiting Workload says must be what the oracle says.
func (d *differences) reasons() {
	for _, w := range d.waits {
		for i := range d.workloads.Items {
			wl := &d.workloads.Items[i]
			if string(wl.UID) != string(w.UID) || time.Since(wl.CreationTimestamp.Time) < 10*time.Second {
				continue
			}
			c := condition(wl, v1beta1.WorkloadQuotaReserved)
			if c != nil && heldBackOnce(wl, c.Reason, w.Reason) {
				continue
			}
			if c == nil || c.Reason != string(w.Reason) {
				said := "nothing"
				if c != nil {
					said = c.Reason + ": " + c.Message
				}
				d.say("Workload %s/%s waits for reason %s, but says %s", wl.Namespace, wl.Name, w.Reason, said)
			}
		}
	}
}
