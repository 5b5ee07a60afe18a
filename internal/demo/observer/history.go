package observer

import (
	"cmp"
	"slices"
	"time"
)

// Step is the state of all groups from one change to the next.
type Step struct {
	Moment
	Loads []Load
}

// History is a whole recording, replayed in the server's order.
type History struct {
	Rules *Rules
	Jobs  []*JobStory
	Steps []Step
	// Length is the time of the recording's last line.
	Length time.Duration

	byUID map[string]*JobStory
}

// NewHistory replays a recording in the order of resource versions, which is
// the order in which etcd took the writes, whatever object they are of. Two
// watches may deliver out of step, so received times are made to rise.
func NewHistory(rules *Rules, rec *Recording) *History {
	records := slices.Clone(rec.Records)
	slices.SortStableFunc(records, func(a, b Record) int { return cmp.Compare(version(a), version(b)) })
	replay := NewReplay(rules)
	h := &History{Rules: rules, Length: rec.Length, byUID: replay.jobs}
	var at time.Duration
	for _, one := range records {
		at = max(at, one.At)
		one.At = at
		replay.Apply(one)
		step := Step{Moment: Moment{RV: version(one), At: at}, Loads: replay.Loads()}
		if n := len(h.Steps); n > 0 && slices.Equal(h.Steps[n-1].Loads, step.Loads) {
			continue
		}
		h.Steps = append(h.Steps, step)
	}
	h.Jobs = replay.Jobs()
	return h
}

// Job finds a Job by UID, nil if it was never seen.
func (h *History) Job(uid string) *JobStory { return h.byUID[uid] }

// until is the end of step i.
func (h *History) until(i int) time.Duration {
	if i+1 < len(h.Steps) {
		return h.Steps[i+1].At
	}
	return h.Length
}

// Integral sums value over the time from one moment to another, in
// core-seconds if value is in cores.
func (h *History) Integral(from, to time.Duration, value func(Step) float64) float64 {
	var sum float64
	for i, step := range h.Steps {
		a, b := max(step.At, from), min(h.until(i), to)
		if b > a {
			sum += value(step) * (b - a).Seconds()
		}
	}
	return sum
}

// Due is the fair share of each group at a step, in cores: what it holds and
// waits for is what it demands.
func (h *History) Due(step Step) []float64 {
	demand := make([]Milli, len(step.Loads))
	for i, load := range step.Loads {
		demand[i] = load.Held + load.Waiting
	}
	due := make([]float64, len(demand))
	for i, d := range h.Rules.FairShare(demand) {
		due[i] = cores(d)
	}
	return due
}

// Busy is the time from the first start to the last finish of any Job.
func (h *History) Busy() (from, to time.Duration) {
	from = h.Length
	for _, job := range h.Jobs {
		if len(job.Starts) > 0 {
			from = min(from, job.Starts[0].At)
		}
		if n := len(job.Finishes); n > 0 {
			to = max(to, job.Finishes[n-1].At)
		}
	}
	return from, max(from, to)
}

func version(one Record) int64 {
	if one.Job != nil {
		return one.Job.ResourceVersion
	}
	return one.Pod.ResourceVersion
}
