package oracle

import (
	"fmt"
	"strings"
	"testing"
)

func limited(n int64) func(*Workload) { return func(w *Workload) { w.Limit = n } }

func easy(change ...func(*Backfill)) Backfill {
	b := Backfill{Mode: EASY, DefaultLimit: 10}
	for _, c := range change {
		c(&b)
	}
	return b
}

func depth(n int) func(*Backfill) { return func(b *Backfill) { b.Depth = n } }

// planned makes a ClusterQueue with backfill.
func (s *story) planned(name, cohort string, b Backfill, flavors ...FlavorQuotas) {
	s.edited(ClusterQueue{Name: name, Cohort: cohort, Groups: cpuGroup(flavors...), Backfill: b})
}

// reserved compares the reservations with "uid start-end, ...", by UID.
func (s *story) reserved(want string) {
	s.t.Helper()
	var got []string
	for _, r := range s.Reservations() {
		got = append(got, fmt.Sprintf("%s %d-%d", r.UID, r.Start, r.End))
	}
	if g := strings.Join(got, ", "); g != want {
		s.t.Fatalf("reservations %q, want %q", g, want)
	}
	if over := s.PlanOverQuota(); len(over) > 0 {
		s.t.Fatal(over)
	}
}

func (s *story) at(now int64) { s.Apply(Time{now}) }

// The textbook case: a wide job waits for a long one; a short one may pass, a long one only beside it.
func TestEASY(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f")
	s.planned("A", "", easy(), q("f", 10))
	s.job("A", "long", 6, limited(20))
	s.job("A", "wide", 8, limited(10))
	s.decide("long")
	s.reserved("wide 20-30")
	s.job("A", "too long", 3, limited(21))
	out := s.decide("")
	s.waits(out, "too long", WaitingForQuota, NoFit)
	s.job("A", "short", 3, limited(20))
	s.decide("short")
	s.job("A", "unknown", 1)
	s.decide("unknown") // 1 of the 2 beside wide
	s.job("A", "unknown2", 3)
	s.decide("")
	s.Apply(Finish{"short"})
	s.decide("") // 3 are free, and too long would still run at 20, unknown2 for ever
	s.at(5)
	s.decide("")
	s.Apply(Finish{"long"})
	s.decide("wide")
	s.reserved("too long 15-36")
}

// The example of docs/backfill.md, hour by hour. That g may not start needs Options.LimitlessBehind: without it g, planned
// for osg's default of 5 hours, gets a reservation that is due at once.
func TestBackfillExample(t *testing.T) {
	for _, behind := range []bool{false, true} {
		backfillExample(t, behind)
	}
}

func backfillExample(t *testing.T, behind bool) {
	s := newStory(t, Options{Overrun: 1, LimitlessBehind: behind}, "f")
	s.planned("usatlas", "wlcg", easy(), q("f", 60))
	s.planned("osg", "wlcg", easy(func(b *Backfill) { b.DefaultLimit = 5 }), q("f", 40))
	s.job("osg", "a", 30, limited(4))
	s.job("osg", "b", 50, limited(10))
	s.decide("a b")
	s.job("usatlas", "big", 60, limited(5))
	s.decide("")
	s.reserved("big 10-15")
	s.job("osg", "c", 20, limited(10))
	s.decide("c")
	s.Apply(DeleteWorkload{"c"})
	s.job("osg", "d", 20, limited(12))
	s.decide("d")
	s.at(4)
	s.Apply(Finish{"a"})
	s.decide("")
	s.job("osg", "e", 30, limited(7))
	s.decide("")
	s.reserved("big 10-15, e 12-19") // not at 10: e would take more than 40 - 20 beside big until d has ended
	s.Apply(DeleteWorkload{"e"})
	s.job("osg", "f", 30, limited(6))
	s.decide("f")
	s.Apply(DeleteWorkload{"f"})
	s.reserved("big 10-15")
	s.job("osg", "g", 30)
	if behind {
		s.decide("")
		s.reserved("big 10-15, g 12-17")
	} else {
		s.decide("g")
		s.reserved("big 10-15")
	}
	s.Apply(DeleteWorkload{"g"})
	s.at(6)
	s.Apply(Finish{"b"})
	s.decide("big") // 80 are free
}

