package oracle

import "testing"

// Reading 78. x waits in a with a reservation and y, who stands before it, asks for more than a can ever have; both come to b,
// where there is enough for either once br has ended at 5. Depth is 1: had x kept its verdict, it would be planned in b before anybody
// has looked at y there. In a row with z it stands before x in a, but arrives when x holds the reservation.
func TestMoved(t *testing.T) {
	point := func(at string) func(s *story) {
		return func(s *story) { s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: "l", ClusterQueue: at}}) }
	}
	y := func(s *story, lq string) {
		s.job(lq, "y", 6, limited(10), priority(9), func(w *Workload) { w.QueueTime = 3 })
	}
	x := func(s *story, lq string) {
		s.job(lq, "x", 4, limited(10), func(w *Workload) { w.QueueTime = 4 })
	}
	z := func(s *story) { s.job("a", "z", 4, limited(10), priority(5)) }
	for name, r := range map[string]struct {
		cohortOfB string
		events    []func(s *story)
		want      string // reservations after the Decide
		in        string // the ClusterQueue in which they are
	}{
		"nobody moves":                       {"c", nil, "x 5-15", "a"},
		"the LocalQueue is pointed at b":     {"c", []func(s *story){point("b")}, "y 5-15", "b"},
		"b is in another tree":               {"", []func(s *story){point("b")}, "y 5-15", "b"},
		"queueName is changed, first x's":    {"c", []func(s *story){func(s *story) { x(s, "b"); y(s, "b") }}, "y 5-15", "b"},
		"queueName is changed, first y's":    {"c", []func(s *story){func(s *story) { y(s, "b"); x(s, "b") }}, "y 5-15", "b"},
		"only x moves":                       {"c", []func(s *story){func(s *story) { x(s, "b") }}, "x 5-15", "b"},
		"z arrives: x keeps its place":       {"c", []func(s *story){z}, "x 5-15", "a"},
		"there and back, and z arrives":      {"c", []func(s *story){point("b"), z, point("a")}, "z 5-15", "a"},
		"the same by another tree":           {"", []func(s *story){point("b"), z, point("a")}, "z 5-15", "a"},
		"pointed at a again: nothing is new": {"c", []func(s *story){point("a"), z}, "x 5-15", "a"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, Options{Overrun: 1}, "f")
			s.planned("a", "c", easy(), q("f", 4, 0))
			s.planned("b", r.cohortOfB, easy(), q("f", 10))
			point("a")(s)
			s.job("b", "br", 10, limited(5))
			s.decide("br")
			s.job("a", "ar", 4, limited(5))
			y(s, "l")
			x(s, "l")
			out := s.decide("ar")
			s.waits(out, "y", ExceedsMaxQuota, NoFit)
			s.reserved("x 5-15")
			for _, e := range r.events {
				e(s)
			}
			s.decide("")
			s.reserved(r.want)
			if at := s.Reservations()[0].Queue; at != r.in {
				t.Errorf("reserved in %s, want %s", at, r.in)
			}
		})
	}
}

// The clock of a hold does not come along either: h's time is up in a, but in b it may evict and hold.
func TestMovedHolder(t *testing.T) {
	s := newStory(t, Options{Preemption: true, HoldTimeout: 5}, "f")
	for _, name := range []string{"a", "b"} {
		s.edited(ClusterQueue{Name: name, Groups: cpuGroup(q("f", 4)), Preemption: Preemption{WithinClusterQueue: LowerPriority}})
		s.job(name, UID("runs in "+name), 4)
	}
	s.decide("runs in a runs in b")
	point := func(at string) {
		s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: "l", ClusterQueue: at}})
	}
	point("a")
	s.job("l", "h", 4, priority(1))
	s.decide("")
	s.holds(map[UID]int64{"h": 4})
	s.at(5)
	s.decide("")
	s.holds(map[UID]int64{})
	point("b")
	out := s.decide("")
	if len(out.Evicts) != 1 || out.Evicts[0].Victims[0].UID != "runs in b" {
		t.Errorf("evicts %+v", out.Evicts)
	}
	s.holds(map[UID]int64{"h": 4})
}
