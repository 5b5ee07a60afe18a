package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"fairlead.dev/fairlead/internal/demo/observer"
)

// The files that WriteFiles makes.
const (
	HTMLFile = "report.html"
	PNGFile  = "report.png"
	CSVFile  = "cores.csv"
)

// Load reads a run's files: rules.json, recording.jsonl, manifest.jsonl and
// verdict.json.
func Load(dir string) (*Run, error) {
	rules, err := observer.LoadRules(filepath.Join(dir, "rules.json"))
	if err != nil {
		return nil, err
	}
	recording, err := observer.LoadRecording(filepath.Join(dir, "recording.jsonl"))
	if err != nil {
		return nil, err
	}
	manifest, err := observer.LoadManifest(filepath.Join(dir, "manifest.jsonl"))
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(dir, "verdict.json"))
	if err != nil {
		return nil, fmt.Errorf("reading the verdict: %w", err)
	}
	var verdict observer.Verdict
	if err := json.Unmarshal(data, &verdict); err != nil {
		return nil, fmt.Errorf("reading the verdict: %w", err)
	}
	return &Run{
		Rules: rules, History: observer.NewHistory(rules, recording), Manifest: manifest, Verdict: &verdict, Began: recording.Begin.Wall,
	}, nil
}

// WriteFiles draws the report of the run in dir: a page, a picture and a table
// of cores by second.
func WriteFiles(dir string) error {
	run, err := Load(dir)
	if err != nil {
		return err
	}
	var page, picture bytes.Buffer
	if err := run.WriteHTML(&page); err != nil {
		return err
	}
	if err := run.WritePNG(&picture); err != nil {
		return err
	}
	for name, data := range map[string][]byte{HTMLFile: page.Bytes(), PNGFile: picture.Bytes(), CSVFile: run.csv()} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
	}
	return nil
}

// csv is a table of averages over each second.
func (r *Run) csv() []byte {
	from, to := r.span()
	n := int(to - from)
	s := r.sample(from, from+float64(n), n)
	var out bytes.Buffer
	out.WriteString("second")
	for _, g := range r.Rules.Groups {
		fmt.Fprintf(&out, ",%[1]s running cores,%[1]s fair share,%[1]s waiting Jobs", g.Name)
	}
	out.WriteString("\n")
	for i := range n {
		fmt.Fprintf(&out, "%g", from+float64(i))
		for g := range r.Rules.Groups {
			fmt.Fprintf(&out, ",%.2f,%.2f,%.1f", s.running[g][i], s.due[g][i], s.waiting[g][i])
		}
		out.WriteString("\n")
	}
	return out.Bytes()
}
