package admission

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fairlead.dev/fairlead/pkg/quota"
)

// site is an engine with ClusterQueues of some cores in one Cohort.
type site struct {
	*testing.T
	e *Engine
}

func newSite(t *testing.T, b *Backfill, cores map[string]int64) *site {
	s := &site{T: t, e: New(Config{})}
	s.e.Step(0, SetFlavor{Flavor{Name: "f"}})
	s.e.Step(0, SetNamespace{Name: "n"})
	for _, name := range []string{"a", "b", "c"} {
		amount, ok := cores[name]
		if !ok {
			continue
		}
		s.queue(0, name, amount, b, BestEffortFIFO)
		for _, local := range []string{name, name + "2"} {
			s.e.Step(0, SetLocalQueue{LocalQueue{Namespace: "n", Name: local, ClusterQueue: name}})
		}
	}
	return s
}

func (s *site) queue(at int64, name string, cores int64, b *Backfill, strategy QueueingStrategy) {
	s.e.Step(at*second, SetClusterQueue{ClusterQueue{
		Name: name, Cohort: "all", Namespaces: &Selector{}, WeightMilli: 1000, Backfill: b, Strategy: strategy,
		Groups: []ResourceGroup{{Resources: []string{"cpu"}, Flavors: []FlavorQuotas{
			{Flavor: "f", Quotas: []ResourceQuota{{Resource: "cpu", Nominal: cores}}},
		}}},
	}})
}

func (s *site) submit(at int64, uid, local string, cores, limit int64) {
	s.e.Step(at*second, SetWorkload{&Workload{
		UID: uid, Namespace: "n", Name: uid, Queue: local, QueueTime: at, Limit: limit * second,
		PodSets: []PodSet{{Name: "main", Count: 1, Requests: []quota.ResourceAmount{{Resource: "cpu", Amount: cores}}}},
	}})
}

// decide checks who is admitted, in order, and returns what the others are told.
func (s *site) decide(at int64, want ...string) map[string]string {
	s.Helper()
	var admitted []string
	told := map[string]string{}
	for _, d := range s.e.Step(at*second, Decide{}) {
		switch d := d.(type) {
		case Admit:
			admitted = append(admitted, d.UID)
		case Wait:
			told[d.UID] = d.Why.String()
		}
	}
	if !slices.Equal(admitted, want) {
		s.Fatalf("at %d: admitted %v, not %v; told %v", at, admitted, want, told)
	}
	if err := s.e.CheckInvariants(); err != nil {
		s.Fatal(err)
	}
	return told
}

// The example of docs/backfill.md, by the whole engine.
func TestBackfillExample(t *testing.T) {
	s := newSite(t, &Backfill{Mode: BackfillEASY, DefaultLimit: 1_000_000 * second}, map[string]int64{"a": 60, "b": 40})
	const hour = 3600
	s.submit(0, "a1", "b", 30, 4*hour)
	s.submit(0, "b1", "b", 50, 10*hour)
	s.decide(1, "a1", "b1")
	s.submit(1, "big", "a", 60, 5*hour)
	s.decide(1)
	if at, ok := s.e.NextWake(0); !ok || at != 10*hour*second+second {
		t.Fatalf("wakes at %d", at/second)
	}
	s.submit(2, "d", "b", 20, 12*hour)
	s.decide(2, "d") // there are 40 cores beside big
	s.e.Step(4*hour*second, Finish{UID: "a1"})
	s.submit(4*hour, "e", "b", 30, 7*hour)
	told := s.decide(4 * hour)
	if m := told["e"]; !strings.Contains(m, "delay workload big of ClusterQueue a, planned for 1970-01-01T10:00:01Z") {
		t.Fatalf("told %q", m)
	}
	s.submit(4*hour, "g", "b2", 30, 0)
	s.decide(4*hour + 1) // nobody knows when it ends
	s.submit(4*hour, "h", "b", 30, 6*hour-60)
	s.decide(4*hour+2, "h")
	s.e.Step(6*hour*second, Finish{UID: "b1"})
	s.e.Step(6*hour*second, Finish{UID: "h"})
	s.decide(6*hour, "big") // four hours early
}

