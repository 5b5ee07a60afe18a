package admission

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"fairlead.dev/fairlead/internal/oracle"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
)

// machine feeds the same story to the engine and to the oracle and compares
// them after every event. It also keeps the objects as the API server would.
type machine struct {
	*draw
	engine *Engine
	oracle *oracle.World
	// twin is told the same and steps all passes to the letter; where there is one,
	// the engine is compared with it, and the oracle is told nothing.
	twin   *twin
	config Config
	now    int64
	log    []logged

	queues     map[string]ClusterQueue
	cohorts    map[string]Cohort
	flavors    map[string]Flavor
	locals     map[localName]LocalQueue
	namespaces map[string]map[string]string
	workloads  map[string]*object
	told       map[string]PendingReason
	windows    map[string]Reservation
	limits     map[string]PreemptionLimit
	evicts     []oracle.Evict // those of the last pass
	cutBelow   bool
	ranked     bool // a ranking was used
	next       int  // number of the last newcomer in a busy world
	lines      []string
	// unwatched: the state is not compared after each event.
	unwatched bool
}

// object is a Workload on the API server; assumed is the admission that the
// engine has decided and nobody has written yet.
type object struct {
	Workload
	assumed  *Assignment
	finished bool
	// reservedAt is when it was decided; evicting: its eviction was decided,
	// and nobody has written it.
	reservedAt int64
	evicting   bool
	// refused: its eviction was decided and refused.
	refused bool
}

type logged struct {
	now   int64
	event Event
}

// ahead says whether some plan ahead in a world.
type ahead int8

const (
	nobodyPlans ahead = iota
	somePlan          // and nobody preempts
	somePreempt       // and preempt, or others do
)

// newMachine draws a world.
func newMachine(t *rapid.T, seen *features, plans ahead) *machine {
	m := bareMachine(t, seen)
	m.config = Config{FairSharing: rapid.Bool().Draw(t, "fair sharing"), IgnoreUndeclared: m.oneIn(6, "ignore undeclared")}
	m.lenient = rapid.Bool().Draw(t, "lenient")
	m.flat = m.oneIn(3, "flat")
	if m.plain = m.oneIn(4, "plain"); m.plain {
		m.lenient, m.flat = true, true
	}
	m.preempting = plans == somePreempt || plans == nobodyPlans && !m.plain && rapid.Bool().Draw(t, "preempting")
	m.planning = plans != nobodyPlans
	m.start()
	return m
}

// bareMachine has neither an engine nor an oracle yet.
func bareMachine(t *rapid.T, seen *features) *machine {
	return &machine{
		draw: &draw{t: t, seen: seen}, queues: map[string]ClusterQueue{}, cohorts: map[string]Cohort{},
		flavors: map[string]Flavor{}, locals: map[localName]LocalQueue{}, namespaces: map[string]map[string]string{},
		workloads: map[string]*object{}, told: map[string]PendingReason{},
		limits: map[string]PreemptionLimit{}, windows: map[string]Reservation{},
	}
}

// start makes the engine and the oracle as configured.
func (m *machine) start() {
	options := oracle.Options{FairSharing: m.config.FairSharing, IgnoreUndeclared: m.config.IgnoreUndeclared,
		HeadsLeaveHolds: true, HoldersKeep: true}
	if m.preempting {
		m.configure(&options)
	}
	if m.planning {
		m.config.Slack, m.config.Overrun = second*int64(1+m.n(2, "slack")), second*int64(1+m.n(3, "overrun"))
		options.Slack, options.Overrun, options.LimitlessBehind = m.config.Slack, m.config.Overrun, true
	}
	m.engine, m.now = New(m.config), second
	m.oracle = oracle.New(options)
	m.oracle.Apply(oracle.Time{Now: m.now})
	if m.planning {
		m.acquaint()
	}
}

