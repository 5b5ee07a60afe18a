package forecast

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"fairlead.dev/fairlead/pkg/admission"
)

// Config says what is asked.
type Config struct {
	// Engine is left as it is; it must not be stepped meanwhile.
	Engine *admission.Engine
	// Now is the time of the question, Unix nanoseconds.
	Now int64
	// Workloads are those that the engine knows, as it was told last, those that
	// have been decided since with their admission.
	Workloads []admission.Workload
	// Of are the UIDs that are asked about. Estimates are in this order.
	Of []string
	// History tells how long workloads really run; nil knows nothing.
	History *History
	// DefaultLimit is that of workloads without one whose ClusterQueue assumes
	// none; 0 means admission.DefaultLimit.
	DefaultLimit time.Duration
	// Samples is how many futures are drawn for P50 and P90; 0 draws none. Seed
	// decides them: the same question has the same answer.
	Samples int
	Seed    uint64
	// Grace is how long the pods of evicted workloads take to end, from the
	// eviction or, if they are ending already, from Now.
	Grace time.Duration
	// Horizon is how far it looks; 0 means a year.
	Horizon time.Duration
	// Ended, if not nil, is told each end in the run with all limits that comes
	// before the last of Of has started.
	Ended func(uid string, at int64)
}

// Estimate is when a workload will start. Times are Unix nanoseconds, 0 where it
// does not start before the horizon.
type Estimate struct {
	UID string
	// Planned is its start if everything runs to its limit. Limits being upper
	// bounds, and with nobody coming later, most start earlier; where the end of
	// one workload lets another in first, some start later.
	Planned int64
	// P50 and P90 are not exceeded by half, and by nine of ten, of the futures
	// drawn: the smallest such time among them. Earliest is the first of all.
	Earliest, P50, P90 int64
}

// Answer is what is answered.
type Answer struct {
	Estimates []Estimate
	// Samples is how many futures were drawn. Unlimited counts workloads for
	// which DefaultLimit was assumed, Assumed those for which that of their
	// ClusterQueue was, Known those of which History knows more
	// than the default.
	Samples, Unlimited, Assumed, Known int
}

// overrun is for how long workloads that have outlived all that is known of
// them are planned to go on.
const overrun = int64(time.Minute)

// Of runs the engine's clone into the future, once with every workload running
// to its limit, and Samples times with run times drawn from History.
//
// To predict queue waits by running the scheduler's own algorithm forward with
// predicted run times is due to Smith, Taylor and Foster, "Using Run-Time
// Predictions to Estimate Queue Wait Times and Improve Scheduler Performance"
// (JSSPP 1999); that what users ask for is a poor prediction, and recent jobs
// of the same kind a good one, to Tsafrir, Etsion and Feitelson, "Backfilling
// Using System-Generated Predictions Rather than User Runtime Estimates" (IEEE
// TPDS 18, 2007).
//
// It costs, for each run, a clone and the decisions until the last of Of has
// started.
func Of(config Config) (*Answer, error) {
	if config.DefaultLimit <= 0 {
		config.DefaultLimit = time.Duration(admission.DefaultLimit)
	}
	if config.Horizon <= 0 {
		config.Horizon = 366 * 24 * time.Hour
	}
	if config.Samples < 0 || config.Engine == nil {
		return nil, errors.New("a forecast needs an engine and no fewer than 0 samples")
	}
	f := &forecaster{Config: config, asked: map[string]int{}, places: map[string]int32{}}
	answer := &Answer{Samples: config.Samples, Estimates: make([]Estimate, len(config.Of))}
	for i, uid := range config.Of {
		f.asked[uid] = i
		answer.Estimates[i].UID = uid
	}
	if len(f.asked) < len(config.Of) {
		return nil, errors.New("a workload is asked about twice")
	}
	if err := f.learn(answer); err != nil {
		return nil, err
	}
	planned, err := f.run(nil)
	if err != nil {
		return nil, err
	}
	f.Ended = nil
	starts := make([][]int64, len(config.Of))
	for sample := range config.Samples {
		got, err := f.run(newDraw(config.Seed, uint64(sample)))
		if err != nil {
			return nil, err
		}
		for i, at := range got {
			starts[i] = append(starts[i], at)
		}
	}
	for i := range answer.Estimates {
		e := &answer.Estimates[i]
		e.Planned = finite(planned[i])
		slices.Sort(starts[i])
		if n := len(starts[i]); n > 0 {
			e.Earliest, e.P50, e.P90 = finite(starts[i][0]), finite(starts[i][(n-1)/2]), finite(starts[i][(9*n+9)/10-1])
		}
	}
	return answer, nil
}

// never is when a workload starts that does not before the horizon.
const never = math.MaxInt64

func finite(at int64) int64 {
	if at == never {
		return 0
	}
	return at
}

// forecaster has what all runs begin with.
type forecaster struct {
	Config
	asked  map[string]int   // by UID, the place in Of
	places map[string]int32 // by UID, the place in Workloads
	// fractions are what is known of each workload's run time as a part of its
	// limit, nil if nothing is; limits and since tell its limit, and when it
	// started, 0 if it has not.
	fractions     [][]float64
	limits, since []int64
}

// learn notes what is known of each workload.
func (f *forecaster) learn(answer *Answer) error {
	for i := range f.Workloads {
		w := &f.Workloads[i]
		f.places[w.UID] = int32(i)
		limit, since := w.Limit, int64(0)
		if limit <= 0 {
			if limit = f.Engine.AssumedLimit(w.UID); limit > 0 {
				answer.Assumed++
			} else {
				limit = int64(f.DefaultLimit)
				answer.Unlimited++
			}
		}
		if w.Admission != nil {
			for _, at := range []int64{w.Started, w.AdmittedAt, w.ReservedAt, f.Now} {
				if since == 0 {
					since = at
				}
			}
		}
		var known []float64
		if w.Limit > 0 {
			known, _ = f.History.fractions(w.Namespace, w.Queue)
		}
		if known != nil {
			answer.Known++
		}
		f.fractions, f.limits, f.since = append(f.fractions, known), append(f.limits, limit), append(f.since, since)
	}
	for uid := range f.asked {
		if _, known := f.places[uid]; !known {
			return fmt.Errorf("workload %s is asked about and is not among the workloads", uid)
		}
	}
	return nil
}
