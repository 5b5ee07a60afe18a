package translate

import (
	"time"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/quota"
)

// terminating is why a queue that is being deleted admits nothing.
const terminating = v1beta1.ClusterQueueTerminating

// ClusterQueue translates a ClusterQueue.
func ClusterQueue(cq *v1beta1.ClusterQueue) admission.SetClusterQueue {
	spec := &cq.Spec
	out := admission.ClusterQueue{
		Name:        cq.Name,
		Cohort:      string(spec.CohortName),
		Groups:      resourceGroups(spec.ResourceGroups),
		Strategy:    admission.QueueingStrategy(spec.QueueingStrategy),
		Stop:        stopPolicy(spec.StopPolicy),
		WeightMilli: weightMilli(spec.FairSharing),
		Namespaces:  LabelSelector(spec.NamespaceSelector),
	}
	if f := spec.FlavorFungibility; f != nil {
		out.Fungibility = admission.Fungibility{
			WhenCanBorrow:  admission.FungibilityPolicy(f.WhenCanBorrow),
			WhenCanPreempt: admission.FungibilityPolicy(f.WhenCanPreempt),
			Preference:     admission.FungibilityPreference(f.Preference),
		}
	}
	if p := spec.Preemption; p != nil {
		out.Preemption = admission.Preemption{
			WithinClusterQueue:  string(p.WithinClusterQueue),
			ReclaimWithinCohort: string(p.ReclaimWithinCohort),
		}
		if b := p.BorrowWithinCohort; b != nil {
			out.Preemption.BorrowWithinCohort = string(b.Policy)
			out.Preemption.MaxPriorityThreshold = b.MaxPriorityThreshold
		}
	}
	if spec.MinimumRuntimeSeconds != nil {
		out.MinimumRuntime = *spec.MinimumRuntimeSeconds
	}
	out.Backfill = backfill(spec.Backfill)
	if cq.DeletionTimestamp != nil {
		out.Inactive = terminating
	}
	return admission.SetClusterQueue{ClusterQueue: out}
}

// Cohort translates a Cohort.
func Cohort(c *v1beta1.Cohort) admission.SetCohort {
	return admission.SetCohort{Cohort: admission.Cohort{
		Name:        c.Name,
		Parent:      string(c.Spec.ParentName),
		Groups:      resourceGroups(c.Spec.ResourceGroups),
		WeightMilli: weightMilli(c.Spec.FairSharing),
		Backfill:    backfill(c.Spec.Backfill),
	}}
}

// backfill translates the way in which workloads are planned, nil if nothing is
// said.
func backfill(b *v1beta1.Backfill) *admission.Backfill {
	if b == nil {
		return nil
	}
	out := &admission.Backfill{
		Mode:              admission.BackfillMode(b.Mode),
		BorrowingDepth:    b.BorrowingDepth,
		BackfillUnlimited: b.AllowUnlimited,
	}
	if b.Depth != nil {
		out.Depth = *b.Depth
	}
	if assumed := b.AssumedExecutionTimeSeconds; assumed != nil {
		out.DefaultLimit = int64(*assumed) * int64(time.Second)
	}
	return out
}

// Flavor translates a ResourceFlavor.
func Flavor(f *v1beta1.ResourceFlavor) admission.SetFlavor {
	return admission.SetFlavor{Flavor: admission.Flavor{
		Name:        f.Name,
		NodeLabels:  f.Spec.NodeLabels,
		Taints:      taints(f.Spec.NodeTaints),
		Tolerations: tolerations(f.Spec.Tolerations),
	}}
}

// LocalQueue translates a LocalQueue.
func LocalQueue(lq *v1beta1.LocalQueue) admission.SetLocalQueue {
	return admission.SetLocalQueue{LocalQueue: admission.LocalQueue{
		Namespace:    lq.Namespace,
		Name:         lq.Name,
		ClusterQueue: string(lq.Spec.ClusterQueue),
		Stop:         stopPolicy(lq.Spec.StopPolicy),
		WeightMilli:  weightMilli(lq.Spec.FairSharing),
	}}
}

// Namespace translates a namespace.
func Namespace(name string, labels map[string]string) admission.SetNamespace {
	return admission.SetNamespace{Name: name, Labels: labels}
}

func resourceGroups(groups []v1beta1.ResourceGroup) []admission.ResourceGroup {
	out := make([]admission.ResourceGroup, 0, len(groups))
	for _, g := range groups {
		group := admission.ResourceGroup{}
		for _, name := range g.CoveredResources {
			group.Resources = append(group.Resources, string(name))
		}
		for _, f := range g.Flavors {
			group.Flavors = append(group.Flavors, flavorQuotas(f))
		}
		out = append(out, group)
	}
	return out
}

func flavorQuotas(f v1beta1.FlavorQuotas) admission.FlavorQuotas {
	out := admission.FlavorQuotas{Flavor: string(f.Name)}
	for _, r := range f.Resources {
		q := admission.ResourceQuota{Resource: string(r.Name), Nominal: Limit(r.Name, r.NominalQuota)}
		if r.BorrowingLimit != nil {
			q.BorrowingLimit = limit(Limit(r.Name, *r.BorrowingLimit))
		}
		if r.LendingLimit != nil {
			q.LendingLimit = limit(Limit(r.Name, *r.LendingLimit))
		}
		out.Quotas = append(out.Quotas, q)
	}
	return out
}

// limit returns nil for an unlimited one.
func limit(amount quota.Amount) *quota.Amount {
	if amount == quota.Unlimited {
		return nil
	}
	return &amount
}

func stopPolicy(p v1beta1.StopPolicy) admission.StopPolicy {
	return admission.StopPolicy(p)
}

// weightMilli is the weight in thousandths; unset means 1, negative 0.
func weightMilli(f *v1beta1.FairSharing) int64 {
	if f == nil || f.Weight == nil {
		return 1000
	}
	if f.Weight.Sign() < 0 {
		return 0
	}
	return f.Weight.MilliValue()
}
