package trace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// QueueField is the field of an SWF file that tells a job's queue.
type QueueField string

// The fields that may tell a job's queue.
const (
	ByGroup     QueueField = "group"
	ByQueue     QueueField = "queue"
	ByUser      QueueField = "user"
	ByPartition QueueField = "partition"
)

// QueueFields lists them.
var QueueFields = []QueueField{ByGroup, ByQueue, ByUser, ByPartition}

// The fields of an SWF line, from 0: Chapin et al., "Benchmarks and Standards
// for the Evaluation of Parallel Job Schedulers", JSSPP 1999, and the format's
// page at the Parallel Workloads Archive (version 2.2).
const (
	swfSubmit        = 1
	swfRun           = 3
	swfAllocated     = 4
	swfUsedMemory    = 6 // KB per processor
	swfRequested     = 7
	swfRequestedTime = 8
	swfRequestedMem  = 9 // KB per processor
	swfStatus        = 10
	swfUser          = 11
	swfGroup         = 12
	swfQueue         = 14
	swfPartition     = 15
	swfFields        = 18
)

// Partial executions of one job have a line each, besides the line of the
// whole job: only that is read.
const (
	swfPartialMore  = 2
	swfPartialLast  = 3
	swfPartialError = 4
)

// longestTime is the longest time that is believed, in seconds: 100 years.
const longestTime = 100 * 365 * 86400

// mostProcessors is the largest job that can be counted.
const mostProcessors = math.MaxInt32

// ReadSWF reads the Standard Workload Format. Only a failure to read is an
// error, or a file in which no line at all is a job: what is wrong with single
// lines is in the Trace's Problems.
func ReadSWF(r io.Reader, by QueueField) (*Trace, error) {
	b, field := NewBuilder(), map[QueueField]int{ByGroup: swfGroup, ByQueue: swfQueue, ByUser: swfUser, ByPartition: swfPartition}[by]
	if field == 0 {
		return nil, fmt.Errorf("jobs cannot be told apart by %q: use group, queue, user or partition", by)
	}
	lines := newLines(r)
	for lines.next() {
		text := bytes.TrimSpace(lines.text)
		switch {
		case len(text) == 0:
		case text[0] == ';':
			b.header(string(text))
		default:
			b.swfLine(text, field, string(by), lines.number)
		}
	}
	if lines.err != nil {
		return nil, fmt.Errorf("line %d: %w", lines.number+1, lines.err)
	}
	return b.finish("an SWF file has 18 numbers a line, and header lines that begin with ';'")
}

// finish refuses input without any job.
func (b *Builder) finish(format string) (*Trace, error) {
	if len(b.trace.Jobs) > 0 {
		return b.Trace(), nil
	}
	if len(b.trace.Problems.List) > 0 {
		return nil, fmt.Errorf("no line can be used; the first: %s (%s)", b.trace.Problems.List[0], format)
	}
	return nil, errors.New("it holds no jobs: " + format)
}

// header reads what a header line tells of the machine. MaxProcs counts
// processors; MaxNodes is taken where it alone is given.
func (b *Builder) header(line string) {
	key, value, ok := strings.Cut(strings.TrimLeft(line, "; \t"), ":")
	if !ok {
		return
	}
	value, _, _ = strings.Cut(strings.TrimSpace(value), " ")
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n <= 0 || n > mostProcessors {
		return
	}
	switch strings.TrimSpace(key) {
	case "MaxProcs":
		b.trace.MaxCores = n * 1000
	case "MaxNodes":
		if b.trace.MaxCores == 0 {
			b.trace.MaxCores = n * 1000
		}
	}
}

