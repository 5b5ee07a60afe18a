package main

import (
	"context"
	"errors"
	"fmt"

	"fairlead.dev/fairlead/test/performance/drive"
	"fairlead.dev/fairlead/test/performance/load"
	"fairlead.dev/fairlead/test/performance/report"
)

// candidates are the numbers of requests in flight that calibration tries.
var candidates = []int{4, 8, 16, 32, 64}

// trialObjects is about how many objects a trial writes: a few seconds' worth.
const trialObjects = 200

// calibrate finds how fast the floor writes with each candidate, on a cluster
// of its own. After a round that warms the servers up, the candidates go up
// and then down again, and the better of a candidate's two figures counts.
func (b *bench) calibrate(ctx context.Context, l load.Load) (trials []report.Trial, err error) {
	b.say("%s: starting a cluster to find the floor's best number of requests in flight", l.Name)
	c, err := b.up(ctx, l, false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.down(ctx)) }()
	l = trialOf(l)
	if _, err := b.trial(ctx, c, &l, candidates[len(candidates)/2]); err != nil {
		return nil, err
	}
	for _, n := range candidates {
		trials = append(trials, report.Trial{Concurrency: n})
	}
	for step := range 2 * len(trials) {
		t := &trials[min(step, 2*len(trials)-1-step)]
		speed, err := b.trial(ctx, c, &l, t.Concurrency)
		if err != nil {
			return nil, fmt.Errorf("%d requests in flight: %w", t.Concurrency, err)
		}
		t.WritesPerSecond = max(t.WritesPerSecond, speed)
		b.say("%s: %d requests in flight: %.0f writes a second", l.Name, t.Concurrency, speed)
	}
	return trials, nil
}

// trialOf makes a short round of a load: the same kinds of object, without
// pauses, run times or limits.
func trialOf(l load.Load) load.Load {
	l = l.Scaled(trialObjects / float64(l.Size()))
	for i := range l.Classes {
		l.Classes[i].Every, l.Classes[i].RunTime = 0, 0
	}
	l.FloorCores = 0
	return l
}

// trial runs the next round of l and returns its writes a second.
func (b *bench) trial(ctx context.Context, c *cluster, l *load.Load, concurrency int) (float64, error) {
	l.Round++
	ctx, cancel := context.WithTimeout(ctx, b.settings.timeout)
	defer cancel()
	session, err := drive.Prepare(ctx, drive.Config{Admin: c.config, Load: *l, Concurrency: concurrency})
	if err != nil {
		return 0, err
	}
	outcome, err := session.RunFloor(ctx, nil)
	if err != nil {
		return 0, err
	}
	return float64(outcome.Requests.Writes()) / outcome.Settled.Seconds(), nil
}

// best is the candidate that wrote fastest, the smaller of equals.
func best(trials []report.Trial) int {
	chosen := trials[0]
	for _, t := range trials[1:] {
		if t.WritesPerSecond > chosen.WritesPerSecond {
			chosen = t
		}
	}
	return chosen.Concurrency
}
