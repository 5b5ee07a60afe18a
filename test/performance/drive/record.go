package drive

import (
	"slices"
	"sync"
	"time"

	"fairlead.dev/fairlead/test/performance/load"
	"fairlead.dev/fairlead/test/performance/measure"
)

// Outcome is what a run recorded.
type Outcome struct {
	// Start is when the first submission was sent.
	Start time.Time
	// Wall is from Start to the last completion, Settled until the last
	// Workload was Finished as well.
	Wall, Settled time.Duration
	// Started is from Start until the last item was unsuspended or admitted.
	Started time.Duration
	// Waits, one for each item, are from sending the submission until the item
	// was seen to be unsuspended or admitted.
	Waits []time.Duration
	// Lags, one for each item, are from the time when a submission was due
	// until it was sent.
	Lags []time.Duration
	// Completions are the times of completion since Start, in order.
	Completions []time.Duration
	// Requests are the driver's own.
	Requests measure.Requests
}

// Progress counts how far a run has come.
type Progress struct {
	Submitted, Started, Completed, Finished, All int
	Elapsed                                      time.Duration
}

// recorder notes the moments of each item. Each is noted once; later sights of
// the same are ignored.
type recorder struct {
	mu      sync.Mutex
	planned time.Time
	plan    []load.Item
	byName  map[string]int
	moments []moments
	counts  Progress
}

type moments struct{ submitted, started, completed, finished time.Time }

func newRecorder(plan []load.Item) *recorder {
	r := &recorder{plan: plan, byName: make(map[string]int, len(plan)), moments: make([]moments, len(plan))}
	for i, item := range plan {
		r.byName[item.Name] = i
	}
	r.counts.All = len(plan)
	return r
}

// begin sets the time that due times count from.
func (r *recorder) begin(now time.Time) { r.planned = now }

// note sets a moment unless it was set; it says whether it did.
func note(moment *time.Time, count *int) bool {
	if !moment.IsZero() {
		return false
	}
	*moment = time.Now()
	*count++
	return true
}

func (r *recorder) submitted(i int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	note(&r.moments[i].submitted, &r.counts.Submitted)
}

func (r *recorder) started(i int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return note(&r.moments[i].started, &r.counts.Started)
}

func (r *recorder) completed(i int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return note(&r.moments[i].completed, &r.counts.Completed)
}

// finished says whether all items are.
func (r *recorder) finished(i int) (all bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	note(&r.moments[i].finished, &r.counts.Finished)
	return r.counts.Finished == r.counts.All
}

func (r *recorder) allCompleted() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts.Completed == r.counts.All
}

func (r *recorder) progress() Progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.counts
	p.Elapsed = time.Since(r.planned)
	return p
}

// outcome sums up a run that has ended.
func (r *recorder) outcome(requests measure.Requests) *Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := &Outcome{Requests: requests}
	for i, m := range r.moments {
		if o.Start.IsZero() || m.submitted.Before(o.Start) {
			o.Start = m.submitted
		}
		o.Waits = append(o.Waits, m.started.Sub(m.submitted))
		o.Lags = append(o.Lags, m.submitted.Sub(r.planned.Add(r.plan[i].Due)))
	}
	for _, m := range r.moments {
		completed := m.completed.Sub(o.Start)
		o.Completions = append(o.Completions, completed)
		o.Wall = max(o.Wall, completed)
		o.Started = max(o.Started, m.started.Sub(o.Start))
		o.Settled = max(o.Settled, m.finished.Sub(o.Start))
	}
	slices.Sort(o.Completions)
	return o
}
