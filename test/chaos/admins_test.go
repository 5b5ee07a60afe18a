package chaos

import (
	"context"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// administrator edits quotas, trees and queues, acting under the shipped role.
type administrator struct{ *actor }

func (a *administrator) play(ctx context.Context, mean time.Duration) {
	a.run(ctx, mean, []way{
		{20, a.requota},
		{12, a.tweak},
		{8, a.stop},
		{6, a.resume},
		{6, a.weigh},
		{8, a.moveQueue},
		{6, a.moveCohort},
		{4, a.requotaCohort},
		{4, a.strategy},
		{6, a.preempt},
		{3, a.deleteWorkload},
		{2, a.remakeCohort},
		{3, a.select_},
		{3, a.mistake},
		{5, a.revalue},
		{4, a.stopLocal},
	})
}

func (a *administrator) queue(ctx context.Context, what string, change func(*v1beta1.ClusterQueue)) {
	cq := &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: pick(a.actor, clusterQueues)}}
	_ = a.act(ctx, what, cq.Name, may, func(ctx context.Context) error { return edit(ctx, a.client, cq, change) })
}

func (a *administrator) cohort(ctx context.Context, what string, change func(*v1beta1.Cohort)) {
	c := &v1beta1.Cohort{ObjectMeta: metav1.ObjectMeta{Name: pick(a.actor, cohorts)}}
	_ = a.act(ctx, what, c.Name, may, func(ctx context.Context) error { return edit(ctx, a.client, c, change) })
}

// limits draws limits for a quota of so many units.
func (a *actor) limits(q *v1beta1.ResourceQuota, nominal int, unit string) {
	amount := func(n int) *resource.Quantity {
		quantity := resource.MustParse(strconv.Itoa(n) + unit)
		return &quantity
	}
	q.NominalQuota = *amount(nominal)
	if a.chance(35) {
		q.BorrowingLimit = amount(a.between(0, 8))
	}
	if a.chance(35) {
		q.LendingLimit = amount(a.between(0, nominal))
	}
}

// groups draws quotas. Some leave a flavor out, some also cover pods.
func (a *actor) groups(most int) []v1beta1.ResourceGroup {
	group := v1beta1.ResourceGroup{CoveredResources: []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory}}
	if a.chance(25) {
		group.CoveredResources = append(group.CoveredResources, corev1.ResourcePods)
	}
	for _, at := range a.random.Perm(len(flavors))[:a.between(1, len(flavors))] {
		quotas := v1beta1.FlavorQuotas{Name: v1beta1.ResourceFlavorReference(flavors[at])}
		for _, name := range group.CoveredResources {
			q, unit := v1beta1.ResourceQuota{Name: name}, ""
			if name == corev1.ResourceMemory {
				unit = "Gi"
			}
			a.limits(&q, a.between(0, most), unit)
			quotas.Resources = append(quotas.Resources, q)
		}
		group.Flavors = append(group.Flavors, quotas)
	}
	all := []v1beta1.ResourceGroup{group}
	if a.chance(60) {
		q := v1beta1.ResourceQuota{Name: gpu}
		a.limits(&q, a.between(0, 4), "")
		all = append(all, v1beta1.ResourceGroup{CoveredResources: []corev1.ResourceName{gpu},
			Flavors: []v1beta1.FlavorQuotas{{Name: "gpu", Resources: []v1beta1.ResourceQuota{q}}}})
	}
	return all
}

// alone takes limits away where there is nobody to borrow from.
func alone(groups []v1beta1.ResourceGroup) {
	for g := range groups {
		for f := range groups[g].Flavors {
			for r := range groups[g].Flavors[f].Resources {
				q := &groups[g].Flavors[f].Resources[r]
				q.BorrowingLimit, q.LendingLimit = nil, nil
			}
		}
	}
}

