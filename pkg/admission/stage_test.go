package admission

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	naive "fairlead.dev/fairlead/internal/oracle/timeline"
	"fairlead.dev/fairlead/pkg/quota"
)

// stage plays a random load to an engine alone, as the shell and time do: who is
// admitted runs, until his limit at most, and a Decide comes whenever something
// has happened or is due. Beside it the stage keeps lists of what runs, is
// reserved and is kept, and reckons use at every node and instant from them by the
// words of section 2 (internal/oracle/timeline).
//
//	drawn: arrivals, ends, windows ──> Engine ──Admit, Evict, reservations──> lists ──> Chart: use <= limit?
type stage struct {
	*rapid.T
	*draw
	engine   *Engine
	now      int64
	tree     naive.Tree
	index    map[string]int // of a node, by name
	policies []Backfill     // by node; of ClusterQueues
	takes    []Preemption   // likewise
	slack    int64
	jobs     map[string]*job
	order    []*job // as they arrive
	arrived  int
	windows  map[string]Reservation
	promises map[string]int64
	// acted are those who were admitted in the last pass, or began to hold.
	acted []*job
	spread
}

// spread is what stories had, for a test to ask for enough of it.
type spread struct {
	cases, lending, borrowing, depth3, twoFlavors int
	promised, moved, waited, begun, members       int
	evicted, yielded, outlived                    int
}

// add adds a story that has been played.
func (sum *spread) add(s *stage) {
	count := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	lending, borrowing, deep, two := false, false, false, false
	for n, row := range s.tree.Quota {
		deep = deep || s.height(n) >= 3
		for f, q := range row {
			lending, borrowing = lending || q.Lending != nil, borrowing || q.Borrowing != nil
			two = two || f > 0 && s.policies[n].Mode != "" && q.Nominal > 0
		}
	}
	sum.cases++
	count(&sum.lending, lending)
	count(&sum.borrowing, borrowing)
	count(&sum.depth3, deep)
	count(&sum.twoFlavors, two)
	sum.promised, sum.moved, sum.waited = sum.promised+s.promised, sum.moved+s.moved, sum.waited+s.waited
	sum.begun, sum.members = sum.begun+s.begun, sum.members+s.members
	sum.evicted, sum.yielded, sum.outlived = sum.evicted+s.evicted, sum.yielded+s.yielded, sum.outlived+s.outlived
}

// enough checks that many of the stories had what a law is about.
func (sum *spread) enough(t *testing.T) {
	t.Helper()
	t.Logf("%+v", *sum)
	if sum.cases < 100 {
		return
	}
	for name, n := range map[string]int{
		"a lending limit": sum.lending, "a borrowing limit": sum.borrowing, "three levels": sum.depth3, "two flavors": sum.twoFlavors,
		"reservations": sum.promised / 4, "reservations that moved": sum.moved, "waits": sum.waited / 4,
	} {
		if n*4 < sum.cases {
			t.Errorf("too few of %d cases have %s", sum.cases, name)
		}
	}
}

// job is a workload and what becomes of it.
type job struct {
	Workload
	at     int64 // when it is submitted
	leaf   int   // its ClusterQueue's
	strict bool
	// span is for how long it may run, as far as anybody can know, length for how
	// long it does.
	span, length int64
	// asks are the complete assignments that it may get, by flavor.
	asks [][]int64
	// began is when it was admitted, 0 if it was not; uses what it got.
	began int64
	uses  []int64
	gone  bool
	// heldSince is when quota began to be held for it, in place of began, 0 if
	// none is: uses. leaves is when, being evicted, it gives up what it uses, 0 if
	// it is not.
	heldSince, leaves int64
	heldFor           int64 // when it was admitted: for how long quota had been held
	granted           *Assignment
	returned          bool // it has been evicted
}

// fewFlavors are those of a stage.
const fewFlavors = 2

