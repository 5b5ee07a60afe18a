package report

import (
	"math"
	"slices"
	"time"

	"fairlead.dev/fairlead/internal/demo/observer"
)

// Run is everything that the charts are drawn from.
type Run struct {
	Rules    *observer.Rules
	History  *observer.History
	Manifest *observer.Manifest
	Verdict  *observer.Verdict
	// Began is the local time of the recording's beginning.
	Began time.Time
}

// act is where an act begins, in seconds of the recording.
type act struct {
	name, title, look, edit string
	from                    float64
}

func (r *Run) acts() []act {
	var acts []act
	for _, a := range r.Manifest.Acts {
		acts = append(acts, act{a.Name, a.Title, a.Look, a.Edit, a.Wall.Sub(r.Began).Seconds()})
	}
	return acts
}

// span is the time to show, in seconds of the recording.
func (r *Run) span() (from, to float64) {
	_, last := r.History.Busy()
	to = last.Seconds() + 1
	if acts := r.acts(); len(acts) > 0 {
		from = math.Floor(max(0, acts[0].from))
	}
	return from, max(to, from+1)
}

// sampled holds averages over equal stretches of time, by group.
type sampled struct {
	running [][]float64 // cores of running pods
	due     [][]float64 // the fair share for what is held and waited for
	waiting [][]float64 // Jobs
}

// sample averages the history over n stretches in one walk.
func (r *Run) sample(from, to float64, n int) sampled {
	groups := len(r.Rules.Groups)
	make2 := func() [][]float64 {
		all := make([][]float64, groups)
		for g := range all {
			all[g] = make([]float64, n)
		}
		return all
	}
	s := sampled{make2(), make2(), make2()}
	width := (to - from) / float64(n)
	for i, step := range r.History.Steps {
		begin, end := step.At.Seconds(), r.History.Length.Seconds()
		if i+1 < len(r.History.Steps) {
			end = r.History.Steps[i+1].At.Seconds()
		}
		begin, end = max(begin, from), min(end, to)
		if end <= begin {
			continue
		}
		due := r.History.Due(step)
		for bin := int((begin - from) / width); bin < n; bin++ {
			a, b := max(begin, from+float64(bin)*width), min(end, from+float64(bin+1)*width)
			if b <= a {
				break
			}
			part := (b - a) / width
			for g, load := range step.Loads {
				s.running[g][bin] += load.Running.Cores() * part
				s.due[g][bin] += due[g] * part
				s.waiting[g][bin] += float64(load.PendingJobs) * part
			}
		}
	}
	return s
}

// starts and stops are the decisions on a Job.
func starts(job *observer.JobStory) []observer.Moment { return job.Starts }
func stops(job *observer.JobStory) []observer.Moment  { return job.Stops }

// perSecond counts decisions by group and second.
func (r *Run) perSecond(decisions func(*observer.JobStory) []observer.Moment, from, to float64) [][]float64 {
	counts := make([][]float64, len(r.Rules.Groups))
	for g := range counts {
		counts[g] = make([]float64, int(math.Ceil(to-from)))
	}
	for _, job := range r.History.Jobs {
		for _, one := range decisions(job) {
			if bin := int(one.At.Seconds() - from); bin >= 0 && bin < len(counts[job.Group]) {
				counts[job.Group][bin]++
			}
		}
	}
	return counts
}

// stopping is a stretch of time in which Jobs of a group were stopped.
type stopping struct {
	group    int
	from, to float64 // seconds
	jobs     int
}

// stoppings are the stretches with stops no further apart than a few seconds.
func (r *Run) stoppings() []stopping {
	const apart = 5.0
	var all []stopping
	for g := range r.Rules.Groups {
		var at []float64
		for _, job := range r.History.Jobs {
			for _, stop := range job.Stops {
				if job.Group == g {
					at = append(at, stop.At.Seconds())
				}
			}
		}
		slices.Sort(at)
		for i, t := range at {
			if i == 0 || t-at[i-1] > apart {
				all = append(all, stopping{group: g, from: t})
			}
			last := &all[len(all)-1]
			last.to, last.jobs = t, last.jobs+1
		}
	}
	return all
}
