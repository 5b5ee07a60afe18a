package admission

import (
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"fairlead.dev/fairlead/pkg/quota"
)

// TestReplays is law 6: twenty runs of the same events with GOMAXPROCS 1, and
// twenty with 4, give the same decision log to the byte.
func TestReplays(t *testing.T) {
	const stories, runs = 60, 20
	bytes, evictions := 0, 0
	for i := range stories {
		m := rapid.Custom(func(t *rapid.T) *machine {
			plans := nobodyPlans
			if i%6 < 2 {
				plans = somePlan
			}
			if i%2 == 0 {
				return story(t, &features{}, plans)
			}
			return busyStory(t, &features{}, plans)
		}).Example(i + 200) // some forty that preempt
		want := strings.Join(m.lines, "\n")
		bytes += len(want)
		evictions += m.seen.evictions
		for _, procs := range []int{1, 4} {
			was := runtime.GOMAXPROCS(procs)
			for run := range runs {
				if got := strings.Join(m.replay(), "\n"); got != want {
					t.Errorf("story %d, GOMAXPROCS %d, run %d: decision log\n%s\ninstead of\n%s", i, procs, run, got, want)
					break
				}
			}
			runtime.GOMAXPROCS(was)
		}
	}
	t.Logf("%d stories, %d runs with each GOMAXPROCS, %d bytes of decisions, %d preemptions", stories, runs, bytes, evictions)
	if bytes < 1000*stories || evictions < 10 {
		t.Error("the stories are too tame")
	}
}

// replay is the decision log of a new engine that is told what this one was.
func (m *machine) replay() []string {
	again := New(m.config)
	var lines []string
	for _, l := range m.log {
		for _, d := range again.Step(l.now, l.event) {
			lines = append(lines, Line(d))
		}
	}
	return lines
}

// checkReplay is law 6 once.
func (m *machine) checkReplay() {
	lines := m.replay()
	for i := range max(len(lines), len(m.lines)) {
		if i >= len(lines) || i >= len(m.lines) || lines[i] != m.lines[i] {
			m.t.Fatalf("law 6: replayed decisions differ from line %d of %d and %d on:\n%v\n%v",
				i, len(lines), len(m.lines), lines[min(i, len(lines)):], m.lines[min(i, len(m.lines)):])
		}
	}
}

// TestSnapshotsAreNotSeen asks for a Snapshot after each event, or for none: the
// decisions are the same, in the same order. Here a Workload is found admitted in
// a flavor that no queue lists, when the tree is there or before it is built.
func TestSnapshotsAreNotSeen(t *testing.T) {
	group := []ResourceGroup{{Resources: []string{"cpu"}, Flavors: []FlavorQuotas{{Flavor: "f", Quotas: []ResourceQuota{{Resource: "cpu", Nominal: 2}}}}}}
	workload := func(uid, queue string, priority int32, cores int64) *Workload {
		return &Workload{UID: uid, Namespace: "n", Name: uid, Queue: queue, Priority: priority, QueueTime: 1, PodSets: []PodSet{{
			Name: "main", Count: 1, Requests: []quota.ResourceAmount{{Resource: "cpu", Amount: cores}},
		}}}
	}
	admitted := func(uid, queue, flavor string) *Workload {
		w := workload(uid, queue, 0, 1)
		w.Admission = &Assignment{ClusterQueue: queue, PodSets: []PodSetAssignment{{
			Name: "main", Count: 1, Flavors: []ResourceFlavorName{{Resource: "cpu", Flavor: flavor}}, Usage: []quota.ResourceAmount{{Resource: "cpu", Amount: 1}},
		}}}
		return w
	}
	events := []Event{SetFlavor{Flavor{Name: "f"}}, SetNamespace{Name: "n"}}
	for _, q := range []string{"q0", "q1"} {
		events = append(events, SetClusterQueue{ClusterQueue{Name: q, Cohort: "c", Groups: group, Namespaces: &Selector{}, WeightMilli: 1000}},
			SetLocalQueue{LocalQueue{Namespace: "n", Name: q, ClusterQueue: q}})
	}
	events = append(events, SetWorkload{admitted("found", "q0", "other")}, SetWorkload{admitted("runs", "q0", "f")}, Decide{},
		SetWorkload{workload("low", "q0", 0, 9)}, SetWorkload{workload("high", "q1", 1, 9)}, SetWorkload{workload("fits", "q0", 2, 0)}, Finish{"runs"}, Decide{})
	var logs [2]string
	for i := range logs {
		e := New(Config{FairSharing: true})
		for _, ev := range events {
			for _, d := range e.Step(1, ev) {
				logs[i] += Line(d) + "\n"
			}
			if i == 1 {
				e.Snapshot()
			}
		}
	}
	if logs[0] != logs[1] || strings.Count(logs[0], "wait") != 2 {
		t.Errorf("without Snapshots\n%s\nwith\n%s", logs[0], logs[1])
	}
}
