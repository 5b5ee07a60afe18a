package simulation

import (
	"errors"
	"fmt"
	"math"
	"time"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// Engine is what the simulator needs of admission.Engine.
type Engine interface {
	Step(now int64, event admission.Event) []admission.Decision
	NextWake(now int64) (int64, bool)
}

// Config says what to simulate.
type Config struct {
	// Engine is new: no event has been stepped yet.
	Engine Engine
	// Objects are the queues, cohorts, flavors and namespaces. They stay as they
	// are.
	Objects []admission.Event
	// Jobs are submitted to Queues: a LocalQueue for each queue that the trace
	// names.
	Jobs   *trace.Trace
	Queues []LocalQueue
	// Begin is the time of the trace's beginning, Unix nanoseconds.
	Begin int64
	// Grace is how long the pods of an evicted job take to end; its quota is
	// in use until then.
	Grace time.Duration
	// Resource is what use and entitlement are counted in; empty means cpu.
	Resource string
	// Horizon ends the simulation that long after its beginning; 0: when no job
	// can start or end any more.
	Horizon time.Duration
	// Decided, if not nil, is told each decision.
	Decided func(now int64, d admission.Decision)
	// Progress, if not nil, is called now and then with how many jobs have been
	// submitted and have ended, and the virtual time passed.
	Progress func(submitted, ended int, at time.Duration)
}

// LocalQueue names one.
type LocalQueue struct{ Namespace, Name string }

// progressEvery is how many submissions and ends lie between calls of Progress.
const progressEvery = 16384

// mostPasses is how often the engine may decide at one moment: each further
// pass there follows evictions without a grace period, ends of jobs of no
// length, or a refusal. mostEvictions is how often a job may be evicted on
// average. Beyond these a simulation might never end.
const (
	mostPasses    = 100_000
	mostEvictions = 20
)

// Simulator is one run.
type Simulator struct {
	config Config
	engine Engine
	trace  *trace.Trace
	live   live
	ends   completions
	series *series
	result *Result
	now    int64
	next   int // the job to be submitted next
	ended  int
	again  bool // a pass is due at the same moment
	passes int  // at this moment, after the first
	// evicted counts evictions.
	evicted int
}

// Run simulates and returns what happened.
func Run(config Config) (*Result, error) {
	s, err := newSimulator(config)
	if err != nil {
		return nil, err
	}
	for _, object := range config.Objects {
		s.engine.Step(config.Begin, object)
	}
	if err := s.run(); err != nil {
		return nil, err
	}
	s.finish()
	return s.result, nil
}

func newSimulator(config Config) (*Simulator, error) {
	t := config.Jobs
	switch {
	case t == nil || len(t.Jobs) == 0:
		return nil, errors.New("there are no jobs to simulate")
	case len(t.Jobs) > math.MaxInt32:
		return nil, fmt.Errorf("%d jobs are too many", len(t.Jobs))
	case len(config.Queues) != len(t.Queues):
		return nil, fmt.Errorf("the trace names %d queues, the configuration %d", len(t.Queues), len(config.Queues))
	}
	if config.Resource == "" {
		config.Resource = "cpu"
	}
	s := &Simulator{config: config, engine: config.Engine, trace: t, now: config.Begin}
	result, err := newResult(&config)
	if err != nil {
		return nil, err
	}
	s.result = result
	s.series = newSeries(result.Entitlements, len(result.ClusterQueues), config.Begin)
	s.live = newLive(t)
	return s, nil
}

// run goes from moment to moment until nothing happens any more.
func (s *Simulator) run() error {
	told := 0
	for {
		at, ok := s.nextMoment()
		if !ok || s.config.Horizon > 0 && at > s.config.Begin+int64(s.config.Horizon) {
			return nil
		}
		if s.passes++; at > s.now {
			s.passes = 0
		}
		if s.passes > mostPasses || s.evicted > mostEvictions*(s.result.Submitted+mostEvictions) {
			return fmt.Errorf("%s after the beginning, with %d jobs submitted, there have been %d evictions and no end is in sight: "+
				"the preemption policies of these queues let jobs evict each other in a circle", time.Duration(at-s.config.Begin), s.result.Submitted, s.evicted)
		}
		s.now = at
		s.series.advance(at)
		for len(s.ends) > 0 && s.ends[0].at <= at {
			if c := s.ends.pop(); c.gone {
				s.requeue(c)
			} else {
				s.end(c)
			}
		}
		for s.next < len(s.trace.Jobs) && s.submitTime(s.next) <= at {
			s.submit(int32(s.next))
			if s.next++; s.next == len(s.trace.Jobs) {
				s.result.UsedWhileSubmitting = s.series.totals(at)
			}
		}
		for _, d := range s.engine.Step(at, admission.Decide{}) {
			if s.config.Decided != nil {
				s.config.Decided(at, d)
			}
			if err := s.apply(d); err != nil {
				return err
			}
		}
		if n := s.next + s.ended; s.config.Progress != nil && n-told >= progressEvery {
			told = n
			s.config.Progress(s.next, s.ended, time.Duration(at-s.config.Begin))
		}
	}
}

// nextMoment is the earliest time at which something happens.
func (s *Simulator) nextMoment() (at int64, ok bool) {
	if s.again {
		s.again = false
		return s.now, true
	}
	at = math.MaxInt64
	if s.next < len(s.trace.Jobs) {
		at = s.submitTime(s.next)
	}
	if len(s.ends) > 0 {
		at = min(at, s.ends[0].at)
	}
	if wake, due := s.engine.NextWake(s.now); due {
		at = min(at, max(wake, s.now))
	}
	return at, at != math.MaxInt64
}

func (s *Simulator) submitTime(job int) int64 {
	return s.config.Begin + int64(s.trace.Jobs[job].Submit)
}

// submit tells the engine of a job.
func (s *Simulator) submit(job int32) {
	j := &s.trace.Jobs[job]
	queue := s.result.queueOf[j.Queue]
	l := s.live.add(job)
	l.amount = s.result.amounts[j.Shape]
	s.result.Submitted++
	if w := s.trace.Found[job]; w != nil && w.Admission != nil {
		l.admission, l.reserved = w.Admission, w.ReservedAt
		s.tell(job, l, w.Evicted)
		s.start(job, l)
		if w.Evicted {
			s.evict(job, l)
		}
		return
	}
	s.tell(job, l, false)
	s.series.pending(queue, +1, l.amount, s.now)
}

// tell tells the engine how a job's Workload looks now.
func (s *Simulator) tell(job int32, l *liveJob, evicted bool) {
	j := &s.trace.Jobs[job]
	var w admission.Workload
	if found := s.trace.Found[job]; found != nil {
		w = *found
	} else {
		local := s.config.Queues[j.Queue]
		w = admission.Workload{
			UID: l.uid, Namespace: local.Namespace, Queue: local.Name,
			Priority: j.Priority, QueueTime: s.submitTime(int(job)), PodSets: s.trace.Shapes[j.Shape].PodSets,
			Limit: int64(j.Limit), Started: l.reserved,
		}
	}
	w.Limit = int64(j.Limit)
	w.Admission, w.ReservedAt, w.Evicted = l.admission, l.reserved, evicted
	if w.Admission != nil && w.Started == 0 {
		w.Started = l.reserved
	}
	w.PodsReady = l.admission != nil // at once
	s.engine.Step(s.now, admission.SetWorkload{Workload: &w})
}

// apply does what a decision says.
func (s *Simulator) apply(d admission.Decision) error {
	switch d := d.(type) {
	case admission.Admit:
		job, l := s.live.find(d.UID)
		if l == nil {
			return fmt.Errorf("the engine admitted %q, which is not waiting: this is a fault of the engine; please report it", d.UID)
		}
		s.series.pending(s.result.queueOf[s.trace.Jobs[job].Queue], -1, l.amount, s.now)
		l.admission, l.reserved = &d.Assignment, s.now
		s.tell(job, l, false)
		s.start(job, l)
	case admission.Wait:
		s.wait(d)
	case admission.Evict:
		return s.preempt(&d)
	case admission.EndHold: // there is no status to be cleared
	default:
		return fmt.Errorf("the simulator does not know decisions of type %T", d)
	}
	return nil
}

// start begins to run a job.
func (s *Simulator) start(job int32, l *liveJob) {
	j := &s.trace.Jobs[job]
	l.runs, l.since = true, s.now
	l.home = s.result.place(l.admission.ClusterQueue)
	l.used = held(l.admission, s.config.Resource)
	l.attempt++
	if s.result.Starts[job] < 0 {
		s.result.Starts[job] = s.now - s.config.Begin
	}
	s.result.Started++
	s.series.running(l.home, +1, l.used, s.now)
	s.ends.push(completion{at: s.now + int64(j.Run), job: job, attempt: l.attempt})
}

// end takes a job out that has run to its end.
func (s *Simulator) end(c completion) {
	l := s.live.at(c.job)
	if l == nil || l.attempt != c.attempt {
		return
	}
	s.stop(l)
	s.engine.Step(s.now, admission.Finish{UID: l.uid})
	s.engine.Step(s.now, admission.DeleteWorkload{UID: l.uid})
	s.result.Ends[c.job] = s.now - s.config.Begin
	s.result.Used[c.job] += l.used * (float64(s.now-l.since) / 1e9)
	s.ended++
	s.live.remove(c.job)
}

// preempt evicts the victims of a decision.
func (s *Simulator) preempt(d *admission.Evict) error {
	cause := s.result.place(d.ClusterQueue)
	for i := range d.Victims {
		job, l := s.live.find(d.Victims[i].UID)
		if l == nil || !l.runs {
			return fmt.Errorf("the engine evicted %q, which does not run: this is a fault of the engine; please report it", d.Victims[i].UID)
		}
		s.tell(job, l, true)
		s.evict(job, l)
		s.result.Evictions[job]++
		s.evicted++
		s.result.Reasons[string(d.Victims[i].Reason)]++
		if cause >= 0 {
			s.result.Preempted[cause]++
		}
	}
	return nil
}

// evict begins to end a running job's pods; what they have done is lost.
func (s *Simulator) evict(job int32, l *liveJob) {
	l.attempt++
	s.ends.push(completion{at: s.now + int64(s.config.Grace), job: job, attempt: l.attempt, gone: true})
}

// requeue lets a job wait again whose pods are gone.
func (s *Simulator) requeue(c completion) {
	l := s.live.at(c.job)
	s.stop(l)
	lost := l.used * (float64(s.now-l.since) / 1e9)
	s.result.Used[c.job] += lost
	s.result.Lost[c.job] += lost
	l.admission, l.reserved = nil, 0
	s.tell(c.job, l, false)
	s.series.pending(s.result.queueOf[s.trace.Jobs[c.job].Queue], +1, l.amount, s.now)
}

// stop takes a running job's use away.
func (s *Simulator) stop(l *liveJob) {
	l.runs = false
	s.series.running(l.home, -1, l.used, s.now)
}

// wait notes why a job waits. One that could never start in these queues is
// taken out, so that it is not in the way of others.
func (s *Simulator) wait(d admission.Wait) {
	switch d.Reason {
	case admission.ExceedsMaxQuota, admission.NoMatchingFlavor, admission.Misconfigured:
	default:
		return
	}
	job, l := s.live.find(d.UID)
	if l == nil {
		return
	}
	j := &s.trace.Jobs[job]
	s.series.pending(s.result.queueOf[j.Queue], -1, l.amount, s.now)
	s.engine.Step(s.now, admission.DeleteWorkload{UID: d.UID})
	s.result.Problems.Note(trace.NeverFits, j.Line, string(d.Reason)+": "+d.Why.String())
	s.result.Refused++
	s.again = true
	s.live.remove(job)
}

// finish closes the books.
func (s *Simulator) finish() {
	if s.config.Horizon > 0 {
		s.now = max(s.now, s.config.Begin+int64(s.config.Horizon))
		for job, l := range s.live.jobs { // each has an account of its own
			if l.runs {
				s.result.Used[job] += l.used * (float64(s.now-l.since) / 1e9)
			}
		}
	}
	s.result.UsedTotal = s.series.totals(s.now)
	if s.result.UsedWhileSubmitting == nil {
		s.result.UsedWhileSubmitting = s.result.UsedTotal
	}
	s.result.Series = s.series.close(s.now)
	s.result.Length = time.Duration(s.now - s.config.Begin)
	s.result.Ended = s.ended
	s.result.PeakPending = s.series.peak
}

// held is what an assignment holds of a resource.
func held(a *admission.Assignment, resource string) float64 {
	sum := 0.0
	for i := range a.PodSets {
		for _, u := range a.PodSets[i].Usage {
			if u.Resource == resource {
				sum += float64(u.Amount)
			}
		}
	}
	return sum
}
