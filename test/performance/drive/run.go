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

// mostFollowing bounds the requests that follow from others, which nobody
// waits to send: as many are under way as jobs end at one time.
const mostFollowing = 1024

// run is what both drivers have in common: a prepared cluster, agendas of
// requests and a record of moments. Submissions have an agenda of their own:
// nobody's job ends later because others are submitting theirs.
type run struct {
	*Session
	submissions, agenda *agenda
	recorder            *recorder
}

func (s *Session) newRun() *run {
	return &run{Session: s, submissions: newAgenda(), agenda: newAgenda(), recorder: newRecorder(s.load.Plan())}
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
		r.submissions.add(begin.Add(item.Due), func(ctx context.Context) error { return submit(ctx, item) })
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
	submitting := make(chan error, 1)
	go func() {
		err := r.submissions.run(ctx, r.concurrency)
		if err != nil {
			cancel(err)
		}
		submitting <- err
	}()
	err := r.agenda.run(ctx, mostFollowing)
	r.submissions.finish()
	if failed := <-submitting; err == nil {
		err = failed
	}
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
