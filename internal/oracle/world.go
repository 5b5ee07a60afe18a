package oracle

import (
	"reflect"
	"sort"
)

// Options of a World: what the manager's configuration says.
type Options struct {
	FairSharing      bool
	IgnoreUndeclared bool // resources.quotaCheckStrategy
	// Preemption makes the oracle look for victims. Without it no Preempt verdict has any, and evicted workloads
	// count in every respect until they are gone.
	Preemption bool
	// FairStrategies is fairSharing.preemptionStrategies; nil means FinalShare, then InitialShare.
	FairStrategies []FairStrategy
	// HoldTimeout ends the hold of a preemptor, in the unit of Time; 0 means never.
	HoldTimeout int64
	// HeadsLeaveHolds is amendment A7, which is proposed: a StrictFIFO head without victims holds no more than is available to
	// it, others' holds counted, once the evicted are gone. Without it a head's hold may overlap a preemptor's, and
	// neither ever fits.
	HeadsLeaveHolds bool
	// HoldersKeep is amendment A8: a preemptor keeps to that for which it holds, flavors and counts of each pod set, as long as that
	// fits, or fits once the evicted are gone and nothing else fits. Without it every look at it searches anew.
	HoldersKeep bool
	// FirstBlind is amendment A9, which is proposed, and the rule from which it came: see Blindness.
	FirstBlind Blindness
	// Slack is how much longer a reservation is than its limit; Overrun, which is positive where there is backfill, is how
	// much longer whatever has outlived its limit is planned to go on. Both in the unit of Time.
	Slack, Overrun int64
	// LimitlessBehind is proposed: who has no limit is planned where he would delay no other's reservation even if he ran for
	// ever, unless his queue's default is trusted. Without it he may be planned, and start, ahead of one (reading 67).
	LimitlessBehind bool
	// Judge, if set, looks at every preemption that Decide decides, on the state before it. What it finds wrong is added to
	// IllegalPlans. It may be CheckEvict, WithinNominal or WeightZeroFirst.
	Judge func(s *World, e Evict) []string
}

// Blindness says whose verdicts do not see the holds of those who come later, by priority, queue time and UID.
type Blindness string

// Who does not see them: nobody; everybody; or only holders: with HoldersKeep a preemptor, as far as it asks for what it holds itself;
// and a StrictFIFO head that holds without victims does not see what such heads after it hold.
const (
	BlindNobody  Blindness = ""
	BlindAll     Blindness = "All"
	BlindHolders Blindness = "Holders"
)

// FairStrategy is a rule by which shares are compared in preemption under fair sharing.
type FairStrategy string

// The strategies.
const (
	FinalShare   FairStrategy = "LessThanOrEqualToFinalShare"
	InitialShare FairStrategy = "LessThanInitialShare"
)

// World is the state that the events lead to. It keeps the objects as last seen, the assumed admissions, and
// what the procedure "A pass" stores: representatives, parked marks and holds. Everything else is computed
// from these whenever it is asked for; the fields named memo only save doing so twice for one state.
type World struct {
	fairSharing, ignoreUndeclared, preemption, headsLeaveHolds, holdersKeep bool

	strategies  []FairStrategy
	judge       func(*World, Evict) []string
	holdTimeout int64
	now         int64
	firstBlind  Blindness
	behind      bool
	slack       int64
	overrun     int64

	queues      map[string]*ClusterQueue
	cohorts     map[string]*Cohort
	flavors     map[string]*Flavor
	localQueues map[[2]string]*LocalQueue // by namespace and name
	namespaces  map[string]map[string]string
	workloads   map[UID]*workload
	stored      map[string]*stored // by ClusterQueue
	plans       map[Node]*planner  // by root, of trees with backfill
	windows     map[string]*Reservation
	spared      map[spared]bool // who has been evicted why since the last change (amendments A3 and A11)
	ends        []End           // of holds, not in an Outcome yet
	violations  []string
	illegal     []string // plans that broke a rule, see IllegalPlans

	frs     []FlavorResource
	frIndex map[FlavorResource]int

	memoForest  *forest
	memoActive  map[string]bool
	memoMembers map[string][]*workload
	memoUsage   map[UID]table
}

// stored is what a pass keeps of a queue between two looks at it.
type stored struct {
	valid bool
	w     *workload // nil: no representative
	v     *verdict
}

// state of a workload: each is in exactly one.
type state int

const (
	pending  state = iota // holds no quota
	assumed               // admitted by us, the write is not confirmed yet
	admitted              // holds the quota of its admission
)

