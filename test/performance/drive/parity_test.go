package drive

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	fairlead "fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/internal/sandbox"
	"fairlead.dev/fairlead/test/performance/load"
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// parityTimeout bounds the wait for the manager's Event, which is off its hot
// path.
const parityTimeout = 30 * time.Second

// TestFloorLeavesWhatTheManagerLeaves runs one Job and one bare Workload with
// the floor driver and with the manager, and compares all that is in the API
// server afterwards. A floor that wrote less would flatter nobody but itself.
func TestFloorLeavesWhatTheManagerLeaves(t *testing.T) {
	c := sandboxWithManager(t)
	if err := c.StopManager(t.Context()); err != nil {
		t.Fatal(err)
	}
	floorJob := runOne(t, c, "J1", "floor", false)
	floorWorkload := runOne(t, c, "W1", "flool", false)
	if err := c.StartManager(t.Context()); err != nil {
		t.Fatal(err)
	}
	sameTraces(t, "Job", floorJob, runOne(t, c, "J1", "fairl", true))
	sameTraces(t, "Workload", floorWorkload, runOne(t, c, "W1", "fairm", true))
}

// sandboxWithManager is there until the test has ended.
func sandboxWithManager(t *testing.T) *sandbox.Cluster {
	t.Helper()
	var output bytes.Buffer
	c, err := sandbox.Up(t.Context(), sandbox.Options{
		Name:   fmt.Sprintf("parity-%d", os.Getpid()),
		Nodes:  []sandbox.NodeGroup{{Count: 1, Labels: map[string]string{FlavorLabel: FlavorName}}},
		Output: &output,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, output.String())
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.Down(ctx); err != nil {
			t.Error(err)
		}
	})
	return c
}

// runOne runs a load of one item and returns what it left, by kind, as JSON
// without what differs from object to object.
func runOne(t *testing.T, c *sandbox.Cluster, name, prefix string, manager bool) map[string]map[string]any {
	t.Helper()
	l, err := load.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	l.Prefix, l.Cohorts, l.QueuesPerCohort = prefix, 1, 1
	l.Classes = l.Classes[:1]
	l.Classes[0].Count = 1
	admin, err := c.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Prepare(t.Context(), Config{Admin: admin, Load: l, Concurrency: 4, Manager: manager})
	if err != nil {
		t.Fatal(err)
	}
	execute := s.RunFloor
	if manager {
		execute = s.RunFairlead
	}
	if _, err := execute(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return s.traces(t)
}

// traces collects the load's one Workload, its Job if it has one, and its Event.
func (s *Session) traces(t *testing.T) map[string]map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), parityTimeout)
	defer cancel()
	item := s.load.Plan()[0]
	found := map[string]map[string]any{}
	for found["Event"] == nil {
		var events corev1.EventList
		if err := s.clients.admin.List(ctx, &events, client.InNamespace(Namespace)); err != nil {
			t.Fatalf("no Event with reason Admitted for %s: %v", item.Name, err)
		}
		for i := range events.Items {
			e := &events.Items[i]
			if e.Reason == fairlead.ReasonAdmitted && e.InvolvedObject.Name == item.Name {
				found["Event"] = s.plain(t, e)
			}
		}
	}
	name := item.Name
	if s.load.Kind == load.Jobs {
		j := &batchv1.Job{}
		if err := s.clients.admin.Get(ctx, client.ObjectKey{Namespace: Namespace, Name: name}, j); err != nil {
			t.Fatal(err)
		}
		// Its status is the job controller's; whether that has had time to say
		// Suspended in between is chance.
		j.Status = batchv1.JobStatus{}
		found["Job"] = s.plain(t, j)
		owned, err := s.Workloads(ctx)
		if err != nil {
			t.Fatal(err)
		}
		name = owned[name]
	}
	w := &fairlead.Workload{}
	if err := s.clients.admin.Get(ctx, client.ObjectKey{Namespace: Namespace, Name: name}, w); err != nil {
		t.Fatal(err)
	}
	found["Workload"] = s.plain(t, w)
	return found
}

// What is different in every object: UIDs, times, the hash that ends a
// Workload's name and the number that ends an Event's.
var (
	uids   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	times  = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	hashes = regexp.MustCompile(`(job-[a-z0-9-]*-\d{4})-[0-9a-v]{7}\b`)
	serial = regexp.MustCompile(`(-\d{4})\.[0-9a-f]{16}\b`)
)

// plain is an object as JSON in which equal objects are equal.
func (s *Session) plain(t *testing.T, object client.Object) map[string]any {
	t.Helper()
	object.SetManagedFields(nil)
	object.SetResourceVersion("")
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	text = uids.ReplaceAll(text, []byte("UID"))
	text = times.ReplaceAll(text, []byte("TIME"))
	text = hashes.ReplaceAll(text, []byte("$1-HASH"))
	text = serial.ReplaceAll(text, []byte("$1.SERIAL"))
	text = []byte(strings.ReplaceAll(string(text), s.load.Prefix+"-", "PREFIX-"))
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

func sameTraces(t *testing.T, what string, floor, manager map[string]map[string]any) {
	t.Helper()
	for kind := range manager {
		if diff := cmp.Diff(floor[kind], manager[kind]); diff != "" {
			t.Errorf("%s of the %s differs (- floor, + manager):\n%s", kind, what, diff)
		}
	}
}
