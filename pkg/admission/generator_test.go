package admission

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"fairlead.dev/fairlead/pkg/quota"
)

// Sizes of the worlds that the generators make: small enough that names
// collide, queues fill and heads overtake each other all the time.
const (
	cohortNames = 5
	queueNames  = 6
	flavorNames = 3
	uids        = 40
	manyUIDs    = 400
)

// draw makes random objects and counts what has been made.
type draw struct {
	t    *rapid.T
	seen *features
	time int64
	// lenient worlds have no StrictFIFO queues: nothing is held in them.
	lenient bool
	// flat worlds have no Cohort below another.
	flat bool
	// plain worlds are what most sites have: flat and lenient, without lending
	// limits or anything else that a ranking does not know.
	plain bool
	// mixed worlds have workloads of two pod sets although they are plain.
	mixed bool
	// busy worlds have little in them that could never be admitted.
	busy bool
	// preempting worlds have policies of preemption.
	preempting bool
	// planning worlds have backfill.
	planning bool
	// known is the number of ClusterQueues that workloads mostly go to.
	known int
}

// features counts the cases that had something worth having.
type features struct {
	planning, planned, windows, conflicts                                                      int
	cases, lenient, flat, ranked, depth3, lending, borrowing, twoFlavors, weight0, cutBelowUse int
	strict, holds, cycles, admissions, waits                                                   int
	preempting, evictions, victims                                                             int
}

func (s *features) report(t *testing.T) {
	t.Logf("%+v", *s)
}

// n is a number below limit. (Drawn from a longer range, since rapid prefers
// small numbers and these are mere choices.)
func (d *draw) n(limit int, label string) int {
	return rapid.IntRange(0, 64*limit-1).Draw(d.t, label) % limit
}

// oneIn is true once in n times, and false in the simplest case.
func (d *draw) oneIn(n int, label string) bool {
	return d.n(n, label) == n-1
}

func (d *draw) cohortName() string {
	if d.flat {
		return fmt.Sprint("c", d.n(9, "cohort")/8)
	}
	return fmt.Sprint("c", d.n(cohortNames, "cohort"))
}

func (d *draw) queueName() string  { return fmt.Sprint("q", d.n(queueNames, "queue")) }
func (d *draw) flavorName() string { return fmt.Sprint("f", d.n(flavorNames, "flavor")) }
func (d *draw) namespace() string  { return fmt.Sprint("n", d.n(16, "namespace")/15) }

func (d *draw) limit(label string) *quota.Amount {
	if d.plain && label == "lending" || !d.oneIn(4, label) {
		return nil
	}
	l := quota.Amount(d.n(6, "limit"))
	return &l
}

func (d *draw) quota(resource string, most int) ResourceQuota {
	r := ResourceQuota{
		Resource: resource, Nominal: quota.Amount(d.n(most, "nominal")),
		BorrowingLimit: d.limit("borrowing"), LendingLimit: d.limit("lending"),
	}
	if !d.plain && !d.planning && d.oneIn(60, "unlimited") {
		r.Nominal = quota.Unlimited
	}
	return r
}

// groups draws one resource group of cpu and memory in up to three flavors,
// and now and then a second one, and pods.
func (d *draw) groups(most int) []ResourceGroup {
	first := ResourceGroup{Resources: []string{"cpu", "memory"}}
	if !d.plain && d.oneIn(8, "pods") {
		first.Resources = append(first.Resources, "pods")
	}
	for f := range flavorNames {
		if len(first.Flavors) > 0 && d.oneIn(2, "skip flavor") {
			continue
		}
		fq := FlavorQuotas{Flavor: fmt.Sprint("f", f)}
		for _, r := range first.Resources {
			fq.Quotas = append(fq.Quotas, d.quota(r, most))
		}
		first.Flavors = append(first.Flavors, fq)
	}
	if len(first.Flavors) > 1 && d.oneIn(3, "swap") {
		first.Flavors[0], first.Flavors[1] = first.Flavors[1], first.Flavors[0]
	}
	groups := []ResourceGroup{first}
	if d.oneIn(4, "second group") {
		groups = append(groups, ResourceGroup{Resources: []string{"gpu"}, Flavors: []FlavorQuotas{
			{Flavor: "f0", Quotas: []ResourceQuota{d.quota("gpu", most)}},
			{Flavor: "f1", Quotas: []ResourceQuota{d.quota("gpu", most)}},
		}[:1+d.n(2, "gpu flavors")]})
	}
	return groups
}

