package oracle

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// podSet adds one of so many pods that ask for so much cpu each.
func podSet(name string, count, cpu int64) func(*Workload) {
	return func(w *Workload) {
		w.PodSets = append(w.PodSets, PodSet{Name: name, Count: count, Requests: map[string]int64{"cpu": cpu}})
	}
}

// until brings the story to rest, the first by UID of those evicted leaving first, and tells what happened: "p evicts v; +a".
func (s *story) until(most int) (told string, broken []string) {
	s.t.Helper()
	var steps []string
	r := s.BringToRest(func(int) int { return 0 }, most)
	for _, o := range r.Outcomes {
		for i := range len(o.Admits) + 1 {
			for _, e := range o.Evicts {
				for _, v := range e.Victims {
					if e.AfterAdmits == i {
						steps = append(steps, fmt.Sprint(e.Preemptor, " evicts ", v.UID))
					}
				}
			}
			if i < len(o.Admits) {
				steps = append(steps, "+"+string(o.Admits[i].UID))
			}
		}
	}
	if wrong := append(s.IllegalPlans(), s.OverLimit()...); len(wrong) > 0 {
		s.t.Errorf("%v", wrong)
	}
	return strings.Join(steps, "; "), r.Broken
}

// The finds behind amendment A8, as they go without it and with it.
var finds = []struct {
	name          string
	story         func(s *story)
	without, with string
	broken        string   // without it
	then          []UID    // workloads that end after that, one by one
	after         []string // without it
	thenWith      []string
}{
	{
		// w asks for 1 and 8. It takes 1 of f, and 8 of g from r, since f would borrow. In f, of which only 1
		// is held, l gets its 12 of 13. Once r is gone, 1 of f would borrow, so it goes to g, where with 1 of x not 8 are left; but f has l for a
		// victim. Of g only 1 is held then: r returns, and so on.
		name: "for ever, in turn from two flavors",
		story: func(s *story) {
			s.edited(ClusterQueue{Name: "A", Cohort: "c", Groups: cpuGroup(q("f", 8), q("g", 9)),
				Preemption:  Preemption{WithinClusterQueue: LowerPriority, ReclaimWithinCohort: AnyPriority},
				Fungibility: Fungibility{WhenCanBorrow: TryNextFlavor, WhenCanPreempt: MayStopSearch}})
			s.queue("B", "c", q("g", 0))
			s.queue("C", "c", q("f", 5))
			s.job("A", "x", 1, found("A", "g"), important)
			s.job("B", "r", 6, found("B", "g"))
			s.job("A", "w", 1, podSet("p1", 1, 8), priority(1))
			s.job("A", "l", 12)
		},
		without: "w evicts r; +l; w evicts l; +r; w evicts r; +l; w evicts l; +r",
		with:    "w evicts r; +l; +w",
		broken:  "no rest",
	},
	{
		// Levels: M { A, C } of 4 in each flavor, below c. w may have f by reclaiming r, or g by evicting its own o, within M both. Once r
		// is gone the owner of M's quota comes in, so that f fits by borrowing from c, but g has the lower level still.
		name: "a second time for nothing, at a lower level",
		story: func(s *story) {
			s.cohort("c", "", q("f", 0), q("g", 0))
			s.cohort("M", "c")
			s.edited(ClusterQueue{Name: "A", Cohort: "M", Groups: cpuGroup(q("f", 0), q("g", 0)),
				Preemption:  Preemption{WithinClusterQueue: LowerPriority, ReclaimWithinCohort: AnyPriority, BorrowWithinCohort: LowerPriority},
				Fungibility: Fungibility{WhenCanBorrow: TryNextFlavor, Preference: PreemptionOverBorrowing}})
			s.queue("B", "c", q("f", 4), q("g", 4))
			s.queue("C", "M", q("f", 4), q("g", 4))
			s.job("B", "r", 8, found("B", "f"))
			s.job("B", "b", 4, found("B", "g"))
			s.job("A", "o", 4, found("A", "g"))
			s.job("A", "w", 4, priority(1))
			s.job("C", "c", 4)
		},
		without: "w evicts r; +c; w evicts o; +w; +o",
		with:    "w evicts r; +c; +w",
	},
	{
		// p0 asks for 2 pods, p1 for 2 and 2 cpu, of which g has none. p0 holds g, p1 f. Once l is gone p0 fits f, and p1 has
		// nothing left there: NoFit, and the hold ends for nothing.
		name:    "NoFit",
		story:   func(s *story) { twoPodSets(s, 2) },
		without: "w evicts l; +l",
		with:    "w evicts l; +w",
		broken:  "w evicted others and is not admitted",
	},
	{
		// The same with 2 more pods in f, that o uses: Preempt without victims, and w holds for ever.
		name: "without victims",
		story: func(s *story) {
			twoPodSets(s, 4)
			s.job("A", "o", 0, pods(2), onPods("f", 2), important)
		},
		without: "w evicts l",
		with:    "w evicts l; +w",
		broken:  "w evicted others and is not admitted, w holds in the end",
	},
	{
		// w, of 1 to 4 pods, reclaims its nominal 3 from v. When v has left, 4 fit by borrowing; v, who is more important, may take
		// those back, and w reclaims its 3 again as soon as it is looked at.
		name: "a pair, by partial admission",
		story: func(s *story) {
			s.policies("A", "c", reclaims(AnyPriority), q("f", 3))
			s.policies("B", "c", Preemption{ReclaimWithinCohort: LowerPriority, BorrowWithinCohort: LowerPriority}, q("f", 1))
			s.queue("C", "c", q("f", 1, 0))
			s.runs("C", "x", 1)
			s.job("C", "y", 1)
			s.job("C", "z", 1)
			s.runs("B", "v", 4, important)
			s.job("A", "w", 1, pods(4), func(w *Workload) { w.PodSets[0].MinCount = ptr(1) })
		},
		without:  "w evicts v; +w",
		with:     "w evicts v; +w",
		then:     []UID{"x", "y"},
		after:    []string{"+y; v evicts w; +v", "+z; w evicts v; +w"},
		thenWith: []string{"+y", "+z"},
	},
}

