package admission

import (
	"reflect"
	"slices"

	"fairlead.dev/fairlead/internal/oracle"
)

// rest is law 5, and that of issue 4: with arrivals stopped and victims leaving
// in any order the system becomes quiet, no pair preempts each other twice, fair
// sharing evicts nobody twice, and whoever has preempted is admitted. But a
// victim whose place is ahead of it in its own StrictFIFO queue may return and end
// its hold (A4 of record 0006): see behind.
func (m *machine) rest() {
	var ledger oracle.Ledger
	waiting, overtaken, admitted := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for range 300 {
		m.evicts = nil
		acted := false
		for _, d := range m.step(Decide{}, oracle.Decide{}) {
			m.lines = append(m.lines, Line(d))
			switch d := d.(type) {
			case Admit:
				acted, admitted[d.UID] = true, true
				delete(waiting, d.UID)
			case Evict:
				acted = true
				waiting[d.Preemptor] = waiting[d.Preemptor] || len(d.Victims) > 0
			case EndHold:
				overtaken[d.UID] = overtaken[d.UID] || d.Cause == HoldOvertaken
			}
		}
		for _, ev := range m.evicts {
			if wrong := ledger.Evict(ev); len(wrong) > 0 {
				m.t.Fatalf("law 5: %v", wrong)
			}
		}
		if acted {
			continue
		}
		leaves := func(o *object) bool { return o.charged() && (o.evicting || o.Evicted) }
		if m.some(leaves) == nil {
			for uid, preempted := range waiting {
				if preempted && (!overtaken[uid] || !m.behind(uid, admitted)) {
					m.t.Fatalf("law 5: %s has preempted and is not admitted", uid)
				}
			}
			return
		}
		m.release(m.some(leaves))
	}
	m.t.Fatal("law 5: no rest after 300 passes")
}

// behind says whether a workload waits in a StrictFIFO queue where one before it
// has been admitted, or waits in vain: is the first and told ExceedsMaxQuota.
func (m *machine) behind(uid string, admitted map[string]bool) bool {
	w := m.engine.workloads[uid]
	q := w.where()
	if !q.strict || w.obstacle != 0 {
		return false
	}
	for other := range admitted {
		if o := m.engine.workloads[other]; o.where() == q && o.Before(&w.Item) {
			return true
		}
	}
	first := q.pending.First()
	return first.Before(&w.Item) && m.told[first.UID] == ExceedsMaxQuota
}

// release lets a victim give up its quota.
func (m *machine) release(o *object) {
	w := m.written(o)
	if o.assumed != nil {
		m.set(w)
	}
	w.Admission, w.Evicted, w.ReservedAt, w.AdmittedAt, w.Started = nil, false, 0, 0, 0
	m.set(w)
}

// victim lets an eviction go on: it is written, fails for good, or its quota
// comes free, in any order.
func (m *machine) victim() {
	o := m.some(func(o *object) bool { return o.charged() && (o.evicting || o.Evicted) })
	if o == nil {
		return
	}
	if o.evicting && m.oneIn(6, "eviction fails") {
		o.evicting, o.refused = false, true
		m.step(ForgetEviction{UID: o.UID}, oracle.EvictFailed{UID: oracle.UID(o.UID)})
		return
	}
	w := m.written(o)
	if o.evicting && !m.oneIn(3, "gone at once") {
		w.Evicted = true
		m.set(w)
		return
	}
	m.release(o)
}

// checkResumed compares what a preemption has begun: what is held, until when,
// and whose eviction goes on.
func (m *machine) checkResumed(again *Engine) {
	for uid, o := range m.workloads {
		if o.Preempting == nil || o.finished {
			continue
		}
		was, is := m.engine.workloads[uid], again.workloads[uid]
		if was.preempting() != is.preempting() {
			m.t.Fatalf("law 3: %s held quota: %t, rebuilt %t", uid, was.preempting(), is.preempting())
		}
		if !was.preempting() {
			continue
		}
		if a, b := m.engine.preempted(was.hold), again.preempted(is.hold); !reflect.DeepEqual(a, b) {
			m.t.Fatalf("law 3: %s held %+v, rebuilt %+v", uid, a, b)
		}
		for _, v := range was.hold.victims {
			// That a write was refused is forgotten in a restart: it is tried again. So
			// may it be for who left and came back at the very moment of the decision.
			if w := m.workloads[v.UID]; w == nil || !w.charged() || w.refused || w.reservedAt >= was.hold.decidedAt {
				continue
			}
			if a, b := m.engine.workloads[v.UID], again.workloads[v.UID]; a.gone() != b.gone() {
				m.t.Fatalf("law 3: victim %s was on its way out: %t, rebuilt %t", v.UID, a.gone(), b.gone())
			}
		}
	}
}

// compareEvict compares one preemption, and when it was decided.
func (m *machine) compareEvict(d Evict, out oracle.Outcome, n, admits int) {
	if n >= len(out.Evicts) {
		m.t.Fatalf("eviction %d: engine %s, oracle none", n, Line(d))
	}
	o := out.Evicts[n]
	same := d.Preemptor == string(o.Preemptor) && d.ClusterQueue == o.Queue && admits == o.AfterAdmits
	if !same || !slices.Equal(oracleVictims(d), o.Victims) {
		m.t.Fatalf("eviction %d: engine %s after %d admissions, oracle %+v", n, Line(d), admits, o)
	}
}

func oracleVictims(d Evict) []oracle.Victim {
	var all []oracle.Victim
	for _, v := range d.Victims {
		all = append(all, oracle.Victim{UID: oracle.UID(v.UID), Queue: v.ClusterQueue, Reason: oracle.EvictReason(v.Reason)})
	}
	return all
}

// judge holds every preemption against the oracle's predicates.
func judge(w *oracle.World, e oracle.Evict) []string {
	return append(append(w.CheckEvict(e), w.WithinNominal(e)...), w.WeightZeroFirst(e)...)
}

// compareHolds compares what is held, for each workload.
func (m *machine) compareHolds() {
	want := m.oracle.Holds()
	have := map[oracle.UID]map[oracle.FlavorResource]int64{}
	for _, q := range m.engine.queues.byName {
		for _, w := range q.holders {
			for _, r := range w.hold.amounts {
				name := m.engine.forest.Name(r.FR)
				if have[oracle.UID(w.UID)] == nil {
					have[oracle.UID(w.UID)] = map[oracle.FlavorResource]int64{}
				}
				have[oracle.UID(w.UID)][oracle.FlavorResource{Flavor: name.Flavor, Resource: name.Resource}] = r.Amount
			}
		}
	}
	for uid, hold := range want {
		for f, amount := range hold {
			if have[uid][f] != amount {
				m.t.Fatalf("held for %s: engine %v, oracle %v", uid, have[uid], hold)
			}
		}
	}
	for uid, hold := range have {
		for f, amount := range hold {
			if want[uid][f] != amount {
				m.t.Fatalf("held for %s: engine %v, oracle %v", uid, hold, want[uid])
			}
		}
	}
}
