package admission

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"fairlead.dev/fairlead/internal/oracle"
)

// TestLaws lets random stories happen to the engine and to the oracle, and
// checks laws 1 to 7 of design section 7.
func TestLaws(t *testing.T) {
	t.Parallel()
	seen := &features{}
	rapid.Check(t, func(t *rapid.T) { story(t, seen, nobodyPlans) })
	seen.report(t)
	if seen.cases < 100 {
		return
	}
	for name, n := range map[string]int{
		"depth 3": seen.depth3, "a lending limit": seen.lending, "a borrowing limit": seen.borrowing,
		"two flavors": seen.twoFlavors, "weight 0": seen.weight0, "a quota cut below use": seen.cutBelowUse,
	} {
		if n*10 < seen.cases {
			t.Errorf("only %d of %d cases have %s", n, seen.cases, name)
		}
	}
}

// TestLawsUnderLoad checks the same laws where queues stay as they are and work
// comes and goes: the shortcuts of a pass (leap.go, ranking.go) live there.
func TestLawsUnderLoad(t *testing.T) {
	t.Parallel()
	seen := &features{}
	rapid.Check(t, func(t *rapid.T) { busyStory(t, seen, nobodyPlans) })
	seen.report(t)
	if seen.cases >= 100 && seen.preempting*10 < seen.cases || seen.cases >= 1000 && seen.victims*4 < seen.cases {
		t.Errorf("too few of %d cases preempt: %d, with %d victims", seen.cases, seen.preempting, seen.victims)
	}
	if seen.cases >= 100 && (seen.ranked*10 < seen.cases || seen.depth3*10 < seen.cases || seen.strict*10 < seen.cases) {
		t.Errorf("too few of %d cases are ranked, deep or strict", seen.cases)
	}
}

// beginBusy makes queues that compete for one or two flavors.
func (m *machine) beginBusy() {
	for f := range flavorNames {
		m.setFlavor(Flavor{Name: fmt.Sprint("f", f)})
	}
	m.setNamespace("n0", map[string]string{"team": "a"})
	for c := range 3 {
		co := m.cohort(fmt.Sprint("c", c))
		if m.flat {
			co.Parent = ""
		} else if c > 0 {
			co.Parent = fmt.Sprint("c", m.n(c, "parent"))
		}
		m.setCohort(co)
	}
	m.known = 3 + m.n(queueNames-2, "queues")
	for q := range m.known {
		cq := m.clusterQueue(fmt.Sprint("q", q))
		cq.Cohort, cq.Stop, cq.Inactive, cq.Namespaces = "c0", "", "", &Selector{}
		if !m.flat {
			cq.Cohort = fmt.Sprint("c", m.n(3, "cohort"))
		}
		m.setQueue(cq)
		m.setLocal(LocalQueue{Namespace: "n0", Name: cq.Name, ClusterQueue: cq.Name})
	}
	m.keepAhead()
	for i := range 15 + m.n(25, "workloads") {
		m.set(m.workload(fmt.Sprintf("w%02d", i)))
	}
	m.decide()
}

func busyStory(t *rapid.T, seen *features, plans ahead) *machine {
	m := newMachine(t, seen, plans)
	m.liveBusy()
	m.end()
	return m
}

func (m *machine) liveBusy() {
	m.busy = true
	m.lenient = m.lenient || m.plain
	m.beginBusy()
	for range rapid.IntRange(10, 40).Draw(m.t, "cycles") {
		m.cycle()
	}
}

func story(t *rapid.T, seen *features, plans ahead) *machine {
	m := newMachine(t, seen, plans)
	m.live()
	m.end()
	return m
}

func (m *machine) live() {
	m.begin()
	for range rapid.IntRange(5, 60).Draw(m.t, "events") {
		m.event()
	}
}

// end checks what holds at rest.
func (m *machine) end() {
	t := m.t
	if m.preempting {
		m.rest()
	}
	m.decide()
	m.decide()
	if wrong := m.oracle.OverLimit(); len(wrong) > 0 {
		t.Fatalf("law 1: %v", wrong)
	}
	if wrong := m.oracle.IllegalPlans(); len(wrong) > 0 {
		t.Fatalf("illegal preemptions: %v", wrong)
	}
	if left := m.oracle.Unserved(); len(left) > 0 {
		t.Fatalf("law 7: %v", left)
	}
	m.checkRebuild()
	m.checkReplay()
	m.checkClone()
	m.count()
}

