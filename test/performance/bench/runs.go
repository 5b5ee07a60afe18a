package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"fairlead.dev/fairlead/test/performance/drive"
	"fairlead.dev/fairlead/test/performance/load"
	"fairlead.dev/fairlead/test/performance/measure"
	"fairlead.dev/fairlead/test/performance/report"
)

// A run begins when the cluster's processes together use less than idleShare
// of a core: what servers do after their start is not the load's cost. A
// cluster that does not come to rest in idleTimeout is used as it is.
const (
	idleShare   = 0.15
	idleTimeout = 15 * time.Second
)

// bench is one invocation.
type bench struct {
	settings *settings
	out      io.Writer
	machine  *measure.Machine
}

func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.out, format+"\n", args...)
}

// load measures one load: calibration, then floor and Fairlead in turn.
func (b *bench) load(ctx context.Context, l load.Load) (*report.LoadResult, error) {
	result := &report.LoadResult{
		Load: l.Name, About: l.About, Scale: b.settings.scale, Objects: l.Size(),
		LeastWall: l.LeastWall().Seconds(), Concurrency: b.settings.concurrency, Fairness: b.settings.fairness,
	}
	if result.Concurrency == 0 {
		trials, err := b.calibrate(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("calibrate %s: %w", l.Name, err)
		}
		result.Calibration, result.Concurrency = trials, best(trials)
		b.say("%s: the floor is fastest with %d requests in flight", l.Name, result.Concurrency)
	}
	for number := 1; number <= b.settings.runs; number++ {
		for _, name := range b.settings.drivers {
			driver := report.Driver(name)
			run, err := b.once(ctx, l, driver, number, result.Concurrency)
			if err != nil {
				return nil, fmt.Errorf("%s, %s, run %d: %w", l.Name, driver, number, err)
			}
			result.Runs = append(result.Runs, *run)
		}
	}
	result.Summary = report.Summarize(result.Runs)
	return result, nil
}

// up brings a cluster up and notes the version of its server.
func (b *bench) up(ctx context.Context, l load.Load, manager bool) (*cluster, error) {
	c, err := up(ctx, l, manager, b.settings.fairness)
	if err != nil {
		return nil, err
	}
	if b.machine.Server, err = c.serverVersion(); err != nil {
		return nil, errors.Join(err, c.down(ctx))
	}
	return c, nil
}

// once does one run on a fresh cluster.
func (b *bench) once(ctx context.Context, l load.Load, driver report.Driver, number, concurrency int) (run *report.Run, err error) {
	label := fmt.Sprintf("%s %s %d/%d", l.Name, driver, number, b.settings.runs)
	b.say("%s: starting a cluster", label)
	c, err := b.up(ctx, l, driver == report.Fairlead)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.down(ctx)) }()
	ctx, cancel := context.WithTimeout(ctx, b.settings.timeout)
	defer cancel()
	session, err := drive.Prepare(ctx, drive.Config{
		Admin: c.config, Load: l, Concurrency: concurrency, Manager: driver == report.Fairlead,
	})
	if err != nil {
		return nil, err
	}
	if err := measure.WaitIdle(ctx, c.pids, idleShare, idleTimeout); err != nil {
		return nil, err
	}
	before, err := c.read(ctx, true)
	if err != nil {
		return nil, err
	}
	execute := session.RunFloor
	if driver == report.Fairlead {
		execute = session.RunFairlead
	}
	outcome, err := execute(ctx, func(p drive.Progress) {
		b.say("%s: %3.0f s  submitted %d/%d, started %d, completed %d", label, p.Elapsed.Seconds(), p.Submitted, p.All, p.Started, p.Completed)
	})
	if err != nil {
		return nil, err
	}
	after, err := c.read(ctx, false)
	if err != nil {
		return nil, err
	}
	if run, err = assemble(l, outcome, before, after, c.names); err != nil {
		return nil, err
	}
	run.Number, run.Driver = number, driver
	b.say("%s: %.1f s, kube-apiserver %.1f CPU-s, median wait %.2f s", label, run.Wall, run.CPU("kube-apiserver"), run.Waits.Median)
	return run, nil
}

