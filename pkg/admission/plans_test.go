package admission

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"fairlead.dev/fairlead/internal/oracle"
	"fairlead.dev/fairlead/pkg/quota"
)

// TestPlans lets one workload that does not fit look for victims among at most
// twelve, and holds what the engine finds against brute force over all sets of
// them: a plan is feasible, legal for each victim in the end, and minimal, and
// where there is one the engine finds one. Exceptions are those that the oracle
// names and finds in its own procedure too; they stay below 1 % of cases.
func TestPlans(t *testing.T) {
	t.Parallel()
	seen := &plansSeen{exceptions: map[oracle.Exception]int{}}
	rapid.Check(t, func(t *rapid.T) {
		m := bareMachine(t, &features{})
		m.config.FairSharing = rapid.Bool().Draw(t, "fair sharing")
		m.preempting, m.unwatched = true, true
		m.start()
		m.pose()
		m.solve(seen)
	})
	t.Logf("%+v", *seen)
	if seen.cases < 100 {
		return
	}
	exceptions := 0
	for _, n := range seen.exceptions {
		exceptions += n
	}
	if exceptions > seen.cases/100+10 { // the 10 are for small samples
		t.Errorf("%d exceptions in %d cases", exceptions, seen.cases)
	}
	if seen.found*5 < seen.cases || seen.fair*4 < seen.cases || seen.hopeless*10 < seen.cases {
		t.Errorf("too few plans, too few cases of fair sharing, or too few without a plan")
	}
}

// plansSeen counts cases by what they had; suffice are those in which the
// evicted are enough.
type plansSeen struct {
	cases, fair, found, victims, suffice, hopeless int
	exceptions                                     map[oracle.Exception]int
}

// pose makes a small tree with one flavor and one or two resources, at most
// twelve workloads that hold quota in it, and one that asks for some.
func (m *machine) pose() {
	m.setFlavor(Flavor{Name: "f0"})
	m.setNamespace("n0", nil)
	resources := []string{"cpu", "memory"}[:1+m.n(2, "resources")]
	groups := func(most int) []ResourceGroup {
		fq := FlavorQuotas{Flavor: "f0"}
		for _, r := range resources {
			fq.Quotas = append(fq.Quotas, ResourceQuota{
				Resource: r, Nominal: quota.Amount(m.n(most, "nominal")),
				BorrowingLimit: m.bound("borrowing"), LendingLimit: m.bound("lending"),
			})
		}
		return []ResourceGroup{{Resources: resources, Flavors: []FlavorQuotas{fq}}}
	}
	cohorts := 1 + m.n(4, "cohorts")
	for c := range cohorts {
		co := Cohort{Name: fmt.Sprint("c", c), WeightMilli: m.weight()}
		if m.oneIn(2, "quota of its own") {
			co.Groups = groups(6)
		}
		if c > 0 {
			co.Parent = fmt.Sprint("c", m.n(c, "parent"))
		}
		m.setCohort(co)
	}
	m.known = 2 + m.n(4, "queues")
	for q := range m.known {
		cq := ClusterQueue{
			Name: fmt.Sprint("q", q), Cohort: fmt.Sprint("c", m.n(cohorts, "cohort")), Groups: groups(9),
			Namespaces: &Selector{}, WeightMilli: m.weight(),
		}
		cq.Preemption.BorrowWithinCohort = []string{"Never", "Never", "LowerPriority"}[m.n(3, "borrow within")]
		m.policies(&cq)
		m.setQueue(cq)
		m.setLocal(LocalQueue{Namespace: "n0", Name: cq.Name, ClusterQueue: cq.Name})
	}
	over, most := m.oneIn(10, "over"), []int{3, 3, 4, 6}[m.n(4, "most")] // over: more is used than fits, as after a quota cut
	m.now += 20 * second
	m.oracle.Apply(oracle.Time{Now: m.now})
	for i := range oracle.MostCandidates {
		m.holder(fmt.Sprintf("v%02d", i), resources, most, over)
	}
	m.set(Workload{
		UID: "p", Namespace: "n0", Name: "p", Queue: "q0", Priority: int32(1 + m.n(3, "priority")), QueueTime: 10,
		PodSets: []PodSet{m.asks(resources, 8)},
	})
}

