package oracle

import "sort"

// Kind is what a verdict comes to, from the best to the worst.
type Kind string

// The kinds of verdict.
const (
	Fit     Kind = "Fit"
	Preempt Kind = "Preempt"
	NoFit   Kind = "NoFit"
	Untried Kind = "Untried"
)

// mode is the kind of a single flavor's verdict; Preempt is split by the simulated removal of victims.
type mode int

const (
	noFit mode = iota
	noCandidates
	preemptOwn
	reclaim
	fit
)

// flavorVerdict is the verdict of one flavor for one pod set.
type flavorVerdict struct {
	mode   mode
	level  int
	reason Reason // unless fit
	short  []int  // flavor-resources that do not fit
	// refused says that it fits, but would delay a reservation or run into a window
	refused bool
}

// better says whether a is strictly preferred to b: never NoFit, no-candidates last, and then
// fit > reclaim > preempt before the lower level, or after it.
func (a flavorVerdict) better(b flavorVerdict, p Preference) bool {
	if a.mode <= noCandidates || b.mode <= noCandidates {
		if a.mode != b.mode {
			return a.mode > b.mode
		}
		return a.mode == noCandidates && a.level < b.level
	}
	if p == PreemptionOverBorrowing {
		return a.level < b.level || a.level == b.level && a.mode > b.mode
	}
	return a.mode > b.mode || a.mode == b.mode && a.level < b.level
}

// stops says whether the search stops at this verdict.
func (a flavorVerdict) stops(p Fungibility) bool {
	switch {
	case a.mode <= noCandidates:
		return false
	case a.mode < fit && p.WhenCanPreempt != MayStopSearch: // TryNextFlavor is the default
		return false
	case a.level > 0 && p.WhenCanBorrow == TryNextFlavor:
		return false
	}
	return true
}

// use is an amount of one flavor-resource.
type use struct {
	f      int
	amount int64
}

// verdict is the outcome for a whole workload.
type verdict struct {
	kind      Kind
	reason    Reason             // unless Fit
	level     int                // borrowing level of the assignment, unless NoFit
	podSets   []PodSetAssignment // unless NoFit
	request   []use              // what the assignment uses, amounts above 0, by flavor-resource
	charged   []int              // flavor-resources in the order in which they were charged, perhaps again; nil if it is what is held already
	consulted map[int]bool       // flavor-resources that the verdict looked at
	refused   bool               // in a flavor looked at, by the timeline

	short   map[int]bool // of the request, those judged Preempt
	planned bool         // Preempt: it fits once the evicted and the victims are gone
	victims []*victim    // in the order taken; none if those in flight suffice
}

// serves says whether the verdict is Fit or has a plan.
func (v *verdict) serves() bool { return v.kind == Fit || v.planned }

// same says whether two verdicts are the same in all that keys and decisions depend on.
func (v *verdict) same(o *verdict) bool {
	if v.kind != o.kind || v.level != o.level || len(v.request) != len(o.request) {
		return false
	}
	for i, u := range v.request {
		if u != o.request[i] {
			return false
		}
	}
	for i := range v.podSets {
		if v.podSets[i].Count != o.podSets[i].Count {
			return false
		}
	}
	return true
}

// search finds the verdict of the workload in queue n on the usage given, with partial admission, whatever is held for it.
func (s *World) search(n *node, w *workload, u table) *verdict {
	if w.seen.Misconfigured != "" {
		return &verdict{kind: NoFit, reason: Misconfigured}
	}
	counts := make([]int64, len(w.seen.PodSets))
	partial := -1
	for i, ps := range w.seen.PodSets {
		counts[i] = effective(ps, ps.Count)
		if ps.MinCount != nil && *ps.MinCount < ps.Count && partial < 0 {
			partial = i
		}
	}
	full := s.evaluate(n, w, counts, u)
	if full.serves() || partial < 0 {
		return full
	}
	ps := w.seen.PodSets[partial]
	var best *verdict
	steps := int(ps.Count - *ps.MinCount + 1)
	found := sort.Search(steps, func(reduction int) bool {
		counts[partial] = effective(ps, ps.Count-int64(reduction))
		v := s.evaluate(n, w, counts, u)
		for f := range v.consulted {
			full.consulted[f] = true
		}
		full.refused = full.refused || v.refused
		if !v.serves() {
			return false
		}
		best = v
		return true
	})
	if found == steps {
		return full
	}
	best.consulted, best.refused = full.consulted, full.refused
	return best
}

