package oracle

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// restless is what happened in many worlds until they came to rest, or not.
type restless struct {
	worlds, victims, passes     int
	endless, pairs, again, left int // worlds that do not rest; pairs; evicted by fair sharing again; evicted others and are not admitted
	unserved, illegal           int
	waits, waited               int // preemptors admitted, and how many victims left between their decision and that
	stuck                       int // worlds that have run empty, but for some who wait and would fit
}

// rests lets worlds come to rest under a rule of who sees whose holds.
func rests(blind Blindness, worlds int, world func(g *generator) *World) (r restless) {
	for seed := range uint64(worlds) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 7))}
		s := world(g)
		s.firstBlind = blind
		rest := s.BringToRest(g.IntN, 100)
		r.worlds++
		r.passes += rest.Passes
		left, since := 0, map[UID]int{}
		for _, o := range rest.Outcomes {
			for _, e := range o.Evicts {
				r.victims += len(e.Victims)
				if _, known := since[e.Preemptor]; !known {
					since[e.Preemptor] = left
				}
			}
			for _, a := range o.Admits {
				if at, known := since[a.UID]; known {
					r.waits, r.waited = r.waits+1, r.waited+left-at
					delete(since, a.UID)
				}
			}
			if len(o.Admits)+len(o.Evicts) == 0 {
				left++ // one leaves after each pass that decides nothing
			}
		}
		counted := map[*int]bool{}
		for _, b := range rest.Broken {
			switch {
			case strings.HasPrefix(b, "no rest"):
				counted[&r.endless] = true
			case strings.Contains(b, "without end"):
				counted[&r.pairs] = true
			case strings.Contains(b, "again"):
				counted[&r.again] = true
			default:
				counted[&r.left] = true
			}
		}
		for n := range counted {
			*n++
		}
		r.unserved += len(s.Unserved())
		r.illegal += len(s.IllegalPlans())
		if s.runsDry(g.IntN) {
			r.stuck++
		}
	}
	return r
}

// runsDry lets everybody who uses quota finish, one after the other, and says whether in the end, with nobody running, somebody
// waits who would fit if nothing were held, and whom the order of his queue does not hold back.
func (s *World) runsDry(pick func(int) int) bool {
	for range 1000 {
		o := s.Apply(Decide{})
		for _, a := range o.Admits {
			s.Apply(Confirm{a.UID})
		}
		if len(o.Admits)+len(o.Evicts) > 0 {
			continue
		}
		running := sortedKeys(admissionsByText(s))
		if len(running) == 0 {
			break
		}
		s.Apply(Finish{UID(running[pick(len(running))])})
	}
	for _, w := range s.workloads {
		if w.state != pending || s.barred(w) != "" {
			continue
		}
		n := s.trees().byName[s.nodeOf(w)]
		if v := s.verdict(n, w, s.usage()); v.kind == Fit && (n.queue.Strategy != StrictFIFO || s.mayPass(n, w, v)) {
			return true
		}
	}
	return false
}

func admissionsByText(s *World) map[string]bool {
	all := map[string]bool{}
	for uid := range s.Admissions() {
		all[string(uid)] = true
	}
	return all
}

// Two heads, each of which asks for 4 of the 6 that come free: x holds 3 when y arrives, comes first by priority and holds the other
// 3. Neither fits as long as c6 and c7 run.
func TestTwoHeads(t *testing.T) {
	for blind, want := range map[Blindness]string{BlindNobody: "", BlindHolders: "y"} {
		s := plans(t, Options{HeadsLeaveHolds: true, FirstBlind: blind})
		for _, name := range []string{"A", "B"} {
			s.edited(ClusterQueue{Name: name, Cohort: "c", Strategy: StrictFIFO, Groups: cpuGroup(q("f", 4)), Preemption: within(LowerPriority)})
		}
		s.queue("C", "c", q("f", 0))
		var running []UID
		for i := range 8 {
			running = append(running, UID(fmt.Sprint("c", i)))
			s.runs("C", running[i], 1)
		}
		s.job("A", "x", 4)
		s.decide("")
		for _, uid := range running[:3] {
			s.leaves(uid)
			s.decide("")
		}
		s.job("B", "y", 4, priority(5))
		s.decide("")
		for _, uid := range running[3:5] {
			s.leaves(uid)
			if blind == BlindNobody {
				s.decide("")
			} else {
				s.Apply(Decide{})
			}
		}
		s.leaves(running[5])
		s.Apply(Decide{})
		out := s.Apply(Decide{})
		if _, admitted := s.Admissions()["y"]; admitted != (want == "y") || len(s.Admissions()) != 2+len(want) {
			t.Errorf("%q: %+v %v", blind, out, s.Holds())
		}
	}
}

// Reclaiming for five jobs: each is admitted when as much has come free as it needs, and not all of them when the last victim
// has left.
func TestReclaimForSeveral(t *testing.T) {
	for _, blind := range []Blindness{BlindNobody, BlindHolders} {
		s := plans(t, Options{FirstBlind: blind, HoldersKeep: true})
		s.policies("A", "c", reclaims(AnyPriority), q("f", 10))
		s.queue("B", "c", q("f", 0))
		for i := range 5 {
			s.runs("B", UID(fmt.Sprint("b", i)), 2)
		}
		for i := range 5 {
			s.job("A", UID(fmt.Sprint("a", i)), 2)
		}
		s.Apply(Decide{})
		for i := range 5 {
			s.leaves(UID(fmt.Sprint("b", i)))
			switch {
			case blind == BlindHolders:
				s.decide(fmt.Sprint("a", i))
			case i < 4:
				s.decide("")
			default:
				s.decide("a0 a1 a2 a3 a4")
			}
		}
	}
}

// TestBlind measures, and holds fast what the measurement has shown: if everybody is blind, those who evicted others are left waiting; if
// holders are, that breaks no law, and preemptors wait for fewer to leave.
func TestBlind(t *testing.T) {
	worlds := 40 * *scale
	for _, x := range []struct{ fair, strict, flavors bool }{{}, {fair: true}, {strict: true}, {true, true, false},
		{false, false, true}, {true, false, true}, {false, true, true}, {true, true, true}} {
		world := func(g *generator) *World {
			if x.flavors {
				return throng(g, x.fair, x.strict, true)
			}
			s := crowd(g, x.fair, x.strict)
			s.holdersKeep = true
			return s
		}
		nobody, holders := rests(BlindNobody, worlds, world), rests(BlindHolders, worlds, world)
		t.Logf("%+v nobody:  %+v", x, nobody)
		t.Logf("%+v holders: %+v", x, holders)
		if r := holders; r.endless > nobody.endless+worlds/500 || r.pairs > nobody.pairs+worlds/500 || r.again+r.left+r.unserved+r.illegal > 0 ||
			r.waited*nobody.waits >= nobody.waited*r.waits {
			t.Errorf("%+v", r)
		}
	}
	all := rests(BlindAll, worlds, func(g *generator) *World { return crowd(g, true, false) })
	if t.Logf("all: %+v", all); all.left == 0 {
		t.Errorf("%+v", all)
	}
}