// Depth: EASY plans one, or as many as it says; Conservative all, one behind the other.
func TestDepth(t *testing.T) {
	for name, x := range map[string]struct {
		b    Backfill
		want string
	}{
		"EASY":           {easy(), "w1 8-18"},
		"EASY, two":      {easy(depth(2)), "w1 8-18, w2 18-22"},
		"Conservative":   {Backfill{Mode: Conservative}, "w1 8-18, w2 18-22, w3 22-23"},
		"all":            {easy(depth(-1)), "w1 8-18, w2 18-22, w3 22-23"},
		"None":           {Backfill{Mode: BackfillNone}, ""},
		"says nothing":   {Backfill{Depth: 5}, ""},
		"with borrowing": {easy(func(b *Backfill) { b.BorrowingDepth = new(int) }), "w1 8-18"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, Options{Overrun: 1}, "f")
			s.planned("A", "", x.b, q("f", 10))
			s.job("A", "runs", 5, limited(8))
			s.job("A", "w1", 9, limited(10))
			s.job("A", "w2", 6, limited(4))
			s.job("A", "w3", 6, limited(1))
			s.decide("runs")
			s.reserved(x.want)
		})
	}
}

// A Cohort's mode counts for the queues below it that have none of their own; nearer Cohorts go before.
func TestBackfillInherited(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f")
	s.Apply(SetCohort{Cohort{Name: "top", Backfill: easy(depth(2))}})
	s.Apply(SetCohort{Cohort{Name: "low", Parent: "top", Backfill: easy()}})
	for _, name := range []string{"A", "B", "C"} {
		b := Backfill{}
		if name == "C" {
			b.Mode = BackfillNone
		}
		s.planned(name, map[string]string{"A": "top", "B": "low", "C": "top"}[name], b, q("f", 2, 0))
		s.job(name, UID(name+"0"), 2, limited(5))
		s.job(name, UID(name+"1"), 2, limited(5))
		s.job(name, UID(name+"2"), 2, limited(5))
	}
	s.decide("A0 B0 C0")
	s.reserved("A1 5-10, A2 10-15, B1 5-10")
}

// What starts late still ends before the next: a reservation is longer than its limit by the slack, and is kept for so long.
func TestSlack(t *testing.T) {
	s := newStory(t, Options{Overrun: 1, Slack: 2}, "f")
	s.planned("A", "", easy(depth(2)), q("f", 10))
	s.job("A", "runs", 10, limited(5))
	s.job("A", "w1", 10, limited(10))
	s.job("A", "w2", 10, limited(10))
	s.decide("runs")
	s.reserved("w1 5-17, w2 17-29")
	s.at(5)
	s.decide("") // runs has not ended: it is planned to go on until 6
	s.reserved("w1 6-18, w2 18-30")
	s.at(6)
	s.Apply(Finish{"runs"})
	s.at(8)
	s.decide("w1") // until 18
	s.reserved("w2 18-30")
}

// Time alone wakes the holder of a reservation that is due, and NextWake says when.
func TestDueIsWoken(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f")
	s.planned("A", "c", easy(), q("f", 4, 0))
	s.planned("B", "c", easy(), q("f", 4, 0))
	s.job("A", "runs", 4, limited(5))
	s.job("A", "waits", 4, limited(10))
	s.decide("runs")
	s.reserved("waits 5-15")
	if at, ok := s.NextWake(); at != 5 || !ok {
		t.Error(at, ok)
	}
	s.Apply(Finish{"runs"}) // early: everything moves to now in the next pass
	s.at(1)
	s.decide("waits")
}