// effective is how many pods of a pod set that runs with the given size ask for quota.
func effective(ps PodSet, size int64) int64 {
	return max(0, min(size, ps.Count-ps.Reclaimable))
}

// evaluate finds flavors for the workload with that many pods of each pod set.
func (s *World) evaluate(n *node, w *workload, counts []int64, u table) *verdict {
	v := &verdict{kind: Fit, consulted: map[int]bool{}, short: map[int]bool{}}
	taken := make([]int64, len(s.frs)) // use of earlier pod sets
	for i := range w.seen.PodSets {
		ps := &w.seen.PodSets[i]
		a := PodSetAssignment{Name: ps.Name, Count: counts[i], Flavors: map[string]string{}, Usage: map[string]int64{}}
		asked := s.asks(n, ps, counts[i])
		for r, ask := range asked {
			if n.queue.group(r) == nil && (ask.amount > 0 || ask.overflow) && !s.ignoreUndeclared {
				v.fail(NoFit, NoMatchingFlavor)
			}
		}
		for g := range n.queue.Groups {
			group := &n.queue.Groups[g]
			if !n.queue.wanted(group, asked) {
				continue
			}
			chosen, fv := s.chooseFlavor(n, w, group, ps, asked, taken, u, v.consulted)
			v.refused = v.refused || fv.refused
			if fv.mode == noFit {
				v.fail(NoFit, fv.reason)
				continue
			}
			if len(fv.short) > 0 { // even if the worst resource, by preference, is one that fits
				v.fail(Preempt, fv.reason)
			}
			for _, f := range fv.short {
				v.short[f] = true
			}
			for _, r := range group.Covered {
				if ask, asks := asked[r]; asks {
					a.Flavors[r], a.Usage[r] = chosen, ask.amount
					f := s.fr(FlavorResource{chosen, r})
					taken[f] = add(taken[f], ask.amount)
					v.charged = append(v.charged, f)
				}
			}
		}
		v.podSets = append(v.podSets, a)
	}
	if v.kind == NoFit {
		v.podSets = nil
		return v
	}
	for f, amount := range taken {
		if amount > 0 {
			v.request = append(v.request, use{f, amount})
			v.level = max(v.level, n.level(u, f, amount))
		}
	}
	if v.kind == Preempt && s.preemption {
		v.victims, v.planned = s.problem(n, w, v.request, v.short).solve()
		for _, r := range v.request {
			if _, ok := s.mayStart(n, w, r.f, r.amount, true, v.victims); v.planned && !ok {
				return &verdict{kind: NoFit, reason: WaitingForQuota, consulted: v.consulted, refused: true}
			}
		}
	}
	return v
}

// fail makes the verdict as bad as kind, and keeps the gravest reason.
func (v *verdict) fail(kind Kind, reason Reason) {
	if v.kind != NoFit {
		v.kind = kind
	}
	if gravity(reason) > gravity(v.reason) {
		v.reason = reason
	}
}

func gravity(r Reason) int {
	switch r {
	case NoMatchingFlavor:
		return 3
	case ExceedsMaxQuota:
		return 2
	case WaitingForQuota:
		return 1
	}
	return 0
}

// ask is the amount of a resource that a pod set wants, or more than an int64.
type ask struct {
	amount   int64
	overflow bool
}

// asks computes what so many pods want. Every pod counts 1 of "pods" where the queue covers it.
func (s *World) asks(n *node, ps *PodSet, count int64) map[string]ask {
	asked := map[string]ask{}
	for r, each := range ps.Requests {
		if r != podsResource {
			amount, ok := times(each, count)
			asked[r] = ask{amount, !ok}
		}
	}
	if n.queue.group(podsResource) != nil {
		asked[podsResource] = ask{amount: count}
	}
	return asked
}

// group is the resource group that covers the resource, or nil.
func (cq *ClusterQueue) group(resource string) *ResourceGroup {
	for g := range cq.Groups {
		for _, r := range cq.Groups[g].Covered {
			if r == resource {
				return &cq.Groups[g]
			}
		}
	}
	return nil
}

// wanted says whether anything is asked of a group of the queue, be it zero: then it gets a flavor.
func (cq *ClusterQueue) wanted(group *ResourceGroup, asked map[string]ask) bool {
	for r := range asked {
		if cq.group(r) == group {
			return true
		}
	}
	return false
}