// reading is everything that is counted, at one moment.
type reading struct {
	processes measure.Processes
	requests  measure.Requests
	busy      float64
}

// read takes a reading. What the reading itself costs falls outside a run: at
// its start the processes are read last, at its end first.
func (c *cluster) read(ctx context.Context, atStart bool) (r reading, err error) {
	requests := func() error {
		r.requests, err = readRequests(ctx, c.config)
		return err
	}
	processes := func() error {
		if r.processes, err = measure.ReadProcesses(c.pids); err != nil {
			return err
		}
		r.busy, err = measure.BusySeconds()
		return err
	}
	if !atStart {
		return r, errors.Join(processes(), requests())
	}
	if err := requests(); err != nil {
		return r, err
	}
	debug.FreeOSMemory()
	if err := measure.ResetOwnPeak(); err != nil {
		return r, err
	}
	return r, processes()
}

func readRequests(ctx context.Context, config *rest.Config) (measure.Requests, error) {
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("read the API server's counters: %w", err)
	}
	return measure.ReadRequests(ctx, client.RESTClient())
}

// assemble turns a run's outcome and readings into its report.
func assemble(l load.Load, outcome *drive.Outcome, before, after reading, names []string) (*report.Run, error) {
	uses, err := after.processes.Since(before.processes, names)
	if err != nil {
		return nil, err
	}
	requests := after.requests.Since(before.requests)
	run := &report.Run{
		Started:         outcome.Start.UTC(),
		Wall:            outcome.Wall.Seconds(),
		Settled:         outcome.Settled.Seconds(),
		Processes:       uses,
		ForeignCPU:      after.busy - before.busy,
		Requests:        requests.Counts(),
		DriverRequests:  outcome.Requests.Counts(),
		Writes:          requests.Writes(),
		WritesPerObject: float64(requests.Writes()) / float64(l.Size()),
		Waits:           measure.QuantilesOf(outcome.Waits),
		Lag:             measure.QuantilesOf(outcome.Lags),
		QuotaUse:        l.CoreSeconds() / (float64(l.QuotaCores()) * outcome.Wall.Seconds()),
	}
	for _, use := range uses {
		run.ForeignCPU -= use.CPU
	}
	// The kernel counts in hundredths of a second, each process on its own.
	run.ForeignCPU = max(0, run.ForeignCPU)
	for _, t := range outcome.Completions {
		run.Completions = append(run.Completions, t.Seconds())
	}
	return run, nil
}

// suspension measures how soon suspended Jobs are said to be suspended, on a
// cluster without a manager.
func (b *bench) suspension(ctx context.Context, jobs int) (found *report.Suspension, err error) {
	l, err := load.Find("J1")
	if err != nil {
		return nil, err
	}
	l = l.Scaled(float64(jobs) / float64(l.Size()))
	concurrency := b.settings.concurrency
	if concurrency == 0 {
		concurrency = 16
	}
	b.say("suspension: starting a cluster")
	c, err := b.up(ctx, l, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.down(ctx)) }()
	session, err := drive.Prepare(ctx, drive.Config{Admin: c.config, Load: l, Concurrency: concurrency})
	if err != nil {
		return nil, err
	}
	outcome, err := session.RunSuspension(ctx, nil)
	if err != nil {
		return nil, err
	}
	lastSent := slices.Max(outcome.Lags)
	return &report.Suspension{
		Jobs: l.Size(), Concurrency: concurrency, Waits: measure.QuantilesOf(outcome.Waits),
		CreatedPerSecond: float64(l.Size()) / max(lastSent, time.Millisecond).Seconds(),
	}, nil
}