// newStage makes queues in Cohorts of up to three levels, with or without limits
// on loans, in which some plan ahead.
func newStage(t *rapid.T, everybodyPlans, preempting bool) *stage {
	s := &stage{
		T: t, draw: &draw{t: t, planning: true, preempting: preempting}, now: second, index: map[string]int{}, jobs: map[string]*job{},
		windows: map[string]Reservation{}, promises: map[string]int64{},
	}
	s.slack = second * int64(1+s.n(2, "slack"))
	config := Config{FairSharing: rapid.Bool().Draw(t, "fair sharing"), Slack: s.slack, Overrun: second}
	if preempting {
		config.Preemption = &PreemptionConfig{}
	}
	s.engine = New(config)
	s.step(SetNamespace{Name: "n"})
	for f := range fewFlavors {
		s.step(SetFlavor{Flavor{Name: fmt.Sprint("f", f)}})
	}
	flat := s.oneIn(4, "flat")
	for i := range 3 {
		c := Cohort{Name: fmt.Sprint("c", i), WeightMilli: 1000}
		if i > 0 && !flat {
			c.Parent = fmt.Sprint("c", s.n(i, "parent"))
		}
		if s.oneIn(2, "own quota") {
			c.Groups = s.quotas(fewFlavors, 3)
		}
		s.node(c.Name, c.Parent, c.Groups)
		s.step(SetCohort{c})
	}
	for i := range 2 + s.n(3, "queues") {
		q := ClusterQueue{Name: fmt.Sprint("q", i), Cohort: "c0", Namespaces: &Selector{}, WeightMilli: s.weight(), Backfill: s.backfill()}
		if q.Backfill.Mode == BackfillNone && everybodyPlans {
			q.Backfill.Mode = BackfillConservative
		}
		if !flat {
			q.Cohort = fmt.Sprint("c", s.n(3, "cohort"))
		}
		if s.oneIn(4, "strict") && q.Backfill.plans() {
			q.Strategy = StrictFIFO // else its head would hold quota, as if it ran for ever
		}
		q.Groups = s.quotas(1+s.n(fewFlavors, "flavors"), 8)
		s.node(q.Name, q.Cohort, q.Groups)
		if preempting {
			s.draw.policies(&q)
			q.Preemption.BorrowWithinCohort = []string{"Never", "LowerPriority"}[s.n(2, "borrow within")]
			q.MinimumRuntime = 0
		}
		s.policies[s.index[q.Name]], s.takes[s.index[q.Name]] = *q.Backfill, q.Preemption
		s.step(SetClusterQueue{q})
		for _, name := range []string{q.Name, "vip" + q.Name} {
			s.step(SetLocalQueue{LocalQueue{Namespace: "n", Name: name, ClusterQueue: q.Name}})
		}
		s.jobsOf(&q)
	}
	slices.SortStableFunc(s.order, func(a, b *job) int { return cmp.Compare(a.at, b.at) })
	for i, j := range s.order {
		j.UID = fmt.Sprintf("w%02d", i)
		j.Name, j.QueueTime = j.UID, j.at
		s.jobs[j.UID] = j
	}
	return s
}

// quotas are what a node owns of cpu, in so many flavors.
func (s *stage) quotas(flavors, most int) []ResourceGroup {
	g := ResourceGroup{Resources: []string{"cpu"}}
	for f := range flavors {
		g.Flavors = append(g.Flavors, FlavorQuotas{Flavor: fmt.Sprint("f", f), Quotas: []ResourceQuota{s.quota("cpu", most)}})
	}
	return []ResourceGroup{g}
}

// node notes a node for the stage's own reckoning.
func (s *stage) node(name, parent string, groups []ResourceGroup) {
	at, above := len(s.index), -1
	if parent != "" {
		above = s.index[parent]
	}
	row := make([]naive.Quota, fewFlavors)
	for _, g := range groups {
		for f, fq := range g.Flavors {
			q := fq.Quotas[0]
			row[f] = naive.Quota{Nominal: q.Nominal}
			if above >= 0 {
				row[f].Borrowing, row[f].Lending = q.BorrowingLimit, q.LendingLimit
			}
		}
	}
	s.index[name] = at
	s.tree.Parent, s.tree.Quota, s.policies = append(s.tree.Parent, above), append(s.tree.Quota, row), append(s.policies, Backfill{})
	s.takes = append(s.takes, Preemption{})
}

// jobsOf draws what is submitted to a ClusterQueue. In a StrictFIFO queue nobody
// comes to stand before another: he might be in the way of his reservation.
func (s *stage) jobsOf(q *ClusterQueue) {
	for range 4 + s.n(10, "jobs") {
		j := &job{leaf: s.index[q.Name], strict: q.Strategy == StrictFIFO, at: second * int64(1+s.n(16, "submit"))}
		j.Namespace, j.Queue = "n", q.Name
		if s.oneIn(3, "vip") {
			j.Queue = "vip" + q.Name
		}
		if !j.strict {
			j.Priority = int32(s.n(3, "priority"))
		}
		ps := PodSet{Name: "p0", Count: int32(1 + s.n(2, "pods"))}
		ps.Requests = []quota.ResourceAmount{{Resource: "cpu", Amount: int64(1 + s.n(4, "cpu"))}}
		j.PodSets = []PodSet{ps} // one: the search may not come to what was planned for more
		for f := range q.Groups[0].Flavors {
			ask := make([]int64, fewFlavors)
			ask[f] = ps.Requests[0].Amount * int64(ps.Count)
			j.asks = append(j.asks, ask)
		}
		if j.span = q.Backfill.DefaultLimit; !s.oneIn(6, "no limit") {
			j.Limit = second * int64(1+s.n(8, "limit"))
			j.span = j.Limit
		}
		if j.length = j.span; s.oneIn(2, "ends early") {
			j.length = second * int64(1+s.n(int(j.span/second), "length"))
		}
		s.order = append(s.order, j)
	}
}