func TestMaintenance(t *testing.T) {
	s := newSite(t, nil, map[string]int64{"a": 6, "b": 4})
	s.e.Step(0, SetReservation{Reservation{
		Name: "power", Cohort: "all", ShareMilli: 1000, Windows: []Window{{Start: 100 * second, End: 200 * second}},
	}})
	s.submit(1, "long", "a", 2, 150)
	s.submit(1, "short", "a", 2, 90)
	if m := s.decide(1, "short")["long"]; !strings.Contains(m, "2m cpu of flavor f would be missing at 1970-01-01T00:01:40Z") {
		t.Fatalf("told %q", m)
	}
	if at, ok := s.e.NextWake(second); !ok || at != 100*second {
		t.Fatalf("wakes at %d", at)
	}
	s.decide(100)
	s.e.Step(100*second, Finish{UID: "short"})
	s.decide(150)
	s.decide(200, "long")
	s.e.Step(250*second, SetReservation{Reservation{
		Name: "power", Cohort: "all", ShareMilli: 500, Windows: []Window{{Start: 300 * second, End: 400 * second}},
	}})
	s.submit(250, "most", "a", 8, 300)
	s.decide(250)
	got := s.e.Snapshot().Reservations
	if len(got) != 1 || got[0].Conflict != nil || got[0].Problem != "" {
		t.Fatalf("%+v", got)
	}
	s.e.Step(260*second, SetReservation{Reservation{
		Name: "zzz", ClusterQueue: "a", Amounts: []FlavorAmount{{"f", "cpu", 6}}, Windows: []Window{{Start: 300 * second, End: 400 * second}},
	}})
	s.e.Step(260*second, SetReservation{Reservation{Name: "nowhere", Cohort: "none", ShareMilli: 1000}})
	s.decide(260)
	got = s.e.Snapshot().Reservations
	want := ReservationConflict{Node: "all", Flavor: "f", Resource: "cpu", At: 300 * second, Missing: 3}
	if len(got) != 3 || got[2].Conflict == nil || *got[2].Conflict != want || got[0].Problem == "" {
		t.Fatalf("%+v %+v", got, got[2].Conflict)
	}
	if got[1].Conflict == nil || *got[1].Conflict != want {
		t.Fatalf("of two that overlap one has a conflict: %+v", got[1].Conflict)
	}
	s.e.Step(261*second, DeleteReservation{Name: "zzz"})
	s.e.Step(261*second, DeleteReservation{Name: "power"})
	s.decide(261, "most")
}

// A conflict comes and goes with what would run by then, without an edit.
func TestConflictsComeAndGo(t *testing.T) {
	s := newSite(t, nil, map[string]int64{"a": 6})
	s.submit(0, "long", "a", 3, 150)
	s.decide(0, "long")
	s.e.Step(0, SetReservation{Reservation{Name: "power", ClusterQueue: "a", ShareMilli: 1000, Windows: []Window{{Start: 100 * second, End: 200 * second}}}})
	conflict := func(want *ReservationConflict) {
		t.Helper()
		if got := s.e.Snapshot().Reservations[0].Conflict; (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("conflict %+v, want %+v", got, want)
		}
	}
	s.decide(1)
	conflict(&ReservationConflict{Node: "all", Flavor: "f", Resource: "cpu", At: 100 * second, Missing: 3})
	s.e.Step(2*second, Finish{UID: "long"})
	s.submit(2, "short", "a", 2, 90)
	s.decide(2, "short")
	conflict(nil)
	s.decide(95) // it has outlived its limit, and is planned to go on for a minute
	conflict(&ReservationConflict{Node: "all", Flavor: "f", Resource: "cpu", At: 100 * second, Missing: 2})
}

// What members use of a window others see taken out of it, also once they have
// ended early, and whatever is reserved for them.
func TestMembersUseTheirWindow(t *testing.T) {
	s := newSite(t, nil, map[string]int64{"a": 10})
	s.e.Step(0, SetReservation{Reservation{
		Name: "course", ClusterQueue: "a", Amounts: []FlavorAmount{{"f", "cpu", 6}},
		Windows: []Window{{Start: 50 * second, End: 200 * second}}, For: []LocalQueueName{{"n", "a2"}},
	}})
	s.submit(1, "member", "a2", 4, 100)
	s.submit(1, "other", "a", 4, 100)
	s.submit(2, "xtra", "a", 1, 100)
	s.decide(2, "member", "other") // 2 of the 6 are left
	s.e.Step(60*second, Finish{UID: "other"})
	s.submit(60, "next", "a", 4, 30)
	s.decide(60, "xtra") // older
	s.e.Step(61*second, Finish{UID: "member"})
	s.decide(61)
	s.e.Step(62*second, Finish{UID: "xtra"})
	s.decide(62, "next")
}

// What is kept for a LocalQueue only its workloads may use.
func TestKeptForLocalQueue(t *testing.T) {
	s := newSite(t, nil, map[string]int64{"a": 10})
	s.e.Step(0, SetReservation{Reservation{
		Name: "course", ClusterQueue: "a", Amounts: []FlavorAmount{{"f", "cpu", 6}},
		Windows: []Window{{Start: 50 * second, End: 200 * second}}, For: []LocalQueueName{{"n", "a2"}},
	}})
	s.submit(1, "other", "a", 6, 100)
	s.submit(1, "member", "a2", 6, 100)
	s.decide(1, "member")
	s.decide(60)
	s.e.Step(70*second, Finish{UID: "member"})
	s.submit(70, "again", "a2", 6, 100)
	s.decide(70, "again")
}