// Who outlives his limit is planned to go on for a while, again and again.
func TestOverrun(t *testing.T) {
	s := newStory(t, Options{Overrun: 3}, "f")
	s.planned("A", "", easy(), q("f", 4))
	s.job("A", "runs", 4, limited(5))
	s.job("A", "waits", 4, limited(10))
	s.decide("runs")
	for _, x := range []struct{ at, start int64 }{{4, 5}, {5, 8}, {7, 8}, {8, 11}, {20, 23}} {
		s.at(x.at)
		s.decide("")
		s.reserved(fmt.Sprintf("waits %d-%d", x.start, x.start+10))
	}
}

// Later arrivals delay no reservation, whatever their priority and queue; nor does a queue without reservations of its own.
func TestLaterArrivals(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f")
	s.planned("A", "c", easy(), q("f", 6))
	s.planned("B", "c", Backfill{Mode: BackfillNone}, q("f", 4))
	s.job("B", "runs", 7, limited(5))
	s.decide("runs")
	s.job("A", "waits", 6, limited(10))
	s.decide("")
	s.reserved("waits 5-15")
	s.job("A", "vip", 6, limited(10), priority(9))
	s.decide("")
	s.reserved("waits 5-15") // and vip, who stands before it, has none
	s.job("B", "long", 3, limited(6), priority(9))
	s.decide("long") // beside waits there are 4
	s.job("B", "longer", 2, limited(6), priority(9))
	s.decide("")
	s.at(5)
	s.Apply(Finish{"runs"})
	s.decide("waits")
	s.reserved("vip 15-25")
}

// A flavor in which nobody is delayed is found; the plan looks at all flavors.
func TestRefusedInOneFlavor(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f", "g")
	s.planned("A", "", easy(), q("f", 4), q("g", 4))
	s.job("A", "f1", 2, limited(5))
	s.job("A", "g1", 3, limited(9))
	s.decide("f1 g1")
	s.job("A", "wide", 4, limited(10))
	s.decide("")
	s.reserved("wide 5-15") // on f
	s.job("A", "next", 1, limited(8))
	out := s.decide("next")
	if got := out.Admits[0].Admission.PodSets[0].Flavors["cpu"]; got != "g" {
		t.Error(got)
	}
}

// A StrictFIFO head holds a reservation, not quota: whoever ends before it starts may use what it waits for. Under mode None it
// holds quota as ever, and the others are planned around that.
func TestStrictHeadIsPlanned(t *testing.T) {
	for _, mode := range []BackfillMode{EASY, BackfillNone} {
		s := newStory(t, Options{Overrun: 1}, "f")
		s.edited(ClusterQueue{Name: "A", Cohort: "c", Strategy: StrictFIFO, Groups: cpuGroup(q("f", 6)), Backfill: Backfill{Mode: mode}})
		s.planned("B", "c", easy(), q("f", 4))
		s.job("A", "runs", 3, limited(5))
		s.job("A", "head", 6, limited(10))
		s.job("A", "behind", 1, limited(1))
		s.job("B", "blocks", 2, limited(5))
		s.decide("runs blocks")
		s.job("B", "short", 5, limited(5))
		if mode == EASY {
			s.decide("short")
			s.reserved("head 5-15")
			s.holds(map[UID]int64{})
		} else {
			s.decide("") // head would borrow the 6 it asks for, and holds the 5 that are left
			s.reserved("short 5-10")
			s.holds(map[UID]int64{"head": 5})
		}
	}
}

// A lender waits for what runs on his quota and for one planned borrower a queue.
func TestLenderIsNotStarved(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f")
	s.planned("A", "c", easy(), q("f", 10))
	s.planned("B", "c", easy(depth(-1)), q("f", 0))
	s.job("B", "b0", 10, limited(10))
	s.job("B", "b1", 10, limited(10))
	s.job("B", "b2", 10, limited(10))
	s.decide("b0")
	s.reserved("b1 10-20")
	s.job("A", "a", 10, limited(10))
	s.decide("")
	s.reserved("a 20-30, b1 10-20")
}