func (a *administrator) requota(ctx context.Context) {
	groups := a.groups(16)
	a.queue(ctx, "new quotas", func(cq *v1beta1.ClusterQueue) {
		if cq.Spec.ResourceGroups = groups; cq.Spec.CohortName == "" {
			alone(groups)
		}
	})
}

func (a *administrator) tweak(ctx context.Context) {
	amount := resource.MustParse(strconv.Itoa(a.between(0, 20)))
	a.queue(ctx, "another nominal quota", func(cq *v1beta1.ClusterQueue) {
		for g := range cq.Spec.ResourceGroups[:min(1, len(cq.Spec.ResourceGroups))] {
			q := &cq.Spec.ResourceGroups[g].Flavors[0].Resources[0]
			if q.NominalQuota = amount; q.LendingLimit != nil && q.LendingLimit.Cmp(amount) > 0 {
				q.LendingLimit = &amount
			}
		}
	})
}

func (a *administrator) stop(ctx context.Context) {
	policy := pick(a.actor, []v1beta1.StopPolicy{v1beta1.StopPolicyHold, v1beta1.StopPolicyHoldAndDrain})
	a.queue(ctx, "stopPolicy "+string(policy), func(cq *v1beta1.ClusterQueue) { cq.Spec.StopPolicy = policy })
}

// resume resumes all queues, so that the run does not come to a standstill.
func (a *administrator) resume(ctx context.Context) {
	for _, name := range clusterQueues {
		cq := &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: name}}
		_ = a.act(ctx, "stopPolicy None", name, may, func(ctx context.Context) error {
			return edit(ctx, a.client, cq, func(cq *v1beta1.ClusterQueue) { cq.Spec.StopPolicy = v1beta1.StopPolicyNone })
		})
	}
}

func (a *administrator) weigh(ctx context.Context) {
	weight := resource.MustParse(pick(a.actor, []string{"0", "500m", "1", "2", "3"}))
	if a.chance(70) {
		a.queue(ctx, "another weight", func(cq *v1beta1.ClusterQueue) { cq.Spec.FairSharing = &v1beta1.FairSharing{Weight: &weight} })
		return
	}
	a.cohort(ctx, "another weight of a Cohort", func(c *v1beta1.Cohort) { c.Spec.FairSharing = &v1beta1.FairSharing{Weight: &weight} })
}

func (a *administrator) moveQueue(ctx context.Context) {
	to := pick(a.actor, append([]string{"", "unmade-" + strconv.Itoa(a.random.IntN(2))}, cohorts...))
	a.queue(ctx, "move to another Cohort", func(cq *v1beta1.ClusterQueue) {
		if cq.Spec.CohortName = v1beta1.CohortReference(to); to == "" {
			alone(cq.Spec.ResourceGroups)
		}
	})
}

// moveCohort makes and breaks cycles too.
func (a *administrator) moveCohort(ctx context.Context) {
	to := pick(a.actor, append([]string{""}, cohorts...))
	a.cohort(ctx, "move a Cohort", func(c *v1beta1.Cohort) {
		if to == c.Name {
			to = ""
		}
		if c.Spec.ParentName = v1beta1.CohortReference(to); to == "" {
			alone(c.Spec.ResourceGroups)
		}
	})
	if a.chance(50) { // soon mended
		a.cohort(ctx, "make a Cohort a root", func(c *v1beta1.Cohort) {
			c.Spec.ParentName = ""
			alone(c.Spec.ResourceGroups)
		})
	}
}

func (a *administrator) requotaCohort(ctx context.Context) {
	groups := a.groups(6)
	if a.chance(40) {
		groups = nil
	}
	a.cohort(ctx, "new quotas of a Cohort", func(c *v1beta1.Cohort) {
		if c.Spec.ResourceGroups = groups; c.Spec.ParentName == "" {
			alone(groups)
		}
	})
}

