package chaos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// always edits an object until nobody else has edited it in between. One that
// has gone needs no repair.
func always[T client.Object](ctx context.Context, c client.Client, obj T, change func(T)) error {
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error { return edit(ctx, c, obj, change) })
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("repair %T %s: %w", obj, client.ObjectKeyFromObject(obj), err)
	}
	return nil
}

// repair resumes what is stopped, makes again what is gone and breaks cycles,
// but leaves quotas, trees and weights as chaos has made them. Jobs that
// cannot run whatever the quotas are deleted.
func repair(ctx context.Context, admin client.Client) error {
	for _, step := range []func(context.Context, client.Client) error{letGo, remake, closeAll} {
		if err := step(ctx, admin); err != nil {
			return err
		}
	}
	s, err := listAll(ctx, admin)
	if err != nil {
		return err
	}
	for i := range s.queues.Items {
		err = errors.Join(err, always(ctx, admin, &s.queues.Items[i], func(cq *v1beta1.ClusterQueue) {
			cq.Spec.StopPolicy = v1beta1.StopPolicyNone
		}))
	}
	for i := range s.locals.Items {
		err = errors.Join(err, always(ctx, admin, &s.locals.Items[i], func(lq *v1beta1.LocalQueue) {
			lq.Spec.StopPolicy = v1beta1.StopPolicyNone
		}))
	}
	for name := range cyclic(s.cohorts.Items) {
		c := &v1beta1.Cohort{ObjectMeta: metav1.ObjectMeta{Name: name}}
		err = errors.Join(err, always(ctx, admin, c, func(c *v1beta1.Cohort) {
			c.Spec.ParentName = ""
			alone(c.Spec.ResourceGroups)
		}))
	}
	for i := range s.jobs.Items {
		j := &s.jobs.Items[i]
		_, queued := j.Labels[v1beta1.QueueLabel]
		// Without pods to run, or held in no queue, it would never end.
		stranded := !queued && j.Spec.Suspend != nil && *j.Spec.Suspend || j.Spec.Parallelism != nil && *j.Spec.Parallelism == 0
		if _, is := j.Labels[hopelessLabel]; is || stranded {
			gone := admin.Delete(ctx, j, client.PropagationPolicy(metav1.DeletePropagationBackground))
			err = errors.Join(err, client.IgnoreNotFound(gone))
		}
	}
	return err
}

// letGo frees what is being deleted but still in use: ClusterQueues are
// drained, flavors taken out of the queues and Cohorts that list them.
func letGo(ctx context.Context, admin client.Client) error {
	s, err := listAll(ctx, admin)
	if err != nil {
		return err
	}
	going := map[v1beta1.ResourceFlavorReference]bool{}
	for i := range s.flavors.Items {
		if f := &s.flavors.Items[i]; f.DeletionTimestamp != nil {
			going[v1beta1.ResourceFlavorReference(f.Name)] = true
		}
	}
	for i := range s.queues.Items {
		err = errors.Join(err, always(ctx, admin, &s.queues.Items[i], func(cq *v1beta1.ClusterQueue) {
			if cq.Spec.ResourceGroups = without(cq.Spec.ResourceGroups, going); cq.DeletionTimestamp != nil {
				cq.Spec.StopPolicy = v1beta1.StopPolicyHoldAndDrain
			}
		}))
	}
	for i := range s.cohorts.Items {
		err = errors.Join(err, always(ctx, admin, &s.cohorts.Items[i], func(c *v1beta1.Cohort) {
			c.Spec.ResourceGroups = without(c.Spec.ResourceGroups, going)
		}))
	}
	return err
}

// without leaves flavors out.
func without(groups []v1beta1.ResourceGroup, going map[v1beta1.ResourceFlavorReference]bool) []v1beta1.ResourceGroup {
	var left []v1beta1.ResourceGroup
	for _, g := range groups {
		g.Flavors = slices.DeleteFunc(g.Flavors, func(f v1beta1.FlavorQuotas) bool { return going[f.Name] })
		if len(g.Flavors) > 0 {
			left = append(left, g)
		}
	}
	return left
}

func closeAll(ctx context.Context, admin client.Client) error { return closeNodes(ctx, admin, true) }

