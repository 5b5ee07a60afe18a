package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	oracle "fairlead.dev/fairlead/internal/oracle/timeline"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
	"fairlead.dev/fairlead/pkg/timeline/plan"
)

// Whatever happens, limits outlived and quotas cut included, reservations and
// what may start are the oracle's.
func TestPropertyEqualsOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, leaves := drawBoth(t)
		next := 0
		t.Repeat(map[string]func(*rapid.T){
			"arrive": func(t *rapid.T) {
				if len(b.pending) >= 8 {
					return
				}
				next++
				w := drawWorkload(t, fmt.Sprint(next), leaves)
				if len(b.pending) > 0 && rapid.Bool().Draw(t, "a twin") {
					twin := b.pending[rapid.IntRange(0, len(b.pending)-1).Draw(t, "of")]
					w.Leaf, w.Alternatives, w.Limit, w.Group = twin.Leaf, twin.Alternatives, twin.Limit, twin.Group
					classify(t, &w)
				}
				at := len(b.pending)
				if rapid.IntRange(0, 4).Draw(t, "urgent") == 0 {
					at = rapid.IntRange(0, at).Draw(t, "before")
				}
				b.pending = slices.Insert(b.pending, at, w)
			},
			"leave": func(t *rapid.T) {
				if len(b.pending) > 0 {
					i := rapid.IntRange(0, len(b.pending)-1).Draw(t, "which")
					b.pending = slices.Delete(b.pending, i, i+1)
				}
			},
			"start": func(t *rapid.T) {
				b.planAll()
				for i, w := range b.pending {
					if alternative, ok := b.naive.MayStart(w); ok {
						if err := b.start(i, alternative); err != nil {
							t.Fatal(err)
						}
						return
					}
				}
			},
			"run": func(t *rapid.T) { // found running, allowed or not
				next++
				w := drawWorkload(t, fmt.Sprint(next), leaves)
				end := b.naive.Now + rapid.Int64Range(-1, 6).Draw(t, "end")
				b.naive.Run(w, 0, end)
				b.plan.Run(b.workload(w), 0, end)
			},
			"finish": func(t *rapid.T) {
				if n := len(b.naive.Running); n > 0 {
					b.finish(b.naive.Running[rapid.IntRange(0, n-1).Draw(t, "which")].UID)
				}
			},
			"advance": func(t *rapid.T) {
				b.advance(min(30, b.naive.Now+rapid.Int64Range(1, 3).Draw(t, "by")))
			},
			"block": func(t *rapid.T) {
				a := rapid.Int64Range(0, 30).Draw(t, "from")
				c := oracle.Charge{
					Node: rapid.IntRange(0, len(b.naive.Parent)-1).Draw(t, "node"), Amount: drawAmounts(t),
					Start: a, End: a + rapid.Int64Range(1, 6).Draw(t, "length"),
				}
				next++
				key := fmt.Sprint(next)
				b.windows = append(b.windows, key)
				if _, short := b.plan.Block(key, charge(c)); b.naive.Block(c) == short {
					t.Fatalf("window %+v is in somebody's way: %t", c, short)
				}
			},
			"open": func(t *rapid.T) {
				a := rapid.Int64Range(0, 30).Draw(t, "from")
				c := oracle.Charge{Node: rapid.SampledFrom(leaves).Draw(t, "leaf"), Amount: drawAmounts(t), Start: a, End: a + rapid.Int64Range(1, 6).Draw(t, "length")}
				next++
				b.open(t, fmt.Sprint(next), c)
			},
			"shut": func(t *rapid.T) {
				if len(b.named) > 0 {
					b.shut(rapid.IntRange(0, len(b.named)-1).Draw(t, "which"))
				}
			},
			"release": func(t *rapid.T) {
				if len(b.pending) > 0 {
					uid := b.pending[rapid.IntRange(0, len(b.pending)-1).Draw(t, "which")].UID
					b.naive.Release(uid)
					b.plan.Release(uid)
				}
			},
			"unblock": func(t *rapid.T) {
				if len(b.windows) > 0 {
					i := rapid.IntRange(0, len(b.windows)-1).Draw(t, "which")
					b.plan.Unblock(b.windows[i])
					b.naive.Unblock(i)
					b.windows = slices.Delete(b.windows, i, i+1)
				}
			},
			"requota": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "rarely") == 0 {
					tree := oracle.Tree{Parent: b.naive.Parent, Quota: drawQuotas(t, b.naive.Parent, leaves)}
					b.naive.Requota(tree)
					b.plan.Requota(build(tree))
				}
			},
			"clone": func(t *rapid.T) {
				old := b.plan
				b.plan = old.Clone()
				old.Plan(nil) // must not be seen
				for _, r := range b.naive.Running {
					old.Finish(r.UID)
				}
			},
			"": func(t *rapid.T) {
				b.planAll()
				if err := b.same(); err != nil {
					t.Fatal(err)
				}
				if err := b.sameMayStart(drawWorkload(t, "probe", leaves)); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}