func (a *administrator) strategy(ctx context.Context) {
	strategy := pick(a.actor, []v1beta1.QueueingStrategy{v1beta1.StrictFIFO, v1beta1.BestEffortFIFO})
	fungibility := &v1beta1.FlavorFungibility{WhenCanBorrow: pick(a.actor, []v1beta1.FlavorFungibilityPolicy{v1beta1.MayStopSearch, v1beta1.TryNextFlavor})}
	a.queue(ctx, "another strategy", func(cq *v1beta1.ClusterQueue) {
		cq.Spec.QueueingStrategy, cq.Spec.FlavorFungibility = strategy, fungibility
	})
}

// deleteWorkload deletes one of the Workloads that there are. A Job that runs
// has to be adopted then, one that waits to be queued again.
func (a *administrator) deleteWorkload(ctx context.Context) {
	namespace, at := pick(a.actor, tenants), a.random.Float64()
	_ = a.act(ctx, "delete a Workload", namespace, may, func(ctx context.Context) error {
		list := &v1beta1.WorkloadList{}
		if err := a.client.List(ctx, list, client.InNamespace(namespace)); err != nil || len(list.Items) == 0 {
			return err
		}
		return a.client.Delete(ctx, &list.Items[int(at*float64(len(list.Items)))])
	})
}

func (a *administrator) preempt(ctx context.Context) {
	policies := &v1beta1.ClusterQueuePreemption{
		WithinClusterQueue: pick(a.actor, []v1beta1.WithinClusterQueuePolicy{
			v1beta1.WithinNever, v1beta1.WithinLowerPriority, v1beta1.WithinLowerOrNewerEqualPriority}),
		ReclaimWithinCohort: pick(a.actor, []v1beta1.ReclaimWithinCohortPolicy{
			v1beta1.ReclaimNever, v1beta1.ReclaimLowerPriority, v1beta1.ReclaimAny}),
	}
	if policies.ReclaimWithinCohort != v1beta1.ReclaimNever && a.chance(40) {
		policies.BorrowWithinCohort = &v1beta1.BorrowWithinCohort{Policy: v1beta1.BorrowLowerPriority}
		if a.chance(50) {
			threshold := int32(a.between(-50, 50))
			policies.BorrowWithinCohort.MaxPriorityThreshold = &threshold
		}
	}
	a.queue(ctx, "other preemption policies", func(cq *v1beta1.ClusterQueue) { cq.Spec.Preemption = policies })
}

func (a *administrator) remakeCohort(ctx context.Context) {
	name := pick(a.actor, cohorts)
	_ = a.act(ctx, "delete a Cohort", name, may, func(ctx context.Context) error {
		return a.client.Delete(ctx, &v1beta1.Cohort{ObjectMeta: metav1.ObjectMeta{Name: name}})
	})
	if !a.pause(ctx, time.Second) {
		return
	}
	_ = a.act(ctx, "create a Cohort", name, may, func(ctx context.Context) error { return a.client.Create(ctx, baseCohort(name)) })
}

func (a *administrator) select_(ctx context.Context) {
	selector := &metav1.LabelSelector{}
	if a.chance(30) {
		selector.MatchLabels = map[string]string{tierLabel: pick(a.actor, []string{"one", "two"})}
	}
	a.queue(ctx, "another namespaceSelector", func(cq *v1beta1.ClusterQueue) { cq.Spec.NamespaceSelector = selector })
}