// A reservation stays where it is whatever arrives; priority alone does not move
// it where nobody may preempt.
func TestReservationIsKept(t *testing.T) {
	s := newSite(t, &Backfill{Mode: BackfillEASY}, map[string]int64{"a": 10, "b": 10})
	s.submit(0, "runs", "a", 15, 100)
	s.submit(1, "big", "a", 12, 50)
	s.decide(1, "runs")
	for i := range 20 {
		uid := fmt.Sprint("late", i)
		s.submit(int64(2+i), uid, []string{"a", "b"}[i%2], 5, 1000)
		if i == 0 {
			s.decide(2, uid) // there is room for it beside big
			continue
		}
		s.decide(int64(2 + i))
	}
	s.e.Step(101*second, Finish{UID: "runs"})
	s.decide(101, "big")
}

// A reservation gives way to a workload that might preempt its holder, but for
// which there is no place; its holder gets the same again, and the pass ends.
func TestGivingWayInVain(t *testing.T) {
	s := &site{T: t, e: New(Config{Preemption: &PreemptionConfig{}})}
	none := int32(0)
	s.e.Step(0, SetFlavor{Flavor{Name: "f"}})
	s.e.Step(0, SetNamespace{Name: "n"})
	for name, cores := range map[string]int64{"a": 60, "b": 40} {
		s.e.Step(0, SetClusterQueue{ClusterQueue{
			Name: name, Cohort: "all", Namespaces: &Selector{}, WeightMilli: 1000,
			Preemption: Preemption{WithinClusterQueue: "LowerPriority"},
			Backfill:   &Backfill{Mode: BackfillConservative, BorrowingDepth: &none, DefaultLimit: 3600 * second},
			Groups: []ResourceGroup{{Resources: []string{"cpu"}, Flavors: []FlavorQuotas{
				{Flavor: "f", Quotas: []ResourceQuota{{Resource: "cpu", Nominal: cores}}},
			}}},
		}})
		s.e.Step(0, SetLocalQueue{LocalQueue{Namespace: "n", Name: name, ClusterQueue: name}})
	}
	submit := func(uid, queue string, priority int32, cores, hours int64) {
		s.e.Step(0, SetWorkload{&Workload{
			UID: uid, Namespace: "n", Name: uid, Queue: queue, Priority: priority, Limit: hours * 3600 * second,
			PodSets: []PodSet{{Name: "main", Count: 1, Requests: []quota.ResourceAmount{{Resource: "cpu", Amount: cores}}}},
		}})
	}
	submit("runs", "a", 9, 40, 1)
	submit("also", "b", 9, 40, 10)
	s.decide(1, "also", "runs")
	submit("low", "a", 0, 50, 1)
	s.decide(2)
	submit("mid", "a", 0, 20, 2) // fits, but would delay low
	s.decide(3)
	submit("high", "a", 5, 80, 1) // might preempt low, and may hold no reservation that borrows
	told := s.decide(4)
	if r, holds := s.e.workloads["low"].local.target.scope.calendar.planner.Reservation("low"); !holds || r.Start != 3601*second {
		t.Errorf("the one with a place holds %+v, %t; told %v", r, holds, told)
	}
}

// Who has waited for the order of a StrictFIFO queue alone is not blocked when
// that becomes BestEffortFIFO and is planned, before it has been looked at: it
// has no place before whoever else fits.
func TestHeldBackIsNotBlocked(t *testing.T) {
	for _, planned := range []bool{false, true} {
		deep := int32(2)
		b := &Backfill{Mode: BackfillEASY, Depth: deep, BorrowingDepth: &deep}
		var before *Backfill
		if planned {
			before = b
		}
		s := newSite(t, nil, map[string]int64{"a": 4, "b": 2})
		s.queue(0, "a", 4, before, StrictFIFO)
		s.submit(0, "runs", "a", 4, 100)
		s.decide(1, "runs")
		s.submit(1, "head", "a", 4, 100)
		s.submit(2, "back", "a", 1, 200)
		s.submit(2, "like", "a", 4, 100)
		s.decide(2)
		s.queue(3, "a", 4, b, BestEffortFIFO)
		for _, uid := range []string{"back", "like"} {
			if s.e.workloads[uid].isBlocked() {
				t.Errorf("planned before %t: %s is blocked", planned, uid)
			}
		}
		s.submit(3, "lender", "b", 2, 1000)
		s.decide(3, "lender")
		if !s.e.workloads["back"].isBlocked() || !s.e.workloads["like"].isBlocked() {
			t.Errorf("planned before %t: they have been looked at and are not blocked", planned)
		}
	}
}