func twoPodSets(s *story, podsOfF int64) {
	s.edited(ClusterQueue{Name: "A", Groups: []ResourceGroup{{Covered: []string{"cpu", podsResource}, Flavors: []FlavorQuotas{
		{"f", map[string]Quota{"cpu": {Nominal: 2}, podsResource: {Nominal: podsOfF}}},
		{"g", map[string]Quota{"cpu": {Nominal: 0}, podsResource: {Nominal: 2}}}}}}, Preemption: within(LowerPriority)})
	s.job("A", "l", 1, pods(2), found("A", "f"), onPods("f", 2))
	s.job("A", "w", 0, pods(2), podSet("p1", 2, 1), priority(1), func(w *Workload) { delete(w.PodSets[0].Requests, "cpu") })
}

// onPods gives the workload an admission with so many of the resource pods, beside what it has.
func onPods(flavor string, n int64) func(*Workload) {
	return func(w *Workload) {
		if w.Admission == nil {
			found(w.LocalQueue, flavor)(w)
		}
		a := &w.Admission.PodSets[0]
		a.Flavors[podsResource], a.Usage[podsResource] = flavor, n
	}
}

func TestHoldersKeep(t *testing.T) {
	for _, x := range finds {
		for _, keeps := range []bool{false, true} {
			t.Run(fmt.Sprint(x.name, " ", keeps), func(t *testing.T) {
				s := plans(t, Options{HoldersKeep: keeps}, "f", "g")
				x.story(s)
				told, broken := s.until(60)
				if keeps {
					if told != x.with || len(broken) > 0 {
						t.Errorf("%s %v, want %s", told, broken, x.with)
					}
				} else if !strings.HasPrefix(told, x.without) || !strings.HasPrefix(strings.Join(broken, ", "), x.broken) || x.broken == "" && len(broken) > 0 {
					t.Errorf("%s %v, want %s %v", told, broken, x.without, x.broken)
				}
				want := x.after
				if keeps {
					want = x.thenWith
				}
				for i, uid := range x.then {
					s.leaves(uid)
					if told, _ = s.until(60); told != want[i] {
						t.Errorf("after %s %s, want %s", uid, told, want[i])
					}
				}
			})
		}
	}
}

