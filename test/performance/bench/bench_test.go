package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"fairlead.dev/fairlead/internal/sandbox"
	"fairlead.dev/fairlead/test/performance/drive"
	"fairlead.dev/fairlead/test/performance/load"
	"fairlead.dev/fairlead/test/performance/measure"
	"fairlead.dev/fairlead/test/performance/report"
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// TestBenchmarkCountsEverything runs the whole benchmark, small, and checks
// that its figures are complete. It says nothing about time.
func TestBenchmarkCountsEverything(t *testing.T) {
	s := &settings{
		loads: []string{"J1", "W1"}, drivers: []string{"floor", "fairlead"}, runs: 1, scale: 0.02, concurrency: 8,
		output: t.TempDir(), timeout: 5 * time.Minute, suspension: 30,
	}
	if err := s.validate(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	found, err := benchmark(t.Context(), s, &out)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	t.Log(out.String())

	file, err := os.ReadFile(filepath.Join(s.output, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var results report.Results
	if err := json.Unmarshal(file, &results); err != nil {
		t.Fatalf("results.json: %v", err)
	}
	if len(results.Loads) != 2 || len(found.Loads) != 2 {
		t.Fatalf("%d loads in the file, %d found; want 2", len(results.Loads), len(found.Loads))
	}
	for i := range results.Loads {
		l := &results.Loads[i]
		if len(l.Runs) != 2 {
			t.Fatalf("%s has %d runs, want 2", l.Load, len(l.Runs))
		}
		for j := range l.Runs {
			checkRun(t, l, &l.Runs[j])
		}
		if row, ok := l.Summary.Find(report.RowWall); !ok || row.Ratio == nil {
			t.Errorf("%s has no ratio of wall times", l.Load)
		}
	}
	if results.Suspension == nil || results.Suspension.Waits.Count != 30 || results.Suspension.Waits.Max <= 0 {
		t.Errorf("suspension of 30 Jobs: %+v", results.Suspension)
	}
	for _, picture := range []string{"results.png", "results.svg"} {
		if info, err := os.Stat(filepath.Join(s.output, picture)); err != nil || info.Size() < 1000 {
			t.Errorf("%s was not drawn (%v)", picture, err)
		}
	}
	checkNothingLeft(t)
}

// checkRun checks one run's figures against the load.
func checkRun(t *testing.T, l *report.LoadResult, run *report.Run) {
	t.Helper()
	label := fmt.Sprintf("%s, %s", l.Load, run.Driver)
	n := int64(l.Objects)
	if len(run.Completions) != l.Objects || run.Waits.Count != l.Objects || run.Lag.Count != l.Objects {
		t.Errorf("%s: %d completions, %d waits, %d lags; want %d of each", label, len(run.Completions), run.Waits.Count, run.Lag.Count, n)
	}
	if run.Wall < l.LeastWall || run.Settled < run.Wall || run.Completions[len(run.Completions)-1] != run.Wall {
		t.Errorf("%s: ended after %g s, settled after %g s, last completion at %g s, and could not end before %g s",
			label, run.Wall, run.Settled, run.Completions[len(run.Completions)-1], l.LeastWall)
	}
	for _, process := range []string{"kube-apiserver", "etcd", driverProcess} {
		if run.CPU(process) <= 0 || run.Peak(process) < 1 {
			t.Errorf("%s: %s used %g CPU-s and %g MiB", label, process, run.CPU(process), run.Peak(process))
		}
	}
	if hasManager := run.CPU("manager") > 0; hasManager != (run.Driver == report.Fairlead) {
		t.Errorf("%s: manager used %g CPU-s", label, run.CPU("manager"))
	}
	served, sent := sum(run.Requests), sum(run.DriverRequests)
	checkSent(t, label, l, run.Driver, sent)
	// What the API server counted holds at least what the budget has, whoever
	// sent it, and every creation exactly once; of the manager's Events, some.
	kind := kindOf(t, l.Load)
	for request, times := range drive.Budget(kind) {
		want := int64(times) * n
		if request == "POST events" && run.Driver == report.Fairlead {
			want = 1 // the manager sends them last of all, and a run ends without them
		}
		if got := served[request]; got < want {
			t.Errorf("%s: the API server counted %d of %s, want %d or more", label, got, request, want)
		}
	}
	if got := served["POST workloads"]; got != n {
		t.Errorf("%s: the API server counted %d creations of Workloads, want %d", label, got, n)
	}
}

// checkSent compares the driver's own writes with what its role allows.
func checkSent(t *testing.T, label string, l *report.LoadResult, driver report.Driver, sent map[string]int64) {
	t.Helper()
	n := int64(l.Objects)
	want := map[string]int64{}
	switch {
	case driver == report.Floor:
		for request, times := range drive.Budget(kindOf(t, l.Load)) {
			want[request] = int64(times) * n
		}
	case kindOf(t, l.Load) == load.Jobs:
		want["POST jobs"] = n
	default:
		want["POST workloads"], want["PUT workloads/status"] = n, n
	}
	for request, times := range want {
		if sent[request] != times {
			t.Errorf("%s: the driver sent %d of %s, want exactly %d", label, sent[request], request, times)
		}
	}
	for request := range sent {
		verb, _, _ := strings.Cut(request, " ")
		if _, planned := want[request]; !planned && (measure.Request{Verb: verb}).IsWrite() {
			t.Errorf("%s: the driver sent %d of %s, which is in nobody's budget", label, sent[request], request)
		}
	}
}

// sum adds successful requests up as "VERB path".
func sum(counts []measure.RequestCount) map[string]int64 {
	total := map[string]int64{}
	for _, c := range counts {
		if strings.HasPrefix(c.Code, "2") {
			total[c.Verb+" "+c.Path()] += c.Count
		}
	}
	return total
}

func kindOf(t *testing.T, name string) load.Kind {
	t.Helper()
	l, err := load.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return l.Kind
}

// checkNothingLeft makes sure that the clusters are gone.
func checkNothingLeft(t *testing.T) {
	t.Helper()
	name := fmt.Sprintf("bench-%d", os.Getpid())
	if _, err := sandbox.Open(name); err == nil {
		t.Errorf("sandbox %s is still there", name)
	}
}

func TestSettingsNameTheirFaults(t *testing.T) {
	s := &settings{loads: []string{"J1", "Q"}, drivers: []string{"kueue"}, runs: 0, scale: 0, concurrency: -1, suspension: -1}
	err := s.validate()
	if err == nil {
		t.Fatal("bad settings pass")
	}
	for _, want := range []string{"--runs 0", "--scale 0", "--concurrency -1", "--suspension -1", `no load is called "Q"`, "--drivers kueue"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %q", want, err)
		}
	}
}

func TestInterruptedBenchmarkLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &settings{loads: []string{"W1"}, drivers: []string{"floor"}, runs: 1, scale: 1, concurrency: 8, output: t.TempDir(), timeout: time.Minute}
	// The first line after a run's start is its progress: the load is under way.
	out := writerFunc(func(line []byte) (int, error) {
		if bytes.Contains(line, []byte("submitted")) {
			cancel()
		}
		return len(line), nil
	})
	if _, err := benchmark(ctx, s, out); err == nil {
		t.Error("an interrupted benchmark reports success")
	}
	checkNothingLeft(t)
}

// writerFunc is a function as an io.Writer.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestBestTakesTheFastest(t *testing.T) {
	got := best([]report.Trial{{Concurrency: 4, WritesPerSecond: 90}, {Concurrency: 8, WritesPerSecond: 120}, {Concurrency: 16, WritesPerSecond: 120}})
	if got != 8 {
		t.Errorf("chose %d, want 8", got)
	}
}