func (m *machine) bound(label string) *quota.Amount {
	if !m.oneIn(3, label) {
		return nil
	}
	l := quota.Amount(m.n(12, "limit"))
	return &l
}

func (m *machine) asks(resources []string, most int) PodSet {
	p := PodSet{Name: "main", Count: 1}
	for _, r := range resources {
		p.Requests = append(p.Requests, quota.ResourceAmount{Resource: r, Amount: quota.Amount(m.n(most, r))})
	}
	return p
}

// holder makes a workload that runs, if there is room for it.
func (m *machine) holder(uid string, resources []string, most int, over bool) {
	w := Workload{
		UID: uid, Namespace: "n0", Name: uid, Queue: fmt.Sprint("q", m.n(m.known, "queue")),
		Priority: int32(m.n(3, "priority")), QueueTime: int64(m.n(20, "queued")),
		PodSets: []PodSet{m.asks(resources, most)}, Evicted: m.oneIn(12, "evicted"),
	}
	if m.oneIn(8, "minimum runtime") {
		w.MinimumRuntime = int64(1 + m.n(20, "seconds"))
	}
	w.ReservedAt = second * int64(1+m.n(8, "reserved"))
	w.AdmittedAt = w.ReservedAt
	a := PodSetAssignment{Name: "main", Count: 1, Usage: w.PodSets[0].Requests}
	use := map[oracle.FlavorResource]int64{}
	for _, r := range w.PodSets[0].Requests {
		a.Flavors = append(a.Flavors, ResourceFlavorName{Resource: r.Resource, Flavor: "f0"})
		use[oracle.FlavorResource{Flavor: "f0", Resource: r.Resource}] = r.Amount
	}
	if !over && !m.oracle.Fits(w.Queue, use) {
		return
	}
	w.Admission = &Assignment{ClusterQueue: w.Queue, PodSets: []PodSetAssignment{a}}
	m.set(w)
}

// solve lets the engine look for victims and judges what it has found, and
// what it has not. A case is one in which something is short and victims may be
// looked for at all.
func (m *machine) solve(seen *plansSeen) {
	request := m.oracle.Request("p")
	if request == nil {
		m.t.Skip("it never could")
	}
	problem := m.oracle.Problem("p", request)
	if len(problem.Short()) == 0 {
		m.t.Skip("it fits")
	}
	decisions := m.engine.Step(m.now, Decide{})
	var plan *Evict
	var victims []oracle.UID
	for _, d := range decisions {
		m.t.Logf("engine: %s", Line(d))
		if d, ok := d.(Evict); ok {
			plan = &d
			for _, v := range d.Victims {
				victims = append(victims, oracle.UID(v.UID))
			}
		}
	}
	best, exists := problem.BruteForce()
	exception := problem.Exception()
	if plan != nil {
		if !problem.Feasible(victims) || !exists {
			m.t.Fatalf("the plan is not enough: %s; brute force %v", Line(*plan), best)
		}
		if wrong := problem.Illegal(victims); len(wrong) > 0 {
			m.t.Fatalf("the plan is not legal: %v", wrong)
		}
		if exception == "" && !problem.Minimal(victims) {
			m.t.Fatalf("not all victims are needed: %s; brute force %v", Line(*plan), best)
		}
	} else if exception == "" && exists {
		m.t.Fatalf("no plan, but brute force has %v", best)
	}
	if exception == oracle.NotMinimal {
		m.t.Fatalf("a plan that is not minimal, for no reason that has a name")
	}
	m.compareDecisions(decisions, m.oracle.Apply(oracle.Decide{}))
	m.compareState()
	if wrong := m.oracle.IllegalPlans(); len(wrong) > 0 {
		m.t.Fatalf("illegal preemptions: %v", wrong)
	}
	seen.note(m, plan, exception)
}

func (s *plansSeen) note(m *machine, plan *Evict, exception oracle.Exception) {
	s.cases++
	if m.config.FairSharing {
		s.fair++
	}
	switch {
	case plan == nil:
		s.hopeless++
	case len(plan.Victims) == 0:
		s.suffice++
	default:
		s.found++
		s.victims += len(plan.Victims)
	}
	if exception != "" {
		s.exceptions[exception]++
	}
}