// mistake writes what has to be refused.
func (a *administrator) mistake(ctx context.Context) {
	name := pick(a.actor, clusterQueues)
	wrong := pick(a.actor, []struct {
		what   string
		change func(*v1beta1.ClusterQueue)
	}{
		{"a negative quota", func(cq *v1beta1.ClusterQueue) {
			cq.Spec.ResourceGroups = plainGroups("-1", "1Gi")
		}},
		{"a flavor twice", func(cq *v1beta1.ClusterQueue) {
			cq.Spec.ResourceGroups = plainGroups("1", "1Gi")
			cq.Spec.ResourceGroups[1].Flavors[0].Name = "fast"
		}},
		{"lending more than there is", func(cq *v1beta1.ClusterQueue) {
			cq.Spec.ResourceGroups = plainGroups("1", "1Gi")
			much := resource.MustParse("2")
			cq.Spec.CohortName = "site"
			cq.Spec.ResourceGroups[0].Flavors[0].Resources[0].LendingLimit = &much
		}},
		{"no such strategy", func(cq *v1beta1.ClusterQueue) { cq.Spec.QueueingStrategy = "Lottery" }},
	})
	cq := &v1beta1.ClusterQueue{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_ = a.act(ctx, "write "+wrong.what, name, mustNot, func(ctx context.Context) error { return edit(ctx, a.client, cq, wrong.change) })
}

func (a *administrator) revalue(ctx context.Context) {
	name, value := pick(a.actor, classes), int32(a.between(-100, 100))
	class := &v1beta1.WorkloadPriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_ = a.act(ctx, "another priority value", name, may, func(ctx context.Context) error {
		return edit(ctx, a.client, class, func(c *v1beta1.WorkloadPriorityClass) { c.Value = value })
	})
}

// stopLocal stops a LocalQueue, or lets it go on.
func (a *administrator) stopLocal(ctx context.Context) {
	policy := pick(a.actor, []v1beta1.StopPolicy{v1beta1.StopPolicyHold, v1beta1.StopPolicyHoldAndDrain, v1beta1.StopPolicyNone, v1beta1.StopPolicyNone})
	lq := &v1beta1.LocalQueue{ObjectMeta: metav1.ObjectMeta{Namespace: pick(a.actor, tenants), Name: "q" + strconv.Itoa(a.random.IntN(3))}}
	_ = a.act(ctx, "stopPolicy "+string(policy)+" of a LocalQueue", lq.Namespace+"/"+lq.Name, may, func(ctx context.Context) error {
		return edit(ctx, a.client, lq, func(lq *v1beta1.LocalQueue) { lq.Spec.StopPolicy = policy })
	})
}

// builder makes and unmakes whole objects: queues, flavors, classes and
// namespaces. It acts as the cluster's administrator, since the shipped roles
// do not make namespaces.
type builder struct {
	*actor
	made      int
	temporary []string // namespaces
}

func (b *builder) play(ctx context.Context, mean time.Duration) {
	b.run(ctx, mean, []way{
		{8, b.newNamespace},
		{8, b.dropNamespace},
		{4, b.remakeQueue},
		{4, b.remakeLocalQueue},
		{3, b.remakeFlavor},
		{4, b.editFlavor},
		{3, b.remakeClass},
		{4, b.relabelNamespace},
		{12, b.mend},
	})
}

func (b *builder) create(ctx context.Context, what string, obj client.Object) {
	_ = b.act(ctx, "create "+what, client.ObjectKeyFromObject(obj).String(), may, func(ctx context.Context) error { return b.client.Create(ctx, obj) })
}

func (b *builder) remove(ctx context.Context, what string, obj client.Object) {
	_ = b.act(ctx, "delete "+what, client.ObjectKeyFromObject(obj).String(), may, func(ctx context.Context) error { return b.client.Delete(ctx, obj) })
}

// newNamespace makes a namespace with a queue and some Jobs in it.
func (b *builder) newNamespace(ctx context.Context) {
	name := fmt.Sprintf("pop-%03d", b.made)
	b.made++
	b.create(ctx, "a namespace", namespace(name))
	for k := range 3 {
		b.create(ctx, "a LocalQueue", localQueue(name, fmt.Sprintf("q%d", k), pick(b.actor, clusterQueues)))
	}
	for k := range b.between(1, 6) {
		j, kind := drawJob(b.actor, fmt.Sprintf("p%d", k), name)
		if kind.expects == mustNot {
			continue // who may do everything may do that
		}
		b.create(ctx, "a Job in a new namespace", j)
	}
	b.temporary = append(b.temporary, name)
}

func (b *builder) dropNamespace(ctx context.Context) {
	if len(b.temporary) == 0 {
		return
	}
	at := b.random.IntN(len(b.temporary))
	name := b.temporary[at]
	b.temporary = append(b.temporary[:at], b.temporary[at+1:]...)
	b.remove(ctx, "a namespace", &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
}

// remake deletes an object and, after a while, creates it again. While the
// deletion waits for somebody's work the creation is refused; the end of the
// run makes up for that.
func (b *builder) remake(ctx context.Context, what string, object func() client.Object) {
	b.remove(ctx, what, object())
	if b.pause(ctx, 1500*time.Millisecond) {
		b.create(ctx, what, object())
	}
}

// mend makes again what is missing, so that there is always something to edit:
// a deletion that waited for somebody's work may be long over.
func (b *builder) mend(ctx context.Context) {
	var missing []client.Object
	for _, name := range flavors {
		missing = append(missing, flavor(name))
	}
	for _, name := range clusterQueues {
		missing = append(missing, baseQueue(name))
	}
	for i, tenant := range tenants {
		missing = append(missing, localQueues(i, tenant)...)
	}
	_ = b.act(ctx, "make again what is missing", "", may, func(ctx context.Context) error {
		for _, object := range missing {
			if err := b.client.Create(ctx, object); err != nil && !apierrors.IsAlreadyExists(err) {
				return err
			}
		}
		return nil
	})
}

func (b *builder) remakeQueue(ctx context.Context) {
	name := pick(b.actor, clusterQueues)
	b.remake(ctx, "a ClusterQueue", func() client.Object { return baseQueue(name) })
}

func (b *builder) remakeLocalQueue(ctx context.Context) {
	i, k := b.random.IntN(len(tenants)), b.random.IntN(3)
	target := pick(b.actor, clusterQueues)
	b.remake(ctx, "a LocalQueue", func() client.Object { return localQueue(tenants[i], fmt.Sprintf("q%d", k), target) })
}

func (b *builder) remakeFlavor(ctx context.Context) {
	name := pick(b.actor, flavors)
	b.remake(ctx, "a ResourceFlavor", func() client.Object { return flavor(name) })
}

// editFlavor changes labels and tolerations within what the nodes have.
func (b *builder) editFlavor(ctx context.Context) {
	name, zoned, tolerant := pick(b.actor, flavors), b.chance(50), b.chance(50)
	f := &v1beta1.ResourceFlavor{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_ = b.act(ctx, "edit a ResourceFlavor", name, may, func(ctx context.Context) error {
		return edit(ctx, b.client, f, func(f *v1beta1.ResourceFlavor) {
			f.Spec.NodeLabels = map[string]string{kindLabel: name}
			if zoned {
				f.Spec.NodeLabels[zoneLabel] = "a"
			}
			if f.Spec.Tolerations = nil; tolerant {
				f.Spec.Tolerations = []corev1.Toleration{{Key: kindLabel, Operator: corev1.TolerationOpExists}}
			}
		})
	})
}

func (b *builder) remakeClass(ctx context.Context) {
	name, value := pick(b.actor, classes), int32(b.between(-100, 100))
	b.remake(ctx, "a WorkloadPriorityClass", func() client.Object {
		return &v1beta1.WorkloadPriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value}
	})
}

func (b *builder) relabelNamespace(ctx context.Context) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: pick(b.actor, tenants)}}
	tier := pick(b.actor, []string{"one", "one", "two"})
	_ = b.act(ctx, "label a namespace", ns.Name, may, func(ctx context.Context) error {
		return edit(ctx, b.client, ns, func(ns *corev1.Namespace) { ns.Labels[tierLabel] = tier })
	})
}
