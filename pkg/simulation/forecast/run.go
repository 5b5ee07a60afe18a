package forecast

import (
	"container/heap"
	"fmt"
	"math"
	"time"

	"fairlead.dev/fairlead/pkg/admission"
)

// mostEvictions is how often a workload may be evicted on average, mostPasses how
// often the engine may decide at one moment, before a run is given up.
const (
	mostEvictions = 20
	mostPasses    = 10_000
)

// run is one run into the future.
type run struct {
	*forecaster
	draw   *draw // nil runs everything to its limit
	engine *admission.Engine
	now    int64
	// changed are workloads that are not as they were when the run began.
	changed map[int32]*state
	ends    ends
	starts  []int64 // of Of
	left    int     // of Of, not started yet
	evicted int
}

// state is a workload that has been decided upon.
type state struct {
	workload admission.Workload
	since    int64 // when it started
	attempt  int
}

// end is the end of a workload that runs, or of its pods after an eviction.
type end struct {
	at      int64
	place   int32
	attempt int
	gone    bool
}

type ends []end

func (h ends) Len() int { return len(h) }
func (h ends) Less(i, j int) bool {
	if h[i].at != h[j].at {
		return h[i].at < h[j].at
	}
	return h[i].place < h[j].place
}
func (h ends) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push and Pop are heap.Interface.
func (h *ends) Push(x any) { *h = append(*h, x.(end)) }

// Pop is heap.Interface.
func (h *ends) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// run runs until everything that is asked about has started, nothing happens any
// more or the horizon is reached, and returns the starts.
func (f *forecaster) run(d *draw) ([]int64, error) {
	r := &run{
		forecaster: f, draw: d, engine: f.Engine.Clone(), now: f.Now,
		changed: map[int32]*state{}, starts: make([]int64, len(f.Of)), left: len(f.Of),
	}
	for i := range r.starts {
		r.starts[i] = never
	}
	for i := range f.Workloads {
		if w := &f.Workloads[i]; w.Admission != nil {
			r.begin(int32(i), w.Evicted)
		}
	}
	return r.starts, r.forward()
}

// begin takes over a workload that holds quota already.
func (r *run) begin(place int32, evicted bool) {
	if i, asked := r.asked[r.Workloads[place].UID]; asked && !evicted {
		r.starts[i] = r.since[place]
		r.left--
	}
	if evicted {
		r.evict(place)
		return
	}
	heap.Push(&r.ends, end{at: r.endOf(place, r.since[place], 0), place: place})
}

// endOf is when a workload ends that has started at since.
func (r *run) endOf(place int32, since int64, attempt int) int64 {
	limit, past := r.limits[place], r.now-since
	length := limit
	if r.draw != nil {
		u := r.draw.of(r.Workloads[place].UID, attempt)
		part, ok := fraction(r.fractions[place], float64(past)/float64(limit), u)
		if ok {
			length = int64(part * float64(limit))
		}
	}
	if past > 0 && length <= past {
		return r.now + overrun
	}
	if length > math.MaxInt64-since {
		return never
	}
	return since + length
}

// forward goes from moment to moment.
func (r *run) forward() error {
	passes := 0
	for at := r.now; r.left > 0; {
		if passes++; at > r.now {
			passes = 0
		}
		if passes > mostPasses || r.evicted > mostEvictions*(len(r.Workloads)+mostEvictions) {
			return fmt.Errorf("%v after now there have been %d evictions and no end is in sight: the preemption policies of these queues let workloads evict each other in a circle",
				time.Duration(r.now-r.Now), r.evicted)
		}
		r.now = at
		for len(r.ends) > 0 && r.ends[0].at <= at {
			r.end(heap.Pop(&r.ends).(end))
		}
		for _, d := range r.engine.Step(at, admission.Decide{}) {
			if err := r.apply(d); err != nil {
				return err
			}
		}
		next, ok := r.next()
		if !ok || next-r.Now > int64(r.Horizon) {
			return nil
		}
		at = next
	}
	return nil
}

// next is the next moment at which something happens.
func (r *run) next() (at int64, ok bool) {
	at = never
	if len(r.ends) > 0 {
		at = r.ends[0].at
	}
	if wake, due := r.engine.NextWake(r.now); due {
		at = min(at, max(wake, r.now))
	}
	return at, at != never
}

// state is a workload that is about to change.
func (r *run) state(place int32) *state {
	s := r.changed[place]
	if s == nil {
		s = &state{workload: r.Workloads[place], since: r.since[place]}
		s.workload.Preempting = nil // it matters when a workload is seen first
		r.changed[place] = s
	}
	return s
}

func (r *run) apply(d admission.Decision) error {
	switch d := d.(type) {
	case admission.Admit:
		place, known := r.places[d.UID]
		if !known {
			return fmt.Errorf("the engine admitted %q, which was not among the workloads", d.UID)
		}
		s := r.state(place)
		s.workload.Admission, s.workload.Evicted, s.workload.PodsReady = &d.Assignment, false, true
		s.workload.ReservedAt, s.workload.AdmittedAt, s.workload.Started, s.since = r.now, r.now, r.now, r.now
		r.engine.Step(r.now, admission.SetWorkload{Workload: &s.workload})
		s.attempt++
		if i, asked := r.asked[d.UID]; asked && r.starts[i] == never {
			r.starts[i] = r.now
			r.left--
		}
		heap.Push(&r.ends, end{at: r.endOf(place, r.now, s.attempt), place: place, attempt: s.attempt})
	case admission.Evict:
		for i := range d.Victims {
			place, known := r.places[d.Victims[i].UID]
			if !known {
				return fmt.Errorf("the engine evicted %q, which was not among the workloads", d.Victims[i].UID)
			}
			s := r.state(place)
			s.workload.Evicted = true
			r.engine.Step(r.now, admission.SetWorkload{Workload: &s.workload})
			r.evict(place)
			r.evicted++
		}
	case admission.Wait, admission.EndHold:
	default:
		return fmt.Errorf("a forecast does not know decisions of type %T", d)
	}
	return nil
}

// evict begins to end a workload's pods.
func (r *run) evict(place int32) {
	s := r.state(place)
	s.attempt++
	heap.Push(&r.ends, end{at: r.now + int64(r.Grace), place: place, attempt: s.attempt, gone: true})
}

// end lets a workload end, or wait again if it was evicted: what it had done is
// lost, and it runs from the beginning.
func (r *run) end(e end) {
	attempt := 0
	if s := r.changed[e.place]; s != nil {
		attempt = s.attempt
	}
	if e.attempt != attempt {
		return // it was evicted meanwhile
	}
	uid := r.Workloads[e.place].UID
	if !e.gone {
		r.engine.Step(r.now, admission.Finish{UID: uid})
		r.engine.Step(r.now, admission.DeleteWorkload{UID: uid})
		if r.Ended != nil {
			r.Ended(uid, r.now)
		}
		return
	}
	s := r.state(e.place)
	w := &s.workload
	w.Admission, w.Evicted, w.PodsReady = nil, false, false
	w.ReservedAt, w.AdmittedAt, w.Started = 0, 0, 0
	r.engine.Step(r.now, admission.SetWorkload{Workload: w})
}
