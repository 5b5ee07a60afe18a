package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets tests run this program in a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("FAIRLEAD_TEST_AS_COMMAND") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// fairlead runs a command line here.
func fairlead(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(t.Output())
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// elsewhere runs a command line in another process with a number of
// processors.
func elsewhere(t *testing.T, processors int, args ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), "FAIRLEAD_TEST_AS_COMMAND=1", fmt.Sprintf("GOMAXPROCS=%d", processors))
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return string(out)
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The same seed gives the same decisions to the byte, in other processes and
// on any number of processors, and so does replaying what was recorded.
func TestSimulateAndReplayElsewhere(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	load := []string{"simulate", "--jobs", "3000", "--seed", "7", "--load", "1.1", "--quiet", "--output-file", at("report")}
	if _, err := fairlead(t, append(load, "--record", at("recording"), "--decision-log", at("here"))...); err != nil {
		t.Fatal(err)
	}
	want := content(t, at("here"))
	if n := strings.Count(want, " admit "); n != 3000 {
		t.Fatalf("%d admissions, want 3000", n)
	}
	for _, processors := range []int{1, 4} {
		log := at(fmt.Sprint("again-", processors))
		elsewhere(t, processors, append(load, "--decision-log", log)...)
		if content(t, log) != want {
			t.Errorf("simulated again on %d processors: other decisions", processors)
		}
		out := elsewhere(t, processors, "simulate", "--replay", at("recording"), "--decision-log", log)
		if content(t, log) != want || !strings.Contains(out, "are the same") {
			t.Errorf("replayed on %d processors: other decisions; %s", processors, out)
		}
	}
}

func TestSimulateAsJSON(t *testing.T) {
	dir := t.TempDir()
	queues := filepath.Join(dir, "q.yaml")
	manifests, err := fairlead(t, "simulate", "--print-queues")
	if err != nil {
		t.Fatal(err)
	}
	strict := strings.ReplaceAll(manifests, "namespaceSelector: {}", "namespaceSelector: {}\n  queueingStrategy: StrictFIFO")
	if err := os.WriteFile(queues, []byte(strict), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := fairlead(t, "simulate", "--generator", "hep", "--jobs", "12000", "--seed", "7", "--load", "1.2", "--output", "json", "--compare", queues, "--quiet")
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Version   int
		Scenarios []struct {
			QueueSet string
			Summary  struct {
				OfferedLoad float64
				Use         float64
				All         struct {
					Jobs, Ended int
					WaitSeconds struct{ Mean float64 }
				}
				Queues, Users, Sizes []struct{ Name string }
			}
			Series map[string]struct{ Use, Due []float64 }
		}
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if report.Version != 1 || len(report.Scenarios) != 2 || report.Scenarios[1].QueueSet != queues {
		t.Fatalf("got %+v", report)
	}
	for _, s := range report.Scenarios {
		if s.Summary.All.Jobs != 12000 || s.Summary.All.Ended != 12000 || len(s.Summary.Queues) != 5 || len(s.Series["osg"].Use) == 0 || len(s.Summary.Users) < 5 {
			t.Errorf("%s: %+v", s.QueueSet, s.Summary)
		}
		if l := s.Summary.OfferedLoad; l < 1.15 || l > 1.25 || s.Summary.Use < 0.3 || s.Summary.Use > 1 {
			t.Errorf("%s: load %g, use %g", s.QueueSet, l, s.Summary.Use)
		}
	}
	if a, b := report.Scenarios[0].Summary.All.WaitSeconds.Mean, report.Scenarios[1].Summary.All.WaitSeconds.Mean; a >= b {
		t.Errorf("mean wait %g s where small jobs may pass, %g s where they may not", a, b)
	}
}

// A trace with faulty lines is simulated all the same, and each is told.
func TestSimulateATrace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log.swf")
	text := `; MaxProcs: 8
1 0 -1 100 4 -1 -1 4 200 -1 1 1 1 -1 1 1 -1 -1
2 5 -1 100 8 -1 -1 8 200 -1 1 2 2 -1 1 1 -1 -1
3 6 -1 100 99 -1 -1 99 200 -1 1 2 2 -1 1 1 -1 -1
oops
5 3 -1 -4 1 -1 -1 1 200 -1 1 2 2 -1 1 1 -1 -1
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := fairlead(t, "simulate", "--trace", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"1 jobs or lines left out: broken line", "1 jobs or lines left out: negative time", "1 jobs or lines left out: never fits",
		"line 4: never fits: ExceedsMaxQuota", "line 5: broken line", "8 cores as its header says",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the report does not say %q:\n%s", want, out)
		}
	}
}

// TestSimulateRefuses: what is wrong with a command line is said, with a
// remedy.
func TestSimulateRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	job := write("job.yaml", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: x}\n")
	typo := write("typo.yaml", "apiVersion: fairlead.dev/v1beta1\nkind: Cohort\nmetadata: {name: x}\nspec: {parnet: y}\n")
	empty := write("empty.yaml", "# nothing\n")
	lonely := write("lonely.yaml", "apiVersion: fairlead.dev/v1beta1\nkind: LocalQueue\nmetadata: {name: x, namespace: y}\nspec: {clusterQueue: z}\n")
	text := write("text.txt", "hello")
	for want, args := range map[string][]string{
		"give one of them":             {"--generator", "hep", "--trace", text},
		"use hep or lublin":            {"--generator", "poisson"},
		"use text, json, html or png":  {"--output", "pdf"},
		"give a number above 0":        {"--load", "-1"},
		"--jobs -3":                    {"--jobs", "-3"},
		"add --format swf":             {"--trace", text},
		"no line can be used":          {"--trace", text, "--format", "swf"},
		"no such file":                 {"--trace", dir + "/none.swf"},
		"--format \"xml\"":             {"--trace", text, "--format", "xml"},
		"jobs cannot be told apart by": {"--trace", text, "--format", "swf", "--queue-by", "colour"},
		"queues have fairlead.dev/v":   {"--queues", job},
		"unknown field":                {"--queues", typo},
		"no LocalQueue leads":          {"--queues", empty},
		"ClusterQueueDoesNotExist":     {"--queues", lonely},
		"with --trace and without":     {"--cores", "5"},
		"needs nothing else":           {"--replay", text, "--queues", typo},
		"this is no recording":         {"--replay", text},
		"--decision-log":               {"--decision-log", dir + "/no/where", "--jobs", "5"},
		"--grace -1s":                  {"--grace", "-1s"},
	} {
		if _, err := fairlead(t, append([]string{"simulate"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %q", args, err, want)
		}
	}
}
