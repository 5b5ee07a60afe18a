package simulate

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// compared runs a small load in two queue sets.
func compared(t *testing.T) *Report {
	t.Helper()
	first, err := DefaultQueues()
	if err != nil {
		t.Fatal(err)
	}
	second, err := ParseQueues("<strict>", []byte(strings.ReplaceAll(string(DefaultManifest()), "namespaceSelector: {}", "namespaceSelector: {}\n  queueingStrategy: StrictFIFO")))
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := Generate("hep", first, 3000, 7, 1.3)
	if err != nil {
		t.Fatal(err)
	}
	jobs.Problems.Note(trace.BrokenLine, 5, "<script>alert(1)</script>")
	r := &Report{Jobs: "generator <hep>"}
	for _, set := range []*QueueSet{first, second} {
		s, err := Run(set, jobs, Options{Resource: "cpu", Begin: time.Unix(0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		r.Scenarios = append(r.Scenarios, s)
	}
	return r
}

func TestThePageNeedsNothingElse(t *testing.T) {
	r := compared(t)
	for n, charts := range map[int]int{1: 3 + 5, 2: 3 + 10} {
		part := &Report{Jobs: r.Jobs, Scenarios: r.Scenarios[:n]}
		var out bytes.Buffer
		if err := WriteHTML(&out, part); err != nil {
			t.Fatal(err)
		}
		page := out.String()
		bare := strings.ReplaceAll(page, `xmlns="http://www.w3.org/2000/svg"`, "")
		if found := regexp.MustCompile(`(?i)(src=|href=|url\(|@import|<script|https?:)`).FindString(bare); found != "" {
			t.Errorf("the page refers to something outside, or runs something: %q", found)
		}
		for _, want := range []string{"generator &lt;hep&gt;: 3000 jobs", "osg", "usatlas/production", "line 5: broken line", "prefers-color-scheme:dark"} {
			if !strings.Contains(page, want) {
				t.Errorf("%d scenarios: the page does not say %q", n, want)
			}
		}
		found := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1)
		if len(found) != charts {
			t.Errorf("%d scenarios: %d charts, want %d", n, len(found), charts)
		}
		for _, chart := range found {
			wellFormed(t, chart)
		}
	}
}

func wellFormed(t *testing.T, chart string) {
	t.Helper()
	reader := xml.NewDecoder(strings.NewReader(chart))
	for {
		_, err := reader.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("a chart is not well formed: %v", err)
		}
	}
	if strings.Contains(chart, "NaN") || strings.Contains(chart, "Inf") {
		t.Errorf("a chart has a place that is no number: %.300s", chart)
	}
}

func TestTheTextHasBothSets(t *testing.T) {
	var out bytes.Buffer
	if err := WriteText(&out, compared(t)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"(1)", "(2)", "largest 1 %", "1 jobs or lines left out: broken line"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the text does not say %q:\n%s", want, out.String())
		}
	}
}

func TestThePicture(t *testing.T) {
	var out bytes.Buffer
	if err := WritePicture(&out, compared(t)); err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(&out)
	if err != nil || picture.Bounds().Dx() != 1920 {
		t.Fatalf("%v, %v", err, picture)
	}
}
