package simulation

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// slowdownThreshold keeps jobs of a few seconds from deciding the mean of the
// bounded slowdown: max(1, (wait + run) / max(run, 10 s)) (Feitelson et al.,
// "Theory and Practice in Parallel Job Scheduling", JSSPP 1997).
const slowdownThreshold = 10 * time.Second

// Quantiles describe a set of numbers.
type Quantiles struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P95  float64 `json:"p95"`
	Max  float64 `json:"max"`
}

// Line tells how a set of jobs fared.
type Line struct {
	Name string `json:"name"`
	// Jobs submitted; Started and Ended of them; Refused could never start.
	Jobs    int `json:"jobs"`
	Started int `json:"started"`
	Ended   int `json:"ended"`
	// Wait is in seconds, until the first start, of those that started.
	Wait Quantiles `json:"waitSeconds"`
	// Slowdown is bounded below by 1, of those that ended.
	Slowdown Quantiles `json:"boundedSlowdown"`
	// CoreHours held (amount x hours, in whole units of the resource).
	CoreHours float64 `json:"coreHours"`
	// Evictions are how often its jobs were evicted, LostCoreHours the work
	// that was lost thereby.
	Evictions     int     `json:"evictions"`
	LostCoreHours float64 `json:"lostCoreHours"`
}

// Queue tells how a ClusterQueue fared.
type Queue struct {
	Line
	// Nominal is its own quota, in whole units of the resource.
	Nominal float64 `json:"nominal"`
	// Use is its average use while jobs were submitted, in whole units; Due what
	// it was entitled to in that time, given what everybody wanted.
	Use float64 `json:"averageUse"`
	Due float64 `json:"averageDue"`
	// Preempted counts evictions for its sake.
	Preempted int `json:"preemptedOthers"`
}

// Summary is a Result in numbers.
type Summary struct {
	Resource string `json:"resource"`
	// Capacity is the quota of all queues together, in whole units.
	Capacity float64 `json:"capacity"`
	// OfferedLoad is the work of all jobs, divided by what the capacity can do
	// between the first and the last submission.
	OfferedLoad float64 `json:"offeredLoad"`
	// Use is the part of the capacity in use between the first and the last
	// submission; UseToEnd until the last job had ended.
	Use      float64 `json:"use"`
	UseToEnd float64 `json:"useToEnd"`
	// LengthSeconds is the virtual time until the last moment.
	LengthSeconds float64 `json:"lengthSeconds"`
	PeakPending   int     `json:"peakPending"`
	// Unstarted jobs were still waiting when nothing could happen any more.
	Unstarted int `json:"unstarted"`
	Refused   int `json:"refused"`
	// Evictions by reason.
	Evictions map[string]int `json:"evictionsByReason,omitempty"`
	All       Line           `json:"all"`
	Queues    []Queue        `json:"queues"`
	Users     []Line         `json:"users"` // most core-hours first
	Sizes     []Line         `json:"sizes"`
}

// unit is how much of the quota's unit a whole one is.
func unit(resource string) float64 {
	if resource == "cpu" {
		return 1000
	}
	return 1
}

// Summarize computes the numbers.
func (r *Result) Summarize() *Summary {
	u := unit(r.Resource)
	jobs := r.Trace.Jobs
	out := &Summary{
		Resource: r.Resource, Capacity: r.Entitlements.Capacity() / u,
		LengthSeconds: r.Length.Seconds(), PeakPending: r.PeakPending, Refused: r.Refused, Evictions: r.Reasons,
	}
	all := make([]int32, len(jobs))
	byQueue := make([][]int32, len(r.ClusterQueues))
	byUser := make([][]int32, len(r.Trace.Users))
	work := 0.0
	for i := range jobs {
		all[i] = int32(i)
		if home := r.Home(i); home >= 0 {
			byQueue[home] = append(byQueue[home], int32(i))
		}
		byUser[jobs[i].User] = append(byUser[jobs[i].User], int32(i))
		work += r.Amount(i) / u * jobs[i].Run.Seconds()
	}
	window := r.Trace.Span()
	if window > 0 && out.Capacity > 0 {
		out.OfferedLoad = work / (window.Seconds() * out.Capacity)
	}
	out.All = r.line("all", all)
	out.Unstarted = r.Submitted - r.Refused - out.All.Started
	end := jobs[0].Submit + window
	for i, name := range r.ClusterQueues {
		q := Queue{Line: r.line(name, byQueue[i]), Nominal: r.Nominal[i] / u, Preempted: r.Preempted[i]}
		s := &r.Series.Queues[i]
		q.Use = perSecond(r.UsedWhileSubmitting[i], end) / u
		q.Due = r.Series.average(s.Due, 0, end) / u
		out.Use += q.Use
		out.UseToEnd += perSecond(r.UsedTotal[i], r.Length) / u
		out.Queues = append(out.Queues, q)
	}
	if out.Capacity > 0 {
		out.Use /= out.Capacity
		out.UseToEnd /= out.Capacity
	}
	for i, name := range r.Trace.Users {
		out.Users = append(out.Users, r.line(name, byUser[i]))
	}
	slices.SortStableFunc(out.Users, func(a, b Line) int { return cmp.Compare(b.CoreHours, a.CoreHours) })
	out.Sizes = r.sizes(all)
	return out
}

