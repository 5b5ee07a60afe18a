package oracle

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// posed makes a random small tree with at most MostCandidates holders of quota and one preemptor, "p" in queue q0, and
// poses its problem; nil if it fits, or never could.
func posed(g *generator, fair bool) (*World, *Problem) {
	s := New(Options{FairSharing: fair, Preemption: true, Judge: func(s *World, e Evict) []string {
		return append(append(s.CheckEvict(e), s.WithinNominal(e)...), s.WeightZeroFirst(e)...)
	}})
	s.Apply(SetFlavor{Flavor{Name: "f"}})
	resources := []string{"cpu", "memory"}[:1+g.IntN(2)]
	quota := func(most int) []ResourceGroup {
		fq := FlavorQuotas{"f", map[string]Quota{}}
		for _, r := range resources {
			fq.Resources[r] = Quota{Nominal: int64(g.IntN(most)), BorrowingLimit: g.limit(12), LendingLimit: g.limit(12)}
		}
		return []ResourceGroup{{resources, []FlavorQuotas{fq}}}
	}
	cohorts := 1 + g.IntN(4)
	for i := range cohorts {
		c := Cohort{Name: fmt.Sprint("c", i), WeightMilli: g.weight()}
		if g.oneIn(2) {
			c.Groups = quota(6)
		}
		if i > 0 {
			c.Parent = fmt.Sprint("c", g.IntN(i))
		}
		s.Apply(SetCohort{c})
	}
	queues := 2 + g.IntN(4)
	for i := range queues {
		s.Apply(SetClusterQueue{ClusterQueue{Name: fmt.Sprint("q", i), Cohort: fmt.Sprint("c", g.IntN(cohorts)), Groups: quota(9),
			NamespaceSelector: &Selector{}, Preemption: g.preemption(), WeightMilli: g.weight()}})
		s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: fmt.Sprint("q", i), ClusterQueue: fmt.Sprint("q", i)}})
	}
	requests := func(most int) map[string]int64 {
		m := map[string]int64{}
		for _, r := range resources {
			m[r] = int64(g.IntN(most))
		}
		return m
	}
	over, most := g.oneIn(10), []int{3, 3, 4, 6}[g.IntN(4)] // over: more is used than fits, as after a quota cut
	for i := range MostCandidates {
		w := Workload{UID: UID(fmt.Sprint("v", i)), Namespace: "ns", LocalQueue: fmt.Sprint("q", g.IntN(queues)), Active: true,
			Priority: int64(g.IntN(3)), QueueTime: int64(g.IntN(20)), ReservedAt: int64(g.IntN(8)), Evicted: g.oneIn(12),
			PodSets: []PodSet{{Name: "main", Count: 1, Requests: requests(most)}}}
		found(w.LocalQueue, "f")(&w)
		use := map[FlavorResource]int64{}
		for r, n := range w.PodSets[0].Requests {
			use[FlavorResource{"f", r}] = n
		}
		if !over && !s.Fits(w.LocalQueue, use) {
			continue
		}
		s.Apply(SetWorkload{w})
	}
	ask := requests(8)
	s.Apply(SetWorkload{Workload{UID: "p", Namespace: "ns", LocalQueue: "q0", Active: true, Priority: int64(1 + g.IntN(3)), QueueTime: 10,
		PodSets: []PodSet{{Name: "main", Count: 1, Requests: ask}}}})
	request := map[FlavorResource]int64{}
	for r, n := range ask {
		if n > s.Potential(QueueNode("q0"), FlavorResource{"f", r}) {
			return s, nil
		}
		request[FlavorResource{"f", r}] = n
	}
	p := s.Problem("p", request)
	if len(p.p.short) == 0 {
		return s, nil
	}
	return s, p
}

// TestExceptions compares the procedure with brute force over all sets of candidates: whatever it finds is feasible, legal
// and minimal, and where there is a plan it finds one, but for the exceptions, which are rare.
func TestExceptions(t *testing.T) {
	for _, fair := range []bool{false, true} {
		cases := 1500 * *scale
		posedCases, found, exceptions := 0, 0, map[Exception]int{}
		for seed := range uint64(cases) {
			g := &generator{Rand: rand.New(rand.NewPCG(seed, 7))}
			_, p := posed(g, fair)
			if p == nil {
				continue
			}
			posedCases++
			victims, ok := p.Procedure()
			if ok && len(victims) > 0 {
				found++
			}
			var uids []UID
			for _, v := range victims {
				uids = append(uids, v.UID)
			}
			e := p.Exception()
			exceptions[e]++
			best, exists := p.BruteForce()
			switch {
			case ok && (!p.Feasible(uids) || len(p.Illegal(uids)) > 0 || !exists):
				t.Fatalf("fair %v, seed %d: %v is wrong: %v", fair, seed, victims, p.Illegal(uids))
			case e == "" && ok != exists, e == "" && !p.Minimal(uids):
				t.Fatalf("fair %v, seed %d: %v, %v, but brute force has %v, %v", fair, seed, victims, ok, best, exists)
			}
		}
		t.Logf("fair %v: %d cases, something short in %d, %d plans with victims, exceptions %v",
			fair, cases, posedCases, found, exceptions)
		// Measured with -scale 27: 0.47 % without fair sharing, 0.96 % with it. The 10 are for small samples.
		if found < posedCases/5 || posedCases-exceptions[""] > posedCases/100+10 || exceptions[NotMinimal] > 0 {
			t.Errorf("too few plans, or too many exceptions")
		}
	}
}
