package admission

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/btree"

	"fairlead.dev/fairlead/pkg/cache"
	"fairlead.dev/fairlead/pkg/queue"
)

// Config holds what is fixed for the life of an engine.
type Config struct {
	// FairSharing orders the queues of a tree by dominant resource share;
	// without it the order is by borrowing level.
	FairSharing bool
	// IgnoreUndeclared lets workloads ask for resources that their
	// ClusterQueue does not cover; by default they wait as NoMatchingFlavor
	// (resources.quotaCheckStrategy).
	IgnoreUndeclared bool
	// BlockAdmission admits one workload at a time, in all trees together: the
	// next when the pods of all that hold quota are ready.
	BlockAdmission bool
	// Preemption, if not nil, lets workloads take quota back as the policies
	// of their ClusterQueues allow; nil treats all policies as Never.
	Preemption *PreemptionConfig
	// Slack, in nanoseconds, is by how much a planned reservation is longer
	// than the limit of its workload, so that one that starts a little late
	// still ends in time; 0 means DefaultSlack.
	Slack int64 `json:",omitempty"`
	// Overrun, in nanoseconds, is for how long a workload that has outlived its
	// limit is planned to go on, again and again; 0 means DefaultOverrun.
	Overrun int64 `json:",omitempty"`
}

// PreemptionConfig holds what limits preemption apart from the policies.
type PreemptionConfig struct {
	// Strategies are the rules of fair sharing, in the order in which they
	// are tried; empty means both, LessThanOrEqualToFinalShare first.
	Strategies []FairSharingStrategy
	// HoldTimeout, in nanoseconds, is how long quota is held for a preemptor
	// although nothing is released; 0 means DefaultHoldTimeout.
	HoldTimeout int64
	// SearchBudget is how many candidates one search for victims may look at;
	// 0 means DefaultSearchBudget. A search that needs more goes on with twice
	// as many at the next pass.
	SearchBudget int
	// EvictionsPerMinute is how many evictions the workloads of one
	// ClusterQueue may cause within a minute; 0 means any number. A single
	// preemption that needs more is allowed if none went before.
	EvictionsPerMinute int
	// EvictedToRequestedMilli is how much of each flavor-resource that is
	// short may be evicted for what is requested of it, in thousandths; 0
	// means any amount.
	EvictedToRequestedMilli int64
}

// FairSharingStrategy is a rule by which fair sharing allows a preemption
// (semantics, section 5).
type FairSharingStrategy string

// The strategies of the API.
const (
	LessThanOrEqualToFinalShare FairSharingStrategy = "LessThanOrEqualToFinalShare"
	LessThanInitialShare        FairSharingStrategy = "LessThanInitialShare"
)

// What zero values of PreemptionConfig mean: ten minutes, 20,000 candidates.
const (
	DefaultHoldTimeout  int64 = 600_000_000_000
	DefaultSearchBudget int   = 20_000
)

// Engine holds the whole scheduling state. One goroutine owns it: events go in
// by Step, decisions come out of Step(Decide{}). The same events give the same
// decisions, to the byte.
//
// Whatever an event refers to becomes the engine's and must not be changed
// afterwards; whatever a decision or a Snapshot refers to is never changed by
// the engine and must not be by others.
type Engine struct {
	config     Config
	forest     *cache.Forest
	flavors    map[string]*Flavor
	namespaces map[string]map[string]string
	queues     directory[string, *clusterQueue]
	locals     directory[localName, *localQueue]
	workloads  map[string]*workload
	shapes     shapes
	// reservations are the advance reservations, backfills those of Cohorts;
	// agenda has the trees in which something planned is to happen, by when.
	// plans: some queue has planned at some time.
	plans     bool
	backfills map[string]*Backfill
	agenda    *queue.Backoff
	// decidedAt is when it decided last: until then time has passed in planned
	// trees too, whether there was a pass or not.
	decidedAt    int64
	reservations directory[string, *reservation]
	windowEnd    int64 // when the next window of theirs ends
	backoff      *queue.Backoff
	free         *btree.FreeListG[*queue.Item]

	scopes []*scope // all trees, by name of the root
	dirty  []*scope // those with something to do in the next pass
	// clock counts parkings and falls of usage, to tell which came first.
	clock uint64
	// untold are workloads outside the queues that wait for a reason that may
	// not have been told.
	untold []*workload
	// moving are trees, and examined StrictFIFO queues, that an event has
	// changed: see settle. holders counts queues that hold quota.
	moving   []*scope
	examined []*clusterQueue
	holders  int
	now      int64
	out      []Decision
	// changes counts changes of what is asked for and of what is owned, from 1:
	// between two of them fair sharing evicts nobody twice.
	changes uint64

	// blocked are trees whose winner waits for pods of others, unready is how
	// many workloads hold quota without having all pods: see blocking.go.
	blocked []*scope
	unready int

	planner planner
	// deadlines are those of holds, unripe the workloads whose minimum runtime
	// is not over, alarms the queues that are to look again at what they have
	// parked; spared are victims that could not be evicted, until when.
	deadlines, unripe, alarms *queue.Backoff
	spared                    map[string]int64
	// ended are holds of which the shell has not been told that they are no
	// more; intents and resumed are evictions decided before a restart.
	ended   []EndHold
	intents map[string]intent
	resumed []resumption
	// spare is room for a verdict that is not kept, wording for one that is put
	// into words, counted for turns.
	spare   verdict
	wording verdict
	text    []byte // room for a message
	counted []*queue.Class
	// literal: no turn of any pass is skipped, for tests.
	literal bool
}

