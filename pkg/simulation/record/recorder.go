package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"io"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/simulation"
)

// ErrFull says that a recording has reached the size that it may have. What is
// recorded until then can be replayed.
var ErrFull = errors.New("the recording has reached its largest size")

// Engine is what can be recorded.
type Engine interface {
	Step(now int64, event admission.Event) []admission.Decision
	NextWake(now int64) (int64, bool)
	Snapshot() *admission.Snapshot
}

// Recorder is an Engine that writes down what it is told before it passes it
// on. When it cannot, or may not, write more, it only passes on.
//
//	recording ──write fails, ErrFull──> stopped (Stopped is told why, once)
type Recorder struct {
	engine  Engine
	out     *bufio.Writer
	left    int64 // bytes that may still be written
	sum     sum
	stopped bool
	// Stopped, if not nil, is called when the recording ends early.
	Stopped func(error)
}

// New returns a recorder before a new engine of a configuration: no event has
// been stepped yet. It writes at most limit bytes; 0 means any number.
func New(engine Engine, config admission.Config, w io.Writer, limit int64) *Recorder {
	r := &Recorder{engine: engine, out: bufio.NewWriterSize(w, 1<<16), left: limit, sum: newSum()}
	if limit <= 0 {
		r.left = 1<<63 - 1
	}
	r.write(header{Recording: headerMark, Version: Version, Config: config})
	return r
}

// Step records an event and what comes of it.
func (r *Recorder) Step(now int64, event admission.Event) []admission.Decision {
	if r.stopped {
		return r.engine.Step(now, event)
	}
	l := line{At: now}
	if err := l.set(event); err != nil {
		r.stop(err)
		return r.engine.Step(now, event)
	}
	r.write(l)
	decisions := r.engine.Step(now, event)
	if _, ok := event.(admission.Decide); ok && !r.stopped {
		r.sum.add(now, decisions)
		n := len(decisions)
		r.write(line{Decided: &n, Sum: r.sum.String()})
	}
	return decisions
}

// NextWake is the engine's.
func (r *Recorder) NextWake(now int64) (int64, bool) { return r.engine.NextWake(now) }

// Snapshot is the engine's. What is recorded so far is written out: who asks
// for snapshots does so a few times a second.
func (r *Recorder) Snapshot() *admission.Snapshot {
	r.Flush()
	return r.engine.Snapshot()
}

// Flush writes out what is recorded so far.
func (r *Recorder) Flush() {
	if err := r.out.Flush(); err != nil {
		r.stop(fmt.Errorf("writing the recording: %w", err))
	}
}

func (r *Recorder) write(value any) {
	data, err := json.Marshal(value)
	if err != nil {
		r.stop(fmt.Errorf("recording: %w", err))
		return
	}
	if r.left -= int64(len(data)) + 1; r.left < 0 {
		r.Flush()
		r.stop(ErrFull)
		return
	}
	if _, err := r.out.Write(append(data, '\n')); err != nil {
		r.stop(fmt.Errorf("writing the recording: %w", err))
	}
}

func (r *Recorder) stop(err error) {
	if r.stopped {
		return
	}
	r.stopped = true
	if r.Stopped != nil {
		r.Stopped(err)
	}
}

// sum is the running sum of a decision log.
type sum struct {
	hash hash.Hash64
	text []byte
}

func newSum() sum { return sum{hash: fnv.New64a()} }

func (s *sum) add(now int64, decisions []admission.Decision) {
	for _, d := range decisions {
		s.text = simulation.AppendEntry(s.text[:0], now, d)
		_, _ = s.hash.Write(s.text) // cannot fail
	}
}

func (s *sum) String() string { return fmt.Sprintf("%016x", s.hash.Sum64()) }
