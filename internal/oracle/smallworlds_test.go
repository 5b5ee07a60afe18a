package oracle

import (
	"fmt"
	"sort"
	"testing"
)

// TestSmallWorldsUnderPreemption: the laws of the plan along histories of three workloads of two ClusterQueues with nominal quotas 2 and 1
// that may preempt each other, with and without fair sharing, beside no window, one for nobody and one for a LocalQueue. All such
// histories with -scale 1001, else as large a part.
func TestSmallWorldsUnderPreemption(t *testing.T) {
	type choice struct{ queue, cpu, limit, runs, at, priority int64 }
	var choices []choice
	for i := range int64(2 * 3 * 3 * 2 * 2) {
		c := choice{queue: i % 2, cpu: 1 + i/2%3, limit: 1 + 2*(min(i/6%3, 1)), at: i / 18 % 2, priority: i / 36}
		if c.runs = c.limit; i/6%3 == 2 {
			c.runs = 1 // of 3
		}
		choices = append(choices, c)
	}
	lower := Preemption{WithinClusterQueue: LowerPriority}
	both := Preemption{WithinClusterQueue: LowerPriority, ReclaimWithinCohort: AnyPriority}
	policies := [][2]Preemption{{lower, lower}, {both, {}}, {lower, both}, {both, both},
		{{ReclaimWithinCohort: LowerPriority, BorrowWithinCohort: LowerPriority}, {WithinClusterQueue: LowerOrNewerEqualPriority}}}
	windows := []*Reservation{nil, {Name: "w", Node: QueueNode("A"), Amounts: cpu("f", 1), Start: 3, Duration: 2},
		{Name: "w", Node: QueueNode("B"), Amounts: cpu("f", 1), Start: 3, Duration: 2, LocalQueues: [][2]string{{"ns", "B"}}},
		{Name: "w", Node: CohortNode("c"), ShareMilli: 500, Start: 4, Duration: 2}}
	n, cases, promised := len(choices), 0, 0
	for i := 0; i < n*n*n; i += max(1, 1001 / *scale) {
		three := []choice{choices[i%n], choices[i/n%n], choices[i/n/n]}
		for k := range len(policies) * 2 {
			s := New(Options{Overrun: 1, Slack: 1, Preemption: true, HeadsLeaveHolds: true, HoldersKeep: k%2 == 0, LimitlessBehind: true,
				FairSharing: k/2%2 == 0, Judge: (*World).CheckEvict})
			s.Apply(SetFlavor{Flavor{Name: "f"}})
			for q, name := range []string{"A", "B"} {
				b := []Backfill{easy(), {Mode: Conservative}, {Mode: BackfillNone}}[max(0, (cases+q)%4-1)]
				s.Apply(SetClusterQueue{ClusterQueue{Name: name, Cohort: "c", NamespaceSelector: &Selector{}, Preemption: policies[k/2][q], Backfill: b,
					Groups: cpuGroup(FlavorQuotas{"f", map[string]Quota{"cpu": {Nominal: int64(2 - q)}}})}})
				s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: name, ClusterQueue: name}})
			}
			if w := windows[cases/3%4]; w != nil {
				s.Apply(SetReservation{*w})
			}
			var arrivals []Arrival
			for j, c := range three {
				arrivals = append(arrivals, Arrival{At: 1 + c.at*int64(j), Runs: c.runs, Grace: int64(cases % 2), Workload: Workload{UID: UID(fmt.Sprint("w", j)),
					Namespace: "ns", LocalQueue: string(rune('A' + c.queue)), Active: true, QueueTime: 1 + c.at*int64(j), Limit: c.limit, Priority: c.priority,
					PodSets: []PodSet{{Name: "main", Count: 1, Requests: map[string]int64{"cpu": c.cpu}}}}})
			}
			sort.SliceStable(arrivals, func(i, j int) bool { return arrivals[i].At < arrivals[j].At })
			broken, found := lawful(s, arrivals, false)
			broken = append(broken, s.IllegalPlans()...)
			broken = append(broken, s.Conflicting()...)
			if promised += found; len(broken) > 0 {
				t.Fatalf("%d, %d: %+v: %v", i, k, three, broken)
			}
			cases++
		}
	}
	t.Logf("%d cases, %d reservations", cases, promised)
	if promised < cases/4 {
		t.Error("too tame")
	}
}