func (s *stage) step(ev Event) []Decision {
	decisions := s.engine.Step(s.now, ev)
	if w, ok := ev.(SetWorkload); ok {
		s.Logf("at %d: SetWorkload%+v", s.now/second, *w.Workload)
	} else if q, ok := ev.(SetClusterQueue); ok {
		s.Logf("at %d: SetClusterQueue %s of %s %s, %+v, %+v", s.now/second, q.Name, q.Cohort, q.Strategy, *q.Backfill, q.Groups)
	} else if _, ok := ev.(Decide); !ok || len(decisions) > 0 {
		s.Logf("at %d: %T%+v", s.now/second, ev, ev)
	}
	return decisions
}

// pass lets the engine decide, and what it decides happen: those whom it admits
// run, those whom it evicts leave within the slack.
func (s *stage) pass() {
	s.acted = s.acted[:0]
	for _, d := range s.step(Decide{}) {
		s.Logf("    %s", Line(d))
		switch d := d.(type) {
		case Wait:
			s.waited++
		case Admit:
			s.admit(s.jobs[d.UID], d.Assignment)
		case Evict:
			s.evict(d)
		case EndHold:
			s.jobs[d.UID].heldSince = 0
		}
	}
}

func (s *stage) admit(j *job, a Assignment) {
	s.acted = append(s.acted, j)
	j.heldFor = 0
	if j.heldSince > 0 {
		j.heldFor = s.now - j.heldSince
	}
	j.began, j.heldSince, j.uses, j.granted = s.now, 0, make([]int64, fewFlavors), &a
	for _, ps := range a.PodSets {
		for i, u := range ps.Usage {
			j.uses[ps.Flavors[i].Flavor[1]-'0'] += u.Amount
		}
	}
	if s.oneIn(2, "written at once") {
		j.Admission, j.ReservedAt, j.AdmittedAt, j.Started = &a, s.now, s.now, s.now
		w := j.Workload
		s.step(SetWorkload{&w})
	}
}

func (s *stage) evict(d Evict) {
	j := s.jobs[d.Preemptor]
	s.acted = append(s.acted, j)
	if j.heldSince == 0 {
		j.heldSince = s.now
	}
	j.uses = make([]int64, fewFlavors)
	for _, h := range d.Preemption.Held {
		j.uses[h.Flavor[1]-'0'] += h.Amount
	}
	for _, v := range d.Victims {
		s.jobs[v.UID].leaves = s.now + min(s.slack, second*int64(s.n(3, "leaves")))
		s.evicted++
	}
}

// leave lets one who is evicted, and has ended, give up its quota and wait again.
func (s *stage) leave(j *job) {
	w := j.Workload
	w.Admission, w.ReservedAt, w.AdmittedAt, w.Started, w.Evicted = j.granted, j.began, j.began, j.began, true
	s.step(SetWorkload{&w})
	j.Admission, j.ReservedAt, j.AdmittedAt, j.Started = nil, 0, 0, 0
	j.began, j.leaves, j.returned = 0, 0, true
	again := j.Workload
	s.step(SetWorkload{&again})
}

// next is when something happens next; false if nothing does any more.
func (s *stage) next() (at int64, ok bool) {
	consider := func(t int64) {
		if !ok || t < at {
			at, ok = t, true
		}
	}
	if s.arrived < len(s.order) {
		consider(s.order[s.arrived].at)
	}
	for _, j := range s.order {
		if j.began > 0 && !j.gone {
			consider(j.began + j.length)
		}
		if j.leaves > 0 {
			consider(j.leaves)
		}
	}
	if wake, due := s.engine.NextWake(s.now); due {
		consider(max(wake, s.now))
	}
	return at, ok
}