// swfLine adds the job of a line, or notes why it cannot.
func (b *Builder) swfLine(text []byte, queueField int, by string, line int32) {
	var f [swfFields]float64
	if problem := parseFields(text, &f); problem != "" {
		b.trace.Problems.Note(BrokenLine, line, problem)
		return
	}
	if s := f[swfStatus]; s == swfPartialMore || s == swfPartialLast || s == swfPartialError {
		return
	}
	processors, run := f[swfRequested], f[swfRun]
	if processors < 0 { // unknown
		processors = f[swfAllocated]
	}
	switch {
	case f[swfSubmit] < 0:
		b.trace.Problems.Note(NegativeTime, line, fmt.Sprintf("submitted at %g s", f[swfSubmit]))
	case run < 0 && run != -1:
		b.trace.Problems.Note(NegativeTime, line, fmt.Sprintf("runs for %g s", run))
	case run == -1:
		b.trace.Problems.Note(UnknownRun, line, "the run time is -1")
	case f[swfSubmit] > longestTime, run > longestTime:
		b.trace.Problems.Note(TooLarge, line, fmt.Sprintf("submitted at %g s, runs for %g s: more than 100 years", f[swfSubmit], run))
	case processors < 1:
		b.trace.Problems.Note(NoProcessors, line, fmt.Sprintf("requested %g, allocated %g processors", f[swfRequested], f[swfAllocated]))
	case processors > mostProcessors:
		b.trace.Problems.Note(TooLarge, line, fmt.Sprintf("%g processors", processors))
	default:
		b.Add(Job{
			Submit: duration(f[swfSubmit]),
			Run:    duration(run),
			Limit:  duration(min(max(0, f[swfRequestedTime]), longestTime)),
			Shape:  b.Shape(Request{Pods: int32(processors), Cores: 1000, Memory: swfMemory(&f)}),
			Queue:  b.Queue(by + "-" + number(f[queueField])),
			User:   b.User("user-" + number(f[swfUser])),
			Line:   line,
		})
	}
}

// swfMemory is what a processor's share of memory is, in bytes: requested, else
// used; 0 if neither is known.
func swfMemory(f *[swfFields]float64) int64 {
	kb := f[swfRequestedMem]
	if kb <= 0 {
		kb = f[swfUsedMemory]
	}
	if kb <= 0 || kb > 1<<40 {
		return 0
	}
	return int64(kb) * 1024
}

// parseFields reads the numbers of a line and says what is wrong with them.
func parseFields(text []byte, f *[swfFields]float64) string {
	n := 0
	for len(text) > 0 {
		end := bytes.IndexAny(text, " \t")
		if end < 0 {
			end = len(text)
		}
		if n < swfFields {
			v, err := strconv.ParseFloat(string(text[:end]), 64)
			if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Sprintf("field %d is %q, not a number", n+1, clip(text[:end]))
			}
			f[n] = v
		}
		n++
		text = bytes.TrimLeft(text[end:], " \t")
	}
	if n != swfFields {
		return fmt.Sprintf("it has %d fields, not %d", n, swfFields)
	}
	return ""
}

func clip(text []byte) string {
	const most = 40
	if len(text) > most {
		return string(text[:most]) + "..."
	}
	return string(text)
}

func duration(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// number writes an identifier of the format; -1 is unknown.
func number(v float64) string {
	if v < 0 {
		return "unknown"
	}
	return strconv.FormatInt(int64(v), 10)
}

// lines reads lines of any length and counts them; those too long to be
// anything are cut.
type lines struct {
	reader *bufio.Reader
	text   []byte
	number int32
	err    error
}

// longestLine is how much of a line is looked at.
const longestLine = 1 << 20

func newLines(r io.Reader) *lines { return &lines{reader: bufio.NewReaderSize(r, 1<<16)} }

// next reads one line and says whether there was one.
func (l *lines) next() bool {
	l.text = l.text[:0]
	for {
		part, more, err := l.reader.ReadLine()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				l.err = err
			}
			return false
		}
		l.text = append(l.text, part[:min(len(part), longestLine-len(l.text))]...)
		if !more {
			l.number++
			return true
		}
	}
}
