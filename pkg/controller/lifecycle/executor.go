package lifecycle

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/controller/ledger"
	"fairlead.dev/fairlead/pkg/job"
)

// Engine is told what became of its decisions.
type Engine interface {
	Forget(uid types.UID, notBefore int64)
	ForgetEviction(uid types.UID, notBefore int64)
}

// Reporter is told what has happened, for events and metrics. Its methods
// must not block.
type Reporter interface {
	// Decided: the engine has admitted a workload.
	Decided(wl *v1beta1.Workload, admit admission.Admit)
	// Waits: the engine has said why a workload waits.
	Waits(wl *v1beta1.Workload, wait admission.Wait)
	// Preempts: the engine has decided to take quota back for a workload.
	Preempts(wl *v1beta1.Workload, evict admission.Evict)
	// HoldEnded: nothing is held any more for a workload that still waits.
	HoldEnded(wl *v1beta1.Workload, end admission.EndHold)
	// Written: a write is done. obj is the object after it.
	Written(write *Write, wl *v1beta1.Workload, obj client.Object)
	// Refused: the server has refused a write.
	Refused(write *Write, err error)
	// Warn tells the job's user what he has to mend.
	Warn(obj client.Object, reason, message string)
}

// Config is what an Executor works with.
type Config struct {
	API       API
	Kind      job.Kind
	Workloads *ledger.Book[*v1beta1.Workload]
	Jobs      *ledger.Book[client.Object]
	Facts     *Facts
	Engine    Engine
	Reporter  Reporter
	// Rebuilt is closed when ledger and engine know all initial objects: before,
	// a Workload may look as if its job were gone.
	Rebuilt <-chan struct{}
	// Concurrency is the number of workloads worked on at once.
	Concurrency int
	Log         logr.Logger
}

// writeTimeout is how long an answer is waited for before a write is repeated.
const writeTimeout = 30 * time.Second

// Executor carries workloads through their lives. It implements loop.Sink.
type Executor struct {
	config Config
	queue  priorityqueue.PriorityQueue[ledger.Key]
	pacer  *pacer
	lane   lane

	mu      sync.Mutex
	slots   map[ledger.Key]*slot
	intakes map[ledger.Key]intake
}

// intake is what the loop has handed over and no worker has picked up.
type intake struct {
	decision   *decision
	adopt      *admission.Assignment
	verdict    *verdict
	order      *order
	preemption *preemption
}

// New returns an executor that is to be started.
func New(config Config) *Executor {
	x := &Executor{
		config:  config,
		queue:   priorityqueue.New[ledger.Key]("workloads"),
		slots:   map[ledger.Key]*slot{},
		intakes: map[ledger.Key]intake{},
	}
	x.pacer = newPacer(x.explain, x.stillWaits)
	return x
}

// Priorities in the queue. What has been admitted is started before new
// Workloads are created: with the API server as the bottleneck that keeps the
// time short from a job's turn to its start. Who has waited for the lane goes
// before those who have not come to it.
const (
	ordinary = 0
	called   = 5
	urgent   = 10
)

// Enqueue has a workload looked at.
func (x *Executor) Enqueue(key ledger.Key) { x.add(key, ordinary, 0) }

func (x *Executor) add(key ledger.Key, priority int, after time.Duration) {
	x.queue.AddWithOpts(priorityqueue.AddOpts{Priority: &priority, After: after}, key)
}

// Admit implements loop.Sink.
func (x *Executor) Admit(wl *v1beta1.Workload, admit admission.Admit) {
	x.config.Reporter.Decided(wl, admit)
	d := &decision{uid: wl.UID, generation: wl.Generation, assignment: admit.Assignment, at: time.Now()}
	x.hand(keyOf(wl), urgent, func(in *intake) { in.decision, in.verdict = d, nil })
	x.pacer.drop(keyOf(wl))
}

