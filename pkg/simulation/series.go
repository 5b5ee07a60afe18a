package simulation

import "time"

// Series is how things went over time, in equal stretches.
type Series struct {
	// Width is the length of a stretch; the first begins at 0. Last is the
	// length of the last one, which may be shorter.
	Width, Last time.Duration
	Queues      []QueueSeries // as Result.ClusterQueues
}

// QueueSeries are averages over each stretch, of one ClusterQueue. Use, Demand
// and Due are in the unit of its quota (thousandths of a core).
type QueueSeries struct {
	Use []float64 // held by its running jobs
	// Demand is what running and waiting jobs ask for.
	Demand []float64
	// Due is what it was entitled to, given everybody's demand.
	Due     []float64
	Waiting []float64 // jobs
}

// series follows what runs and waits. A stretch is made of samples: within one,
// use and demand are averaged exactly, and entitlements are computed from the
// averages. When there are too many stretches, each two become one.
type series struct {
	entitlements *Entitlements
	queues       []level
	sample       int64 // length, nanoseconds
	begin        int64 // of the current sample
	samples      int   // closed ones of the current stretch
	spent        int64 // their length
	wants        []float64
	out          Series
	waiting      int
	peak         int // the most that waited at once
}

// level is what a ClusterQueue has now, with its integrals over the sample and
// over the closed samples of the stretch.
type level struct {
	use, wait, jobs float64 // amounts that run and that wait; jobs that wait
	changed         int64   // the integrals are up to date to that time
	sample          integrals
	stretch         integrals
	total           float64 // of use
}

// integrals are sums of amount x nanoseconds.
type integrals struct{ use, demand, due, jobs float64 }

const (
	firstSample      = int64(15 * time.Second)
	samplesOfStretch = 4
	mostStretches    = 960 // even
)

func newSeries(e *Entitlements, queues int, begin int64) *series {
	s := &series{
		entitlements: e, queues: make([]level, queues), sample: firstSample, begin: begin,
		wants: make([]float64, queues), out: Series{Queues: make([]QueueSeries, queues), Width: time.Duration(firstSample * samplesOfStretch)},
	}
	for i := range s.queues {
		s.queues[i].changed = begin
	}
	return s
}

// settle brings a queue's integrals up to date.
func (l *level) settle(now int64) {
	if dt := float64(now - l.changed); dt > 0 {
		l.sample.use += l.use * dt
		l.total += l.use * dt
		l.sample.demand += (l.use + l.wait) * dt
		l.sample.jobs += l.jobs * dt
		l.changed = now
	}
}

// pending notes that a job of an amount has begun (+1) or ceased (-1) to wait.
// Queues are -1 for LocalQueues that lead nowhere.
func (s *series) pending(queue int32, sign, amount float64, now int64) {
	s.waiting += int(sign)
	s.peak = max(s.peak, s.waiting)
	if queue < 0 {
		return
	}
	l := &s.queues[queue]
	l.settle(now)
	l.wait += sign * amount
	l.jobs += sign
}

// running notes that a job has begun (+1) or ceased (-1) to hold an amount.
func (s *series) running(queue int32, sign, amount float64, now int64) {
	if queue < 0 {
		return
	}
	l := &s.queues[queue]
	l.settle(now)
	l.use += sign * amount
}

// advance closes the samples that end at or before now.
func (s *series) advance(now int64) {
	for s.begin+s.sample <= now {
		s.closeSample(s.begin + s.sample)
		if s.samples == samplesOfStretch {
			s.closeStretch()
		}
	}
}

func (s *series) closeSample(end int64) {
	length := float64(end - s.begin)
	for i := range s.queues {
		l := &s.queues[i]
		l.settle(end)
		s.wants[i] = l.sample.demand / length
	}
	due := s.entitlements.Due(s.wants)
	for i := range s.queues {
		l := &s.queues[i]
		l.stretch.use += l.sample.use
		l.stretch.demand += l.sample.demand
		l.stretch.jobs += l.sample.jobs
		l.stretch.due += due[i] * length
		l.sample = integrals{}
	}
	s.samples++
	s.spent += end - s.begin
	s.begin = end
}

func (s *series) closeStretch() {
	length := float64(s.spent)
	for i := range s.queues {
		l, out := &s.queues[i], &s.out.Queues[i]
		out.Use = append(out.Use, l.stretch.use/length)
		out.Demand = append(out.Demand, l.stretch.demand/length)
		out.Due = append(out.Due, l.stretch.due/length)
		out.Waiting = append(out.Waiting, l.stretch.jobs/length)
		l.stretch = integrals{}
	}
	s.out.Last = time.Duration(s.spent)
	s.samples, s.spent = 0, 0
	if len(s.queues) > 0 && len(s.out.Queues[0].Use) == mostStretches {
		s.halve()
	}
}

// halve makes one stretch of each two.
func (s *series) halve() {
	for i := range s.out.Queues {
		q := &s.out.Queues[i]
		for _, list := range []*[]float64{&q.Use, &q.Demand, &q.Due, &q.Waiting} {
			for k := range mostStretches / 2 {
				(*list)[k] = ((*list)[2*k] + (*list)[2*k+1]) / 2
			}
			*list = (*list)[:mostStretches/2]
		}
	}
	s.sample *= 2
	s.out.Width *= 2
	s.out.Last = s.out.Width
}

// totals are the use of each queue until now, amount x seconds.
func (s *series) totals(now int64) []float64 {
	out := make([]float64, len(s.queues))
	for i := range s.queues {
		s.queues[i].settle(now)
		out[i] = s.queues[i].total / 1e9
	}
	return out
}

// close closes what is open and returns the series.
func (s *series) close(now int64) Series {
	s.advance(now)
	if now > s.begin {
		s.closeSample(now)
	}
	if s.spent > 0 {
		s.closeStretch()
	}
	return s.out
}
