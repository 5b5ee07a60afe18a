package observer

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// FormatVersion is the version of the recording's format.
const FormatVersion = 1

// Kind says what a Record holds.
type Kind string

// A recording is one begin, any number of jobs, pods and gaps, and one end.
const (
	KindBegin Kind = "begin"
	KindJob   Kind = "job"
	KindPod   Kind = "pod"
	KindGap   Kind = "gap"
	KindEnd   Kind = "end"
)

// Change says how the server reported an object.
type Change string

// Listed objects were there before the watch began.
const (
	Listed   Change = "LISTED"
	Added    Change = "ADDED"
	Modified Change = "MODIFIED"
	Deleted  Change = "DELETED"
)

// Record is one line of a recording. Lines are written in the order in which
// the observer received them; Seq counts them from 0 without a hole. The order
// in which things happened on the server is that of resource versions.
type Record struct {
	Seq int64 `json:"seq"`
	// At is when the observer received it, in nanoseconds of its monotonic
	// clock since it began. It never falls.
	At    time.Duration `json:"at"`
	Kind  Kind          `json:"kind"`
	Begin *Begin        `json:"begin,omitempty"`
	Job   *JobSeen      `json:"job,omitempty"`
	Pod   *PodSeen      `json:"pod,omitempty"`
	// Gap says why events may be missing at this point.
	Gap string `json:"gap,omitempty"`
	End *End   `json:"end,omitempty"`
}

// Begin is the first line.
type Begin struct {
	Version int `json:"version"`
	// Wall is the local time at which At is 0.
	Wall time.Time `json:"wall"`
	// Server is the address that was watched.
	Server string `json:"server"`
}

// End is the last line. A recording without it was cut off.
type End struct {
	// Records is the number of lines before this one.
	Records int64 `json:"records"`
}

// JobSeen is what the observer keeps of a Job.
type JobSeen struct {
	Change          Change    `json:"change"`
	UID             string    `json:"uid"`
	Namespace       string    `json:"namespace"`
	Name            string    `json:"name"`
	ResourceVersion int64     `json:"rv"`
	Created         time.Time `json:"created"`
	Suspend         bool      `json:"suspend"`
	Parallelism     int32     `json:"parallelism"`
	Completions     int32     `json:"completions"`
	// CPU is what one pod requests.
	CPU       Milli `json:"cpu"`
	Active    int32 `json:"active,omitempty"`
	Succeeded int32 `json:"succeeded,omitempty"`
	Failed    int32 `json:"failed,omitempty"`
	// Finished is "Complete", "Failed" or empty.
	Finished   string     `json:"finished,omitempty"`
	Started    *time.Time `json:"started,omitempty"`
	FinishedAt *time.Time `json:"finishedAt,omitempty"`
}

// PodSeen is what the observer keeps of a Pod.
type PodSeen struct {
	Change          Change `json:"change"`
	UID             string `json:"uid"`
	Namespace       string `json:"namespace"`
	Name            string `json:"name"`
	ResourceVersion int64  `json:"rv"`
	// Job is the UID of the owning Job, empty if no Job owns it.
	Job     string     `json:"job,omitempty"`
	Created time.Time  `json:"created"`
	CPU     Milli      `json:"cpu"`
	Node    string     `json:"node,omitempty"`
	Phase   string     `json:"phase"`
	Started *time.Time `json:"started,omitempty"`
}

// Recording is a recording read back.
type Recording struct {
	Begin   Begin
	Records []Record // jobs and pods, in the order of lines
	// Length is the time of the last line.
	Length time.Duration
	// Faults tell why the recording cannot be trusted to be whole. An honest
	// recording has none.
	Faults []string
}

// ReadRecording reads a recording to the end or to the first line that cannot
// be read. What is wrong with it is in Faults; the error is about reading r.
func ReadRecording(r io.Reader) (*Recording, error) {
	rec := &Recording{}
	lines := bufio.NewReaderSize(r, 1<<20)
	ended := false
	var next int64
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("reading the recording at line %d: %w", number, err)
		}
		var one Record
		if !decodes(line, &one) || line[len(line)-1] != '\n' {
			rec.fault("line %d is cut off or is not a record: the recording was truncated", number)
			return rec, nil
		}
		if ended {
			rec.fault("line %d comes after the end", number)
			return rec, nil
		}
		rec.take(one, number, &next)
		ended = one.Kind == KindEnd
	}
	if next == 0 {
		rec.fault("the recording is empty")
	} else if !ended {
		rec.fault("the end is missing: the recording was truncated or the observer was killed")
	}
	return rec, nil
}

// take checks one line against those before it and keeps it.
func (rec *Recording) take(one Record, number int, next *int64) {
	if one.Seq != *next {
		rec.fault("line %d has number %d where %d is due: lines were lost, added or merged from another recording",
			number, one.Seq, *next)
	}
	*next = one.Seq + 1
	if one.At < rec.Length {
		rec.fault("line %d is earlier than the line before it", number)
	} else {
		rec.Length = one.At
	}
	if (one.Kind == KindBegin) != (number == 1) {
		rec.fault("line %d: a recording has one beginning, on line 1", number)
	}
	switch {
	case one.Kind == KindBegin && one.Begin != nil:
		if one.Begin.Version != FormatVersion {
			rec.fault("the format is version %d, not %d", one.Begin.Version, FormatVersion)
		}
		if number == 1 {
			rec.Begin = *one.Begin
		}
	case one.Kind == KindJob && one.Job != nil, one.Kind == KindPod && one.Pod != nil:
		rec.Records = append(rec.Records, one)
	case one.Kind == KindGap:
		rec.fault("the observer may have missed events %s into the recording: %s", one.At.Round(time.Millisecond), one.Gap)
	case one.Kind == KindEnd && one.End != nil:
		if one.End.Records != one.Seq {
			rec.fault("the end counts %d lines before it, there are %d", one.End.Records, one.Seq)
		}
	default:
		rec.fault("line %d: nothing is known of a record of kind %q", number, one.Kind)
	}
}

func (rec *Recording) fault(format string, args ...any) {
	rec.Faults = append(rec.Faults, fmt.Sprintf(format, args...))
}

// decodes reads one line. What is damaged is judged as a fault of the file:
// it is no error of reading it.
func decodes(line []byte, into any) bool { return json.Unmarshal(line, into) == nil }