// begin makes most of the objects.
func (m *machine) begin() {
	for f := range flavorNames {
		m.setFlavor(m.flavor(fmt.Sprint("f", f)))
	}
	m.setNamespace("n0", map[string]string{"team": "a"})
	for c := range cohortNames {
		if !m.oneIn(4, "no cohort") {
			m.setCohort(m.cohort(fmt.Sprint("c", c)))
		}
	}
	m.known = 2 + m.n(queueNames-1, "queues")
	for q := range m.known {
		name := fmt.Sprint("q", q)
		m.setQueue(m.clusterQueue(name))
		m.setLocal(LocalQueue{Namespace: "n0", Name: name, ClusterQueue: name})
		if m.oneIn(4, "second local") {
			m.setLocal(LocalQueue{Namespace: "n1", Name: name, ClusterQueue: name})
		}
	}
	m.keepAhead()
	for i := range 5 + m.n(25, "workloads") {
		m.set(m.workload(fmt.Sprintf("w%02d", i)))
	}
}

// event lets one thing happen.
func (m *machine) event() {
	switch m.n(20, "event") {
	case 0, 1, 2, 3:
		m.decide()
	case 4, 5, 6, 7:
		m.submit()
	case 8, 9:
		if o := m.some((*object).charged); o != nil {
			m.finish(o)
		}
	case 10:
		if o := m.some((*object).charged); o != nil {
			m.confirmOrClear(o)
		}
	case 11:
		if o := m.some(func(o *object) bool { return o.assumed != nil && !o.finished }); o != nil {
			m.forgetOrStale(o)
		}
	case 12:
		if o := m.some((*object).waits); o != nil {
			m.change(o)
		}
	case 13:
		if o := m.some(func(*object) bool { return true }); o != nil {
			delete(m.workloads, o.UID)
			delete(m.told, o.UID)
			m.step(DeleteWorkload{UID: o.UID}, oracle.DeleteWorkload{UID: oracle.UID(o.UID)})
		}
	case 14:
		m.cut()
	case 15, 16:
		if m.preempting {
			m.victim()
			return
		}
		m.edit()
	default:
		if m.plain && !m.oneIn(8, "edit after all") {
			m.cycle()
			return
		}
		m.edit()
	}
}

// cycle is what happens most: something ends, something comes, a pass.
func (m *machine) cycle() {
	for range 1 + m.n(2, "finishes") {
		if o := m.some((*object).charged); o != nil {
			m.finish(o)
		}
	}
	for range m.n(3, "arrivals") {
		m.submit()
	}
	for range m.n(5, "evictions") {
		m.victim()
	}
	if m.planning && m.oneIn(10, "window") {
		m.window()
	}
	m.decide()
}

// written is the object once its assumed admission has been written.
func (m *machine) written(o *object) Workload {
	w := o.Workload
	if o.assumed != nil {
		w.Admission, w.ReservedAt, w.AdmittedAt = o.assumed, o.reservedAt, o.reservedAt
	}
	return w
}

func (m *machine) submit() {
	uid := fmt.Sprintf("w%02d", m.n(uids, "uid"))
	if m.busy {
		m.next++
		uid = fmt.Sprintf("x%03d", m.next)
	}
	w := m.workload(uid)
	if o := m.workloads[uid]; o != nil && o.charged() {
		return
	}
	if m.oneIn(8, "found admitted") {
		w.Admission = m.admission(&w)
		w.Evicted = m.oneIn(4, "evicted")
	} else if m.oneIn(15, "not yet") {
		w.NotBefore = m.now + second*int64(m.n(4, "delay"))
	}
	if w.Admission != nil && m.planning {
		w.Started = max(1, m.now-second*int64(m.n(4, "started")))
	}
	if w.Admission != nil {
		w.ReservedAt = max(1, m.now-second*int64(m.n(4, "reserved")))
		if !m.oneIn(4, "not admitted") {
			w.AdmittedAt = w.ReservedAt
		}
	}
	m.set(w)
}

func (m *machine) finish(o *object) {
	o.finished, o.assumed, o.Admission, o.evicting = true, nil, nil, false
	m.step(Finish{UID: o.UID}, oracle.Finish{UID: oracle.UID(o.UID)})
}