// New returns an empty engine.
func New(config Config) *Engine {
	return &Engine{
		config:       config,
		forest:       cache.NewForest(),
		flavors:      map[string]*Flavor{},
		namespaces:   map[string]map[string]string{},
		queues:       newDirectory[string, *clusterQueue](stringOrder),
		locals:       newDirectory[localName, *localQueue](localName.compare),
		workloads:    map[string]*workload{},
		shapes:       shapes{byKey: map[string]*shape{}},
		reservations: newDirectory[string, *reservation](stringOrder),
		backoff:      queue.NewBackoff(),
		deadlines:    queue.NewBackoff(),
		backfills:    map[string]*Backfill{},
		agenda:       queue.NewBackoff(),
		unripe:       queue.NewBackoff(),
		alarms:       queue.NewBackoff(),
		changes:      1,
		spared:       map[string]int64{},
		intents:      map[string]intent{},
		free:         queue.NewFreeList(),
	}
}

// Step takes one event at the time now, Unix nanoseconds, which must not fall
// from one call to the next. Only Decide returns decisions; the slice is the
// caller's.
func (e *Engine) Step(now int64, ev Event) []Decision {
	e.now = max(e.now, now)
	if _, ok := ev.(Decide); ok {
		return e.decide()
	}
	e.apply(ev)
	e.settle()
	return nil
}

// apply changes what an event says has changed.
func (e *Engine) apply(ev Event) {
	if e.config.Preemption != nil && e.forest.Stale() {
		e.sync() // a release counts in the tree that its queue is in by now
	}
	switch ev := ev.(type) {
	case SetWorkload:
		e.setWorkload(ev.Workload)
	case Finish:
		e.finish(ev.UID)
	case DeleteWorkload:
		e.deleteWorkload(ev.UID)
	case Forget:
		e.forget(ev)
	case ForgetEviction:
		e.forgetEviction(ev)
	default:
		// A hold ends when its queue closes or its holder is overtaken, if only
		// for a moment; so does a reservation.
		if e.holders > 0 || e.plans {
			e.sync()
		}
		e.edit(ev)
		if e.holders > 0 || e.plans {
			e.sync()
		}
	}
}

// edit changes an object that shapes the trees or the queues.
func (e *Engine) edit(ev Event) {
	switch ev := ev.(type) {
	case SetClusterQueue:
		e.setClusterQueue(ev.ClusterQueue)
	case DeleteClusterQueue:
		e.deleteClusterQueue(ev.Name)
	case SetCohort:
		e.setCohort(ev.Cohort)
	case DeleteCohort:
		e.changes++
		delete(e.backfills, ev.Name)
		e.forest.RemoveCohort(ev.Name)
	case SetFlavor:
		e.setFlavor(ev.Flavor)
	case DeleteFlavor:
		e.deleteFlavor(ev.Name)
	case SetLocalQueue:
		e.setLocalQueue(ev.LocalQueue)
	case DeleteLocalQueue:
		e.deleteLocalQueue(localName{ev.Namespace, ev.Name})
	case SetNamespace:
		e.setNamespace(ev.Name, ev.Labels)
	case DeleteNamespace:
		e.setNamespace(ev.Name, nil)
	case SetReservation:
		e.setReservation(ev.Reservation)
	case DeleteReservation:
		e.deleteReservation(ev.Name)
	default:
		panic(fmt.Sprintf("admission: event of unknown type %T", ev))
	}
}

// NextWake is the earliest time, Unix nanoseconds, at which a workload may be
// tried that may not be now, a hold ends or something planned is to happen, and
// whether there is one. A Decide is due then.
func (e *Engine) NextWake(now int64) (at int64, ok bool) {
	for _, b := range []*queue.Backoff{e.backoff, e.deadlines, e.unripe, e.alarms, e.agenda} {
		if t, waits := b.Next(); waits && (!ok || t < at) {
			at, ok = t, true
		}
	}
	return at, ok
}

// newOut is an empty list for the decisions of a pass, with room for as many
// as the last one made, within reason.
func (e *Engine) newOut() []Decision {
	if n := min(len(e.out), 64); n > 0 {
		return make([]Decision, 0, n)
	}
	return nil
}

// decide admits everything that can be admitted now, trees in the order of
// their roots' names, and tells why the rest waits.
func (e *Engine) decide() []Decision {
	e.out = e.newOut()
	for i := e.backoff.Pop(e.now); i != nil; i = e.backoff.Pop(e.now) {
		w := i.Owner.(*workload)
		w.backoffUntil = 0
		e.displace(w)
		e.place(w)
	}
	if e.plans {
		e.endWindows()
	}
	e.sync()
	e.settle()
	e.expire()
	e.ripen()
	e.ring()
	if e.plans {
		e.stir()
	}
	e.resume()
	e.settle()
	e.tellEnded()
	e.passes()
	e.tellEnded()
	// Not in the order in which they came: that may depend on when a Snapshot
	// was asked for.
	slices.SortFunc(e.untold, func(a, b *workload) int { return strings.Compare(a.UID, b.UID) })
	for _, w := range e.untold {
		if w.state == pending && w.obstacle != 0 && w.Told != w.obstacle {
			w.Told = w.obstacle
			e.out = append(e.out, Wait{UID: w.UID, Reason: reasonNames[w.obstacle], Why: Say(e.explainObstacle(w))})
		}
	}
	e.untold = e.untold[:0]
	e.decidedAt = e.now
	return e.out
}