// remake creates what of the site is gone, once its deletion is over.
func remake(ctx context.Context, admin client.Client) error {
	var objects []client.Object
	for _, name := range flavors {
		objects = append(objects, flavor(name))
	}
	for _, name := range classes {
		objects = append(objects, &v1beta1.WorkloadPriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	for _, name := range cohorts {
		objects = append(objects, baseCohort(name))
	}
	for _, name := range clusterQueues {
		objects = append(objects, baseQueue(name))
	}
	for i, tenant := range tenants {
		objects = append(objects, localQueues(i, tenant)...)
	}
	for _, object := range objects {
		last := errors.New("never tried")
		err := wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
			there := object.DeepCopyObject().(client.Object)
			last = admin.Get(ctx, client.ObjectKeyFromObject(object), there)
			switch {
			case apierrors.IsNotFound(last):
				if last = admin.Create(ctx, object.DeepCopyObject().(client.Object)); last == nil || apierrors.IsAlreadyExists(last) {
					return last == nil, nil
				}
				return false, last
			case last == nil && there.GetDeletionTimestamp() != nil:
				last = fmt.Errorf("it is still being deleted, finalizers %v", there.GetFinalizers())
				return false, nil
			}
			return last == nil, last
		})
		if err != nil {
			return fmt.Errorf("make %T %s again: %w: %w", object, client.ObjectKeyFromObject(object), err, last)
		}
	}
	return nil
}

// cyclic lists the Cohorts that are part of a cycle.
func cyclic(all []v1beta1.Cohort) map[string]bool {
	parent := map[string]string{}
	for i := range all {
		parent[all[i].Name] = string(all[i].Spec.ParentName)
	}
	found := map[string]bool{}
	for name := range parent {
		at := parent[name]
		for range all {
			if at == name {
				found[name] = true
			}
			at = parent[at]
		}
	}
	return found
}

// closeNodes cordons all nodes, or opens them again. While they are closed new
// pods wait, so that no Job ends and the state can come to rest.
func closeNodes(ctx context.Context, admin client.Client, closed bool) error {
	list := &corev1.NodeList{}
	if err := admin.List(ctx, list); err != nil {
		return err
	}
	for i := range list.Items {
		if err := cordon(ctx, admin, list.Items[i].Name, closed); err != nil {
			return err
		}
	}
	return nil
}

// wave submits as many Jobs again as make sure that some are admitted and some
// have to wait, whatever quotas chaos has left.
func wave(ctx context.Context, admin client.Client, a *actor) error {
	for _, tenant := range tenants {
		for k := range 12 {
			j := newJob(fmt.Sprintf("wave%02d", k), tenant, shape{parallelism: int32(a.between(1, 6)), cpu: pick(a, []string{"1", "2", "4"}),
				memory: pick(a, []string{"1Gi", "2Gi"}), duration: time.Second, queue: fmt.Sprintf("q%d", k%3)})
			completions := *j.Spec.Parallelism
			j.Spec.Completions = &completions
			if err := admin.Create(ctx, j); err != nil {
				return err
			}
		}
	}
	return nil
}

// noRunningPods waits until no pod runs any more: those that were running when
// the nodes were closed have ended.
func noRunningPods(ctx context.Context, admin client.Client) error {
	left := 0
	err := wait.PollUntilContextTimeout(ctx, 500*time.Millisecond, 90*time.Second, true, func(ctx context.Context) (bool, error) {
		list := &corev1.PodList{}
		if err := admin.List(ctx, list); err != nil {
			return false, err
		}
		left = 0
		for i := range list.Items {
			if p := &list.Items[i]; p.Spec.NodeName != "" && (p.Status.Phase == corev1.PodRunning || p.Status.Phase == corev1.PodPending) {
				left++
			}
		}
		return left == 0, nil
	})
	if err != nil {
		return fmt.Errorf("%d pods still run on closed nodes: %w", left, err)
	}
	return nil
}

// release gives everybody what it needs.
func release(ctx context.Context, admin client.Client) error {
	s, err := listAll(ctx, admin)
	if err != nil {
		return err
	}
	for i := range s.queues.Items {
		err = errors.Join(err, always(ctx, admin, &s.queues.Items[i], func(cq *v1beta1.ClusterQueue) {
			cq.Spec.NamespaceSelector = &metav1.LabelSelector{}
			cq.Spec.ResourceGroups = plainGroups("1000", "1000Gi")
			cq.Spec.ResourceGroups[1].Flavors[0].Resources[0].NominalQuota = resource.MustParse("1000")
		}))
	}
	for i := range s.workloads.Items {
		if wl := &s.workloads.Items[i]; !wl.IsActive() {
			yes := true
			err = errors.Join(err, always(ctx, admin, wl, func(wl *v1beta1.Workload) { wl.Spec.Active = &yes }))
		}
	}
	return errors.Join(err, closeNodes(ctx, admin, false))
}