type workload struct {
	seen      Workload
	state     state
	admission *Admission // nil while pending

	hold      []use // quota kept for it while it waits
	holdQueue string
	preempts  bool               // the hold is a preemptor's, not that of a mere StrictFIFO head
	clock     holdClock          // of a preemptor's hold
	keeps     []PodSetAssignment // that for which a preemptor holds; nil where only amounts are known
	evicting  bool               // its eviction is decided, but Evicted=True is not seen yet
	spared    EvictReason        // and by that it is spared in future; empty: it is not
	ours      bool               // its admission is our decision, made at the time reserved, and not seen yet
	reserved  int64
	began     int64 // when it began to use quota, or to hold it as a preemptor, as far as is known
	parked    bool
	heldBack  bool     // by the order of a StrictFIFO queue, at the last look
	last      *verdict // of the last look; nil: never tried
	gave      bool     // its reservation has given way since the last look
}

// gone says whether planning counts the workload as gone although it still uses quota.
func (w *workload) gone() bool { return w.admission != nil && (w.seen.Evicted || w.evicting) }

// New returns an empty World.
func New(o Options) *World {
	if o.FairStrategies == nil {
		o.FairStrategies = []FairStrategy{FinalShare, InitialShare}
	}
	return &World{
		preemption: o.Preemption, headsLeaveHolds: o.HeadsLeaveHolds, holdersKeep: o.HoldersKeep, firstBlind: o.FirstBlind, judge: o.Judge,
		strategies: o.FairStrategies, holdTimeout: o.HoldTimeout, behind: o.LimitlessBehind, slack: o.Slack, overrun: o.Overrun,
		plans: map[Node]*planner{}, windows: map[string]*Reservation{}, fairSharing: o.FairSharing, ignoreUndeclared: o.IgnoreUndeclared,
		queues: map[string]*ClusterQueue{}, cohorts: map[string]*Cohort{}, flavors: map[string]*Flavor{},
		localQueues: map[[2]string]*LocalQueue{}, namespaces: map[string]map[string]string{}, spared: map[spared]bool{},
		workloads: map[UID]*workload{}, stored: map[string]*stored{}, frIndex: map[FlavorResource]int{},
	}
}

// Apply takes one event.
func (s *World) Apply(e Event) Outcome {
	out := s.apply(e)
	s.planners()
	s.wakeAllRefused()
	out.Ends, s.ends = s.ends, nil
	return out
}

func (s *World) apply(e Event) Outcome {
	switch e := e.(type) {
	case SetClusterQueue:
		edit(s, s.queues, e.ClusterQueue.Name, &e.ClusterQueue, QueueNode(e.ClusterQueue.Name))
	case DeleteClusterQueue:
		edit(s, s.queues, e.Name, nil, QueueNode(e.Name))
		delete(s.stored, e.Name)
	case SetCohort:
		edit(s, s.cohorts, e.Cohort.Name, &e.Cohort, CohortNode(e.Cohort.Name))
	case DeleteCohort:
		edit(s, s.cohorts, e.Name, nil, CohortNode(e.Name))
	case SetFlavor:
		edit(s, s.flavors, e.Flavor.Name, &e.Flavor, s.listing(e.Flavor.Name)...)
	case DeleteFlavor:
		edit(s, s.flavors, e.Name, nil, s.listing(e.Name)...)
	case SetLocalQueue:
		s.editLocalQueue([2]string{e.LocalQueue.Namespace, e.LocalQueue.Name}, &e.LocalQueue)
	case DeleteLocalQueue:
		s.editLocalQueue([2]string{e.Namespace, e.Name}, nil)
	case SetNamespace:
		s.step(func() { s.setNamespace(e.Name, e.Labels) })
	case SetWorkload:
		s.setWorkload(e.Workload)
	case DeleteWorkload:
		s.remove(e.UID)
	case Finish:
		s.remove(e.UID)
	case Confirm:
		if w := s.workloads[e.UID]; w != nil && w.state == assumed {
			w.state = admitted
		}
	case Forget:
		s.step(func() {
			if w := s.workloads[e.UID]; w != nil && w.state == assumed {
				w.state, w.admission, w.evicting, w.spared, w.ours = pending, nil, false, "", false
			}
		})
	case Assume:
		s.assume(e.UID, e.Admission)
	case AssumeEvict:
		s.assumeEvict(e.Evict)
	case AssumeEnd:
		s.assumeEnd(e.End)
	case EvictFailed:
		if w := s.workloads[e.UID]; w != nil && w.evicting {
			delete(s.spared, spared{e.UID, w.spared})
			w.evicting, w.spared = false, ""
			s.stays(w)
		}
	case SetReservation:
		s.setReservation(e.Reservation.Name, &e.Reservation)
	case DeleteReservation:
		s.setReservation(e.Name, nil)
	case Time:
		s.setTime(e.Now)
	case Decide:
		return s.decide()
	}
	return Outcome{}
}