func (d *draw) weight() int64 {
	return []int64{1000, 1000, 0, 500, 3000}[d.n(5, "weight")]
}

func (d *draw) clusterQueue(name string) ClusterQueue {
	cq := ClusterQueue{Name: name, Namespaces: &Selector{}, Groups: d.groups(12), WeightMilli: d.weight()}
	if !d.oneIn(8, "alone") {
		cq.Cohort = d.cohortName()
	}
	if !d.lenient && d.oneIn(3, "strict") {
		cq.Strategy = StrictFIFO
	}
	if !d.plain && d.oneIn(3, "when can borrow") {
		cq.Fungibility.WhenCanBorrow = TryNextFlavor
	}
	if d.oneIn(4, "preference") {
		cq.Fungibility.Preference = PreemptionOverBorrowing
	}
	if d.oneIn(25, "stop") {
		cq.Stop = StopHold
	}
	if d.oneIn(40, "terminating") {
		cq.Inactive = "Terminating"
	}
	if d.oneIn(5, "selector") {
		cq.Namespaces = &Selector{Requirements: []Requirement{{Key: "team", Operator: "In", Values: []string{"a"}}}}
	}
	cq.Backfill = d.backfill()
	if d.plain {
		return cq
	}
	policies := []string{"Never", "", "LowerPriority", "Any"}
	cq.Preemption.ReclaimWithinCohort = policies[d.n(4, "reclaim")]
	cq.Preemption.BorrowWithinCohort = policies[d.n(12, "borrow within")/4]
	if d.preempting {
		d.policies(&cq)
	}
	return cq
}

// policies lets most queues preempt.
func (d *draw) policies(cq *ClusterQueue) {
	p := &cq.Preemption
	p.WithinClusterQueue = []string{"Never", "LowerPriority", "LowerOrNewerEqualPriority"}[d.n(3, "within")]
	p.ReclaimWithinCohort = []string{"Never", "LowerPriority", "Any", "Any"}[d.n(4, "reclaim more")]
	if d.oneIn(3, "threshold") {
		t := int32(d.n(3, "threshold priority"))
		p.MaxPriorityThreshold = &t
	}
	if d.oneIn(3, "when can preempt") {
		cq.Fungibility.WhenCanPreempt = MayStopSearch
	}
	if d.oneIn(5, "minimum runtime of queue") {
		cq.MinimumRuntime = int64(1 + d.n(6, "queue seconds"))
	}
}

const second int64 = 1_000_000_000

func (d *draw) cohort(name string) Cohort {
	c := Cohort{Name: name, Groups: d.groups(5), WeightMilli: d.weight()}
	if d.oneIn(3, "no quota") {
		c.Groups = nil
	}
	c.Backfill = d.backfill()
	// Mostly a tree: parents have lower numbers; now and then anything.
	if i := int(name[1] - '0'); d.flat {
		return c
	} else if d.oneIn(40, "any parent") {
		c.Parent = d.cohortName()
	} else if i > 0 && !d.oneIn(4, "root") {
		c.Parent = fmt.Sprint("c", d.n(i, "parent"))
	}
	return c
}

// backfill is how a queue, or a Cohort, plans in worlds in which some do.
func (d *draw) backfill() *Backfill {
	if !d.planning {
		return nil
	}
	b := &Backfill{
		Mode:  []BackfillMode{BackfillEASY, BackfillEASY, BackfillConservative, BackfillNone, BackfillNone}[d.n(5, "mode")],
		Depth: int32(d.n(4, "depth")), DefaultLimit: second * int64(1+d.n(6, "default")), BackfillUnlimited: d.oneIn(3, "trust default"),
	}
	if d.oneIn(3, "borrowing depth") {
		depth := int32(d.n(3, "how deep"))
		b.BorrowingDepth = &depth
	}
	return b
}

func (d *draw) flavor(name string) Flavor {
	f := Flavor{Name: name}
	if d.oneIn(2, "zone") {
		f.NodeLabels = map[string]string{"zone": fmt.Sprint("z", d.n(2, "zone name"))}
	}
	if d.oneIn(6, "taint") {
		f.Taints = []Taint{{Key: "special", Value: "yes", Effect: "NoSchedule"}}
	}
	if d.oneIn(12, "flavor tolerates") {
		f.Tolerations = []Toleration{{Key: "special", Operator: "Exists"}}
	}
	return f
}