// play goes from moment to moment until nothing happens any more, and looks after
// each pass. before each, if not nil, may do something else.
func (s *stage) play(before, look func()) {
	for again := 0; ; again++ {
		at, ok := s.next()
		if !ok {
			return
		}
		if at > s.now {
			again = 0
		} else if again > 100 {
			s.Fatalf("at %d the engine wants to decide again and again", s.now/second)
		}
		if at > 3000*second {
			s.Fatalf("it never ends")
		}
		s.now = at
		for _, j := range s.order {
			switch {
			case j.began > 0 && !j.gone && j.began+j.length <= s.now:
				j.gone, j.leaves = true, 0
				s.step(Finish{UID: j.UID})
				s.step(DeleteWorkload{UID: j.UID})
			case j.leaves > 0 && j.leaves <= s.now:
				s.leave(j)
			}
		}
		for s.arrived < len(s.order) && s.order[s.arrived].at <= s.now {
			w := s.order[s.arrived].Workload
			s.arrived++
			s.step(SetWorkload{&w})
		}
		if before != nil {
			before()
		}
		s.pass()
		look()
	}
}

// reserved is a reservation as the engine holds it.
type reserved struct {
	start, end int64
	uses       []int64
	borrows    bool
}

// reserved reads the engine's reservations.
func (s *stage) reserved() map[string]reserved {
	all := map[string]reserved{}
	for _, sc := range s.engine.scopes {
		if !sc.calendar.filled() {
			continue
		}
		for _, r := range sc.calendar.planner.Reservations() {
			h := reserved{start: r.Start, end: r.End, borrows: r.Borrows, uses: make([]int64, fewFlavors)}
			for _, q := range sc.calendar.planner.Requests(r.UID) {
				h.uses[s.engine.forest.Name(sc.tree.Global(q.FR)).Flavor[1]-'0'] += q.Amount
			}
			all[r.UID] = h
		}
	}
	return all
}

// chart is what is used from now on: by who runs, until his limit, by windows
// and, if they are given, by reservations and what is held, without the evicted; as one
// of the jobs sees it, if it is named.
func (s *stage) chart(held map[string]reserved, but string) *naive.Chart {
	w := &naive.World{Tree: s.tree}
	for _, j := range s.order {
		group := j.Namespace + "/" + j.Queue
		if j.UID == but {
			w.Asking = naive.Charge{Node: j.leaf, Group: group}
		}
		if j.began > 0 && !j.gone && (j.leaves == 0 || held == nil) {
			w.Charges = append(w.Charges, naive.Charge{Node: j.leaf, Amount: j.uses, Start: s.now, End: j.began + j.span, Group: group})
		}
		if j.heldSince > 0 && held != nil {
			w.Charges = append(w.Charges, naive.Charge{Node: j.leaf, Amount: j.uses, Start: s.now, End: j.heldSince + j.span + s.slack, Group: group})
		}
		if h, ok := held[j.UID]; ok && j.UID != but {
			w.Charges = append(w.Charges, naive.Charge{Node: j.leaf, Amount: h.uses, Start: h.start, End: h.end, Group: group})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.windows)) {
		r := s.windows[name]
		for _, c := range s.charges(&r) {
			if len(r.For) == 0 {
				w.Charges = append(w.Charges, c)
				continue
			}
			x := naive.Window{Charge: c}
			for _, l := range r.For {
				x.Groups = append(x.Groups, l.Namespace+"/"+l.Name)
			}
			w.Windows = append(w.Windows, x)
		}
	}
	return w.Chart(s.now)
}

// charges are what an advance reservation keeps, by node.
func (s *stage) charges(r *Reservation) (all []naive.Charge) {
	top := s.index[r.ClusterQueue+r.Cohort]
	for _, x := range r.Windows {
		for n := range s.tree.Parent {
			c := naive.Charge{Node: n, Amount: make([]int64, fewFlavors), Start: x.Start, End: x.End}
			switch {
			case len(r.Amounts) == 0 && s.below(n, top):
				for f, q := range s.tree.Quota[n] {
					c.Amount[f] = (q.Nominal*r.ShareMilli + 999) / 1000
				}
			case len(r.Amounts) > 0 && n == top:
				for _, a := range r.Amounts {
					c.Amount[a.Flavor[1]-'0'] += a.Amount
				}
			default:
				continue
			}
			all = append(all, c)
		}
	}
	return all
}

// height is how many nodes are on the way up from one, itself included.
func (s *stage) height(n int) (above int) {
	for ; n >= 0; n = s.tree.Parent[n] {
		above++
	}
	return above
}

func (s *stage) below(n, top int) bool {
	for ; n >= 0; n = s.tree.Parent[n] {
		if n == top {
			return true
		}
	}
	return false
}

// over says where and when use is above what a node may use, "" if it never is.
func (s *stage) over(c *naive.Chart) string {
	for i, at := range c.Instants {
		for n := range c.Uses[i] {
			for f, use := range c.Uses[i][n] {
				if limit := c.Limit(n, f); use > limit {
					return fmt.Sprintf("node %d uses %d of f%d at %d, of %d", n, use, f, at/second, limit)
				}
			}
		}
	}
	return ""
}
