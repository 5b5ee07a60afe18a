package admission

import (
	"fairlead.dev/fairlead/internal/oracle"
)

// These functions say the engine's events in the oracle's words.

func oracleGroups(groups []ResourceGroup) []oracle.ResourceGroup {
	var out []oracle.ResourceGroup
	for _, g := range groups {
		og := oracle.ResourceGroup{Covered: g.Resources}
		for _, f := range g.Flavors {
			of := oracle.FlavorQuotas{Name: f.Flavor, Resources: map[string]oracle.Quota{}}
			for _, r := range f.Quotas {
				of.Resources[r.Resource] = oracle.Quota{Nominal: r.Nominal, BorrowingLimit: r.BorrowingLimit, LendingLimit: r.LendingLimit}
			}
			og.Flavors = append(og.Flavors, of)
		}
		out = append(out, og)
	}
	return out
}

func oracleRequirements(list []Requirement) []oracle.Requirement {
	out := []oracle.Requirement{}
	for _, r := range list {
		out = append(out, oracle.Requirement{Key: r.Key, Operator: r.Operator, Values: r.Values})
	}
	return out
}

func oracleQueue(cq ClusterQueue) oracle.ClusterQueue {
	out := oracle.ClusterQueue{
		Name: cq.Name, Cohort: cq.Cohort, Groups: oracleGroups(cq.Groups),
		Strategy: oracle.Strategy(cq.Strategy),
		Fungibility: oracle.Fungibility{
			WhenCanBorrow:  oracle.FungibilityPolicy(cq.Fungibility.WhenCanBorrow),
			WhenCanPreempt: oracle.FungibilityPolicy(cq.Fungibility.WhenCanPreempt),
			Preference:     oracle.Preference(cq.Fungibility.Preference),
		},
		Preemption: oracle.Preemption{
			WithinClusterQueue:  oracle.PreemptionPolicy(cq.Preemption.WithinClusterQueue),
			ReclaimWithinCohort: oracle.PreemptionPolicy(cq.Preemption.ReclaimWithinCohort),
			BorrowWithinCohort:  oracle.PreemptionPolicy(cq.Preemption.BorrowWithinCohort),
		},
		MinimumRuntime: cq.MinimumRuntime * second,
		Backfill:       oracleBackfill(cq.Backfill),
		WeightMilli:    &cq.WeightMilli, Stop: oracle.StopPolicy(cq.Stop), Terminating: cq.Inactive != "",
	}
	if t := cq.Preemption.MaxPriorityThreshold; t != nil {
		threshold := int64(*t)
		out.Preemption.MaxPriorityThreshold = &threshold
	}
	if cq.Namespaces != nil {
		out.NamespaceSelector = &oracle.Selector{Expressions: oracleRequirements(cq.Namespaces.Requirements)}
	}
	return out
}

func oracleCohort(c Cohort) oracle.Cohort {
	return oracle.Cohort{Name: c.Name, Parent: c.Parent, Groups: oracleGroups(c.Groups), WeightMilli: &c.WeightMilli, Backfill: oracleBackfill(c.Backfill)}
}

func oracleBackfill(b *Backfill) oracle.Backfill {
	if b == nil {
		return oracle.Backfill{}
	}
	out := oracle.Backfill{
		Mode: oracle.BackfillMode(b.Mode), Depth: int(b.Depth), DefaultLimit: b.DefaultLimit, Unlimited: b.BackfillUnlimited,
	}
	if b.BorrowingDepth != nil {
		depth := int(*b.BorrowingDepth)
		out.BorrowingDepth = &depth
	}
	return out
}

func oracleFlavor(f Flavor) oracle.Flavor {
	out := oracle.Flavor{Name: f.Name, NodeLabels: f.NodeLabels}
	for _, t := range f.Taints {
		out.NodeTaints = append(out.NodeTaints, oracle.Taint(t))
	}
	for _, t := range f.Tolerations {
		out.Tolerations = append(out.Tolerations, oracle.Toleration(t))
	}
	return out
}

func oracleWorkload(w Workload, now int64) oracle.Workload {
	out := oracle.Workload{
		UID: oracle.UID(w.UID), Namespace: w.Namespace, LocalQueue: w.Queue,
		Priority: int64(w.Priority), QueueTime: w.QueueTime, Active: !w.Inactive,
		Evicted: w.Evicted, Misconfigured: w.Misconfigured,
		ReservedAt: w.ReservedAt, AdmittedAt: w.AdmittedAt, MinimumRuntime: w.MinimumRuntime * second,
		Limit: w.Limit, Started: w.Started,
	}
	if w.NotBefore > now {
		out.Withheld = oracle.PendingEvaluation
	}
	for _, p := range w.PodSets {
		op := oracle.PodSet{
			Name: p.Name, Count: int64(p.Count), Requests: map[string]int64{},
			NodeSelector: p.NodeSelector, Reclaimable: int64(p.Reclaimable),
		}
		if p.MinCount > 0 {
			least := int64(p.MinCount)
			op.MinCount = &least
		}
		for _, r := range p.Requests {
			op.Requests[r.Resource] = r.Amount
		}
		for _, t := range p.Affinity {
			op.Affinity = append(op.Affinity, oracleRequirements(t.Requirements))
		}
		for _, t := range p.Tolerations {
			op.Tolerations = append(op.Tolerations, oracle.Toleration(t))
		}
		out.PodSets = append(out.PodSets, op)
	}
	if w.Admission != nil {
		a := oracleAdmission(*w.Admission)
		a.Reserved = w.ReservedAt != 0 && w.AdmittedAt == 0
		out.Admission = &a
	}
	return out
}

func oracleAdmission(a Assignment) oracle.Admission {
	out := oracle.Admission{ClusterQueue: a.ClusterQueue}
	for _, p := range a.PodSets {
		op := oracle.PodSetAssignment{Name: p.Name, Count: int64(p.Count), Flavors: map[string]string{}, Usage: map[string]int64{}}
		for _, f := range p.Flavors {
			op.Flavors[f.Resource] = f.Flavor
		}
		for _, u := range p.Usage {
			op.Usage[u.Resource] = u.Amount
		}
		out.PodSets = append(out.PodSets, op)
	}
	return out
}