func (d *draw) localQueue(name string) LocalQueue {
	l := LocalQueue{Namespace: d.namespace(), Name: name, ClusterQueue: name}
	if d.oneIn(12, "stop local") {
		l.Stop = StopHoldAndDrain
	}
	if d.oneIn(12, "elsewhere") {
		l.ClusterQueue = fmt.Sprint("q", d.n(queueNames+1, "target"))
	}
	return l
}

func (d *draw) podSet(name string) PodSet {
	p := PodSet{Name: name, Count: int32(1 + d.n(4, "count"))}
	p.Requests = append(p.Requests, quota.ResourceAmount{Resource: "cpu", Amount: []quota.Amount{1, 2, 3, 4, 1, 0}[d.n(6, "cpu")]})
	if !d.plain && d.oneIn(8, "gpu") {
		p.Requests = append(p.Requests, quota.ResourceAmount{Resource: "gpu", Amount: 1})
	}
	if d.oneIn(3, "memory") {
		p.Requests = append(p.Requests, quota.ResourceAmount{Resource: "memory", Amount: quota.Amount(d.n(3, "memory amount"))})
	}
	if !d.plain && d.oneIn(100, "huge") {
		// Beyond what can be counted, or so large that the sum still can be:
		// what happens at the edge between is for quota's own tests.
		p.Count = int32(1 + d.n(2, "huge count"))
		p.Requests[0].Amount = []quota.Amount{1 << 56, quota.Unlimited - 1}[p.Count-1]
		return p
	}
	if !d.plain && d.oneIn(8, "partial") {
		p.MinCount = 1
	}
	if d.oneIn(10, "reclaimable") {
		p.Reclaimable = int32(d.n(int(p.Count)+1, "reclaimed"))
	}
	if d.busy {
		p.Count = int32(1 + d.n(2, "small count"))
		p.Reclaimable = 0
		return p
	}
	switch d.n(8, "where") {
	case 7:
		p.NodeSelector = map[string]string{"zone": fmt.Sprint("z", d.n(2, "selected zone"))}
	case 6:
		p.Affinity = []Selector{{Requirements: []Requirement{{Key: "zone", Operator: "NotIn", Values: []string{"z0"}}}}}
	case 5:
		p.Tolerations = []Toleration{{Key: "special", Operator: "Equal", Value: "yes"}}
	}
	return p
}

func (d *draw) workload(uid string) Workload {
	d.time++
	w := Workload{
		UID: uid, Namespace: d.namespace(), Name: uid, Queue: fmt.Sprint("q", d.n(max(1, d.known), "queue")),
		Priority: int32(d.n(3, "priority")), QueueTime: d.time / 2,
	}
	sets := 1 + d.n(6, "pod sets")/5
	if d.plain && !d.mixed {
		sets = 1
	}
	for p := range sets {
		w.PodSets = append(w.PodSets, d.podSet(fmt.Sprint("p", p)))
	}
	if d.planning && !d.oneIn(4, "no limit") {
		w.Limit = second * int64(1+d.n(8, "run-time limit"))
	}
	if d.preempting && d.oneIn(6, "minimum runtime") {
		w.MinimumRuntime = int64(1 + d.n(6, "seconds"))
	}
	if d.busy {
		w.Namespace = "n0"
		return w
	}
	w.Inactive = d.oneIn(25, "inactive")
	if d.oneIn(25, "misconfigured") {
		w.Misconfigured = "requests exceed limits"
	}
	return w
}

// admission draws an admission that somebody else might have written.
func (d *draw) admission(w *Workload) *Assignment {
	a := &Assignment{ClusterQueue: fmt.Sprint("q", d.n(queueNames+1, "admitted to"))}
	known := flavorNames + 1
	if d.planning {
		known = flavorNames
	}
	for i := range w.PodSets {
		p := &w.PodSets[i]
		psa := PodSetAssignment{Name: p.Name, Count: p.Count}
		for _, r := range p.Requests {
			amount, exact := quota.Times(r.Amount, int64(p.Count))
			if !exact || amount > 1000 {
				amount = 1000
			}
			psa.Flavors = append(psa.Flavors, ResourceFlavorName{Resource: r.Resource, Flavor: fmt.Sprint("f", d.n(known, "found flavor"))})
			psa.Usage = append(psa.Usage, quota.ResourceAmount{Resource: r.Resource, Amount: amount})
		}
		a.PodSets = append(a.PodSets, psa)
	}
	return a
}
