package trace

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"
)

// Line is a job as a line of JSON holds it. Times are seconds.
type Line struct {
	Submit float64 `json:"submit"`
	Run    float64 `json:"run"`
	// Limit is the run-time limit that the user gave; 0 or missing: none.
	Limit float64 `json:"limit,omitempty"`
	// Queue is NAMESPACE/NAME or NAME of a LocalQueue, or a group's name.
	Queue    string `json:"queue"`
	User     string `json:"user,omitempty"`
	Priority int32  `json:"priority,omitempty"`
	// Pods that are alike, 1 if missing; the rest is what one of them asks for.
	Pods  int32   `json:"pods,omitempty"`
	Cores float64 `json:"cores"`
	// MemoryBytes of one pod; 0 or missing: unknown.
	MemoryBytes float64 `json:"memoryBytes,omitempty"`
	GPUs        int64   `json:"gpus,omitempty"`
}

// ReadJSONLines reads one job a line. Only a failure to read is an error, or a
// file in which no line at all is a job: what is wrong with single lines is in
// the Trace's Problems.
func ReadJSONLines(r io.Reader) (*Trace, error) {
	b, lines := NewBuilder(), newLines(r)
	for lines.next() {
		text := bytes.TrimSpace(lines.text)
		if len(text) == 0 {
			continue
		}
		l := Line{Pods: 1, Run: -1}
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&l); err != nil {
			b.trace.Problems.Note(BrokenLine, lines.number, err.Error())
			continue
		}
		if decoder.More() {
			b.trace.Problems.Note(BrokenLine, lines.number, "something follows the job on its line")
			continue
		}
		b.jsonLine(&l, lines.number)
	}
	if lines.err != nil {
		return nil, fmt.Errorf("line %d: %w", lines.number+1, lines.err)
	}
	return b.finish(`each line is a job, for example {"submit":0,"run":60,"queue":"osg","cores":1}`)
}

func (b *Builder) jsonLine(l *Line, line int32) {
	cores := math.Round(l.Cores * 1000)
	switch {
	case l.Queue == "":
		b.trace.Problems.Note(BrokenLine, line, "queue is missing")
	case l.Submit < 0 || l.Limit < 0 || l.Run < 0 && l.Run != -1:
		b.trace.Problems.Note(NegativeTime, line, fmt.Sprintf("submit %g, run %g, limit %g", l.Submit, l.Run, l.Limit))
	case l.Run == -1:
		b.trace.Problems.Note(UnknownRun, line, "run is missing")
	case max(l.Submit, l.Run, l.Limit) > longestTime:
		b.trace.Problems.Note(TooLarge, line, fmt.Sprintf("submit %g, run %g, limit %g: more than 100 years", l.Submit, l.Run, l.Limit))
	case l.Pods < 1 || l.Cores < 0 || l.GPUs < 0 || l.MemoryBytes < 0 || cores == 0 && l.GPUs == 0:
		b.trace.Problems.Note(NoProcessors, line, fmt.Sprintf("%d pods of %g cores, %d GPUs and %g bytes", l.Pods, l.Cores, l.GPUs, l.MemoryBytes))
	case float64(l.Pods)*max(cores, l.MemoryBytes, float64(l.GPUs)) > 1<<60:
		b.trace.Problems.Note(TooLarge, line, fmt.Sprintf("%d pods of %g cores and %g bytes", l.Pods, l.Cores, l.MemoryBytes))
	default:
		user := l.User
		if user == "" {
			user = "unknown"
		}
		b.Add(Job{
			Submit: duration(l.Submit), Run: duration(l.Run), Limit: duration(l.Limit),
			Shape: b.Shape(Request{Pods: l.Pods, Cores: int64(cores), Memory: int64(l.MemoryBytes), GPUs: l.GPUs}),
			Queue: b.Queue(l.Queue), User: b.User(user), Priority: l.Priority, Line: line,
		})
	}
}

// WriteJSONLines writes the jobs of a trace, one a line, so that
// ReadJSONLines reads them again. Only plain requests can be written: the
// first pod set of each job is.
func (t *Trace) WriteJSONLines(w io.Writer) error {
	encoder := json.NewEncoder(w)
	for i := range t.Jobs {
		j := &t.Jobs[i]
		set := &t.Shapes[j.Shape].PodSets[0]
		l := Line{
			Submit: j.Submit.Seconds(), Run: j.Run.Seconds(), Limit: j.Limit.Seconds(),
			Queue: t.Queues[j.Queue], User: t.Users[j.User], Priority: j.Priority, Pods: set.Count,
		}
		for _, r := range set.Requests {
			switch r.Resource {
			case "cpu":
				l.Cores = float64(r.Amount) / 1000
			case "memory":
				l.MemoryBytes = float64(r.Amount)
			case "nvidia.com/gpu":
				l.GPUs = r.Amount
			}
		}
		if err := encoder.Encode(l); err != nil {
			return fmt.Errorf("writing the trace: %w", err)
		}
	}
	return nil
}

// Whole rounds a time to whole seconds, as traces have them.
func Whole(d time.Duration) time.Duration { return d.Round(time.Second) }
