package oracle

import (
	"reflect"
	"strings"
	"testing"
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
