package budget

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/internal/sandbox"
	"fairlead.dev/fairlead/test/performance/drive"
	"fairlead.dev/fairlead/test/performance/load"
)

// eventGrace is how long the manager may take to write the last Events, which
// are off its hot path.
const eventGrace = 30 * time.Second

const managerUser = "system:serviceaccount:" + v1beta1.ManagerNamespace + ":" + v1beta1.ManagerServiceAccount

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// TestManagerKeepsToItsBudget runs 1,000 Jobs, 900 of them with ample quota and
// then 100 that have to wait for theirs, and reads the audit log.
func TestManagerKeepsToItsBudget(t *testing.T) {
	ample, err := load.Find("J1")
	if err != nil {
		t.Fatal(err)
	}
	tight := ample.Scaled(0.1)
	tight.Prefix, tight.Nominal = "tight", 10
	ample = ample.Scaled(0.9)
	for i := range tight.Classes {
		tight.Classes[i].RunTime = 100 * time.Millisecond
	}

	c := upWithManager(t, fmt.Sprintf("budget-%d", os.Getpid()))
	admin, err := c.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	want := Expectation{User: managerUser, From: time.Now()}
	for _, l := range []load.Load{ample, tight} {
		session, err := drive.Prepare(t.Context(), drive.Config{Admin: admin, Load: l, Concurrency: 16, Manager: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := session.RunFairlead(t.Context(), func(p drive.Progress) { t.Logf("%+v", p) }); err != nil {
			t.Fatal(err)
		}
		owned, err := session.Workloads(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for job, workload := range owned {
			want.Jobs = append(want.Jobs, Job{Namespace: drive.Namespace, Name: job, Workload: workload, MayWait: l.Prefix == tight.Prefix})
		}
	}
	if len(want.Jobs) != 1000 {
		t.Fatalf("%d Jobs have Workloads, want 1000", len(want.Jobs))
	}

	report := settledReport(t, c.AuditLog, want)
	var table bytes.Buffer
	if err := report.WriteTable(&table); err != nil {
		t.Fatal(err)
	}
	t.Logf("requests of %s:\n%s", managerUser, table.String())
	for _, v := range report.Violations {
		t.Error(v)
	}
	if report.Waited == 0 {
		t.Error("nobody was told why he waits: the tight queue did not do its part")
	}
}

// settledReport checks the log as soon as it is within budget, or when what is
// off the hot path has had its time.
func settledReport(t *testing.T, auditLog string, want Expectation) *Report {
	t.Helper()
	deadline := time.NewTimer(eventGrace)
	defer deadline.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		entries, err := ReadFile(auditLog)
		if err != nil {
			t.Fatal(err)
		}
		want.To = time.Now()
		report := Check(entries, want)
		if len(report.Violations) == 0 {
			return report
		}
		select {
		case <-deadline.C:
			return report
		case <-tick.C:
		}
	}
}

// upWithManager brings a sandbox with the manager up, and down after the test.
func upWithManager(t *testing.T, name string) *sandbox.Cluster {
	t.Helper()
	var output bytes.Buffer
	c, err := sandbox.Up(t.Context(), sandbox.Options{
		Name:   name,
		Nodes:  []sandbox.NodeGroup{{Count: 20, CPU: "128", Labels: map[string]string{drive.FlavorLabel: drive.FlavorName}}},
		Output: &output,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, output.String())
	}
	t.Cleanup(func() {
		if t.Failed() {
			if tail, err := lastBytes(c.ManagerLog, 4<<10); err == nil {
				t.Logf("the manager's log ends with:\n%s", tail)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.Down(ctx); err != nil {
			t.Error(err)
		}
	})
	return c
}

func lastBytes(file string, n int) ([]byte, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return content[max(0, len(content)-n):], nil
}
