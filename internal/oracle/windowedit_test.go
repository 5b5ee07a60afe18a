package oracle

import (
	"testing"

	"fairlead.dev/fairlead/internal/oracle/timeline"
)

// vipStory has ClusterQueue A of 10, with LocalQueues A, vip and other.
func vipStory(t *testing.T, b Backfill) *story {
	s := newStory(t, Options{Overrun: 1}, "f")
	s.planned("A", "c", b, q("f", 10))
	for _, name := range []string{"vip", "other"} {
		s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: name, ClusterQueue: "A"}})
	}
	return s
}

// window makes or edits a window in A, for some LocalQueues or for nobody.
func (s *story) window(name string, n, start, duration int64, localQueues ...string) {
	r := Reservation{Name: name, Node: QueueNode("A"), Amounts: cpu("f", n), Start: start, Duration: duration}
	for _, lq := range localQueues {
		r.LocalQueues = append(r.LocalQueues, [2]string{"ns", lq})
	}
	s.Apply(SetReservation{r})
}

// A flavor-resource that nobody knew before makes room in windows too, and changes none: nobody is woken.
func TestNewFlavorResourceBesideWindows(t *testing.T) {
	for _, kept := range [][]string{nil, {"vip"}} {
		s := vipStory(t, easy())
		s.window("plain", 6, 10, 5)
		s.window("kept", 1, 10, 5, "vip")
		s.window("last", 7, 30, 5, kept...)
		s.job("A", "refused", 4, limited(20))
		s.decide("")
		s.reserved("refused 35-55")
		s.Apply(SetFlavor{Flavor{Name: "g"}})
		s.planned("elsewhere", "", Backfill{}, q("g", 4))
		s.awake("")
		s.decide("")
		s.reserved("refused 35-55")
		s.conflicts()
		s.planned("A", "c", easy(), q("f", 10), q("g", 4))
		s.decide("refused")
		if _, p := s.Problem("refused", map[FlavorResource]int64{{"new", "cpu"}: 1}), s.PlanOverQuota(); len(p) > 0 {
			t.Error(p)
		}
	}
}

// Reservations are kept when the first window for some LocalQueues is made and when the last is gone, their own or others', as far as
// they can be: w keeps its place before the more important one that came later.
func TestWindowForSomeKeepsReservations(t *testing.T) {
	for _, mine := range []string{"vip", "other"} {
		s := vipStory(t, easy(depth(2)))
		s.job("A", "runs", 6, limited(5))
		s.decide("runs")
		s.job("vip", "w", 10, limited(10))
		s.decide("")
		s.job("A", "late", 10, limited(10), priority(9))
		s.decide("")
		s.reserved("late 15-25, w 5-15")
		s.window("kept", 3, 100, 5, mine)
		s.decide("")
		s.reserved("late 15-25, w 5-15")
		s.Apply(DeleteReservation{"kept"})
		s.decide("")
		s.reserved("late 15-25, w 5-15")
		s.window("in the way", 3, 16, 5, mine)
		s.decide("") // late cannot be kept, so all are made anew
		if s.reserved(map[string]string{"vip": "late 5-15, w 15-25", "other": "late 5-15, w 21-31"}[mine]); t.Failed() {
			return
		}
	}
}

// Who loses his reservation when all are planned anew leaves his place among the depth in the same plan to the next of those who stand before him,
// who had to wait for his to end. Who stands behind does not get it: the others go in order, and he is the first of them, though from 7 on
// there is never room for his 8.
func TestPlaceOfWhoLosesHis(t *testing.T) {
	for first, want := range map[int64]string{1: "keeps 5-15, next 5-15", 0: "keeps 5-15"} {
		s := vipStory(t, easy(depth(2)))
		s.job("A", "runs", 10, limited(5))
		s.job("A", "keeps", 2, limited(10))
		s.job("A", "loser", 8, limited(10))
		s.decide("runs")
		s.job("A", "next", 4, limited(10), priority(first))
		s.job("A", "one too many", 4, limited(10), priority(first))
		s.decide("")
		s.reserved("keeps 5-15, loser 5-15")
		s.window("in the way", 4, 7, timeline.Forever)
		s.awake("")
		s.decide("")
		s.reserved(want)
		if u := s.Unreserved(); len(u) > 0 {
			t.Error(u)
		}
	}
}

// A LocalQueue makes a difference between workloads that ask for the same where a window of their ClusterQueue is for it, until that
// is over.
func TestWindowGroups(t *testing.T) {
	s := vipStory(t, easy())
	s.window("kept", 3, 20, 5, "vip")
	s.job("A", "runs", 6, limited(50))
	s.decide("runs")
	equal := func(want string) {
		t.Helper()
		for _, uid := range []UID{"a", "other", "vip"} {
			s.Apply(DeleteWorkload{uid})
		}
		s.job("A", "a", 5, limited(10))
		s.job("other", "other", 5, limited(10))
		s.job("vip", "vip", 5, limited(10))
		s.decide("")
		got := ""
		for _, uid := range []UID{"other", "vip"} {
			if s.plannedAs(uid).Class == s.plannedAs("a").Class && s.workloads[uid].last == s.workloads["a"].last {
				got += string(uid) + " "
			}
		}
		if got != want {
			t.Errorf("equal to a: %q, want %q", got, want)
		}
	}
	equal("other ")
	s.at(25)
	equal("other vip ")
}

// A new window takes nothing off the timeline, so that nobody is woken; one that is gone does, and so does one that is edited.
func TestWindowsWakeTheRefused(t *testing.T) {
	for name, kept := range map[string][]string{"for nobody": nil, "for some": {"vip"}} {
		t.Run(name, func(t *testing.T) {
			s := vipStory(t, easy())
			s.window("w", 5, 10, 5, kept...)
			s.job("A", "refused", 6, limited(11))
			s.job("A", "parked", 20)
			s.decide("")
			s.window("another", 2, 50, 5, kept...)
			s.awake("")
			s.window("a first", 2, 40, 5, kept...)
			s.window("over", 2, -9, 5, kept...)
			s.awake("")
			s.window("over", 2, -9, 6, kept...)
			s.Apply(DeleteReservation{"over"})
			s.awake("")
			s.Apply(DeleteReservation{"another"})
			s.awake("refused")
			s.decide("")
			s.window("w", 5, 10, 6, kept...)
			s.awake("refused")
			s.decide("")
			s.window("w", 4, 10, 6, kept...)
			s.decide("refused")
		})
	}
}

// What runs counts for the LocalQueue that it is of now.
func TestRunningChangesItsLocalQueue(t *testing.T) {
	s := vipStory(t, easy())
	s.job("A", "runs", 4, limited(30))
	s.decide("runs")
	s.window("w", 5, 10, 5, "vip")
	s.job("A", "refused", 5, limited(20))
	s.decide("") // 4, 5 and 5
	s.time = 0
	s.job("vip", "runs", 4, limited(30), found("A", "f"))
	s.awake("refused")
	s.decide("refused") // 4 of the 5 are used
}
