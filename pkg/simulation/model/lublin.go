package model

import (
	"fmt"
	"math"
	"time"

	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// lublinClass are the parameters of one class of jobs in the model of
//
//	U. Lublin and D. G. Feitelson, "The Workload on Parallel Supercomputers:
//	Modeling the Characteristics of Rigid Jobs", Journal of Parallel and
//	Distributed Computing 63(11), 2003, pages 1105-1122
//
// with the values that the authors distribute with it (m_lublin99.c at the
// Parallel Workloads Archive), which are those of the paper's sections on job
// sizes, run times and arrivals.
type lublinClass struct {
	name string
	// Sizes: serial with probability serial, else 2^x with x from a two-stage
	// uniform distribution over [low, med] with probability prob and [med, high],
	// rounded to a power of two with probability pow2. The class's low, and how
	// far med and high lie below the logarithm of the system's size.
	serial, pow2, low, medBelow, highBelow, prob float64
	// Run times: e^x with x from a hyper-gamma distribution of gamma(a1, b1)
	// with probability p and gamma(a2, b2), p = pa*nodes + pb.
	a1, b1, a2, b2, pa, pb float64
	// Times between arrivals: e^x with x from gamma(aarr, barr), aarr corrected
	// by arar from rush hours to all hours. They are spent in points that a half
	// hour of the day yields more of the more jobs arrive in it: gamma(anum, bnum).
	aarr, barr, anum, bnum, arar float64
}

// lublinClasses are batch and interactive jobs. The authors' system has 2^7
// processors: batch jobs reach that, interactive ones 2^5.5.
var lublinClasses = []lublinClass{
	{name: "batch", serial: 0.2927, pow2: 0.6686, low: 1.2, medBelow: 2, highBelow: 0, prob: 0.875,
		a1: 6.57, b1: 0.823, a2: 639.1, b2: 0.0156, pa: -0.003, pb: 0.6986,
		aarr: 6.0415, barr: 0.8531, anum: 6.1271, bnum: 5.2740, arar: 1.0519},
	{name: "interactive", serial: 0.1541, pow2: 0.625, low: 1, medBelow: 4, highBelow: 1.5, prob: 0.705,
		a1: 3.8351, b1: 0.6605, a2: 7.073, b2: 0.6856, pa: -0.0118, pb: 0.9156,
		aarr: 6.5510, barr: 0.6621, anum: 8.9186, bnum: 3.6680, arar: 0.9797},
}

// Constants of the model.
const (
	lublinLogRun     = 12 // no job runs longer than e^12 s, about two days
	lublinLogArrival = 13 // no two jobs are further apart than e^13 s, about five days
	lublinBuckets    = 48 // half hours of a day
	lublinDayStart   = 11 // the half hour that the model's day begins with
	lublinBucket     = 86400.0 / lublinBuckets
	// lublinNodes bounds the size that the probability p of the run time is
	// computed with: the fit is for systems of 128 processors.
	lublinNodes = 128
)

// Lublin makes jobs by the model of Lublin and Feitelson: rigid parallel jobs
// of one core a pod, two classes, a daily cycle. Job sizes follow the size of
// the largest job. The time between arrivals is scaled in the model's own
// measure, so that the load is met and the day keeps its 24 hours. What the
// model does not say is drawn as in HEP: queues by their share, users by rank,
// limits.
func Lublin(c Config) (*trace.Trace, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	l := &lublin{config: c, random: NewRandom(c.Seed, 2), builder: trace.NewBuilder(), system: math.Log2(float64(c.Largest) / 1000)}
	for i := range lublinClasses {
		l.arrivals[i].weights = lublinWeights(&lublinClasses[i])
		l.next(i)
	}
	l.draw()
	l.place()
	return l.builder.Trace(), nil
}

type lublin struct {
	config   Config
	random   *Random
	builder  *trace.Builder
	system   float64 // log2 of the largest job's cores
	arrivals [2]lublinArrivals
	jobs     []lublinJob
}

// lublinJob is a job whose time of arrival is in points: seconds of a half
// hour with the average number of arrivals.
type lublinJob struct {
	trace.Job
	class  int
	points float64
}

// lublinArrivals is the arrival process of one class.
type lublinArrivals struct {
	weights [lublinBuckets]float64 // mean 1
	points  float64                // of the next arrival
}

// lublinWeights are the half hours' parts of a day's arrivals, times 48.
func lublinWeights(k *lublinClass) (weights [lublinBuckets]float64) {
	sum := 0.0
	for i := lublinDayStart; i < lublinDayStart+lublinBuckets; i++ {
		part := gammaCDF(float64(i)+0.5, k.anum, k.bnum) - gammaCDF(float64(i)-0.5, k.anum, k.bnum)
		weights[(i-1)%lublinBuckets] = part
		sum += part
	}
	for i := range weights {
		weights[i] *= lublinBuckets / sum
	}
	return weights
}

// next draws the time of a class's next arrival.
func (l *lublin) next(class int) {
	k := &lublinClasses[class]
	for {
		if x := l.random.Gamma(k.aarr*k.arar, k.barr); x <= lublinLogArrival {
			l.arrivals[class].points += math.Exp(x)
			return
		}
	}
}

// draw makes all jobs, with their arrivals in points: the class whose next
// arrival is earlier has the next job.
func (l *lublin) draw() {
	shares := make([]float64, len(l.config.Queues))
	for i, q := range l.config.Queues {
		shares[i] = q.Share + 1e-9
	}
	users := zipf(30)
	for range l.config.Jobs {
		class := 0
		if l.arrivals[1].points < l.arrivals[0].points {
			class = 1
		}
		nodes := l.nodes(&lublinClasses[class])
		queue := l.random.Choose(shares)
		j := lublinJob{class: class, points: l.arrivals[class].points, Job: trace.Job{
			Run:   l.run(&lublinClasses[class], nodes),
			Queue: l.builder.Queue(l.config.Queues[queue].Name),
			User:  l.builder.User(fmt.Sprintf("%s/user-%02d", l.config.Queues[queue].group(), 1+l.random.Choose(users))),
			Shape: l.builder.Shape(trace.Request{Pods: int32(nodes), Cores: 1000, Memory: 2 << 30}),
		}}
		j.Limit = l.random.limit(j.Run)
		l.jobs = append(l.jobs, j)
		l.next(class)
	}
}

// nodes draws a job's size.
func (l *lublin) nodes(k *lublinClass) int {
	u := l.random.Float()
	if u <= k.serial {
		return 1
	}
	high := max(l.system-k.highBelow, 0)
	low := min(k.low, high)
	med := min(max(l.system-k.medBelow, low), high)
	x := l.random.Between(med, high)
	if l.random.Float() <= k.prob {
		x = l.random.Between(low, med)
	}
	if u <= k.serial+k.pow2 {
		x = math.Round(x)
	}
	return max(1, int(min(math.Round(math.Exp2(x)), float64(l.config.Largest/1000))))
}

// run draws a job's run time from its size.
func (l *lublin) run(k *lublinClass, nodes int) time.Duration {
	p := min(max(float64(k.pa*float64(min(nodes, lublinNodes)))+k.pb, 0), 1)
	for {
		a, b := k.a2, k.b2
		if l.random.Float() <= p {
			a, b = k.a1, k.b1
		}
		if x := l.random.Gamma(a, b); x <= lublinLogRun {
			return trace.Whole(max(time.Second, time.Duration(math.Exp(x)*float64(time.Second))))
		}
	}
}

// place turns points into times: each class passes through the half hours of
// its days and pays each half hour's points.
func (l *lublin) place() {
	work := 0.0
	for i := range l.jobs {
		work += float64(l.builder.Cores(l.jobs[i].Shape)) / 1000 * l.jobs[i].Run.Seconds()
	}
	scale := l.config.span(work).Seconds() / (l.jobs[len(l.jobs)-1].points - l.jobs[0].points + 1)
	var clocks [2]lublinClock
	for i := range l.jobs {
		j := &l.jobs[i]
		at := clocks[j.class].reach(j.points*scale, &l.arrivals[j.class].weights)
		j.Submit = trace.Whole(time.Duration(at * float64(time.Second)))
		l.builder.Append(j.Job)
	}
}

// lublinClock turns points into seconds from midnight of the first day.
type lublinClock struct {
	bucket int
	paid   float64 // points of all buckets before
}

// reach is the time at which a number of points, not below those before, have
// been spent.
func (c *lublinClock) reach(points float64, weights *[lublinBuckets]float64) float64 {
	for {
		yield := weights[c.bucket%lublinBuckets] * lublinBucket
		if points < c.paid+yield {
			return (float64(c.bucket) + (points-c.paid)/yield) * lublinBucket
		}
		c.paid += yield
		c.bucket++
	}
}