// After a restart only amounts are known, and the search decides, until the next decision: w, who asks for 2 pods and for 2 pods of 1
// cpu (find "NoFit"), keeps to nothing if l leaves before that.
func TestRestartedHolder(t *testing.T) {
	for name, x := range map[string]struct {
		podSets, decided bool
		want             string
		ends             []End
	}{
		"all is handed over":    {podSets: true, want: "w"},
		"only amounts":          {ends: []End{{UID: "w", Queue: "A", Cause: EndNoFit}}},
		"and then a decision":   {decided: true, want: "w"},
		"handed over, and more": {podSets: true, decided: true, want: "w"},
	} {
		t.Run(name, func(t *testing.T) {
			before := plans(t, Options{HoldersKeep: true}, "f", "g")
			twoPodSets(before, 2)
			e := before.evicts("w: l InClusterQueue").Evicts[0]
			s := plans(t, Options{HoldersKeep: true}, "f", "g")
			twoPodSets(s, 2)
			if !x.podSets {
				e.PodSets = nil
			}
			e.Victims = nil // the status of l says it
			l := s.workloads["l"].seen
			l.Evicted = true
			s.Apply(SetWorkload{l})
			s.Apply(AssumeEvict{e})
			if x.decided {
				s.evicts("")
			}
			if keeps := s.Keeps()["w"]; x.podSets || x.decided {
				if !reflect.DeepEqual(keeps, before.Keeps()["w"]) || len(keeps) != 2 || keeps[0].Flavors[podsResource] != "g" || keeps[1].Flavors["cpu"] != "f" {
					t.Error(keeps)
				}
			} else if keeps != nil {
				t.Error(keeps)
			}
			s.leaves("l")
			if ends := s.decide(x.want).Ends; !reflect.DeepEqual(ends, x.ends) {
				t.Errorf("%+v", ends)
			}
		})
	}
}

// w evicts l of f, since nobody of g may be evicted. If g comes free meanwhile it is admitted there at once; if f is free by then,
// which it holds, there. An edit ends that, not the hold.
func TestWhatIsHeldFirst(t *testing.T) {
	closed := Flavor{Name: "f", NodeTaints: []Taint{{Key: "down", Effect: "NoSchedule"}}}
	for name, x := range map[string]struct {
		events []Event
		want   string
	}{
		"elsewhere":      {[]Event{Finish{"v"}}, "g"},
		"held":           {[]Event{Finish{"l"}}, "f"},
		"both":           {[]Event{Finish{"v"}, Finish{"l"}}, "f"},
		"closed":         {[]Event{SetFlavor{closed}, Finish{"l"}}, ""},
		"closed, g free": {[]Event{SetFlavor{closed}, Finish{"v"}, Finish{"l"}}, "g"},
		"not listed": {[]Event{SetClusterQueue{ClusterQueue{Name: "A", NamespaceSelector: &Selector{}, Groups: cpuGroup(q("g", 4))}},
			Finish{"v"}, Finish{"l"}}, "g"},
	} {
		t.Run(name, func(t *testing.T) {
			s := plans(t, Options{HoldersKeep: true}, "f", "g")
			s.policies("A", "", within(LowerPriority), q("g", 4), q("f", 4))
			s.job("A", "v", 4, found("A", "g"), important)
			s.runs("A", "l", 4)
			s.job("A", "w", 4, priority(1))
			s.evicts("w: l InClusterQueue")
			for _, e := range x.events {
				s.Apply(e)
			}
			if x.want == "" {
				s.evicts("")
			} else if got := flavorOf(s.decide("w"), 0); got != x.want {
				t.Errorf("admitted in %s, want %s", got, x.want)
			}
		})
	}
}

// w evicts l of its own queue for f, since r may not be evicted from g yet. When it may be, the search would stop there, within nominal. Who keeps
// to f evicts nobody else; its level is that of f on present usage, l still in it.
func TestLevelOfAKeeper(t *testing.T) {
	for _, keeps := range []bool{false, true} {
		s := plans(t, Options{HoldersKeep: keeps}, "f", "g")
		s.edited(ClusterQueue{Name: "A", Cohort: "c", Groups: cpuGroup(q("g", 4), q("f", 4)), Fungibility: Fungibility{WhenCanPreempt: MayStopSearch},
			Preemption: Preemption{WithinClusterQueue: LowerPriority, ReclaimWithinCohort: AnyPriority}})
		s.queue("B", "c", q("g", 0))
		s.job("B", "r", 4, found("B", "g"), func(w *Workload) { w.AdmittedAt, w.MinimumRuntime = 1, 100 })
		s.runs("A", "l", 4)
		s.job("A", "w", 4, priority(1))
		s.evicts("w: l InClusterQueue")
		s.Apply(Time{101})
		want, level := "w: r InCohortReclamation", 0
		if keeps {
			want, level = "", 1
		}
		if waits := s.evicts(want).Waits; len(waits) != 1 || waits[0].Level != level || waits[0].Reason != WaitingForPreemptedWorkloads {
			t.Errorf("%+v, want level %d", waits, level)
		}
	}
}

