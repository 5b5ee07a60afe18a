package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fairlead/test/performance/measure"
)

func sampleResults() *Results {
	run := func(number int, driver Driver, wall float64) Run {
		r := Run{
			Number: number, Driver: driver, Started: time.Unix(1_790_000_000, 0).UTC(), Wall: wall, Settled: wall + 1,
			Processes: []measure.Use{{Name: "kube-apiserver", CPU: wall * 2, Peak: 512 << 20}},
			Requests: []measure.RequestCount{
				{Request: measure.Request{Verb: "POST", Resource: "workloads", Code: "201"}, Count: 4},
				{Request: measure.Request{Verb: "PUT", Resource: "workloads", Subresource: "status", Code: "200"}, Count: 20},
			},
			Waits:  measure.Quantiles{Count: 4, Median: 0.01, P95: 0.2, Max: 12},
			Writes: 24, WritesPerObject: 6,
			Completions: []float64{wall / 4, wall / 2, wall * 3 / 4, wall},
		}
		if driver == Fairlead {
			r.Processes = append(r.Processes, measure.Use{Name: "manager", CPU: 3, Peak: 64 << 20})
			r.Requests = append(r.Requests, measure.RequestCount{
				Request: measure.Request{Verb: "PUT", Resource: "clusterqueues", Subresource: "status", Code: "200"}, Count: 50})
		}
		return r
	}
	runs := []Run{
		run(1, Floor, 10), run(1, Fairlead, 20),
		run(2, Floor, 30), run(2, Fairlead, 33),
		run(3, Floor, 12), run(3, Fairlead, 18),
	}
	return &Results{
		Taken:   time.Unix(1_790_000_000, 0).UTC(),
		Machine: measure.Machine{CPU: "Test CPU", Cores: 2, Memory: 24 << 30, Kernel: "6.1", Go: "go1.26", Commit: "abc"},
		Loads: []LoadResult{{
			Load: "J1", About: "four Jobs", Scale: 1, Objects: 4, LeastWall: 1, Concurrency: 16,
			Calibration: []Trial{{4, 100}, {16, 200}}, Runs: runs, Summary: Summarize(runs),
		}},
	}
}

func TestSummaryTakesMediansAndPairedRatios(t *testing.T) {
	s := sampleResults().Loads[0].Summary
	wall, ok := s.Find(RowWall)
	if !ok {
		t.Fatal("no row for the wall time")
	}
	// The medians are 12 and 20; the ratios by pair are 2.0, 1.1 and 1.5, whose
	// median is not 20/12.
	if *wall.Floor != 12 || *wall.Fairlead != 20 || *wall.Ratio != 1.5 {
		t.Errorf("wall is %g, %g, ratio %g; want 12, 20, 1.5", *wall.Floor, *wall.Fairlead, *wall.Ratio)
	}
	manager, ok := s.Find("manager CPU")
	if !ok {
		t.Fatal("no row for the manager")
	}
	if manager.Floor != nil || manager.Ratio != nil || *manager.Fairlead != 3 {
		t.Errorf("the manager's row is %+v: the floor has none", manager)
	}
}

func TestRequestRowsCountAbsenceAsZero(t *testing.T) {
	runs := sampleResults().Loads[0].Runs
	runs[1].Requests = runs[1].Requests[:2]
	runs[3].Requests = runs[3].Requests[:2]
	for _, row := range RequestRows(runs) {
		if row.Resource == "clusterqueues" && row.Fairlead != 0 {
			t.Errorf("two of three runs had no such request, yet the median is %g", row.Fairlead)
		}
	}
}

func TestTextHoldsTheFigures(t *testing.T) {
	var out bytes.Buffer
	if err := WriteText(&out, sampleResults()); err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"Test CPU, 2 cores, 24 GiB, Linux 6.1, go1.26",
		"J1: four Jobs",
		"3 floor and 3 fairlead runs in turn, each on a fresh cluster; 16 requests in flight at most",
		"the floor's writes a second by requests in flight: 4: 100, 16: 200",
		"wall (s) 12.0 20.0 1.50",
		"manager CPU (s) - 3.00 -",
		"workloads/status PUT 200 20 20",
		"clusterqueues/status PUT 200 0 50",
		"kinds below 10 4 4",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, out.String())
		}
	}
}

func TestJSONComesBack(t *testing.T) {
	var out bytes.Buffer
	if err := WriteJSON(&out, sampleResults()); err != nil {
		t.Fatal(err)
	}
	var back Results
	decoder := json.NewDecoder(&out)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&back); err != nil {
		t.Fatal(err)
	}
	wall, _ := back.Loads[0].Summary.Find(RowWall)
	if len(back.Loads[0].Runs) != 6 || *wall.Ratio != 1.5 {
		t.Errorf("the results did not survive: %+v", back.Loads[0].Summary)
	}
}

func TestDrawMakesTwoPictures(t *testing.T) {
	dir := t.TempDir()
	if err := Draw(dir, sampleResults()); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "results.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() < 800 || b.Dy() < 500 {
		t.Errorf("the picture has %d x %d points", b.Dx(), b.Dy())
	}
	svg, err := os.ReadFile(filepath.Join(dir, "results.svg"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the SVG is not XML: %v", err)
		}
	}
	for _, want := range []string{"1.50 x", "J1: completions over time"} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("the picture does not say %q", want)
		}
	}
}