// unfinished lists Jobs that have not ended.
func unfinished(ctx context.Context, admin client.Client) ([]string, error) {
	s, err := listAll(ctx, admin)
	if err != nil {
		return nil, err
	}
	var left []string
	for i := range s.jobs.Items {
		j := &s.jobs.Items[i]
		if jobEnded(j) {
			continue
		}
		line := fmt.Sprintf("Job %s/%s: suspended %t, active %d", j.Namespace, j.Name, j.Spec.Suspend != nil && *j.Spec.Suspend, j.Status.Active)
		if wl, err := workloadOf(ctx, admin, j); err == nil && wl != nil {
			if outOfTime(j, wl) {
				continue
			}
			for _, c := range wl.Status.Conditions {
				line += fmt.Sprintf("; %s=%s %s: %s", c.Type, c.Status, c.Reason, c.Message)
			}
		} else {
			line += "; no Workload"
		}
		left = append(left, line)
	}
	return left, nil
}

// outOfTime says whether a Job has run for as long as it may, over all attempts:
// its Workload is deactivated for good, whoever activates it again, and holds
// nothing.
func outOfTime(j *batchv1.Job, wl *v1beta1.Workload) bool {
	c := meta.FindStatusCondition(wl.Status.Conditions, v1beta1.WorkloadEvicted)
	return c != nil && c.Status == metav1.ConditionTrue &&
		c.Reason == v1beta1.EvictedDeactivatedDueToPrefix+v1beta1.DeactivatedMaximumExecutionTimeExceeded &&
		j.Status.Active == 0 && admission(wl) == nil
}

// empty deletes all Jobs and all namespaces that actors made, and waits until
// nothing is left of them.
func empty(ctx context.Context, admin client.Client) error {
	s, err := listAll(ctx, admin)
	if err != nil {
		return err
	}
	for i := range s.namespaces.Items {
		ns := &s.namespaces.Items[i]
		if _, ours := ns.Labels[tierLabel]; !ours {
			continue
		}
		var gone error
		if isTenant(ns.Name) {
			gone = admin.DeleteAllOf(ctx, &batchv1.Job{}, client.InNamespace(ns.Name), client.PropagationPolicy(metav1.DeletePropagationBackground))
		} else {
			gone = admin.Delete(ctx, ns)
		}
		err = errors.Join(err, client.IgnoreNotFound(gone))
	}
	if err != nil {
		return err
	}
	return nothingLeft(ctx, admin, func(s *state) []string {
		var left []string
		for i := range s.workloads.Items {
			wl := &s.workloads.Items[i]
			left = append(left, fmt.Sprintf("Workload %s/%s, owners %v, finalizers %v", wl.Namespace, wl.Name, wl.OwnerReferences, wl.Finalizers))
		}
		for i := range s.jobs.Items {
			j := &s.jobs.Items[i]
			left = append(left, fmt.Sprintf("Job %s/%s, finalizers %v", j.Namespace, j.Name, j.Finalizers))
		}
		for i := range s.namespaces.Items {
			if ns := &s.namespaces.Items[i]; ns.Labels[tierLabel] != "" && !isTenant(ns.Name) {
				left = append(left, "Namespace "+ns.Name)
			}
		}
		return left
	})
}

func isTenant(name string) bool {
	for _, tenant := range tenants {
		if tenant == name {
			return true
		}
	}
	return false
}

// nothingLeft waits until a list of what is left is empty.
func nothingLeft(ctx context.Context, admin client.Client, of func(*state) []string) error {
	var left []string
	err := wait.PollUntilContextTimeout(ctx, time.Second, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		s, err := listAll(ctx, admin)
		if err != nil {
			return false, err
		}
		left = of(s)
		return len(left) == 0, nil
	})
	if err != nil {
		return fmt.Errorf("%d objects are left, among them %q: %w", len(left), left[:min(len(left), 5)], err)
	}
	return nil
}

// dismantle deletes the site and waits until the last object is gone, so that
// no finalizer is left anywhere.
func dismantle(ctx context.Context, admin client.Client) error {
	var err error
	for _, tenant := range tenants {
		err = errors.Join(err, admin.DeleteAllOf(ctx, &v1beta1.LocalQueue{}, client.InNamespace(tenant)))
	}
	for _, example := range []client.Object{&v1beta1.ResourceFlavor{}, &v1beta1.ClusterQueue{}, &v1beta1.Cohort{}, &v1beta1.WorkloadPriorityClass{}} {
		err = errors.Join(err, admin.DeleteAllOf(ctx, example))
	}
	if err != nil {
		return err
	}
	return nothingLeft(ctx, admin, func(s *state) []string {
		var left []string
		note := func(obj client.Object) {
			left = append(left, fmt.Sprintf("%T %s, finalizers %v", obj, obj.GetName(), obj.GetFinalizers()))
		}
		for i := range s.flavors.Items {
			note(&s.flavors.Items[i])
		}
		for i := range s.queues.Items {
			note(&s.queues.Items[i])
		}
		for i := range s.cohorts.Items {
			note(&s.cohorts.Items[i])
		}
		for i := range s.locals.Items {
			note(&s.locals.Items[i])
		}
		return left
	})
}