// confirmOrClear shows the engine its admission, with or without reclaimable
// pods, or that somebody has cleared it.
func (m *machine) confirmOrClear(o *object) {
	w := m.written(o)
	switch {
	case o.assumed != nil:
	case m.oneIn(2, "clear"):
		w.Admission, w.Evicted, w.ReservedAt, w.AdmittedAt, w.Started = nil, false, 0, 0, 0
	default:
		w.PodSets = slices.Clone(w.PodSets)
		w.PodSets[0].Reclaimable = int32(m.n(int(w.PodSets[0].Count)+1, "reclaimed"))
	}
	m.set(w)
}

// forgetOrStale reports a failed write, or shows an older sight of the object.
func (m *machine) forgetOrStale(o *object) {
	w := o.Workload
	if m.oneIn(2, "stale") {
		w.Priority = int32(m.n(3, "priority"))
		m.set(w)
		return
	}
	w.NotBefore = 0
	if m.oneIn(3, "back off") {
		w.NotBefore = m.now + second*int64(m.n(4, "delay"))
	}
	o.Workload, o.assumed, o.evicting = w, nil, false
	m.step(Forget{UID: o.UID, NotBefore: w.NotBefore},
		oracle.SetWorkload{Workload: oracleWorkload(w, m.now)}, oracle.Forget{UID: oracle.UID(o.UID)})
}

// change edits a pending workload, or shows it again as it is.
func (m *machine) change(o *object) {
	w := o.Workload
	switch m.n(6, "change") {
	case 0:
		w.Priority = int32(m.n(3, "priority"))
	case 1:
		w.Inactive = !w.Inactive
	case 2:
		w.PodSets = []PodSet{m.podSet("p0")}
	case 3:
		w.Queue = m.queueName()
	case 4:
		if m.planning {
			w.Limit = second * int64(m.n(6, "other limit"))
		}
	}
	m.set(w)
}

// cut lowers a quota, often below its use.
func (m *machine) cut() {
	names := slices.Sorted(maps.Keys(m.queues))
	if len(names) == 0 {
		return
	}
	name := names[m.n(len(names), "cut")]
	cq := m.queues[name]
	cq.Groups = slices.Clone(cq.Groups)
	g := &cq.Groups[0]
	g.Flavors = slices.Clone(g.Flavors)
	below := false
	for f := range g.Flavors {
		quotas := slices.Clone(g.Flavors[f].Quotas)
		for r := range quotas {
			quotas[r].Nominal = min(quotas[r].Nominal, int64(m.n(3, "new nominal")))
			used := m.oracle.Usage(oracle.QueueNode(name), oracle.FlavorResource{Flavor: g.Flavors[f].Flavor, Resource: quotas[r].Resource})
			below = below || quotas[r].Nominal < used
		}
		g.Flavors[f].Quotas = quotas
	}
	if below {
		m.cutBelow = true
	}
	m.setQueue(cq)
}

// edit changes, creates or deletes a queue, a cohort, a flavor or a namespace.
func (m *machine) edit() {
	if m.planning && m.oneIn(7, "window") {
		m.window()
		return
	}
	switch m.n(16, "edit") {
	case 0, 1, 2:
		m.setQueue(m.clusterQueue(m.queueName()))
	case 3, 4:
		m.setCohort(m.cohort(m.cohortName()))
	case 5:
		m.setFlavor(m.flavor(m.flavorName()))
	case 6, 7:
		m.setLocal(m.localQueue(m.queueName()))
	case 8:
		name := m.queueName()
		delete(m.queues, name)
		m.step(DeleteClusterQueue{Name: name}, oracle.DeleteClusterQueue{Name: name})
	case 9:
		name := m.cohortName()
		delete(m.cohorts, name)
		m.step(DeleteCohort{Name: name}, oracle.DeleteCohort{Name: name})
	case 10:
		name := m.flavorName()
		delete(m.flavors, name)
		m.step(DeleteFlavor{Name: name}, oracle.DeleteFlavor{Name: name})
	case 11:
		l := localName{m.namespace(), m.queueName()}
		delete(m.locals, l)
		m.step(DeleteLocalQueue{Namespace: l.namespace, Name: l.name}, oracle.DeleteLocalQueue{Namespace: l.namespace, Name: l.name})
	case 12:
		m.setNamespace(m.namespace(), map[string]string{"team": []string{"a", "b"}[m.n(2, "team")]})
	case 13:
		for _, name := range slices.Sorted(maps.Keys(m.flavors)) {
			m.setFlavor(m.flavors[name]) // as it is: no edit
		}
	default:
		m.decide()
	}
}