// edit puts an object into its map, or takes it away, and wakes the trees that the nodes are in, before and after.
func edit[T any](s *World, objects map[string]*T, name string, object *T, nodes ...Node) {
	old := objects[name]
	if old == nil && object == nil || old != nil && object != nil && reflect.DeepEqual(*old, *object) {
		return
	}
	s.step(func() {
		woken := s.together(nodes)
		if object == nil {
			delete(objects, name)
		} else {
			objects[name] = object
		}
		s.memoForest, s.memoUsage, s.memoMembers = nil, nil, nil
		s.changed()
		s.wakeQueues(append(woken, s.together(nodes)...))
	})
}

func (s *World) editLocalQueue(key [2]string, lq *LocalQueue) {
	old := s.localQueues[key]
	if old == nil && lq == nil || old != nil && lq != nil && *old == *lq {
		return
	}
	s.step(func() {
		var nodes []Node
		if old != nil {
			nodes = append(nodes, QueueNode(old.ClusterQueue))
		}
		if lq == nil {
			delete(s.localQueues, key)
		} else {
			s.localQueues[key] = lq
			nodes = append(nodes, QueueNode(lq.ClusterQueue))
		}
		s.memoMembers = nil
		s.changed()
		s.wakeQueues(s.together(nodes))
	})
}

// listing returns the ClusterQueues that list the flavor.
func (s *World) listing(flavor string) []Node {
	var nodes []Node
	for name, cq := range s.queues {
		for _, g := range cq.Groups {
			for _, fq := range g.Flavors {
				if fq.Name == flavor {
					nodes = append(nodes, QueueNode(name))
				}
			}
		}
	}
	return nodes
}

func (s *World) setNamespace(name string, labels map[string]string) {
	old := s.namespaces[name]
	if len(old) == 0 && len(labels) == 0 || reflect.DeepEqual(old, labels) {
		return
	}
	s.namespaces[name] = labels
	s.changed()
	for _, w := range s.workloads {
		if w.seen.Namespace == name && w.state == pending {
			s.wake(w)
		}
	}
}

// setWorkload takes the Workload as seen. One that is assumed stays so if the object carries no admission.
func (s *World) setWorkload(seen Workload) {
	old := s.workloads[seen.UID]
	if old != nil && old.state == pending && seen.Admission == nil && sameForQueue(old.seen, seen) {
		old.seen = seen
		return
	}
	s.intern(seen.Admission)
	s.step(func() {
		if old == nil || !sameButStatus(old.seen, seen) {
			s.changed()
		}
		w := &workload{seen: seen, began: s.now}
		if seen.Started > 0 {
			w.began = seen.Started
		} else if old != nil && old.admission != nil {
			w.began = old.began
		}
		switch {
		case seen.Admission != nil:
			w.state, w.admission = admitted, seen.Admission
		case old != nil && old.state == assumed:
			w.state, w.admission = assumed, old.admission
			w.ours, w.reserved, w.seen.Evicted = true, old.reserved, false // reserving has turned it False
		}
		w.evicting = old != nil && old.evicting && w.admission != nil && !w.seen.Evicted
		if w.evicting {
			w.spared = old.spared
		}
		s.workloads[seen.UID] = w
		if old != nil && old.gone() && w.admission != nil && !w.gone() {
			s.stays(w)
		}
		if old != nil && old.seen.Priority != seen.Priority {
			s.wakeQueues(s.together([]Node{s.nodeOf(old), s.nodeOf(w)}))
		}
	})
}

// sameForQueue says whether nothing that matters to a pending workload has changed.
func sameForQueue(a, b Workload) bool {
	a.Evicted, b.Evicted = false, false
	return reflect.DeepEqual(a, b)
}

