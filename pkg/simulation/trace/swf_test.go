package trace

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const smallSWF = `; Version: 2.2
; MaxNodes: 16
; MaxProcs: 64
; Note: a hand-made log
1 0 5 100 4 -1 2048 -1 -1 -1 1 7 3 -1 1 2 -1 -1
2 10 -1 60 1 -1 -1 2 3600 1024 1 8 3 -1 2 1 -1 -1

3 20 -1 0 1 -1 -1 1 60 -1 5 -1 -1 -1 -1 -1 -1 -1
`

func TestSWF(t *testing.T) {
	tr, err := ReadSWF(strings.NewReader(smallSWF), ByGroup)
	if err != nil {
		t.Fatal(err)
	}
	if tr.MaxCores != 64_000 || tr.Problems.Total() != 0 || len(tr.Jobs) != 3 {
		t.Fatalf("%d cores, %d problems, %d jobs", tr.MaxCores, tr.Problems.Total(), len(tr.Jobs))
	}
	var got []string
	for _, j := range tr.Jobs {
		got = append(got, fmt.Sprintf("%v run %v limit %v: %s of %s asks %v", j.Submit, j.Run, j.Limit, tr.Users[j.User], tr.Queues[j.Queue], tr.Shapes[j.Shape].PodSets[0]))
	}
	want := []string{
		"0s run 1m40s limit 0s: user-7 of group-3 asks {main 4 0 0 [{cpu 1000} {memory 2097152} {pods 1}] map[] [] []}",
		"10s run 1m0s limit 1h0m0s: user-8 of group-3 asks {main 2 0 0 [{cpu 1000} {memory 1048576} {pods 1}] map[] [] []}",
		"20s run 0s limit 1m0s: user-unknown of group-unknown asks {main 1 0 0 [{cpu 1000} {pods 1}] map[] [] []}",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for by, want := range map[QueueField]string{ByQueue: "queue-1", ByUser: "user-7", ByPartition: "partition-2"} {
		tr, err := ReadSWF(strings.NewReader(smallSWF), by)
		if err != nil || tr.Queues[0] != want {
			t.Errorf("by %s: %v, %v", by, tr.Queues, err)
		}
	}
}

// Every kind of fault is told with its line, and the other lines are read.
func TestSWFFaults(t *testing.T) {
	lines := []struct{ line, problem string }{
		{"1 100 -1 10 1 -1 -1 1 -1 -1 1 1 1 -1 1 1 -1 -1", ""},
		{"2 50 -1 10 1 -1 -1 1 -1 -1 1 1 1 -1 1 1 -1 -1", "line 2: out of order: submitted at 50 s, after a line of 100 s"},
		{"3 1 2 3", "line 3: broken line: it has 4 fields, not 18"},
		{"4 x -1 10 1 -1 -1 1 -1 -1 1 1 1 -1 1 1 -1 -1", `line 4: broken line: field 2 is "x", not a number`},
		{"5 -7 -1 10 1 -1 -1 1 -1 -1 1 1 1 -1 1 1 -1 -1", "line 5: negative time: submitted at -7 s"},
		{"6 1 -1 -5 1 -1 -1 1 -1 -1 1 1 1 -1 1 1 -1 -1", "line 6: negative time: runs for -5 s"},
		{"7 1 -1 -1 1 -1 -1 1 -1 -1 1 1 1 -1 1 1 -1 -1", "line 7: run time unknown: the run time is -1"},
		{"8 1 -1 10 4 -1 -1 0 -1 -1 1 1 1 -1 1 1 -1 -1", "line 8: no processors: requested 0, allocated 4 processors"},
		{"9 1 -1 10 -1 -1 -1 -1 -1 -1 1 1 1 -1 1 1 -1 -1", "line 9: no processors: requested -1, allocated -1 processors"},
		{"10 1 -1 10 1 -1 -1 9e12 -1 -1 1 1 1 -1 1 1 -1 -1", "line 10: too large to be counted: 9e+12 processors"},
		{"11 1e300 -1 10 1 -1 -1 1 -1 -1 1 1 1 -1 1 1 -1 -1", "line 11: too large to be counted: submitted at 1e+300 s, runs for 10 s: more than 100 years"},
		{"12 NaN -1 10 1 -1 -1 1 -1 -1 1 1 1 -1 1 1 -1 -1", `line 12: broken line: field 2 is "NaN", not a number`},
		{"13 1 -1 10 1 -1 -1 1 -1 -1 3 1 1 -1 1 1 -1 -1", ""}, // part of a job: the whole has a line of its own
		{"14 200 -1 10 1 -1 -1 1 -1 -1 1 1 1 -1 1 1 -1 -1 99", "line 14: broken line: it has 19 fields, not 18"},
	}
	var text, want []string
	for _, l := range lines {
		text = append(text, l.line)
		if l.problem != "" {
			want = append(want, l.problem)
		}
	}
	tr, err := ReadSWF(strings.NewReader(strings.Join(text, "\r\n")), ByGroup)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range tr.Problems.List {
		got = append(got, p.String())
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(tr.Jobs) != 2 || tr.Jobs[0].Submit != 50*time.Second || tr.Problems.LeftOut() != len(want)-1 {
		t.Errorf("%d jobs, the first %v, %d left out", len(tr.Jobs), tr.Jobs[0].Submit, tr.Problems.LeftOut())
	}
}

func TestNoJobsAtAll(t *testing.T) {
	for text, want := range map[string]string{
		"":               "it holds no jobs: an SWF file has 18 numbers a line",
		"; only: header": "it holds no jobs",
		"hello world":    "no line can be used; the first: line 1: broken line",
	} {
		if _, err := ReadSWF(strings.NewReader(text), ByGroup); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if _, err := ReadSWF(strings.NewReader(smallSWF), "colour"); err == nil {
		t.Error("an unknown field to tell queues by is accepted")
	}
	if _, err := ReadSWF(failing{}, ByGroup); err == nil || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("got %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

// No bytes make a reader crash, and what it accepts can be simulated.
func TestAnyBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.SliceOfN(rapid.SampledFrom([]string{"-1", "0", "1", "7", "-9", "1e18", "9999999999", "x", "", ";", "{", `"queue"`}), 0, 40)
		var text strings.Builder
		for range rapid.IntRange(0, 5).Draw(t, "lines") {
			text.WriteString(strings.Join(fields.Draw(t, "fields"), rapid.SampledFrom([]string{" ", "\t", ","}).Draw(t, "gap")))
			text.WriteString("\n")
		}
		text.Write(rapid.SliceOf(rapid.Byte()).Draw(t, "rest"))
		swf, _ := ReadSWF(strings.NewReader(text.String()), ByUser)
		lines, _ := ReadJSONLines(strings.NewReader(text.String()))
		for _, tr := range []*Trace{swf, lines} {
			if tr == nil {
				continue
			}
			for i, j := range tr.Jobs {
				if j.Submit < 0 || j.Run < 0 || j.Limit < 0 || tr.Shapes[j.Shape].Cores < 0 || i > 0 && j.Submit < tr.Jobs[i-1].Submit {
					t.Fatalf("job %d: %+v", i, j)
				}
			}
		}
	})
}
