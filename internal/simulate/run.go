package simulate

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/simulation"
	"fairlead.dev/fairlead/pkg/simulation/record"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// Scenario is one queue set and what became of the jobs in it.
type Scenario struct {
	Set     *QueueSet
	Notes   []string
	Result  *simulation.Result
	Summary *simulation.Summary
	// Estimates compares what jobs were told with what came; nil if none was asked
	// for.
	Estimates *Estimates
	// Took is the real time that the simulation took.
	Took time.Duration
}

// Options say how to simulate.
type Options struct {
	// Resource is what use is counted in.
	Resource string
	// Begin is the time of the trace's beginning; zero if that is on no calendar.
	Begin time.Time
	// Grace is how long evicted pods take to end.
	Grace time.Duration
	// DecisionLog, if not nil, gets a line for each decision.
	DecisionLog io.Writer
	// Progress is as in simulation.Config.
	Progress func(submitted, ended int, at time.Duration)
	// Recording, if not nil, gets a recording of the engine.
	Recording io.Writer
	// Estimates is how many jobs ask when they will start as they are submitted,
	// 0 for none; each answer draws EstimateSamples futures.
	Estimates, EstimateSamples int
}

// Run simulates the jobs in the queues of a set.
func Run(set *QueueSet, jobs *trace.Trace, options Options) (*Scenario, error) {
	set, err := set.at(options.Begin)
	if err != nil {
		return nil, err
	}
	queues, notes := Assign(jobs, set)
	engine := admission.New(set.Config)
	config := simulation.Config{
		Engine: engine, Objects: set.Events, Jobs: jobs, Queues: queues,
		Resource: options.Resource, Grace: options.Grace, Progress: options.Progress,
	}
	if !options.Begin.IsZero() {
		config.Begin = options.Begin.UnixNano()
	}
	var log *bufio.Writer
	var failed error
	var recorder *record.Recorder
	if options.Recording != nil {
		recorder = record.New(engine, set.Config, options.Recording, 0)
		recorder.Stopped = func(err error) { failed = err }
		config.Engine = recorder
	}
	var asking *asker
	if options.Estimates > 0 {
		config.Begin = max(config.Begin, 1) // for a forecast a start at 0 is an unknown one
		asking = newAsker(config.Engine, engine, jobs, options)
		config.Engine = asking
	}
	if options.DecisionLog != nil {
		log = bufio.NewWriterSize(options.DecisionLog, 1<<16)
		var line []byte
		config.Decided = func(now int64, d admission.Decision) {
			line = simulation.AppendEntry(line[:0], now, d)
			if _, err := log.Write(line); err != nil && failed == nil {
				failed = err
			}
		}
	}
	began := time.Now()
	result, err := simulation.Run(config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", set.Name, err)
	}
	took := time.Since(began)
	if log != nil {
		if err := log.Flush(); err != nil && failed == nil {
			failed = err
		}
	}
	if recorder != nil {
		recorder.Flush()
	}
	if failed != nil {
		return nil, fmt.Errorf("writing decisions down: %w", failed)
	}
	notes = append(append([]string{}, set.Notes...), notes...)
	scenario := &Scenario{Set: set, Notes: notes, Result: result, Summary: result.Summarize(), Took: took}
	if asking != nil {
		if asking.failed != nil {
			return nil, fmt.Errorf("%s: %w", set.Name, asking.failed)
		}
		scenario.Estimates = asking.estimates(options.EstimateSamples)
	}
	return scenario, nil
}
