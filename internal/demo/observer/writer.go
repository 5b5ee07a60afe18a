package observer

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// Writer appends records, one JSON object a line. It may be used by several
// goroutines; Seq and At follow the order of the lines.
type Writer struct {
	mu    sync.Mutex
	out   io.Writer
	began time.Time // carries the monotonic clock
	seq   int64
}

// NewWriter writes the beginning of a recording.
func NewWriter(out io.Writer, server string) (*Writer, error) {
	w := &Writer{out: out, began: time.Now()}
	begin := &Begin{Version: FormatVersion, Wall: w.began, Server: server}
	return w, w.append(Record{Kind: KindBegin, Begin: begin})
}

// Job appends one sight of a Job.
func (w *Writer) Job(job *JobSeen) error { return w.append(Record{Kind: KindJob, Job: job}) }

// Pod appends one sight of a Pod.
func (w *Writer) Pod(pod *PodSeen) error { return w.append(Record{Kind: KindPod, Pod: pod}) }

// Gap says that events may be missing at this point, and why.
func (w *Writer) Gap(why string) error { return w.append(Record{Kind: KindGap, Gap: why}) }

// Close writes the end; it does not close what is underneath.
func (w *Writer) Close() error { return w.append(Record{Kind: KindEnd, End: &End{}}) }

// append gives the record its number and time and writes it with one call.
func (w *Writer) append(one Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	one.Seq = w.seq
	if one.Kind != KindBegin {
		one.At = time.Since(w.began)
	}
	if one.End != nil {
		one.End.Records = w.seq
	}
	line, err := json.Marshal(one)
	if err != nil {
		return fmt.Errorf("encoding record %d: %w", w.seq, err)
	}
	if _, err := w.out.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("writing record %d: %w", w.seq, err)
	}
	w.seq++
	return nil
}