// sameButStatus says whether nothing has changed but what a status says: of conditions, times, reclaimable pods, admission.
func sameButStatus(a, b Workload) bool {
	strip := func(w Workload) Workload {
		w.Evicted, w.Withheld, w.Admission, w.QueueTime, w.ReservedAt, w.AdmittedAt = false, "", nil, 0, 0, 0
		w.Limit, w.Started = 0, 0
		w.PodSets = append([]PodSet(nil), w.PodSets...)
		for i := range w.PodSets {
			w.PodSets[i].Reclaimable = 0
		}
		return w
	}
	return reflect.DeepEqual(strip(a), strip(b))
}

// remove takes a workload away. It is a change unless its quota was about to come back anyhow.
func (s *World) remove(uid UID) {
	s.step(func() {
		if w := s.workloads[uid]; w != nil && !w.gone() {
			s.changed()
		}
		delete(s.workloads, uid)
	})
}

// uses lists amounts above 0 by flavor-resource.
func (s *World) uses(amounts map[FlavorResource]int64) []use {
	for f, amount := range amounts {
		if amount > 0 {
			s.fr(f)
		}
	}
	s.trees()
	var all []use
	for i, f := range s.frs {
		if amounts[f] > 0 {
			all = append(all, use{i, amounts[f]})
		}
	}
	return all
}

// assume charges an admission decided elsewhere and notes where it breaks a law.
func (s *World) assume(uid UID, a Admission) {
	s.violations = append(s.violations, s.CheckAdmit(uid, a)...)
	s.intern(&a)
	s.step(func() {
		if w := s.workloads[uid]; w != nil && w.state == pending {
			w.admit(&a, s.now)
		}
	})
}

// admit makes a pending workload an assumed one.
func (w *workload) admit(a *Admission, now int64) {
	w.dropHold()
	w.state, w.admission, w.last, w.seen.Evicted = assumed, a, nil, false
	w.clock, w.ours, w.reserved, w.began = holdClock{}, true, now, now
}

// stays draws the consequence of a workload that counted as gone and does not any more, but still uses quota:
// plans that relied on its going must be made anew.
func (s *World) stays(w *workload) { s.wakeQueues(s.together([]Node{s.nodeOf(w)})) }

// nodeOf is the ClusterQueue that the workload uses, or waits in.
func (s *World) nodeOf(w *workload) Node {
	if w.admission != nil {
		return QueueNode(w.admission.ClusterQueue)
	}
	if lq := s.localQueues[[2]string{w.seen.Namespace, w.seen.LocalQueue}]; lq != nil {
		return QueueNode(lq.ClusterQueue)
	}
	return Node{}
}

// fr is the index of a flavor-resource. A new one makes room in every table.
func (s *World) fr(f FlavorResource) int {
	i, known := s.frIndex[f]
	if !known {
		i = len(s.frs)
		s.frs = append(s.frs, f)
		s.frIndex[f] = i
		s.memoForest, s.memoUsage = nil, nil
		for _, p := range s.plans {
			p.pad(len(s.frs))
		}
	}
	return i
}

// intern makes room for the flavor-resources of an admission.
func (s *World) intern(a *Admission) {
	if a == nil {
		return
	}
	for _, ps := range a.PodSets {
		for r, flavor := range ps.Flavors {
			s.fr(FlavorResource{flavor, r})
		}
	}
}

// trees returns the quota trees as the objects now are.
func (s *World) trees() *forest {
	if s.memoForest != nil {
		return s.memoForest
	}
	intern := func(groups []ResourceGroup) {
		for _, g := range groups {
			for _, fq := range g.Flavors {
				for r := range fq.Resources {
					s.fr(FlavorResource{fq.Name, r})
				}
			}
		}
	}
	for _, name := range sortedKeys(s.queues) {
		intern(s.queues[name].Groups)
	}
	for _, name := range sortedKeys(s.cohorts) {
		intern(s.cohorts[name].Groups)
	}
	f := newForest(s.queues, s.cohorts, s.frs)
	s.memoActive = map[string]bool{}
	for name, cq := range s.queues {
		s.memoActive[name] = !f.byName[QueueNode(name)].broken && !cq.Terminating &&
			(cq.Stop == "" || cq.Stop == StopNone) && s.flavorsExist(cq)
	}
	s.memoForest = f
	return f
}

func (s *World) flavorsExist(cq *ClusterQueue) bool {
	for _, g := range cq.Groups {
		for _, fq := range g.Flavors {
			if s.flavors[fq.Name] == nil {
				return false
			}
		}
	}
	return true
}

// active says whether the ClusterQueue exists and may admit.
func (s *World) active(queue string) bool {
	s.trees()
	return s.memoActive[queue]
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