// throng makes a random tree with two flavors, in either order, and many who want it in one or two pod sets, some of which may
// start with fewer pods.
func throng(g *generator, fair, strict, keeps bool) *World {
	s := New(Options{FairSharing: fair, Preemption: true, HeadsLeaveHolds: true, HoldersKeep: keeps, Judge: func(s *World, e Evict) []string {
		return append(append(s.CheckEvict(e), s.WithinNominal(e)...), s.WeightZeroFirst(e)...)
	}})
	s.Apply(SetFlavor{Flavor{Name: "f"}})
	s.Apply(SetFlavor{Flavor{Name: "g"}})
	resources := []string{"cpu", podsResource}[:1+g.IntN(2)]
	quota := func(most int) []ResourceGroup {
		group := ResourceGroup{Covered: resources}
		for _, i := range g.Perm(2) {
			fq := FlavorQuotas{[]string{"f", "g"}[i], map[string]Quota{}}
			for _, r := range resources {
				fq.Resources[r] = Quota{Nominal: int64(g.IntN(most)), BorrowingLimit: g.limit(12), LendingLimit: g.limit(12)}
			}
			group.Flavors = append(group.Flavors, fq)
		}
		return []ResourceGroup{group}
	}
	cohorts, queues := 1+g.IntN(3), 2+g.IntN(3)
	for i := range cohorts {
		c := Cohort{Name: fmt.Sprint("c", i), WeightMilli: g.weight()}
		if g.oneIn(3) {
			c.Groups = quota(6)
		}
		if i > 0 {
			c.Parent = fmt.Sprint("c", g.IntN(i))
		}
		s.Apply(SetCohort{c})
	}
	for i := range queues {
		cq := ClusterQueue{Name: fmt.Sprint("q", i), Cohort: fmt.Sprint("c", g.IntN(cohorts)), Groups: quota(10), NamespaceSelector: &Selector{},
			Preemption: g.preemption(), WeightMilli: g.weight(), Fungibility: Fungibility{[]FungibilityPolicy{"", TryNextFlavor}[g.IntN(2)],
				[]FungibilityPolicy{"", MayStopSearch}[g.IntN(2)], []Preference{"", PreemptionOverBorrowing}[g.IntN(2)]}}
		if strict && i%2 == 0 {
			cq.Strategy = StrictFIFO
		}
		s.Apply(SetClusterQueue{cq})
		s.Apply(SetLocalQueue{LocalQueue{Namespace: "ns", Name: cq.Name, ClusterQueue: cq.Name}})
	}
	for i := range 20 {
		w := Workload{UID: UID(fmt.Sprint("w", i)), Namespace: "ns", LocalQueue: fmt.Sprint("q", g.IntN(queues)), Active: true,
			Priority: int64(g.IntN(4)), QueueTime: int64(g.IntN(20)), ReservedAt: int64(g.IntN(8))}
		for p := range 1 + g.IntN(2) {
			ps := PodSet{Name: fmt.Sprint("p", p), Count: 1 + int64(g.IntN(3)), Requests: map[string]int64{"cpu": int64(g.IntN(4))}}
			if g.oneIn(4) {
				ps.MinCount = ptr(1)
			}
			w.PodSets = append(w.PodSets, ps)
		}
		if w.Priority < 3 && i < 12 {
			found(w.LocalQueue, []string{"f", "g"}[g.IntN(2)])(&w)
			use := map[FlavorResource]int64{}
			for i, ps := range w.PodSets {
				a := &w.Admission.PodSets[i]
				if len(resources) > 1 {
					a.Flavors[podsResource], a.Usage[podsResource] = a.Flavors["cpu"], ps.Count
				}
				for r, n := range a.Usage {
					use[FlavorResource{a.Flavors[r], r}] += n
				}
			}
			if !s.Fits(w.LocalQueue, use) {
				w.Admission = nil
			}
		}
		s.Apply(SetWorkload{w})
	}
	return s
}

// course is what a number of histories came to: how many preemptions and victims there were, how many of those who preempted
// did so again before they were admitted, or overtaken; and in how many histories something went wrong.
type course struct {
	preemptions, victims, again                                 int
	endless, noFit, restless, pairs, waiting, holding, unlawful int
}

// note counts what went wrong in one history, each kind once.
func (c *course) note(wrong []string) {
	for text, count := range map[string]*int{"no end": &c.endless, "NoFit": &c.noFit, "no rest": &c.restless, "without end": &c.pairs, "not admitted": &c.waiting,
		"holds in the end": &c.holding, "unlawful": &c.unlawful} {
		if strings.Contains(strings.Join(wrong, ";"), text) {
			*count++
		}
	}
}

