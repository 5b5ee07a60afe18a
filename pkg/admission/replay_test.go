package admission

import (
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"
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
