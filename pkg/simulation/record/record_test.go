package record

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"testing"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/simulation"
	"fairlead.dev/fairlead/pkg/simulation/model"
)

// story steps a recorder through a load with all kinds of events and returns
// the decision log.
func story(t *testing.T, r *Recorder) []byte {
	t.Helper()
	limit := quota.Amount(2000)
	queue := func(name string) admission.SetClusterQueue {
		return admission.SetClusterQueue{ClusterQueue: admission.ClusterQueue{
			Name: name, Cohort: "c", WeightMilli: 1000, Namespaces: &admission.Selector{},
			Preemption: admission.Preemption{ReclaimWithinCohort: "Any"},
			Groups: []admission.ResourceGroup{{Resources: []string{"cpu", "memory"}, Flavors: []admission.FlavorQuotas{{Flavor: "f", Quotas: []admission.ResourceQuota{
				{Resource: "cpu", Nominal: 30_000, BorrowingLimit: &limit}, {Resource: "memory", Nominal: 500 << 30}}}}}},
		}}
	}
	locals := []simulation.LocalQueue{{Namespace: "ns", Name: "a"}, {Namespace: "ns", Name: "b"}}
	jobs, err := model.HEP(model.Config{Jobs: 400, Seed: 3, Cores: 60_000, Load: 1.2, Largest: 30_000, Queues: []model.Queue{{Name: "ns/a", Share: 1}, {Name: "ns/b", Share: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if _, err := simulation.Run(simulation.Config{
		Engine: r, Jobs: jobs, Queues: locals[:len(jobs.Queues)], Begin: 1e18,
		Objects: []admission.Event{
			admission.SetCohort{Cohort: admission.Cohort{Name: "c", WeightMilli: 1000}}, admission.SetFlavor{Flavor: admission.Flavor{Name: "f"}}, queue("a"), queue("b"),
			admission.SetLocalQueue{LocalQueue: admission.LocalQueue{Namespace: "ns", Name: "a", ClusterQueue: "a"}},
			admission.SetLocalQueue{LocalQueue: admission.LocalQueue{Namespace: "ns", Name: "b", ClusterQueue: "b"}},
			admission.SetNamespace{Name: "ns", Labels: map[string]string{"x": "y"}}, admission.DeleteNamespace{Name: "ns"},
			admission.SetReservation{Reservation: admission.Reservation{Name: "r", ClusterQueue: "cq", ShareMilli: 1000, Windows: []admission.Window{{Start: 1, End: 2}}}},
			admission.DeleteReservation{Name: "r"}, admission.Forget{UID: "nobody", NotBefore: 7}, admission.ForgetEviction{UID: "nobody"},
		},
		Decided: func(now int64, d admission.Decision) { log.Write(simulation.AppendEntry(nil, now, d)) },
	}); err != nil {
		t.Fatal(err)
	}
	r.Flush()
	return log.Bytes()
}

var config = admission.Config{FairSharing: true, Preemption: &admission.PreemptionConfig{EvictionsPerMinute: 5}}

func replay(t *testing.T, recording []byte) (Summary, []byte, error) {
	t.Helper()
	var log bytes.Buffer
	s, err := Replay(bytes.NewReader(recording), func(now int64, d admission.Decision) { log.Write(simulation.AppendEntry(nil, now, d)) })
	return s, log.Bytes(), err
}

func TestReplayDecidesTheSame(t *testing.T) {
	var recording bytes.Buffer
	log := story(t, New(admission.New(config), config, &recording, 0))
	s, again, err := replay(t, recording.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(log, again) || s.Decisions != bytes.Count(log, []byte("\n")) || s.Decisions < 400 || s.Truncated || s.Compared != s.Passes {
		t.Errorf("%d decisions of %d are the same: %+v", s.Decisions, bytes.Count(log, []byte("\n")), s)
	}
}

// A recorder that was killed, or was full, leaves what can be replayed; what
// was changed afterwards is found.
func TestUnfinishedAndSpoiltRecordings(t *testing.T) {
	var whole bytes.Buffer
	log := story(t, New(admission.New(config), config, &whole, 0))
	cut := whole.Bytes()[:whole.Len()/2]
	s, part, err := replay(t, cut)
	if err != nil || !s.Truncated || !bytes.HasPrefix(log, part) || len(part) == 0 {
		t.Errorf("cut off: %v, %+v, %d bytes of %d", err, s, len(part), len(log))
	}

	var full bytes.Buffer
	r := New(admission.New(config), config, &full, 50_000)
	var why error
	r.Stopped = func(err error) { why = err }
	if again := story(t, r); !bytes.Equal(again, log) {
		t.Error("a full recorder changes decisions")
	}
	if !errors.Is(why, ErrFull) || full.Len() > 50_000 || full.Len() < 40_000 {
		t.Errorf("stopped by %v at %d bytes", why, full.Len())
	}
	if _, part, err := replay(t, full.Bytes()); err != nil || !bytes.HasPrefix(log, part) {
		t.Errorf("full: %v", err)
	}

	lines := strings.SplitAfter(whole.String(), "\n")
	for want, text := range map[string]string{
		"it is empty":            "",
		"the first line":         lines[1],
		"has version 99":         strings.Replace(lines[0], `"version":1`, `"version":99`, 1),
		"the same pass now made": strings.Replace(whole.String(), `"Nominal":30000`, `"Nominal":8000`, 1),
		"unknown field":          lines[0] + `{"t":1,"Sing":{}}` + "\n",
		"it holds no event":      lines[0] + "{}\n",
		"without a pass":         lines[0] + `{"decided":0,"sum":"x"}` + "\n",
	} {
		if _, _, err := replay(t, []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestADiskThatFails(t *testing.T) {
	r := New(admission.New(config), config, failing{}, 0)
	var why error
	r.Stopped = func(err error) { why = fmt.Errorf("%w, after %w", err, why) }
	if log := story(t, r); len(log) == 0 || why == nil || strings.Count(why.Error(), "disk on fire") != 1 {
		t.Errorf("told %v", why)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk on fire") }

// Every type of event of the engine has its place in the format: it is written
// and read again.
func TestEveryEventCanBeRecorded(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../../admission/events.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]bool{}
	for i := range reflect.TypeFor[line]().NumField() {
		places[reflect.TypeFor[line]().Field(i).Name] = true
	}
	events := 0
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Name.Name != "event" {
			continue
		}
		events++
		name := f.Recv.List[0].Type.(*ast.Ident).Name
		if !places[name] {
			t.Errorf("the format has no place for %s", name)
			continue
		}
		var l line
		place := reflect.ValueOf(&l).Elem().FieldByName(name)
		event := reflect.New(place.Type().Elem()).Elem().Interface().(admission.Event)
		if err := l.set(event); err != nil || !reflect.DeepEqual(l.event(), event) {
			t.Errorf("%s: %v, read again as %#v", name, err, l.event())
		}
	}
	if events < 16 {
		t.Errorf("only %d types of events found", events)
	}
}
