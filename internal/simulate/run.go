package simulate

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/simulation"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// Scenario is one queue set and what became of the jobs in it.
type Scenario struct {
	Set     *QueueSet
	Notes   []string
	Result  *simulation.Result
	Summary *simulation.Summary
	// Took is the real time that the simulation took.
	Took time.Duration
}

// Options say how to simulate.
type Options struct {
	// Resource is what use is counted in.
	Resource string
	// Begin is the time of the trace's beginning.
	Begin time.Time
	// DecisionLog, if not nil, gets a line for each decision.
	DecisionLog io.Writer
	// Progress is as in simulation.Config.
	Progress func(submitted, ended int, at time.Duration)
	// Wrap, if not nil, stands before the engine, for example to record.
	Wrap func(*admission.Engine) simulation.Engine
}

// Run simulates the jobs in the queues of a set.
func Run(set *QueueSet, jobs *trace.Trace, options Options) (*Scenario, error) {
	queues, notes := Assign(jobs, set)
	engine := admission.New(set.Config)
	config := simulation.Config{
		Engine: engine, Objects: set.Events, Jobs: jobs, Queues: queues,
		Begin: options.Begin.UnixNano(), Resource: options.Resource, Progress: options.Progress,
	}
	if options.Wrap != nil {
		config.Engine = options.Wrap(engine)
	}
	var log *bufio.Writer
	var failed error
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
	if failed != nil {
		return nil, fmt.Errorf("writing the decision log: %w", failed)
	}
	notes = append(append([]string{}, set.Notes...), notes...)
	return &Scenario{Set: set, Notes: notes, Result: result, Summary: result.Summarize(), Took: took}, nil
}