// Labels of a namespace have its workloads looked at again; whoever was blocked
// is so until then.
func TestStillBlockedWhenLabelsChange(t *testing.T) {
	s := newSite(t, &Backfill{Mode: BackfillEASY}, map[string]int64{"a": 4})
	s.submit(0, "runs", "a", 4, 100)
	s.decide(0, "runs")
	s.submit(1, "first", "a", 4, 100)
	s.submit(2, "second", "a", 4, 100)
	s.submit(2, "third", "a", 4, 100)
	s.decide(2)
	s.e.Step(3*second, SetNamespace{Name: "n", Labels: map[string]string{"team": "x"}})
	for _, uid := range []string{"first", "second", "third"} {
		if w := s.e.workloads[uid]; !w.isBlocked() {
			t.Errorf("%s is not blocked any more", uid)
		}
	}
	s.decide(3)
}

// A reservation ends as soon as its workload, as things stand, could never start
// (two pod sets must not share a flavor): who was refused for it starts in the
// same pass.
func TestReservationInVain(t *testing.T) {
	s := newSite(t, nil, nil)
	s.e.Step(0, SetFlavor{Flavor{Name: "g"}})
	cpu := func(amount int64) []quota.ResourceAmount {
		return []quota.ResourceAmount{{Resource: "cpu", Amount: amount}}
	}
	for i, name := range []string{"a", "b"} {
		q := ClusterQueue{Name: name, Cohort: "all", Namespaces: &Selector{}, Groups: []ResourceGroup{{Resources: []string{"cpu"}, Flavors: []FlavorQuotas{
			{Flavor: "f", Quotas: []ResourceQuota{{Resource: "cpu", Nominal: []int64{4, 0}[i]}}},
			{Flavor: "g", Quotas: []ResourceQuota{{Resource: "cpu", Nominal: []int64{12, 0}[i]}}},
		}}}}
		if i == 0 {
			q.Backfill = &Backfill{Mode: BackfillEASY}
		}
		s.e.Step(0, SetClusterQueue{q})
		s.e.Step(0, SetLocalQueue{LocalQueue{Namespace: "n", Name: name, ClusterQueue: name}})
	}
	s.submit(0, "1fills", "a", 4, 1)
	s.submit(0, "2runs", "a", 1, 100)
	s.submit(0, "3also", "a", 1, 100)
	s.decide(0, "1fills", "2runs", "3also")
	s.e.Step(1*second, Finish{UID: "1fills"})
	s.e.Step(1*second, SetWorkload{&Workload{
		UID: "big", Namespace: "n", Name: "big", Queue: "a", QueueTime: 1, Limit: 100 * second,
		PodSets: []PodSet{{Name: "one", Count: 1, Requests: cpu(4)}, {Name: "two", Count: 1, Requests: cpu(12)}},
	}})
	s.decide(1)
	s.submit(2, "short", "a", 1, 10)
	s.submit(2, "long", "b", 1, 1000)
	s.decide(2, "short") // in f, which big does not need yet
	s.e.Step(3*second, Finish{UID: "3also"})
	s.decide(3, "long")
}

// Who holds a reservation of a flavor that is taken away keeps his place among the
// first, and is planned in another.
func TestFlavorTakenAwayKeepsThePlace(t *testing.T) {
	s := newSite(t, nil, map[string]int64{"a": 4})
	s.e.Step(0, SetFlavor{Flavor{Name: "g"}})
	flavors := func(at int64, names ...string) {
		group := ResourceGroup{Resources: []string{"cpu"}}
		for _, f := range names {
			group.Flavors = append(group.Flavors, FlavorQuotas{Flavor: f, Quotas: []ResourceQuota{{Resource: "cpu", Nominal: 4}}})
		}
		s.e.Step(at*second, SetClusterQueue{ClusterQueue{
			Name: "a", Cohort: "all", Namespaces: &Selector{}, WeightMilli: 1000,
			Backfill: &Backfill{Mode: BackfillEASY, Depth: 1}, Groups: []ResourceGroup{group},
		}})
	}
	flavors(0, "f", "g")
	s.submit(0, "long", "a", 4, 100)
	s.decide(0, "long")
	s.e.Step(1*second, SetReservation{Reservation{
		Name: "power", ClusterQueue: "a", Amounts: []FlavorAmount{{"g", "cpu", 4}}, Windows: []Window{{Start: 5 * second, End: 80 * second}},
	}})
	s.submit(2, "holder", "a", 4, 10)
	s.decide(2)
	s.holds("holder", promise{80, 120})
	s.send(3, Workload{UID: "high", Queue: "a", Priority: 9, Limit: 10 * second}, 4, "")
	s.decide(3)
	s.holds("high", promise{})
	s.e.Step(4*second, DeleteReservation{Name: "power"})
	flavors(4, "f")
	s.decide(4)
	s.holds("holder", promise{100, 140})
	s.holds("high", promise{})
}
