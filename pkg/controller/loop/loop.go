package loop

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/controller/translate"
)

// Engine is what the loop needs of admission.Engine.
type Engine interface {
	Step(now int64, event admission.Event) []admission.Decision
	NextWake(now int64) (int64, bool)
	Snapshot() *admission.Snapshot
}

// Sink carries decisions out. Its methods are called from the loop's
// goroutine and must not block.
type Sink interface {
	// Admit asks for the admission to be written. wl is the sight of the
	// Workload that was decided upon.
	Admit(wl *v1beta1.Workload, admit admission.Admit)
	// Wait tells why a workload waits.
	Wait(wl *v1beta1.Workload, wait admission.Wait)
	// Preempt asks for quota to be taken back for a workload; victims are the
	// sights of those that evict names, as far as they are still there.
	Preempt(preemptor *v1beta1.Workload, evict admission.Evict, victims []*v1beta1.Workload)
	// EndHold says that nothing is held for a workload any more.
	EndHold(wl *v1beta1.Workload, end admission.EndHold)
	// Adopt asks for the admission of a workload whose job runs already.
	Adopt(wl *v1beta1.Workload, assignment *admission.Assignment)
}

// Config is what a Loop works with.
type Config struct {
	Engine Engine
	Inbox  *Inbox
	Sink   Sink
	// Rebuilt returns once the initial objects of every informer are in the
	// inbox, or an error that says why they will not be.
	Rebuilt func(context.Context) error
	// Fed is closed by the loop when the engine knows them.
	Fed chan<- struct{}
	// Leading is closed when this replica may decide.
	Leading <-chan struct{}
	// Shapes derives what workloads ask for.
	Shapes translate.Shapes
	// JobEnded says whether the job of a Workload is known to have ended.
	JobEnded func(ledger.Key) bool
	// EvictionTime orders a workload evicted by PodsReadyTimeout by the time of
	// that eviction.
	EvictionTime bool
	// Observe is told how long each pass took and how many decisions it made.
	Observe func(pass time.Duration, decisions int)
	Log     logr.Logger
}

// snapshotInterval is the least time between two snapshots.
const snapshotInterval = 500 * time.Millisecond

// Loop owns the engine.
type Loop struct {
	config   Config
	feeder   *feeder
	snapshot atomic.Pointer[admission.Snapshot]
	taken    time.Time // when the last snapshot was taken
	stale    bool      // something happened since
}

// New returns a loop that is to be Run.
func New(config Config) *Loop {
	return &Loop{config: config, feeder: newFeeder(config)}
}

// Ready says whether the state has been rebuilt.
func (l *Loop) Ready() bool { return l.snapshot.Load() != nil }

// Snapshot returns the newest picture of the queues, nil before Ready.
func (l *Loop) Snapshot() *admission.Snapshot { return l.snapshot.Load() }

// NeedLeaderElection makes a standby follow events too.
func (l *Loop) NeedLeaderElection() bool { return false }

// Start runs the loop until the context ends.
func (l *Loop) Start(ctx context.Context) error {
	err := l.config.Rebuilt(ctx)
	select {
	case <-ctx.Done():
		return nil // told to stop before
	default:
	}
	if err != nil {
		return err
	}
	began := time.Now()
	l.feed(began)
	l.publish(time.Now())
	close(l.config.Fed)
	l.config.Log.Info("state rebuilt", "workloads", len(l.feeder.records), "took", time.Since(began).String())

	leading := l.config.Leading
	for leading != nil {
		select {
		case <-ctx.Done():
			return nil
		case <-leading:
			leading = nil
		case <-l.config.Inbox.bell:
			l.feed(time.Now())
			l.publishIfDue(time.Now())
		}
	}
	l.config.Log.Info("deciding from now on")
	l.decide(ctx)
	return nil
}

// decide alternates between feeding, passes and waiting.
func (l *Loop) decide(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-l.config.Inbox.bell:
		}
		now := time.Now()
		l.feed(now)
		decisions := l.config.Engine.Step(now.UnixNano(), admission.Decide{})
		l.config.Observe(time.Since(now), len(decisions))
		l.feeder.handOut(decisions)
		l.stale = l.stale || len(decisions) > 0
		l.publishIfDue(time.Now())
		timer.Reset(l.pause(time.Now()))
	}
}

func (l *Loop) feed(now time.Time) {
	items := l.config.Inbox.take()
	l.stale = l.stale || len(items) > 0
	l.feeder.feedAll(now.UnixNano(), items)
}

// pause is how long the loop may sleep if nothing happens.
func (l *Loop) pause(now time.Time) time.Duration {
	pause := time.Hour
	if wake, ok := l.config.Engine.NextWake(now.UnixNano()); ok {
		pause = min(pause, max(time.Until(time.Unix(0, wake)), 0)+time.Millisecond)
	}
	if l.stale {
		pause = min(pause, max(l.taken.Add(snapshotInterval).Sub(now), 0)+time.Millisecond)
	}
	return pause
}

func (l *Loop) publishIfDue(now time.Time) {
	if l.stale && now.Sub(l.taken) >= snapshotInterval {
		l.publish(now)
	}
}

func (l *Loop) publish(now time.Time) {
	l.snapshot.Store(l.config.Engine.Snapshot())
	l.taken, l.stale = now, false
}