// objects lists the API server's content as events, assumed admissions as
// written.
func (m *machine) objects() []Event {
	var all []Event
	for _, name := range slices.Sorted(maps.Keys(m.flavors)) {
		all = append(all, SetFlavor{m.flavors[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(m.cohorts)) {
		all = append(all, SetCohort{m.cohorts[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(m.queues)) {
		all = append(all, SetClusterQueue{m.queues[name]})
	}
	for _, name := range slices.SortedFunc(maps.Keys(m.locals), localName.compare) {
		all = append(all, SetLocalQueue{m.locals[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(m.namespaces)) {
		all = append(all, SetNamespace{Name: name, Labels: m.namespaces[name]})
	}
	for _, uid := range slices.Sorted(maps.Keys(m.workloads)) {
		o := m.workloads[uid]
		w := m.written(o)
		if o.finished {
			all = append(all, Finish{UID: uid})
		} else {
			all = append(all, SetWorkload{&w})
		}
	}
	return all
}

// checkRebuild is law 3: an engine that learns everything from a list, in any
// order, charges the same and, at rest, would admit nobody else.
func (m *machine) checkRebuild() {
	all := m.objects()
	order := rand.New(rand.NewPCG(uint64(m.n(1<<16, "order")), 0)).Perm(len(all))
	again := New(m.config)
	for _, i := range order {
		again.Step(m.now, all[i])
	}
	if err := again.CheckInvariants(); err != nil {
		m.t.Fatalf("law 3: %v", err)
	}
	if want, got := m.engine.charges(), again.charges(); !reflect.DeepEqual(want, got) {
		m.t.Fatalf("law 3: rebuilt state charges %v instead of %v", got, want)
	}
	m.checkResumed(again)
	if len(m.oracle.Holds()) > 0 || len(m.oracle.UnservedAfterRise()) > 0 || m.planning {
		return // not kept through a restart; see semantics, section 4
	}
	for _, o := range m.workloads {
		if o.charged() && (o.evicting || o.Evicted) {
			return // who waited for it to go, in one flavor, may fit another
		}
	}
	for _, d := range again.Step(m.now, Decide{}) {
		if a, ok := d.(Admit); ok {
			m.t.Fatalf("law 3: rebuilt engine admits %s", Line(a))
		}
	}
}

// charges lists what each workload is charged, and where.
func (e *Engine) charges() map[string]string {
	all := map[string]string{}
	for uid, w := range e.workloads {
		if w.home == nil {
			continue
		}
		var lines []string
		for _, r := range w.charge {
			lines = append(lines, fmt.Sprint(e.forest.Name(r.FR), "=", r.Amount))
		}
		slices.Sort(lines)
		all[uid] = fmt.Sprint(w.home.name, lines)
	}
	return all
}

// count notes what the case had.
func (m *machine) count() {
	add := func(n *int, yes bool) {
		if yes {
			*n++
		}
	}
	s := m.seen
	s.cases++
	var lending, borrowing, weight0, strict, deep, cycle, two bool
	for _, cq := range m.queues {
		weight0 = weight0 || cq.WeightMilli == 0
		strict = strict || cq.Strategy == StrictFIFO
		two = two || len(cq.Groups[0].Flavors) > 1
		for _, f := range cq.Groups[0].Flavors {
			for _, r := range f.Quotas {
				lending = lending || r.LendingLimit != nil
				borrowing = borrowing || r.BorrowingLimit != nil
			}
		}
	}
	for _, sc := range m.engine.scopes {
		deep = deep || sc.tree.Height(0) >= 2
		cycle = cycle || sc.tree.Cycle != ""
	}
	add(&s.lending, lending)
	add(&s.borrowing, borrowing)
	add(&s.weight0, weight0)
	add(&s.strict, strict)
	add(&s.depth3, deep)
	add(&s.cycles, cycle)
	add(&s.ranked, m.ranked)
	add(&s.twoFlavors, two)
	add(&s.cutBelowUse, m.cutBelow)
	add(&s.lenient, m.lenient)
	add(&s.flat, m.flat)
	add(&s.preempting, m.preempting)
	add(&s.planning, m.planning)
	add(&s.holds, len(m.oracle.Holds()) > 0)
}
