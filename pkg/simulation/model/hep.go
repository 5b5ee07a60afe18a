package model

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// kind is a kind of job of a facility of high-energy physics.
type kind struct {
	name   string
	weight float64 // of jobs
	cores  int64
	// memory is per pod, in GB.
	memory int64
	// hours is the median run time, sigma the spread of its logarithm.
	hours, sigma float64
	// burst is the mean number of jobs that are submitted together.
	burst float64
	// users may submit it; 0 are the group's production accounts.
	users int
}

// hepKinds are the shapes of the WLCG: pilots of one core and of eight, with
// about 2 GB a core, and those with more memory (SCORE, MCORE, SCORE_HIMEM and
// MCORE_HIMEM of PanDA's queues), and analysis of single users, short and in
// bursts.
var hepKinds = []kind{
	{name: "score", weight: 0.30, cores: 1000, memory: 2, hours: 5, sigma: 0.9, burst: 4},
	{name: "mcore", weight: 0.22, cores: 8000, memory: 16, hours: 7, sigma: 0.8, burst: 4},
	{name: "score-himem", weight: 0.05, cores: 1000, memory: 8, hours: 6, sigma: 0.8, burst: 2},
	{name: "mcore-himem", weight: 0.03, cores: 8000, memory: 32, hours: 8, sigma: 0.7, burst: 2},
	{name: "analysis", weight: 0.40, cores: 1000, memory: 2, hours: 0.7, sigma: 1.2, burst: 40, users: 25},
}

// longestRun bounds run times, as facilities do.
const longestRun = 96 * time.Hour

// HEP makes jobs of a facility of high-energy physics: pilots of production
// accounts come day and night, analysis by day and less at the weekend, in
// bursts; users of a group differ by far in how much they submit; run-time
// limits are mostly too long and sometimes too short.
func HEP(c Config) (*trace.Trace, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	h := &hep{config: c, random: NewRandom(c.Seed, 1), builder: trace.NewBuilder()}
	h.shares = h.jobShares()
	for len(h.jobs) < c.Jobs {
		h.submit()
	}
	h.place()
	for i := range h.jobs {
		h.builder.Append(h.jobs[i])
	}
	return h.builder.Trace(), nil
}

// hep is one run of the generator.
type hep struct {
	config  Config
	random  *Random
	builder *trace.Builder
	shares  []float64
	jobs    []trace.Job
	// bursts are what is submitted together: up to, but without, end.
	bursts []burst
}

type burst struct {
	end     int
	byDay   bool
	spacing time.Duration // between its jobs
}

// jobShares are how likely a job is of each queue.
func (h *hep) jobShares() []float64 {
	shares := make([]float64, len(h.config.Queues))
	for i, q := range h.config.Queues {
		shares[i] = q.Share
	}
	if slices.Max(shares) <= 0 {
		for i := range shares {
			shares[i] = 1
		}
	}
	return shares
}

// submit adds jobs of one kind that one user submits together; they have no
// time yet.
func (h *hep) submit() {
	weights := make([]float64, len(hepKinds))
	for i, k := range hepKinds {
		if k.cores <= h.config.Largest {
			weights[i] = k.weight / k.burst
		}
	}
	k := hepKinds[h.random.Choose(weights)]
	queue := h.random.Choose(h.shares)
	user := h.config.Queues[queue].group() + "/production"
	if k.users > 0 {
		user = fmt.Sprintf("%s/user-%02d", h.config.Queues[queue].group(), 1+h.random.Choose(zipf(k.users)))
	}
	n := 1 + int(h.random.Exponential()*(k.burst-1)+0.5)
	job := trace.Job{
		Queue: h.builder.Queue(h.config.Queues[queue].Name),
		User:  h.builder.User(user),
		Shape: h.builder.Shape(trace.Request{Pods: 1, Cores: k.cores, Memory: k.memory << 30}),
	}
	// Jobs of one burst are alike: they differ less than those of others.
	median := h.random.LogNormal(k.hours, k.sigma*0.8)
	limit := time.Duration(0)
	for range min(n, h.config.Jobs-len(h.jobs)) {
		run := time.Duration(h.random.LogNormal(median, k.sigma*0.6) * float64(time.Hour))
		job.Run = trace.Whole(min(max(run, 30*time.Second), longestRun))
		if limit == 0 { // one script, one limit
			limit = h.random.limit(job.Run)
		}
		job.Limit = limit
		h.jobs = append(h.jobs, job)
	}
	h.bursts = append(h.bursts, burst{end: len(h.jobs), byDay: k.users > 0, spacing: time.Duration(h.random.Exponential() * float64(2*time.Second))})
}

// place gives each burst a time, so that all of them together offer the load.
func (h *hep) place() {
	work := 0.0
	for i := range h.jobs {
		work += float64(h.cores(i)) / 1000 * h.jobs[i].Run.Seconds()
	}
	span := h.config.span(work)
	first := 0
	for _, b := range h.bursts {
		at := h.moment(span, b.byDay)
		for i := first; i < b.end; i++ {
			h.jobs[i].Submit = trace.Whole(min(at+time.Duration(i-first)*b.spacing, span))
		}
		first = b.end
	}
	slices.SortStableFunc(h.jobs, func(a, b trace.Job) int { return cmp.Compare(a.Submit, b.Submit) })
	h.jobs[0].Submit = 0
	h.jobs[len(h.jobs)-1].Submit = trace.Whole(span)
}

func (h *hep) cores(i int) int64 { return h.builder.Cores(h.jobs[i].Shape) }

// moment is a time of submission within span. The trace begins on a Monday at
// midnight; people submit most at 15 h and little at the weekend, by rejection
// from the rate (Lewis and Shedler, 1979).
func (h *hep) moment(span time.Duration, byDay bool) time.Duration {
	for {
		at := time.Duration(h.random.Float() * float64(span))
		hour := math.Mod(at.Hours(), 24)
		rate := 1 + float64(0.15*math.Cos((hour-15)*math.Pi/12))
		if byDay {
			rate = 1 + float64(0.8*math.Cos((hour-15)*math.Pi/12))
			if day := int(at.Hours()/24) % 7; day >= 5 {
				rate *= 0.4
			}
		}
		if h.random.Float()*1.8 < rate {
			return at
		}
	}
}
