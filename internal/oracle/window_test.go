package oracle

import (
	"reflect"
	"strings"
	"testing"

	"fairlead.dev/fairlead/internal/oracle/timeline"
)

func cpu(flavor string, n int64) map[FlavorResource]int64 {
	return map[FlavorResource]int64{{flavor, "cpu"}: n}
}

func (s *story) conflicts(want ...string) {
	s.t.Helper()
	if got := s.Conflicting(); strings.Join(got, " ") != strings.Join(want, " ") {
		s.t.Errorf("conflicting: %v, want %v", got, want)
	}
}

// Whoever would run into maintenance does not start, whether or not anybody has backfill; when it is over its tree is woken.
func TestMaintenance(t *testing.T) {
	for _, mode := range []BackfillMode{BackfillNone, EASY} {
		s := newStory(t, Options{Overrun: 1}, "f")
		s.planned("A", "c", Backfill{Mode: mode}, q("f", 4))
		s.planned("B", "c", Backfill{Mode: mode}, q("f", 6))
		s.Apply(SetReservation{Reservation{Name: "outage", Node: QueueNode("A"), Amounts: cpu("f", 4), Start: 10, Duration: 5}})
		s.conflicts()
		s.job("A", "short", 4, limited(10))
		s.job("A", "long", 3, limited(11))
		s.job("A", "borrows", 3, limited(10)) // of B's 6
		s.job("B", "unknown", 3)              // at any time there are 6 - 3
		s.decide("short unknown long")        // long borrows too: 3 + 3 + 4 of 10 from 10 on
		s.Apply(Finish{"short"})
		s.decide("borrows")
		s.job("A", "more", 1, limited(11))
		out := s.decide("")
		s.waits(out, "more", WaitingForQuota, NoFit)
		if at, ok := s.NextWake(); !ok || at != 10 {
			t.Error(at, ok)
		}
		s.at(14)
		s.Apply(Finish{"borrows"})
		s.decide("") // until 15 the cohort has 6
		s.at(15)
		s.decide("more")
		if mode == EASY {
			s.reserved("")
		}
	}
}

// An outage of a share of a whole Cohort is a charge of that part of each nominal quota.
func TestShareOfACohort(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f")
	s.planned("A", "c", Backfill{}, q("f", 5, 0))
	s.planned("B", "c", Backfill{}, q("f", 4, 0))
	s.Apply(SetReservation{Reservation{Name: "half", Node: CohortNode("c"), ShareMilli: 500, Start: 10, Duration: 5}})
	s.job("A", "a2", 2, limited(20)) // 5 x 500 / 1000 is rounded up: 2 are left
	s.job("A", "a1", 1, limited(20))
	s.job("B", "b2", 2, limited(20))
	s.job("B", "b1", 1, limited(10))
	s.decide("a2 b2 b1")
	s.Apply(DeleteReservation{"half"})
	s.decide("a1")
}

// What is kept for a LocalQueue is there for it, and for nobody else.
func TestWindowForALocalQueue(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f")
	s.planned("A", "", easy(depth(2)), q("f", 10))
	s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: "vip", ClusterQueue: "A"}})
	s.Apply(SetReservation{Reservation{Name: "w", Node: QueueNode("A"), Amounts: cpu("f", 6), Start: 10, Duration: 10,
		LocalQueues: [][2]string{{"ns", "vip"}}}})
	s.job("A", "a", 5, limited(20))
	s.decide("")
	s.reserved("a 20-40")
	s.job("A", "a2", 4, limited(20))
	s.decide("a2")
	s.conflicts()
	s.job("vip", "v1", 3, limited(15)) // from 10 on it uses 3 of the 6
	s.decide("v1")
	s.job("A", "a3", 1, limited(11))
	s.decide("") // at 10: 4 and 3, and 3 are still kept
	s.at(10)
	s.job("vip", "v2", 4, limited(10))
	s.decide("")
	s.reserved("a 20-40, a3 20-31")
	s.job("vip", "v3", 3, limited(10))
	s.decide("v3")
	s.conflicts()
}

// Windows that cannot be kept are named: two that overlap, or what runs into one.
func TestConflicting(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f")
	s.planned("A", "", easy(), q("f", 10))
	s.job("A", "runs", 6, limited(10))
	s.decide("runs")
	window := func(name string, n, start int64) {
		s.Apply(SetReservation{Reservation{Name: name, Node: QueueNode("A"), Amounts: cpu("f", n), Start: start, Duration: 5}})
	}
	window("early", 5, 9)
	s.conflicts("early")
	window("early", 5, 10)
	s.conflicts()
	window("late", 6, 14)
	s.conflicts("early", "late")
	window("late", 5, 14)
	s.conflicts()
	if s.Apply(DeleteReservation{"unknown"}); !reflect.DeepEqual(s.Conflicting(), []string(nil)) {
		t.Error(s.Conflicting())
	}
}