// What is found running ends by its start and limit; a limit that is shortened moves reservations.
func TestFoundRunning(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f")
	s.planned("A", "", easy(), q("f", 4))
	s.at(10)
	began := func(at int64) func(*Workload) { return func(w *Workload) { w.Started = at } }
	s.job("A", "runs", 4, found("A", "f"), limited(8), began(7))
	s.job("A", "waits", 4, limited(5))
	s.decide("")
	s.reserved("waits 15-20")
	s.job("A", "runs", 4, found("A", "f"), limited(5), began(7))
	s.decide("")
	s.reserved("waits 12-17")
	s.job("A", "runs", 4, found("A", "f"), began(7)) // the queue's default: 10
	s.decide("")
	s.reserved("waits 17-22")
}

// Whoever was refused is looked at again when a reservation goes, and those behind it of another limit before.
func TestRefusedAreWoken(t *testing.T) {
	s := newStory(t, Options{Overrun: 1}, "f")
	s.planned("A", "c", easy(), q("f", 6))
	s.planned("B", "c", easy(), q("f", 4))
	s.job("A", "runs", 5, limited(5))
	s.job("A", "wide", 10, limited(10))
	s.decide("runs")
	s.job("B", "long", 2, limited(6))
	s.job("B", "short", 2, limited(5))
	s.decide("short")
	s.reserved("long 15-21, wide 5-15")
	s.Apply(DeleteWorkload{"wide"})
	s.decide("long")
}

// What a head holds ends when its queue begins to plan, by its own mode or by a Cohort's, and the next plan() begins without it: short,
// in another queue, and the head are planned as if nothing had been held.
func TestHeadHoldEndsWhereItsQueuePlans(t *testing.T) {
	for name, begin := range map[string]func(*story, ClusterQueue){
		"SetClusterQueue": func(s *story, cq ClusterQueue) {
			cq.Backfill.Mode = EASY
			s.edited(cq)
		},
		"SetCohort": func(s *story, _ ClusterQueue) { s.Apply(SetCohort{Cohort{Name: "c", Backfill: easy()}}) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, Options{Overrun: 1}, "f")
			s.Apply(SetCohort{Cohort{Name: "c"}})
			head := ClusterQueue{Name: "A", Cohort: "c", Strategy: StrictFIFO, Groups: cpuGroup(q("f", 6))}
			s.edited(head)
			s.planned("B", "c", easy(), q("f", 4))
			s.job("A", "runs", 3, limited(5))
			s.job("A", "head", 6, limited(10))
			s.job("B", "blocks", 2, limited(5))
			s.decide("runs blocks")
			s.job("B", "short", 6, limited(10))
			s.decide("")
			s.holds(map[UID]int64{"head": 5})
			s.reserved("")
			begin(s, head)
			s.holds(map[UID]int64{})
			s.decide("")
			s.reserved("head 5-15, short 15-25")
		})
	}
}

// A reservation ends as soon as its holder is parked for another reason than waiting: when f has room, the search takes it for w's
// first pod set, and the second, which may use nothing else, asks too much. Whom the reservation on g refused is served in the same
// pass.
func TestReservationEndsWithBlocking(t *testing.T) {
	s := newStory(t, Options{Overrun: 1})
	s.Apply(SetFlavor{Flavor{Name: "f", NodeLabels: map[string]string{"zone": "1"}}})
	s.Apply(SetFlavor{Flavor{Name: "g", NodeLabels: map[string]string{"zone": "2"}}})
	s.planned("A", "c", easy(), q("f", 4), q("g", 4))
	s.planned("B", "c", Backfill{Mode: BackfillNone}, q("g", 0))
	s.job("A", "runs", 2, limited(5), selects("zone", "1"))
	s.job("A", "w", 3, limited(10), func(w *Workload) {
		w.PodSets = append(w.PodSets, PodSet{Name: "second", Count: 1, Requests: map[string]int64{"cpu": 3},
			NodeSelector: map[string]string{"zone": "1"}})
	})
	s.decide("runs")
	s.reserved("w 5-15")
	s.job("B", "refused", 2, limited(6))
	out := s.decide("")
	s.waits(out, "refused", WaitingForQuota, NoFit)
	s.at(1)
	s.Apply(Finish{"runs"})
	out = s.decide("refused")
	s.waits(out, "w", ExceedsMaxQuota, NoFit)
	s.reserved("")
}