// evictions counts what one rest has brought; waiting are those who have evicted and are not admitted.
func (c *course) evictions(r Rest, waiting map[UID]bool) {
	overtaken := map[UID]bool{}
	for _, e := range r.Ends {
		overtaken[e.UID] = e.Cause == EndOvertaken
	}
	for _, o := range r.Outcomes {
		for _, e := range o.Evicts {
			c.preemptions, c.victims = c.preemptions+1, c.victims+len(e.Victims)
			if waiting[e.Preemptor] && !overtaken[e.Preemptor] {
				c.again++
			}
			waiting[e.Preemptor] = true
		}
		for _, a := range o.Admits {
			delete(waiting, a.UID)
		}
	}
	for uid := range overtaken {
		delete(waiting, uid)
	}
}

// ending brings the World to rest, and says whether all passes end.
func ending(s *World, g *generator) (r Rest, ends bool) {
	defer func() { ends = recover() == nil }()
	return s.BringToRest(g.IntN, 100), true
}

// histories brings throngs to rest, and again after each of three ends of running workloads. Such an end is a change
// (amendments A3 and A11), after which a pair may begin anew.
func histories(worlds int, fair, strict, keeps bool, tell func(seed uint64, wrong []string)) (c course) {
	for seed := range uint64(worlds) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 11))}
		s := throng(g, fair, strict, keeps)
		var ledger Ledger
		var wrong []string
		waiting := map[UID]bool{}
		for range 4 {
			r, ends := ending(s, g)
			if !ends {
				wrong = append(wrong, "no end of a pass")
				break
			}
			wrong = append(wrong, r.Broken...)
			c.evictions(r, waiting)
			for _, o := range r.Outcomes {
				for _, e := range o.Evicts {
					wrong = append(wrong, ledger.Evict(e)...)
				}
			}
			for _, e := range r.Ends {
				if e.Cause == EndNoFit {
					wrong = append(wrong, fmt.Sprint(e.UID, " holds no more: NoFit"))
				}
			}
			for _, uid := range s.Unserved() {
				wrong = append(wrong, fmt.Sprint("unlawful: ", uid, " is not served"))
			}
			ledger.Changed()
			if running := sortedKeys(text(s.Admissions())); len(running) > 0 {
				s.Apply(Finish{UID(running[g.IntN(len(running))])})
			}
		}
		for _, w := range append(s.OverLimit(), s.IllegalPlans()...) {
			wrong = append(wrong, "unlawful: "+w)
		}
		if c.note(wrong); len(wrong) > 0 {
			tell(seed, wrong)
		}
	}
	return c
}

func text(m map[UID]Admission) map[string]bool {
	all := map[string]bool{}
	for uid := range m {
		all[string(uid)] = true
	}
	return all
}

// TestKeepersRest lets throngs preempt each other: with amendment A8 no hold ends as NoFit, nobody evicts twice for one
// admission, unless overtaken, and whoever has evicted is admitted. A pair now and then stays: see docs/adr/0006.
func TestKeepersRest(t *testing.T) {
	for _, x := range []struct{ fair, strict bool }{{}, {fair: true}, {strict: true}, {true, true}} {
		t.Run(fmt.Sprintf("%+v", x), func(t *testing.T) {
			worlds := 40 * *scale
			without := histories(worlds, x.fair, x.strict, false, func(uint64, []string) {})
			with := histories(worlds, x.fair, x.strict, true, func(seed uint64, wrong []string) { t.Logf("seed %d: %v", seed, wrong[0]) })
			t.Logf("%d worlds, without %+v, with %+v", worlds, without, with)
			if with.again+with.endless+with.restless+with.noFit+with.waiting+with.holding+with.unlawful > 0 || with.pairs > worlds/200 {
				t.Error("not at rest")
			}
			if with.preemptions < 2*worlds || without == with {
				t.Error("too tame")
			}
		})
	}
}

// Nor does a pass end always without the amendment: in these worlds two preemptors of fair sharing, woken by each other's falls, move what is
// held for them from flavor to flavor by turns.
func TestKeepersEndTheirPass(t *testing.T) {
	for _, seed := range []uint64{373, 639} {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 11))}
		s := throng(g, true, false, true)
		for range 4 {
			if r := s.BringToRest(g.IntN, 100); len(r.Broken) > 0 {
				t.Error(seed, r.Broken)
			}
			if running := sortedKeys(text(s.Admissions())); len(running) > 0 {
				s.Apply(Finish{UID(running[g.IntN(len(running))])})
			}
		}
	}
}