// chooseFlavor tries the flavors of a group in their order. If the verdict is not fit its reason is the
// mildest of all flavors.
func (s *World) chooseFlavor(n *node, w *workload, group *ResourceGroup, ps *PodSet, asked map[string]ask, taken []int64,
	u table, consulted map[int]bool) (string, flavorVerdict) {
	name, best, mildest, refused := "", flavorVerdict{mode: noFit, reason: NoMatchingFlavor}, NoMatchingFlavor, false
	for i := range group.Flavors {
		fq := &group.Flavors[i]
		fl := s.flavors[fq.Name]
		if fl == nil || !opens(fl, ps) {
			continue
		}
		fv := flavorVerdict{mode: fit}
		var short []int
		late, uncountable := false, false
		for r, want := range asked {
			if n.queue.group(r) != group {
				continue
			}
			rv := flavorVerdict{mode: noFit, reason: NoMatchingFlavor} // the flavor does not list it
			if _, listed := fq.Resources[r]; listed {
				f := s.fr(FlavorResource{fq.Name, r})
				if want.amount > 0 {
					consulted[f] = true
				}
				rv = s.quota(n, w, u, f, want, taken[f])
				if rv.mode != fit {
					short = append(short, f)
				}
				late = late || rv.refused
				uncountable = uncountable || want.overflow || overflows(taken[f], want.amount)
			}
			grave := fv.reason
			if gravity(rv.reason) > gravity(grave) {
				grave = rv.reason
			}
			if fv.better(rv, n.queue.Fungibility.Preference) {
				fv = rv
			}
			fv.reason = grave
		}
		fv.short = short
		refused = refused || late && !uncountable // reading 61
		if gravity(fv.reason) < gravity(mildest) {
			mildest = fv.reason
		}
		stop := fv.stops(n.queue.Fungibility)
		if stop || fv.better(best, n.queue.Fungibility.Preference) {
			name, best = fq.Name, fv
		}
		if stop {
			break
		}
	}
	if best.mode == noFit || len(best.short) > 0 {
		best.reason = mildest
		if mildest == "" { // some flavor fits, but preempting in another is preferred
			best.reason = WaitingForQuota
		}
	}
	best.refused = refused
	return name, best
}

// quota gives the verdict of one flavor-resource alone, what earlier pod sets took of it included. If it is short the
// victims are simulated for it alone, and the level is taken after they and the evicted are gone.
func (s *World) quota(n *node, w *workload, u table, f int, want ask, taken int64) flavorVerdict {
	if want.overflow || overflows(taken, want.amount) {
		return flavorVerdict{mode: noFit, reason: ExceedsMaxQuota}
	}
	if want.amount == 0 {
		return flavorVerdict{mode: fit}
	}
	request := taken + want.amount
	if n.fits(u, f, request) {
		if _, ok := s.mayStart(n, w, f, request, false, nil); !ok {
			return flavorVerdict{mode: noFit, reason: WaitingForQuota, refused: true}
		}
		return flavorVerdict{mode: fit, level: n.level(u, f, request)}
	}
	if request > n.potential[f] {
		return flavorVerdict{mode: noFit, reason: ExceedsMaxQuota}
	}
	p := s.problem(n, w, []use{{f, request}}, map[int]bool{f: true})
	if s.preemption {
		u = p.held(nil)
	}
	waits := s.preemption && p.fits(nil) // for the evicted alone
	if !waits && !s.mayPreempt(n, u, f, request) {
		return flavorVerdict{mode: noFit, reason: WaitingForQuota}
	}
	short := flavorVerdict{mode: noCandidates, level: n.level(u, f, request), reason: WaitingForQuota}
	if !s.preemption {
		return short
	}
	victims, planned := p.solve()
	if !planned {
		return short
	}
	if _, ok := s.mayStart(n, w, f, request, true, victims); !ok {
		return flavorVerdict{mode: noFit, reason: WaitingForQuota, refused: true}
	}
	short.mode, short.level = reclaim, n.level(p.held(victims), f, request)
	for _, v := range victims {
		if v.q == n {
			short.mode = preemptOwn
		}
	}
	return short
}

// mayPreempt says whether Preempt is possible at all: nominal >= request, or X exists and is not the root,
// or borrowWithinCohort is not Never, or, with fair sharing, reclaimWithinCohort is not Never.
func (s *World) mayPreempt(n *node, u table, f int, request int64) bool {
	if n.quota[f].Nominal >= request || set(n.queue.Preemption.BorrowWithinCohort) ||
		s.fairSharing && set(n.queue.Preemption.ReclaimWithinCohort) {
		return true
	}
	x := n.lowestHolding(u, use{f, request})
	return x != nil && x.parent != nil
}
