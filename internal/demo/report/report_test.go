package report

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fairlead.dev/fairlead/internal/demo/observer"
)

// realRun unpacks the observer's real recording, judges it and returns the
// directory.
func realRun(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	from := filepath.Join("..", "observer", "testdata", "demo")
	rules, err := os.ReadFile(filepath.Join(from, "rules.json"))
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("rules.json", rules)
	for _, name := range []string{"recording.jsonl", "manifest.jsonl"} {
		file, err := os.Open(filepath.Join(from, name+".gz"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		zip, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(zip)
		if err != nil {
			t.Fatal(err)
		}
		write(name, data)
	}
	judge(t, dir)
	return dir
}

func judge(t *testing.T, dir string) {
	t.Helper()
	rules, err := observer.LoadRules(filepath.Join(dir, "rules.json"))
	if err != nil {
		t.Fatal(err)
	}
	recording, err := observer.LoadRecording(filepath.Join(dir, "recording.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := observer.LoadManifest(filepath.Join(dir, "manifest.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(observer.Judge(rules, recording, manifest))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "verdict.json"), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func written(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPageNeedsNothingElse(t *testing.T) {
	dir := realRun(t)
	if err := WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	page := written(t, dir, HTMLFile)
	bare := strings.ReplaceAll(page, `xmlns="http://www.w3.org/2000/svg"`, "")
	if found := regexp.MustCompile(`(?i)(src=|href=|url\(|@import|<script|https?:)`).FindString(bare); found != "" {
		t.Errorf("the page refers to something outside: %q", found)
	}
	for _, want := range []string{"PASS: all 13 checks hold", "Act 6: A gang", "15 osg Jobs stopped", "kubectl patch clusterqueue usatlas", ">stopped<", "usatlas owns 60", "osg owns 40 more", "fair share", "Act 3: usatlas comes back", "prefers-color-scheme:dark"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, class := range regexp.MustCompile(`class="([fs]-[a-z0-9-]+)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, "."+class[1]+"{") {
			t.Fatalf("the page has no style for %s", class[1])
		}
	}
	charts := regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(page, -1)
	if len(charts) != 4 {
		t.Fatalf("%d charts, want 4", len(charts))
	}
	for _, chart := range charts {
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
			t.Errorf("a chart has a place that is no number: %.200s", chart)
		}
	}
	if size := len(page); size > 1<<20 {
		t.Errorf("the page has %d bytes, want less than a megabyte", size)
	}
}

func TestPageTellsWhatWasWrong(t *testing.T) {
	dir := realRun(t)
	rules := strings.Replace(written(t, dir, "rules.json"), `"nominal": 40`, `"nominal": 39`, 1)
	if err := os.WriteFile(filepath.Join(dir, "rules.json"), []byte(rules), 0o644); err != nil {
		t.Fatal(err)
	}
	judge(t, dir)
	if err := WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	page := written(t, dir, HTMLFile)
	for _, want := range []string{"FAIL:", "What was wrong", "its quota is 99", "✗ broken"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of a failed run does not say %q", want)
		}
	}
}

// The picture shows the colours of both groups, most of them where each ran.
func TestPicture(t *testing.T) {
	dir := realRun(t)
	run, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run.WritePNG(&out); err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(&out)
	if err != nil {
		t.Fatal(err)
	}
	size := picture.Bounds().Size()
	if size.X != chartWidth*pictureScale || size.Y != pictureHeight*pictureScale {
		t.Fatalf("the picture is %v", size)
	}
	counts := map[string]int{}
	for x := range size.X {
		for y := range size.Y {
			r, g, b, _ := picture.At(x, y).RGBA()
			switch {
			case b>>8 > 150 && r>>8 < 100:
				counts["usatlas"]++
			case r>>8 > 200 && g>>8 > 140 && g>>8 < 200 && b>>8 < 100:
				counts["osg"]++
			case r>>8 > 150 && g>>8 < 40 && b>>8 < 90:
				counts["fair share"]++
			case r>>8 > 115 && r>>8 < 130 && g>>8 > 55 && g>>8 < 70 && b>>8 > 150:
				counts["stopped"]++ // the words and the mark
			}
		}
	}
	for name, least := range map[string]int{"usatlas": 100_000, "osg": 100_000, "fair share": 2_000, "stopped": 300} {
		if counts[name] < least {
			t.Errorf("%d pixels of %s, want at least %d", counts[name], name, least)
		}
	}
}

func TestCSV(t *testing.T) {
	dir := realRun(t)
	if err := WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(written(t, dir, CSVFile)), "\n")
	if want := "second,usatlas running cores,usatlas fair share,usatlas waiting Jobs,osg running cores,osg fair share,osg waiting Jobs"; lines[0] != want {
		t.Errorf("header %q", lines[0])
	}
	if len(lines) < 60 {
		t.Errorf("%d lines; want one for each second of the run", len(lines))
	}
}

func TestNiceStep(t *testing.T) {
	for _, tt := range []struct{ span, want float64 }{{110, 20}, {1, 0.2}, {12, 2}, {0.03, 0.005}, {700, 200}} {
		if got := niceStep(tt.span, 6); got != tt.want {
			t.Errorf("steps for %g: %g, want %g", tt.span, got, tt.want)
		}
	}
}
