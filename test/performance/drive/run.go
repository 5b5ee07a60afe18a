package drive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fairlead.dev/fairlead/test/performance/load"
)

// progressEvery is how often a run reports how far it is.
const progressEvery = 5 * time.Second

// run is what both drivers have in common: a prepared cluster, an agenda of
// requests and a record of moments.
type run struct {
	*Session
	agenda   *agenda
	recorder *recorder
}

func (s *Session) newRun() *run {
	return &run{Session: s, agenda: newAgenda(), recorder: newRecorder(s.load.Plan())}
}

// submission sends an item off.
type submission func(context.Context, load.Item) error

// execute submits every item at its due time and works until the last item is
// finished.
func (r *run) execute(ctx context.Context, progress func(Progress), submit submission, watches ...*objectWatch) (*Outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, w := range watches {
		if err := w.start(ctx); err != nil {
			return nil, err
		}
	}
	before := r.clients.counter.requests()
	begin := time.Now()
	r.recorder.begin(begin)
	for _, item := range r.recorder.plan {
		r.agenda.add(begin.Add(item.Due), func(ctx context.Context) error { return submit(ctx, item) })
	}
	watching := make(chan error, len(watches))
	watchCtx, stopWatching := context.WithCancel(ctx)
	for _, w := range watches {
		go func() {
			err := w.follow(watchCtx)
			if err != nil {
				cancel(err)
			}
			watching <- err
		}()
	}
	reporting := make(chan struct{})
	go func() {
		defer close(reporting)
		r.report(watchCtx, progress)
	}()
	err := r.agenda.run(ctx, r.concurrency)
	stopWatching()
	for range watches {
		err = errors.Join(err, <-watching)
	}
	<-reporting
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", r.load.Name, err)
	}
	return r.recorder.outcome(r.clients.counter.requests().Since(before)), nil
}

// report tells from time to time how far the run is.
func (r *run) report(ctx context.Context, progress func(Progress)) {
	if progress == nil {
		return
	}
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			progress(r.recorder.progress())
		}
	}
}

// finished notes that item i is over, and ends the run with the last.
func (r *run) finished(i int) {
	if r.recorder.finished(i) {
		r.agenda.finish()
	}
}