// Evict asks for the end of an admission, as the engine does for the victims of
// a preemption. It may be repeated: a workload that is being evicted, or holds
// nothing, is left alone. The order itself is not durable; whoever gives it has
// to give it again after a restart while it is not carried out.
func (x *Executor) Evict(wl *v1beta1.Workload, eviction Eviction) {
	o := &order{uid: wl.UID, eviction: eviction}
	x.hand(keyOf(wl), urgent, func(in *intake) { in.order = o })
}

// Adopt implements loop.Sink.
func (x *Executor) Adopt(wl *v1beta1.Workload, assignment *admission.Assignment) {
	x.hand(keyOf(wl), urgent, func(in *intake) { in.adopt = assignment })
}

// Wait implements loop.Sink. The verdict is written when it has held for a
// while, if the workload still waits then.
func (x *Executor) Wait(wl *v1beta1.Workload, wait admission.Wait) {
	x.config.Reporter.Waits(wl, wait)
	x.pacer.add(keyOf(wl), verdict{reason: string(wait.Reason), message: wait.Why.String()}, time.Now())
}

// explain is called by the pacer for a verdict that is due.
func (x *Executor) explain(key ledger.Key, v verdict) {
	v.due = true
	x.hand(key, ordinary, func(in *intake) { in.verdict = &v })
}

func (x *Executor) hand(key ledger.Key, priority int, put func(*intake)) {
	x.mu.Lock()
	in := x.intakes[key]
	put(&in)
	x.intakes[key] = in
	x.mu.Unlock()
	x.add(key, priority, 0)
}

// NeedLeaderElection keeps a standby from writing.
func (x *Executor) NeedLeaderElection() bool { return true }

// Start works until the context ends.
func (x *Executor) Start(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-x.config.Rebuilt:
	}
	var workers sync.WaitGroup
	for range max(x.config.Concurrency, 1) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for {
				key, closed := x.queue.Get()
				if closed {
					return
				}
				x.work(ctx, key)
				x.queue.Done(key)
			}
		}()
	}
	workers.Add(1)
	go func() {
		defer workers.Done()
		x.pacer.run(ctx)
	}()
	<-ctx.Done()
	x.queue.ShutDown()
	workers.Wait()
	return nil
}

// open returns the slot of a key with what was handed over.
func (x *Executor) open(key ledger.Key) *slot {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.slots[key]
	if s == nil {
		s = &slot{}
		x.slots[key] = s
	}
	if in, ok := x.intakes[key]; ok {
		delete(x.intakes, key)
		if in.decision != nil {
			s.decision, s.verdict = in.decision, nil
		}
		if in.adopt != nil {
			s.adopt = in.adopt
		}
		if in.verdict != nil {
			s.verdict = in.verdict
		}
		if in.order != nil {
			s.order = in.order
		}
		s.preemption = s.preemption.then(in.preemption)
	}
	return s
}

// shut drops a slot that remembers nothing.
func (x *Executor) shut(key ledger.Key, s *slot) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if s.empty() {
		delete(x.slots, key)
	}
}

// look gathers everything known about a workload and drops from its slot what
// the objects have overtaken.
func (x *Executor) look(key ledger.Key, s *slot) *sight {
	v := &sight{now: time.Now(), key: key, kind: x.config.Kind, slot: s, facts: x.config.Facts}
	if wl, ok := x.config.Workloads.Get(key); ok {
		v.workload, v.unseen = wl, x.config.Workloads.Unseen(key)
	}
	if obj, ok := x.config.Jobs.Get(key); ok {
		v.job, v.state = obj, x.config.Kind.State(obj)
		if !x.config.Facts.managed(key.Namespace) {
			v.state.Queue = ""
		}
	}
	v.reconcileSlot()
	return v
}

// stillWaits says whether a verdict is still worth writing.
func (x *Executor) stillWaits(key ledger.Key, v verdict) bool {
	wl, ok := x.config.Workloads.Get(key)
	if !ok {
		return false
	}
	s := sight{workload: wl}
	return !s.holds() && !s.finished() && !saysAlready(wl, &v)
}

func keyOf(wl *v1beta1.Workload) ledger.Key {
	return ledger.Key{Namespace: wl.Namespace, Name: wl.Name}
}