// A window that cannot be kept is in nobody's way of those it is for.
func TestBrokenWindowIsNotThere(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f")
	s.planned("A", "", easy(), q("f", 10))
	s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: "vip", ClusterQueue: "A"}})
	s.job("A", "runs", 7, limited(20))
	s.decide("runs")
	s.Apply(SetReservation{Reservation{Name: "w", Node: QueueNode("A"), Amounts: cpu("f", 6), Start: 10, Duration: 10,
		LocalQueues: [][2]string{{"ns", "vip"}}}})
	s.conflicts("w")
	s.at(10)
	s.job("A", "other", 1, limited(5))
	s.job("vip", "v", 3, limited(10))
	s.decide("v")
}

// An outage of a share takes nothing of a quota that is unlimited.
func TestShareOfUnlimited(t *testing.T) {
	s := newStory(t, Options{Overrun: 1})
	s.Apply(SetFlavor{Flavor{Name: "f", NodeLabels: map[string]string{"zone": "1"}}})
	s.Apply(SetFlavor{Flavor{Name: "g", NodeLabels: map[string]string{"zone": "2"}}})
	s.planned("A", "", Backfill{}, q("f", Unlimited), q("g", 4))
	s.Apply(SetReservation{Reservation{Name: "all", Node: QueueNode("A"), ShareMilli: 1000, Start: 10, Duration: 5}})
	s.job("A", "a", 9, limited(20))
	s.job("A", "b", 1, limited(20), selects("zone", "2"))
	s.decide("a")
	s.conflicts()
}

// PlanOverQuota sees a reservation that runs into a window, as it sees one that runs into a cut of nominal quota by as much; not who runs
// into it already. For the workloads of a window's LocalQueues it is not there, but the quota is.
func TestPlanOverQuotaInWindows(t *testing.T) {
	vips := [][2]string{{"ns", "vip"}}
	for name, x := range map[string]struct {
		window Reservation // of A
		cut    int64       // of A's quota
		queue  string
		cpu    int64
		wrong  int // so many
	}{
		"beside a window":             {window: Reservation{Amounts: cpu("f", 2)}, queue: "A", cpu: 1},
		"into a window":               {window: Reservation{Amounts: cpu("f", 2)}, queue: "A", cpu: 2, wrong: 1},
		"into a share":                {window: Reservation{ShareMilli: 200}, queue: "A", cpu: 2, wrong: 1},
		"beside a cut":                {cut: 2, queue: "A", cpu: 1},
		"into a cut":                  {cut: 2, queue: "A", cpu: 2, wrong: 2},
		"into one that is broken":     {window: Reservation{Amounts: cpu("f", 6)}, queue: "A", cpu: 1, wrong: 1},
		"into one for others":         {window: Reservation{Amounts: cpu("f", 6), LocalQueues: vips}, queue: "A", cpu: 1, wrong: 1},
		"into one's own":              {window: Reservation{Amounts: cpu("f", 2), LocalQueues: vips}, queue: "vip", cpu: 3},
		"into one's own, broken":      {window: Reservation{Amounts: cpu("f", 6), LocalQueues: vips}, queue: "vip", cpu: 3},
		"beyond quota, in one's own":  {window: Reservation{Amounts: cpu("f", 6), LocalQueues: vips}, queue: "vip", cpu: 4, wrong: 1},
		"beyond one's own and quota":  {window: Reservation{Amounts: cpu("f", 2), LocalQueues: vips}, queue: "vip", cpu: 4, wrong: 2},
		"beyond quota, in no window":  {queue: "A", cpu: 4, wrong: 2},
		"beside what runs, no window": {queue: "A", cpu: 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, Options{Overrun: 1}, "f")
			s.planned("A", "", easy(), q("f", 10))
			s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: "vip", ClusterQueue: "A"}})
			s.job("A", "runs", 7, limited(20))
			s.decide("runs")
			s.job(x.queue, "planned", x.cpu, limited(5))
			if x.window.Node = QueueNode("A"); len(x.window.Amounts)+int(x.window.ShareMilli) > 0 {
				x.window.Name, x.window.Start, x.window.Duration = "window", 10, 5
				s.Apply(SetReservation{x.window})
			}
			s.planned("A", "", easy(), q("f", 10-x.cut))
			if got := s.PlanOverQuota(); len(got) > 0 {
				t.Errorf("before: %v", got)
			}
			p := s.plans[QueueNode("A")]
			p.plan.Held = []timeline.Held{{Workload: s.plannedAs("planned"), Start: 10, End: 15}}
			got := s.PlanOverQuota()
			if len(got) != x.wrong || strings.Count(strings.Join(got, " "), "at 10") != x.wrong {
				t.Errorf("%d wrong, want %d: %v", len(got), x.wrong, got)
			}
		})
	}
}

// plannedAs is a pending workload as the planner is told of it.
func (s *story) plannedAs(uid UID) timeline.Workload {
	w := s.workloads[uid]
	n := s.trees().byName[s.nodeOf(w)]
	return s.World.planned(s.plannerOf(n), n, w)
}
