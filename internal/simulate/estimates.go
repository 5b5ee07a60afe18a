package simulate

import (
	"maps"
	"math"
	"slices"
	"time"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/simulation"
	"fairlead.dev/fairlead/pkg/simulation/forecast"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// Estimates compares what jobs were told, as they were submitted, about their
// start with when they started.
type Estimates struct {
	// Asked jobs that have started since; Samples futures were drawn for each.
	Asked   int `json:"asked"`
	Samples int `json:"samples"`
	// All of them, and those that waited for longer than a minute.
	All    []EstimateLine `json:"all"`
	Waited []EstimateLine `json:"waitedOverAMinute"`
}

// EstimateLine is how good one kind of estimate was for some jobs.
type EstimateLine struct {
	// Estimate is planned (everything runs to its limit), p50 or p90.
	Estimate string `json:"estimate"`
	Jobs     int    `json:"jobs"`
	// WithinMinute and WithinTen are the parts of jobs that started within 1 and
	// 10 minutes of it, NotLater the part that started by then.
	WithinMinute float64 `json:"withinMinute"`
	WithinTen    float64 `json:"withinTenMinutes"`
	NotLater     float64 `json:"notLater"`
	// Quantiles of the error, start less estimate, in seconds: negative where the
	// job started earlier than it was told.
	P05 float64 `json:"errorP05"`
	P25 float64 `json:"errorP25"`
	P50 float64 `json:"errorP50"`
	P75 float64 `json:"errorP75"`
	P95 float64 `json:"errorP95"`
}

// asker stands between a simulation and its engine. Every so many submissions a
// job asks when it will start, before the engine decides.
type asker struct {
	simulation.Engine
	core    *admission.Engine // of which clones are made
	every   int
	options Options
	seen    int
	fresh   []string
	told    map[string]admission.Workload
	history *forecast.History
	answers map[string]forecast.Estimate
	asked   map[string]int64
	started map[string]int64
	failed  error
}

func newAsker(engine simulation.Engine, core *admission.Engine, jobs *trace.Trace, options Options) *asker {
	return &asker{
		Engine: engine, core: core, every: max(1, len(jobs.Jobs)/options.Estimates), options: options,
		told: map[string]admission.Workload{}, history: forecast.NewHistory(),
		answers: map[string]forecast.Estimate{}, asked: map[string]int64{}, started: map[string]int64{},
	}
}

// Step implements simulation.Engine.
func (a *asker) Step(now int64, event admission.Event) []admission.Decision {
	switch ev := event.(type) {
	case admission.SetWorkload:
		if _, known := a.told[ev.UID]; !known && ev.Admission == nil {
			if a.seen++; a.seen%a.every == 0 {
				a.fresh = append(a.fresh, ev.UID)
			}
		}
		a.told[ev.UID] = *ev.Workload
	case admission.Finish:
		if w, known := a.told[ev.UID]; known {
			a.history.Add(w.Namespace, w.Queue, time.Duration(w.Limit), time.Duration(now-w.Started))
		}
		delete(a.told, ev.UID)
	case admission.DeleteWorkload:
		delete(a.told, ev.UID)
	case admission.Decide:
		if len(a.fresh) > 0 && a.failed == nil {
			a.failed = a.ask(now)
		}
		a.fresh = a.fresh[:0]
		decisions := a.Engine.Step(now, event)
		for _, d := range decisions {
			if admit, ok := d.(admission.Admit); ok {
				if _, before := a.started[admit.UID]; !before && a.asked[admit.UID] != 0 {
					a.started[admit.UID] = now
				}
			}
		}
		return decisions
	}
	return a.Engine.Step(now, event)
}

// ask asks for the jobs that have just been submitted.
func (a *asker) ask(now int64) error {
	config := forecast.Config{
		Engine: a.core, Now: now, Of: a.fresh, History: a.history, Samples: a.options.EstimateSamples, Seed: 1, Grace: a.options.Grace,
	}
	for _, uid := range slices.Sorted(maps.Keys(a.told)) {
		config.Workloads = append(config.Workloads, a.told[uid])
	}
	answer, err := forecast.Of(config)
	if err != nil {
		return err
	}
	for _, e := range answer.Estimates {
		a.answers[e.UID], a.asked[e.UID] = e, now
	}
	return nil
}

// waitedLong is how long a job must have waited to be counted among those that
// did.
const waitedLong = time.Minute

// estimates sums the answers up.
func (a *asker) estimates(samples int) *Estimates {
	out := &Estimates{Samples: samples}
	var all, waited []string
	for _, uid := range slices.Sorted(maps.Keys(a.started)) {
		all = append(all, uid)
		if a.started[uid]-a.asked[uid] > int64(waitedLong) {
			waited = append(waited, uid)
		}
	}
	out.Asked = len(all)
	for _, kind := range []struct {
		name string
		of   func(forecast.Estimate) int64
	}{
		{"planned", func(e forecast.Estimate) int64 { return e.Planned }},
		{"p50", func(e forecast.Estimate) int64 { return e.P50 }},
		{"p90", func(e forecast.Estimate) int64 { return e.P90 }},
	} {
		out.All = append(out.All, a.line(kind.name, all, kind.of))
		out.Waited = append(out.Waited, a.line(kind.name, waited, kind.of))
	}
	return out
}

// line sums up one kind of estimate. Where there was none (never, as far as
// could be seen) the job counts as started earlier than told, by the horizon.
func (a *asker) line(name string, uids []string, of func(forecast.Estimate) int64) EstimateLine {
	l := EstimateLine{Estimate: name, Jobs: len(uids)}
	if len(uids) == 0 {
		return l
	}
	var errors []float64
	for _, uid := range uids {
		estimate := of(a.answers[uid])
		if estimate == 0 {
			estimate = a.asked[uid] + int64(366*24*time.Hour)
		}
		errors = append(errors, float64(a.started[uid]-estimate)/1e9)
	}
	slices.Sort(errors)
	part := func(is func(float64) bool) float64 {
		n := 0
		for _, e := range errors {
			if is(e) {
				n++
			}
		}
		return float64(n) / float64(len(errors))
	}
	l.WithinMinute = part(func(e float64) bool { return math.Abs(e) <= 60 })
	l.WithinTen = part(func(e float64) bool { return math.Abs(e) <= 600 })
	l.NotLater = part(func(e float64) bool { return e <= 0 })
	for q, to := range map[float64]*float64{0.05: &l.P05, 0.25: &l.P25, 0.5: &l.P50, 0.75: &l.P75, 0.95: &l.P95} {
		*to = errors[max(0, int(math.Ceil(q*float64(len(errors))))-1)]
	}
	return l
}