// The laws, while nothing outlives its limit and quotas stay: no reservation is
// ever delayed, whoever holds one starts by the time first promised, and quota
// is kept, windows included, at every instant.
func TestPropertyLaws(t *testing.T) {
	started, backfilled, moved := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		b, leaves := drawBoth(t)
		for i := range rapid.IntRange(0, 2).Draw(t, "windows") {
			a := rapid.Int64Range(0, 30).Draw(t, "from")
			c := oracle.Charge{
				Node: rapid.IntRange(0, len(b.naive.Parent)-1).Draw(t, "node"), Amount: drawAmounts(t),
				Start: a, End: a + rapid.Int64Range(1, 6).Draw(t, "length"),
			}
			if _, short := b.plan.Block(fmt.Sprint("window", i), charge(c)); !short {
				b.naive.Block(c)
			} else {
				b.plan.Unblock(fmt.Sprint("window", i))
			}
		}
		promised := map[string]int64{}
		ends := map[string]int64{} // when those who run really end
		keep := func() {
			b.planAll()
			for _, w := range b.pending {
				r, ok := b.plan.Reservation(w.UID)
				was, had := promised[w.UID]
				if had && (!ok || r.Start > was) {
					t.Fatalf("at %d: the reservation of %s at %d has become %+v", b.naive.Now, w.UID, was, r)
				}
				if ok {
					if had && r.Start < was {
						moved++
					}
					promised[w.UID] = r.Start
				}
			}
		}
		for next := 0; b.naive.Now < 30; {
			for range rapid.IntRange(0, 2).Draw(t, "arrivals") {
				next++
				b.pending = append(b.pending, drawWorkload(t, fmt.Sprint(next), leaves))
			}
			keep()
			for again := true; again; {
				again = false
				for i, w := range b.pending {
					alternative, ok := b.plan.MayStart(b.workload(w))
					if at, had := promised[w.UID]; had && at <= b.naive.Now && !ok {
						t.Fatalf("at %d: %s was promised to start", b.naive.Now, w.UID)
					}
					if !ok {
						continue
					}
					if _, had := promised[w.UID]; !had && len(promised) > 0 {
						backfilled++
					}
					started++
					delete(promised, w.UID)
					if err := b.start(i, alternative); err != nil {
						t.Fatal(err)
					}
					limit := w.Limit
					if limit == 0 {
						limit = b.naive.Policies[w.Leaf].Default
					}
					ends[w.UID] = b.naive.Now + rapid.Int64Range(1, limit).Draw(t, "runs")
					if !b.naive.World().Legal(b.naive.Now) {
						t.Fatalf("at %d: %s takes the tree over quota", b.naive.Now, w.UID)
					}
					keep()
					again = true
					break
				}
			}
			now := b.naive.Now + 1
			for _, r := range slices.Clone(b.naive.Running) {
				if ends[r.UID] <= now {
					b.finish(r.UID)
				}
			}
			b.advance(now)
			if !b.naive.World().Legal(now) {
				t.Fatalf("at %d: over quota", now)
			}
		}
		borrowing := make([]int, len(b.naive.Parent))
		for _, r := range b.plan.Reservations() {
			if r.Borrows {
				borrowing[r.Leaf]++
			}
			if limit := b.naive.Policies[r.Leaf].Borrowing; limit >= 0 && borrowing[r.Leaf] > limit {
				t.Fatalf("%d reservations of leaf %d borrow", borrowing[r.Leaf], r.Leaf)
			}
		}
	})
	t.Logf("%d started, %d of them backfilled, %d reservations moved earlier", started, backfilled, moved)
	if started == 0 || backfilled*40 < started || moved == 0 {
		t.Error("the cases are too tame")
	}
}

// A lender waits for those who run on its quota and for one queued borrower a
// queue that was planned before it, not for all.
func TestLenderIsNotStarved(t *testing.T) {
	tree := build(oracle.Tree{
		Parent: []int{-1, 0, 0},
		Quota:  [][]oracle.Quota{{{}}, {{Nominal: 60}}, {{Nominal: 40}}},
	})
	whole := func(uid string, leaf int32, cores int64) plan.Workload {
		return plan.Workload{UID: uid, Leaf: leaf, Alternatives: [][]quota.Request{{{Amount: cores}}}, Limit: 10}
	}
	for _, c := range []struct {
		policy      plan.Policy
		held        int
		lenderStart int64
	}{
		{plan.EASY(1, 10), 2, 20},
		{plan.EASY(5, 10), 2, 20},
		{plan.Conservative(10), 2, 20},
		{plan.Policy{Depth: plan.All, Borrowing: 3, Default: 10}, 4, 40},
		{plan.Policy{Depth: plan.All, Borrowing: plan.All, Default: 10}, 11, 110},
	} {
		p, err := plan.New(tree, plan.Config{Policies: []plan.Policy{c.policy, c.policy, c.policy}, Overrun: 1}, 0)
		if err != nil {
			t.Fatal(err)
		}
		p.Start(whole("running", 2, 100), 0)
		var blocked []plan.Workload
		for i := range 10 {
			blocked = append(blocked, whole(fmt.Sprint("borrower ", i), 2, 100))
		}
		p.Plan(blocked)
		blocked = append(blocked, whole("lender", 1, 60))
		p.Plan(blocked)
		for i := range 10 { // whoever borrows and comes later delays it no more
			blocked = append(blocked, whole(fmt.Sprint("late ", i), 2, 100))
		}
		p.Plan(blocked)
		r, ok := p.Reservation("lender")
		if !ok || r.Start != c.lenderStart {
			t.Errorf("%+v: the lender starts at %+v, want %d", c.policy, r, c.lenderStart)
		}
		if c.policy.Depth != plan.All || c.policy.Borrowing != plan.All {
			if got := len(p.Reservations()); got != c.held {
				t.Errorf("%+v: %d reservations, want %d", c.policy, got, c.held)
			}
		}
	}
}

