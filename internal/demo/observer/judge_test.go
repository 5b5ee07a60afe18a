package observer

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func judgeLines(t *testing.T, rules *Rules, data []byte, manifest *Manifest) *Verdict {
	t.Helper()
	rec, err := ReadRecording(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return Judge(rules, rec, manifest)
}

func failed(v *Verdict) []string {
	var names []string
	for _, c := range v.Checks {
		if !c.Pass {
			names = append(names, c.Name)
		}
	}
	return names
}

func TestFairRunPasses(t *testing.T) {
	records, manifest := simulate(fair)
	v := judgeLines(t, demoRules(), lines(t, records), manifest)
	if !v.Pass {
		t.Fatalf("%s: %+v", v.Summary, v.Violations)
	}
	if len(v.Split) != 1 || v.Split[0].To-v.Split[0].From < 4 {
		t.Errorf("windows: %+v; want one of several seconds", v.Split)
	}
	if osg := v.Groups[1]; osg.PeakHeld != 100*Core || osg.Complete != 170 || osg.Submitted != 170 {
		t.Errorf("figures of osg: %+v; want a peak of 100 cores and 170 complete Jobs", osg)
	}
	if usatlas := v.Groups[0]; usatlas.Wait.Median <= 0 || usatlas.Wait.P95 < usatlas.Wait.Median || usatlas.Start.Median <= 0.08 {
		t.Errorf("figures of usatlas: %+v; want waits and start latencies", usatlas)
	}
	if v.Utilisation < 0.6 || v.Utilisation > 1 {
		t.Errorf("utilisation %.2f; want a plausible one", v.Utilisation)
	}
}

// The order in which the two watches deliver is not the order of the server:
// the verdict must not depend on it.
func TestWatchesOutOfStepStillPass(t *testing.T) {
	records, manifest := simulate(fair)
	late := cloneRecords(records)
	for i := range late {
		if late[i].Pod != nil {
			late[i].At += 400 * 1e6
		}
	}
	slices.SortStableFunc(late, func(a, b Record) int { return int(a.At - b.At) })
	v := judgeLines(t, demoRules(), lines(t, late), manifest)
	if !v.Pass {
		t.Fatalf("%s: %+v", v.Summary, v.Violations)
	}
}

// unfair always starts osg first; greedy lets the cohort go one core over;
// lazy leaves a quarter of the cores idle.
func unfair(c *cluster) int {
	for _, g := range []int{1, 0} {
		if len(c.waiting[g]) > 0 && c.held[0]+c.held[1] < 100 {
			return g
		}
	}
	return -1
}

func greedy(c *cluster) int {
	if g := fair(c); g >= 0 {
		return g
	}
	if c.held[0]+c.held[1] == 100 && len(c.waiting[1]) > 20 {
		return 1
	}
	return -1
}

func lazy(c *cluster) int {
	limit := []int{45, 30}
	for g := range limit {
		if len(c.waiting[g]) > 0 && c.held[g] < limit[g] {
			return g
		}
	}
	return -1
}

func TestBadSchedulersFail(t *testing.T) {
	for name, tt := range map[string]struct {
		choose func(*cluster) int
		want   []string
	}{
		"osg always first":       {unfair, []string{checkSplit}},
		"one core over":          {greedy, []string{checkQuota}},
		"a quarter left idle":    {lazy, []string{checkSplit, "act 2: osg borrows every idle core"}},
		"one Job after another":  {oneByOne, []string{checkSplit, "act 1: all 60 Jobs run at once", "act 2: osg borrows every idle core"}},
		"usatlas beyond its due": {favour, []string{checkSplit}},
	} {
		t.Run(name, func(t *testing.T) {
			records, manifest := simulate(tt.choose)
			v := judgeLines(t, demoRules(), lines(t, records), manifest)
			if got := failed(v); !slices.Equal(got, tt.want) {
				t.Errorf("failed %q, want %q; violations %+v", got, tt.want, v.Violations)
			}
		})
	}
}

func oneByOne(c *cluster) int {
	if c.held[0]+c.held[1] > 0 || len(c.waiting[0])+len(c.waiting[1]) == 0 {
		return -1
	}
	if len(c.waiting[0]) > 0 {
		return 0
	}
	return 1
}

// favour gives usatlas 64 cores where 60 are due: 6.7 % too much.
func favour(c *cluster) int {
	if len(c.waiting[0]) > 0 && len(c.waiting[1]) > 0 && c.held[0]+c.held[1] < 100 {
		if c.held[0] < 64 {
			return 0
		}
		return 1
	}
	return fair(c)
}

func TestDoctoredRecordingsFail(t *testing.T) {
	honest, manifest := simulate(fair)
	for name, tt := range map[string]struct {
		doctor func(r []Record, m *Manifest) []Record
		want   string
		says   string
	}{
		"a Job lost while it waits":      {loseWaiting, checkComplete, "it was lost"},
		"a Job never seen":               {neverSeen, checkComplete, "never seen"},
		"a Job still running at the end": {neverEnds, checkComplete, "still running"},
		"a Job deleted while it waits":   {deleteWaiting, checkComplete, "deleted before"},
		"a Job failed":                   {failJob, checkComplete, "it failed"},
		"complete without a pod":         {noPod, checkComplete, "no pod"},
		"two pods for one Job":           {secondPod, checkTwice, "needs 1 pods and had 2"},
		"unsuspended twice":              {startTwice, checkTwice, "unsuspended 2 times"},
		"suspended after the start":      {stopOnce, checkTwice, "suspended again"},
		"created unsuspended":            {bornRunning, checkQueued, "not suspended at its creation"},
		"a pod before the start":         {earlyPod, checkQueued, "before it was unsuspended"},
		"a Job nobody submitted":         {stranger, checkStranger, "does not list"},
		"a bare pod":                     {strayPod, checkStranger, "does not list"},
		"a Job with 50 cores more":       {fatJob, checkQuota, "its quota is 100"},
	} {
		t.Run(name, func(t *testing.T) {
			submitted := &Manifest{Jobs: slices.Clone(manifest.Jobs)}
			records := tt.doctor(cloneRecords(honest), submitted)
			v := judgeLines(t, demoRules(), lines(t, records), submitted)
			if got := failed(v); v.Pass || !slices.Contains(got, tt.want) {
				t.Fatalf("failed %q, want %q", got, tt.want)
			}
			if !slices.ContainsFunc(v.Violations, func(one Violation) bool {
				return one.Check == tt.want && strings.Contains(one.Detail, tt.says)
			}) {
				t.Errorf("no violation of %q says %q: %+v", tt.want, tt.says, v.Violations)
			}
		})
	}
}

func TestDamagedFilesFail(t *testing.T) {
	records, manifest := simulate(fair)
	whole := lines(t, records)
	split := bytes.SplitAfter(whole, []byte("\n"))
	other := lines(t, records[:200])
	for name, tt := range map[string]struct {
		data []byte
		says string
	}{
		"cut in a line":           {whole[:len(whole)-300], "truncated"},
		"cut between lines":       {bytes.Join(split[:len(split)-2], nil), "the end is missing"},
		"empty":                   {nil, "empty"},
		"a line taken out":        {bytes.Join(slices.Concat(split[:500], split[501:]), nil), "lines were lost"},
		"two lines exchanged":     {bytes.Join(slices.Concat(split[:500], split[501:502], split[500:501], split[502:]), nil), "lines were lost"},
		"two recordings in a row": {slices.Concat(other, whole), "after the end"},
		"two observers merged":    {bytes.Join(slices.Concat(split[:500], bytes.SplitAfter(other, []byte("\n"))[:100], split[500:]), nil), "merged"},
		"a gap in the watch":      {bytes.Replace(whole, []byte(`"kind":"pod"`), []byte(`"kind":"gap","gap":"watch expired"`), 1), "missed events"},
		"another version":         {bytes.Replace(whole, []byte(`"version":1`), []byte(`"version":2`), 1), "version 2"},
	} {
		t.Run(name, func(t *testing.T) {
			v := judgeLines(t, demoRules(), tt.data, manifest)
			if got := failed(v); !slices.Contains(got, checkRecording) {
				t.Fatalf("failed %q, want %q", got, checkRecording)
			}
			if !slices.ContainsFunc(v.Violations, func(one Violation) bool { return strings.Contains(one.Detail, tt.says) }) {
				t.Errorf("no violation says %q: %+v", tt.says, v.Violations)
			}
		})
	}
}

func TestNothingToJudgeFails(t *testing.T) {
	v := judgeLines(t, demoRules(), lines(t, nil), &Manifest{})
	if v.Pass {
		t.Error("an empty run passes")
	}
}

func TestBorrowingLimitIsAnUpperBound(t *testing.T) {
	records, manifest := simulate(fair)
	rules := demoRules()
	rules.Groups[1].BorrowingLimit = limit(59 * Core)
	v := judgeLines(t, rules, lines(t, records), manifest)
	if got := failed(v); !slices.Equal(got, []string{checkQuota}) {
		t.Fatalf("failed %q, want only %q", got, checkQuota)
	}
	if v.Violations[0].Object != "osg" || !strings.Contains(v.Violations[0].Detail, "allow 99") {
		t.Errorf("violations %+v; want osg over 99 cores", v.Violations)
	}
}

// Pods that do not follow what was given out are a wrong split too.
func TestPodsThatDoNotRunFail(t *testing.T) {
	honest, manifest := simulate(fair)
	records := cloneRecords(honest)
	n := 0
	for i := range records {
		if pod := records[i].Pod; pod != nil && pod.Namespace == "osg" && pod.Phase == "Running" {
			if n++; n%4 == 0 {
				pod.Phase = "Pending"
			}
		}
	}
	v := judgeLines(t, demoRules(), lines(t, records), manifest)
	if !slices.Contains(failed(v), checkSplit) || !slices.ContainsFunc(v.Violations, func(one Violation) bool {
		return one.Object == "osg" && strings.Contains(one.Detail, "ran on average")
	}) {
		t.Errorf("failed %q: %+v; want the split for osg's running pods", failed(v), v.Violations)
	}
}

func TestPercentHasNoMinusZero(t *testing.T) {
	for v, want := range map[float64]string{-0.0001: "+0.0 %", 0.0123: "+1.2 %", -0.05: "-5.0 %"} {
		if got := Percent(v); got != want {
			t.Errorf("%g: %q, want %q", v, got, want)
		}
	}
}