// configure draws the configuration of preemption.
func (m *machine) configure(o *oracle.Options) {
	p := &PreemptionConfig{HoldTimeout: second * int64(1+m.n(12, "hold timeout"))}
	p.Strategies = [][]FairSharingStrategy{
		nil, {LessThanOrEqualToFinalShare, LessThanInitialShare}, {LessThanOrEqualToFinalShare}, {LessThanInitialShare},
	}[m.n(4, "strategies")]
	m.config.Preemption = p
	o.Preemption, o.HoldTimeout, o.Judge = true, p.HoldTimeout, judge
	for _, s := range p.Strategies {
		o.FairStrategies = append(o.FairStrategies, oracle.FairStrategy(s))
	}
}

// step gives one event to the engine and what it means to the oracle.
func (m *machine) step(ev Event, same ...oracle.Event) []Decision {
	m.log = append(m.log, logged{m.now, ev})
	if w, ok := ev.(SetWorkload); ok {
		m.t.Logf("at %d: %T%+v", m.now, ev, *w.Workload)
		if w.Admission != nil {
			m.t.Logf("    with %+v", *w.Admission)
		}
	} else {
		m.t.Logf("at %d: %T%+v", m.now, ev, ev)
	}
	decisions := m.engine.Step(m.now, ev)
	for _, d := range decisions {
		m.t.Logf("    engine: %s", Line(d))
	}
	if m.twin != nil {
		m.compareTwin(ev, decisions)
		return decisions
	}
	var out oracle.Outcome
	for _, o := range same {
		out = m.oracle.Apply(o)
	}
	for _, a := range out.Admits {
		m.t.Logf("    oracle: %+v", a)
	}
	for _, v := range out.Evicts {
		m.t.Logf("    oracle: %+v", v)
	}
	for _, w := range out.Waits {
		m.t.Logf("    oracle: %+v", w)
	}
	if _, ok := ev.(Decide); ok {
		m.compareDecisions(decisions, out)
	}
	if !m.unwatched {
		m.compareState()
	}
	return decisions
}

func (m *machine) setQueue(cq ClusterQueue) {
	m.queues[cq.Name] = cq
	m.step(SetClusterQueue{cq}, oracle.SetClusterQueue{ClusterQueue: oracleQueue(cq)})
}

func (m *machine) setCohort(c Cohort) {
	m.cohorts[c.Name] = c
	m.step(SetCohort{c}, oracle.SetCohort{Cohort: oracleCohort(c)})
}

func (m *machine) setFlavor(f Flavor) {
	m.flavors[f.Name] = f
	m.step(SetFlavor{f}, oracle.SetFlavor{Flavor: oracleFlavor(f)})
}

func (m *machine) setLocal(l LocalQueue) {
	m.locals[localName{l.Namespace, l.Name}] = l
	m.step(SetLocalQueue{l}, oracle.SetLocalQueue{LocalQueue: oracle.LocalQueue{
		Namespace: l.Namespace, Name: l.Name, ClusterQueue: l.ClusterQueue, Stop: oracle.StopPolicy(l.Stop),
	}})
}

func (m *machine) setNamespace(name string, labels map[string]string) {
	m.namespaces[name] = labels
	m.step(SetNamespace{Name: name, Labels: labels}, oracle.SetNamespace{Name: name, Labels: labels})
}

// set writes a Workload, with what its status holds.
func (m *machine) set(w Workload) {
	o := m.workloads[w.UID]
	if o == nil {
		o = &object{}
		m.workloads[w.UID] = o
	}
	if o.finished {
		m.step(SetWorkload{&w})
		return
	}
	if w.Admission != nil {
		o.assumed = nil
	}
	if w.Admission == nil && o.assumed == nil || w.Evicted {
		o.evicting = false
	}
	if w.Admission == nil && o.Admission != nil || w.Admission != nil {
		delete(m.told, w.UID)
	}
	o.Workload = w
	m.step(SetWorkload{&w}, oracle.SetWorkload{Workload: oracleWorkload(w, m.now)})
}