// Of two that ask for the same the older moves into what is freed, although it
// is freed only when its own turn is over.
func TestEqualsKeepTheirOrder(t *testing.T) {
	tree := build(oracle.Tree{Parent: []int{-1}, Quota: [][]oracle.Quota{{{Nominal: 10}}}})
	p, err := plan.New(tree, plan.Config{Policies: []plan.Policy{plan.Conservative(10)}, Overrun: 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	job := func(uid string, class uint64, cores quota.Amount, limit int64) plan.Workload {
		return plan.Workload{UID: uid, Class: class, Alternatives: [][]quota.Request{{{Amount: cores}}}, Limit: limit}
	}
	taken := func(key string, cores quota.Amount, from, to int64) {
		p.Block(key, timeline.Charge{Requests: []quota.Request{{Amount: cores}}, Start: from, End: to})
	}
	taken("all", 10, 5, 10)
	taken("half", 5, 10, 13)
	p.Start(job("running", 0, 10, 5), 0)
	other, older, younger := job("other", 1, 5, 3), job("older", 2, 5, 5), job("younger", 2, 5, 5)
	p.Plan([]plan.Workload{other})
	starts := func(want ...int64) {
		t.Helper()
		p.Plan([]plan.Workload{older, other, younger})
		for i, w := range []plan.Workload{older, other, younger} {
			if r, _ := p.Reservation(w.UID); r.Start != want[i] {
				t.Errorf("%s starts at %d, want %d", w.UID, r.Start, want[i])
			}
		}
	}
	starts(13, 10, 13)
	p.Advance(2)
	p.Finish("running")
	starts(10, 2, 13)
}

// A window over a whole cohort stops who would run into it, and its end lets
// the next begin.
func TestOutage(t *testing.T) {
	tree := build(oracle.Tree{
		Parent: []int{-1, 0, 0},
		Quota:  [][]oracle.Quota{{{Nominal: 10}}, {{Nominal: 60}}, {{Nominal: 40}}},
	})
	easy := plan.EASY(1, 10)
	p, err := plan.New(tree, plan.Config{Policies: []plan.Policy{easy, easy, easy}, Overrun: 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	w := plan.Workload{UID: "w", Leaf: 1, Alternatives: [][]quota.Request{{{Amount: 1}}}, Limit: 10}
	p.Start(plan.Workload{UID: "r", Leaf: 2, Alternatives: w.Alternatives, Limit: 3}, 0)
	if s, short := p.Block("maintenance", p.Timeline().Outage(0, 5, 8)...); short {
		t.Errorf("nobody runs then: %+v", s)
	}
	if s, short := p.Block("again", p.Timeline().Outage(2, 7, 9)...); !short || s.At != 7 || s.Missing != 40 {
		t.Errorf("they overlap by 40 from 7 on: %+v, %t", s, short)
	}
	p.Unblock("again")
	p.Plan([]plan.Workload{w})
	if r, _ := p.Reservation("w"); r.Start != 8 {
		t.Errorf("%+v", r)
	}
	if next := p.Next(); next != 5 {
		t.Errorf("next is %d", next)
	}
	w.UID, w.Limit = "short", 5
	if _, ok := p.MayStart(w); !ok {
		t.Error("it ends in time")
	}
	if s, short := p.Block("at once", p.Timeline().Outage(0, 2, 4)...); !short || s.At != 2 || s.Missing != 1 {
		t.Errorf("one runs until 3: %+v, %t", s, short)
	}
}

// A Config that cannot be meant is refused.
func TestConfig(t *testing.T) {
	tree := build(oracle.Tree{Parent: []int{-1}, Quota: [][]oracle.Quota{{{Nominal: 1}}}})
	for _, c := range []plan.Config{
		{Overrun: 1},
		{Overrun: 1, Policies: []plan.Policy{{}}},
		{Overrun: 0, Policies: []plan.Policy{plan.EASY(1, 5)}},
		{Overrun: 1, Slack: -1, Policies: []plan.Policy{plan.EASY(1, 5)}},
	} {
		if _, err := plan.New(tree, c, 0); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	if _, err := plan.New(tree, plan.Config{Overrun: 1, Policies: []plan.Policy{plan.Conservative(5)}}, 0); err != nil {
		t.Error(err)
	}
}