// sizes are the jobs by what they ask for, and the largest 1 %.
func (r *Result) sizes(all []int32) []Line {
	bounds := []float64{1, 8, 64, 512}
	classes := make([][]int32, len(bounds)+1)
	u := unit(r.Resource)
	for _, i := range all {
		at, _ := slices.BinarySearch(bounds, r.Amount(int(i))/u)
		classes[at] = append(classes[at], i)
	}
	var out []Line
	for i, class := range classes {
		name := fmt.Sprintf("more than %g", bounds[len(bounds)-1])
		switch {
		case i == 0:
			name = "up to 1"
		case i < len(bounds):
			name = fmt.Sprintf("more than %g, up to %g", bounds[i-1], bounds[i])
		}
		if len(class) > 0 {
			out = append(out, r.line(name, class))
		}
	}
	largest := slices.Clone(all)
	slices.SortStableFunc(largest, func(a, b int32) int { // of equal ones the longer
		return cmp.Or(cmp.Compare(r.Amount(int(b)), r.Amount(int(a))), cmp.Compare(r.Trace.Jobs[b].Run, r.Trace.Jobs[a].Run))
	})
	return append(out, r.line("largest 1 %", largest[:(len(largest)+99)/100]))
}

// line sums up a set of jobs.
func (r *Result) line(name string, jobs []int32) Line {
	l := Line{Name: name, Jobs: len(jobs)}
	waits, slowdowns := make([]float64, 0, len(jobs)), make([]float64, 0, len(jobs))
	for _, i := range jobs {
		l.CoreHours += r.Used[i] / unit(r.Resource) / 3600
		if n := r.Evictions[i]; n > 0 {
			l.Evictions += n
			l.LostCoreHours += r.Lost[i] / unit(r.Resource) / 3600
		}
		wait, started := r.Wait(int(i))
		if !started {
			continue
		}
		l.Started++
		waits = append(waits, wait.Seconds())
		if r.Ends[i] >= 0 {
			l.Ended++
			job := &r.Trace.Jobs[i]
			response := time.Duration(r.Ends[i]) - job.Submit
			slowdowns = append(slowdowns, max(1, response.Seconds()/max(job.Run, slowdownThreshold).Seconds()))
		}
	}
	l.Wait, l.Slowdown = quantiles(waits), quantiles(slowdowns)
	return l
}

// quantiles sorts its argument. The q-quantile is the smallest number that at
// least a part q of all do not exceed.
func quantiles(list []float64) Quantiles {
	n := len(list)
	if n == 0 {
		return Quantiles{}
	}
	slices.Sort(list)
	sum := 0.0
	for _, v := range list {
		sum += v
	}
	at := func(percent int) float64 { return list[max(0, (n*percent+99)/100-1)] }
	return Quantiles{Mean: sum / float64(n), P50: at(50), P95: at(95), Max: list[n-1]}
}

// perSecond is what an amount x seconds is on average over a time.
func perSecond(total float64, over time.Duration) float64 {
	if over <= 0 {
		return 0
	}
	return total / over.Seconds()
}

// average is the mean of a list of stretches over a time.
func (s *Series) average(list []float64, from, to time.Duration) float64 {
	if to <= from {
		return 0
	}
	sum := 0.0
	for i, v := range list {
		begin := time.Duration(i) * s.Width
		end := begin + s.Width
		if i == len(list)-1 {
			end = begin + s.Last
		}
		if part := min(end, to) - max(begin, from); part > 0 {
			sum += v * part.Seconds()
		}
	}
	return sum / (to - from).Seconds()
}