// some picks one of the workloads that satisfy a condition, nil if none does.
func (m *machine) some(want func(*object) bool) *object {
	var list []*object
	for _, uid := range slices.Sorted(maps.Keys(m.workloads)) {
		if o := m.workloads[uid]; want(o) {
			list = append(list, o)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list[m.n(len(list), "which")]
}

func (o *object) charged() bool { return !o.finished && (o.assumed != nil || o.Admission != nil) }

func (o *object) waits() bool { return !o.finished && o.assumed == nil && o.Admission == nil }

func (m *machine) decide() {
	m.now += second * int64(m.n(3, "time passes"))
	same := []oracle.Event{oracle.Time{Now: m.now}}
	for _, uid := range slices.Sorted(maps.Keys(m.workloads)) {
		if o := m.workloads[uid]; o.NotBefore > 0 && o.NotBefore <= m.now && o.waits() {
			same = append(same, oracle.SetWorkload{Workload: oracleWorkload(o.Workload, m.now)})
		}
	}
	for _, d := range m.step(Decide{}, append(same, oracle.Decide{})...) {
		m.lines = append(m.lines, Line(d))
	}
	for _, sc := range m.engine.scopes {
		for i := range sc.rankings {
			m.ranked = m.ranked || sc.rankings[i].used > 0
		}
	}
}

// take lets the objects be what a decision makes of them.
func (m *machine) take(d Decision) {
	switch d := d.(type) {
	case Admit:
		o, a := m.workloads[d.UID], d.Assignment
		o.assumed, o.reservedAt, o.Preempting = &a, m.now, nil
	case Evict:
		p := d.Preemption
		m.workloads[d.Preemptor].Preempting = &p
		for _, v := range d.Victims {
			m.workloads[v.UID].evicting, m.workloads[v.UID].refused = true, false
		}
	case EndHold:
		if o := m.workloads[d.UID]; o != nil {
			o.Preempting = nil
		}
	}
}

// compareDecisions compares admissions, one by one and in order, and the
// reason last told to each workload that waits.
func (m *machine) compareDecisions(decisions []Decision, out oracle.Outcome) {
	var admits []Admit
	evicts, limits := 0, m.limits
	for _, d := range decisions {
		m.take(d)
		switch d := d.(type) {
		case Admit:
			admits = append(admits, d)
			delete(m.told, d.UID)
		case Evict:
			if len(d.Victims) > 0 {
				m.compareEvict(d, out, evicts, len(admits))
				m.seen.victims += len(d.Victims)
				evicts++
			}
		case Wait:
			if m.told[d.UID] == d.Reason && d.Limit == "" && limits[d.UID] == "" && !m.planning {
				m.t.Fatalf("workload %s was told %s again", d.UID, d.Reason)
			}
			m.told[d.UID], limits[d.UID] = d.Reason, d.Limit
			m.seen.waits++
		}
	}
	m.t.Logf("    planned: oracle %+v", m.oracle.Reservations())
	for i := range max(len(admits), len(out.Admits)) {
		switch {
		case i >= len(out.Admits):
			m.t.Fatalf("admission %d: engine %s, oracle none; violations %v", i, Line(admits[i]), m.oracle.OverLimit())
		case i >= len(admits):
			m.t.Fatalf("admission %d: engine none, oracle %+v", i, out.Admits[i])
		}
		if got := oracleAdmission(admits[i].Assignment); admits[i].UID != string(out.Admits[i].UID) || !reflect.DeepEqual(got, out.Admits[i].Admission) {
			m.t.Fatalf("admission %d: engine %s, oracle %+v", i, Line(admits[i]), out.Admits[i])
		}
	}
	m.evicts = out.Evicts
	if evicts < len(out.Evicts) {
		m.t.Fatalf("eviction %d: engine none, oracle %+v", evicts, out.Evicts[evicts])
	}
	m.compareReservations()
	m.seen.admissions += len(admits)
	m.seen.evictions += evicts
	for _, w := range out.Waits {
		if got := m.told[string(w.UID)]; string(got) != string(w.Reason) {
			m.t.Fatalf("workload %s waits: engine %q, oracle %+v", w.UID, got, w)
		}
	}
	if len(out.Waits) != len(m.told) {
		m.t.Fatalf("%d workloads were told why they wait, %d do: %v", len(m.told), len(out.Waits), m.told)
	}
}

// named are requests by name.
func (m *machine) named(requests []quota.Request) string {
	var b strings.Builder
	for _, r := range requests {
		name := m.engine.forest.Name(r.FR)
		fmt.Fprintf(&b, "%s/%s=%d ", name.Flavor, name.Resource, r.Amount)
	}
	return b.String()
}

// compareReservations compares who holds reservations, and when time alone
// would change something.
func (m *machine) compareReservations() {
	if !m.planning {
		return
	}
	var got []oracle.Reserved
	next, waits := int64(0), false
	for _, s := range m.engine.scopes {
		if !s.calendar.filled() {
			continue
		}
		for w, c := range s.calendar.charted {
			end, _ := s.calendar.planner.End(w.UID)
			m.t.Logf("    %s of %s runs from %d to %d, planned %d: %v", w.UID, c.queue.name, w.began/second, c.end/second, end/second, m.named(c.requests))
		}
		for _, r := range s.calendar.planner.Reservations() {
			held := oracle.Reserved{
				UID: oracle.UID(r.UID), Queue: s.queues[r.Leaf].name, Start: r.Start, End: r.End,
				Amounts: map[oracle.FlavorResource]int64{},
			}
			for _, q := range s.calendar.planner.Requests(r.UID) {
				name := m.engine.forest.Name(s.tree.Global(q.FR))
				held.Amounts[oracle.FlavorResource{Flavor: name.Flavor, Resource: name.Resource}] = q.Amount
			}
			got = append(got, held)
		}
		if at := min(s.calendar.planner.Next(), m.vainWake(s)); at != timeline.Forever && (!waits || at < next) {
			next, waits = at, true
		}
	}
	slices.SortFunc(got, func(a, b oracle.Reserved) int { return strings.Compare(string(a.UID), string(b.UID)) })
	want := m.oracle.Reservations()
	if (len(got) > 0 || len(want) > 0) && !reflect.DeepEqual(got, want) {
		m.t.Fatalf("reservations: engine %+v, oracle %+v", got, want)
	}
	m.t.Logf("    planned: %+v", got)
	m.seen.planned += len(got)
	if at, ok := m.oracle.NextWake(); at != next || ok != waits {
		m.t.Fatalf("next wake: engine %d %v, oracle %d %v", next, waits, at, ok)
	}
	if m.oneIn(3, "look ahead") { // it costs the oracle more than all else
		m.compareConflicts()
		if wrong := m.oracle.PlanOverQuota(); len(wrong) > 0 {
			m.t.Fatalf("law 1, planned: %v", wrong)
		}
	}
}

// compareState compares usage and what is available at every node, and lets
// the engine check itself.
func (m *machine) compareState() {
	if err := m.engine.CheckInvariants(); err != nil {
		m.t.Fatal(err)
	}
	m.compareHolds()
	frs := m.oracle.FlavorResources()
	for _, n := range m.oracle.Nodes() {
		if m.oracle.InCycle(n) {
			continue
		}
		node := m.engine.forest.FindCohort(n.Name)
		if !n.Cohort {
			node = m.engine.queues.byName[n.Name].node
		}
		tree, at := node.Tree()
		for _, f := range frs {
			var usage, available int64
			if fr := tree.Local(m.engine.forest.Number(f.Flavor, f.Resource)); fr >= 0 {
				usage, available = tree.Usage(at, fr), tree.Available(at, fr)
			}
			if want := m.oracle.UsageWithHolds(n, f); usage != want {
				m.t.Fatalf("%v uses %d of %v, oracle %d; holds %v", n, usage, f, want, m.oracle.Holds())
			}
			if want := m.oracle.AvailableWithHolds(n, f); available != want {
				m.t.Fatalf("%v can use %d of %v, oracle %d", n, available, f, want)
			}
		}
	}
}
