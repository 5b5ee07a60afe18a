package observer

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// Manifest is what the load says it submitted. It is written by the load, not
// by the observer, so that a Job that vanished without a trace is missed.
type Manifest struct {
	Acts []ActBegun
	Jobs []Submitted
	// Faults tell why the manifest cannot be trusted to be whole.
	Faults []string
}

// ActBegun marks the beginning of a part of the load.
type ActBegun struct {
	Name  string    `json:"name"`
	Title string    `json:"title"`
	Look  string    `json:"look,omitempty"` // what to look for
	Edit  string    `json:"edit,omitempty"` // what the administrator changed as it began, as a command
	Wall  time.Time `json:"wall"`           // local time
}

// Submitted is a Job that the server has accepted.
type Submitted struct {
	UID       string    `json:"uid"`
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Act       string    `json:"act"`
	Wall      time.Time `json:"wall"` // local time, before the request
	// RunFor is how long its pod is to run.
	RunFor time.Duration `json:"runFor"`
}

// manifestLine is one line; exactly one field is set.
type manifestLine struct {
	Act *ActBegun  `json:"act,omitempty"`
	Job *Submitted `json:"job,omitempty"`
	End *int       `json:"end,omitempty"` // number of Jobs
}

// ManifestWriter appends to a manifest. Several goroutines may use it.
type ManifestWriter struct {
	mu   sync.Mutex
	out  io.Writer
	jobs int
}

// NewManifestWriter writes to out, one JSON object a line.
func NewManifestWriter(out io.Writer) *ManifestWriter { return &ManifestWriter{out: out} }

// Act notes that an act begins.
func (m *ManifestWriter) Act(act ActBegun) error { return m.append(manifestLine{Act: &act}) }

// Job notes that a Job was accepted.
func (m *ManifestWriter) Job(job Submitted) error { return m.append(manifestLine{Job: &job}) }

// Close writes the number of Jobs; a manifest without it was cut off.
func (m *ManifestWriter) Close() error { return m.append(manifestLine{End: &m.jobs}) }

func (m *ManifestWriter) append(line manifestLine) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("encoding a line of the manifest: %w", err)
	}
	if _, err := m.out.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	if line.Job != nil {
		m.jobs++
	}
	return nil
}

// ReadManifest reads a manifest; what is wrong with it is in Faults.
func ReadManifest(r io.Reader) (*Manifest, error) {
	m := &Manifest{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	ended := false
	for number := 1; lines.Scan(); number++ {
		var line manifestLine
		if !decodes(lines.Bytes(), &line) {
			m.Faults = append(m.Faults, fmt.Sprintf("line %d of the manifest is cut off or damaged", number))
			return m, nil
		}
		if ended {
			m.Faults = append(m.Faults, fmt.Sprintf("line %d of the manifest comes after its end", number))
			return m, nil
		}
		switch {
		case line.Act != nil:
			m.Acts = append(m.Acts, *line.Act)
		case line.Job != nil:
			m.Jobs = append(m.Jobs, *line.Job)
		case line.End != nil:
			ended = true
			if *line.End != len(m.Jobs) {
				m.Faults = append(m.Faults, fmt.Sprintf("the manifest's end counts %d Jobs, it lists %d", *line.End, len(m.Jobs)))
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the manifest: %w", err)
	}
	if !ended {
		m.Faults = append(m.Faults, "the manifest has no end: the load was interrupted")
	}
	return m, nil
}
