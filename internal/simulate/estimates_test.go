package simulate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// asking simulates jobs of which many ask, as JSON tells it.
func asking(t *testing.T, jobs *trace.Trace, n int) *Estimates {
	t.Helper()
	set, err := DefaultQueues()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Run(set, jobs, Options{Resource: "cpu", Begin: time.Unix(0, 0), Estimates: n, EstimateSamples: 5})
	if err != nil {
		t.Fatal(err)
	}
	report := &Report{Jobs: "some", Scenarios: []*Scenario{s}}
	var document struct {
		Scenarios []struct{ Estimates *Estimates }
	}
	var text bytes.Buffer
	if err := WriteJSON(&text, report); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text.Bytes(), &document); err != nil {
		t.Fatal(err)
	}
	text.Reset()
	if err := WriteText(&text, report); err != nil || !strings.Contains(text.String(), "STARTS AS ESTIMATED AT SUBMISSION") {
		t.Fatalf("%v\n%s", err, text.String())
	}
	return document.Scenarios[0].Estimates
}

// With exact limits and everybody there at once, what is planned comes true.
func TestExactEstimates(t *testing.T) {
	var text strings.Builder
	for i := range 200 {
		_, _ = fmt.Fprintf(&text, `{"submit":0,"run":%d,"limit":%[1]d,"queue":"usatlas/usatlas","cores":%d}`+"\n", 100+37*(i%11), 80+i%3)
	}
	jobs, err := trace.ReadJSONLines(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	got := asking(t, jobs, 200)
	planned, likely := got.All[0], got.All[1]
	if got.Asked != 200 || planned.Estimate != "planned" || planned.WithinMinute != 1 || planned.P05 != 0 || planned.P95 != 0 {
		t.Errorf("%d asked: %+v", got.Asked, planned)
	}
	// No run times are known: those drawn are half as long as the limits on average.
	if len(got.Waited) != 3 || got.Waited[0].Jobs < 50 || likely.P75 <= 0 {
		t.Errorf("likely %+v, waited %+v", likely, got.Waited)
	}
}

// What comes later moves estimates; most of those who are told p90 start by then.
func TestEstimatesOfAGenerator(t *testing.T) {
	set, err := DefaultQueues()
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := Generate("lublin", set, 1500, 3, 0.9)
	if err != nil {
		t.Fatal(err)
	}
	got := asking(t, jobs, 100)
	if got.Asked < 95 || got.All[2].NotLater < got.All[1].NotLater || got.All[2].NotLater < 0.6 || got.All[0].NotLater < 0.6 {
		t.Errorf("%+v", got)
	}
}
