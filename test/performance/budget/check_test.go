package budget

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

const manager = "system:serviceaccount:fairlead-system:fairlead-manager"

var began = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

// clean is what the manager writes for n Jobs within its budget.
func clean(n int) ([]Entry, Expectation) {
	var entries []Entry
	want := Expectation{User: manager, From: began, To: began.Add(10 * time.Second)}
	for i := range n {
		name := fmt.Sprintf("job-%d", i)
		want.Jobs = append(want.Jobs, Job{Namespace: "bench", Name: name, Workload: "job-" + name + "-abc"})
		for _, e := range []Entry{
			{Verb: "create", Path: "workloads", Name: "job-" + name + "-abc", Code: 201},
			{Verb: "update", Path: "workloads/status", Name: "job-" + name + "-abc", Code: 200},
			{Verb: "patch", Path: "jobs", Name: name, Code: 200},
			{Verb: "create", Path: "events", Name: "job-" + name + "-abc.17f00d", Code: 201},
			{Verb: "update", Path: "workloads/status", Name: "job-" + name + "-abc", Code: 200},
		} {
			e.User, e.Namespace, e.Received = manager, "bench", began.Add(time.Second)
			entries = append(entries, e)
		}
	}
	return entries, want
}

func TestCleanLogIsWithinBudget(t *testing.T) {
	entries, want := clean(200)
	// Others' requests, and the manager's outside the time, are not counted.
	entries = append(entries,
		Entry{User: "alice", Verb: "patch", Path: "jobs", Code: 403, Received: began.Add(time.Second)},
		Entry{User: manager, Verb: "create", Path: "leases", Code: 403, Received: began.Add(-time.Second)})
	r := Check(entries, want)
	if len(r.Violations) != 0 {
		t.Fatalf("a clean log violates: %q", r.Violations)
	}
	if r.Writes != 1000 || r.Conflicts != 0 || r.Waited != 0 {
		t.Errorf("counted %d writes, %d conflicts, %d waiting", r.Writes, r.Conflicts, r.Waited)
	}
	var out bytes.Buffer
	if err := r.WriteTable(&out); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(strings.Fields(out.String()), " "); !strings.Contains(text, "update workloads/status 200 400 2.000") {
		t.Errorf("the table lacks the status writes:\n%s", out.String())
	}
}

func TestEachExcessIsFound(t *testing.T) {
	extra := func(e Entry) Entry {
		e.User, e.Received = manager, began.Add(2*time.Second)
		if e.Namespace == "" {
			e.Namespace = "bench"
		}
		return e
	}
	tests := map[string]struct {
		change func([]Entry, *Expectation) []Entry
		want   string
	}{
		"a missing event": {
			func(e []Entry, _ *Expectation) []Entry { return slices.Delete(e, 3, 4) },
			"1 Jobs with 0 Events instead of 1, such as job-0",
		},
		"a second patch": {
			func(e []Entry, _ *Expectation) []Entry {
				return append(e, extra(Entry{Verb: "patch", Path: "jobs", Name: "job-7", Code: 200}))
			},
			"1 Jobs with 2 Job patches instead of 1, such as job-7",
		},
		"a verdict for one that need not wait": {
			func(e []Entry, _ *Expectation) []Entry {
				return append(e, extra(Entry{Verb: "update", Path: "workloads/status", Name: "job-job-7-abc", Code: 200}))
			},
			"1 Jobs with 3 Workload status PUTs instead of 2, such as job-7",
		},
		"two verdicts for one that waits": {
			func(e []Entry, w *Expectation) []Entry {
				w.Jobs[7].MayWait = true
				put := extra(Entry{Verb: "update", Path: "workloads/status", Name: "job-job-7-abc", Code: 200})
				return append(e, put, put)
			},
			"1 Jobs with 4 Workload status PUTs instead of 2 or 3, such as job-7",
		},
		"a write nobody planned": {
			func(e []Entry, _ *Expectation) []Entry {
				return append(e, extra(Entry{Verb: "patch", Path: "workloads/status", Name: "job-job-7-abc", Code: 200}))
			},
			"1 Jobs with 1 other writes instead of 0, such as job-7",
		},
		"conflicts": {
			func(e []Entry, _ *Expectation) []Entry {
				for range 6 {
					e = append(e, extra(Entry{Verb: "update", Path: "workloads/status", Name: "x", Code: 409}),
						extra(Entry{Verb: "patch", Path: "jobs", Name: "x", Code: 422}))
				}
				return e
			},
			"12 of 1012 writes conflicted, at most 10 may",
		},
		"chatty queue statuses": {
			func(e []Entry, _ *Expectation) []Entry {
				for range 101 {
					e = append(e, extra(Entry{Verb: "update", Path: "clusterqueues/status", Name: "q", Code: 200}))
				}
				return e
			},
			"101 status writes of queues in 10.0 s, at most 100 may be",
		},
		"reads of what is cached": {
			func(e []Entry, _ *Expectation) []Entry {
				for range 3 {
					e = append(e, extra(Entry{Verb: "get", Path: "jobs", Name: "job-7", Code: 200}))
				}
				return e
			},
			"3 single reads for 200 Jobs, at most 2 may be: the cache has the objects",
		},
		"a refusal": {
			func(e []Entry, _ *Expectation) []Entry {
				return append(e, extra(Entry{Verb: "list", Path: "limitranges", Code: 403}))
			},
			"1 times forbidden (403): list limitranges bench/",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			entries, want := clean(200)
			entries = tt.change(entries, &want)
			if got := Check(entries, want).Violations; !slices.Equal(got, []string{tt.want}) {
				t.Errorf("violations are %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReadTakesAnsweredRequests(t *testing.T) {
	log := `{"stage":"ResponseStarted","verb":"watch","user":{"username":"a"},"objectRef":{"resource":"jobs"}}
{"stage":"ResponseComplete","verb":"update","user":{"username":"a"},"objectRef":{"resource":"jobs","subresource":"status","namespace":"n","name":"j"},"responseStatus":{"code":409},"requestReceivedTimestamp":"2026-11-22T02:00:00.5Z","stageTimestamp":"2026-11-22T02:00:01Z"}
{"stage":"ResponseComplete","verb":"get","user":{"username":"a"},"requestReceivedTimestamp":"2026-11-22T02:00:00Z"}
{"stage":"ResponseComplete","verb":"ge`
	got, err := Read(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{
		{User: "a", Verb: "update", Path: "jobs/status", Namespace: "n", Name: "j", Code: 409,
			Received: began.Add(500 * time.Millisecond), Answered: began.Add(time.Second)},
		{User: "a", Verb: "get", Received: began},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := Read(strings.NewReader("no JSON\n")); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("got %v, want a complaint about line 1", err)
	}
}
