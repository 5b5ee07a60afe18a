package timeline_test

import (
	"testing"

	"pgregory.net/rapid"

	oracle "fairlead.dev/fairlead/internal/oracle/timeline"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
)

// Whatever is charged, taken back, cut and waited for: use at every instant,
// and the answer to every question, are the oracle's.
func TestPropertyEqualsOracle(t *testing.T) {
	var seen census
	rapid.Check(t, func(t *rapid.T) {
		p := newPair(drawTree(t, &seen))
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		cut := false
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				a, b := drawWindow(t, 0) // may have begun, or ended
				n := rapid.IntRange(0, len(p.world.Parent)-1).Draw(t, "node")
				check(p.add(oracle.Charge{Node: n, Amount: drawAmounts(t), Start: a, End: b}))
			},
			"remove": func(t *rapid.T) {
				if len(p.at) > 0 {
					p.remove(rapid.IntRange(0, len(p.at)-1).Draw(t, "which"))
				}
			},
			"advance": func(t *rapid.T) {
				p.line.Advance(p.line.Now() + rapid.Int64Range(0, 3).Draw(t, "by"))
			},
			"requota": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "rarely") > 0 {
					return
				}
				drawQuotas(t, &p.world.Tree)
				p.line.Requota(build(p.world.Tree))
				cut = cut || !p.world.Legal(p.line.Now())
			},
			"clone": func(t *rapid.T) {
				c := p.line.Clone()
				if len(p.at) > 0 {
					p.line.Remove(p.at[0]) // the copy must not see it
				}
				p.line = c
			},
			"ask": func(t *rapid.T) {
				now := p.line.Now()
				from := rapid.Int64Range(now, max(now, horizon-1)).Draw(t, "from")
				length := rapid.OneOf(rapid.Int64Range(1, 8), rapid.Just(timeline.Forever)).Draw(t, "length")
				n := rapid.IntRange(0, len(p.world.Parent)-1).Draw(t, "node")
				check(p.ask(n, drawAmounts(t), length, from))
			},
			"": func(t *rapid.T) { check(p.compareUse()) },
		})
		if cut {
			seen.cut++
		}
	})
	for what, n := range map[string]int{"depth 3": seen.depth3, "a lending limit": seen.lending, "a borrowing limit": seen.borrowing, "a cut": seen.cut} {
		if n*10 < seen.trees {
			t.Errorf("only %d of %d cases had %s", n, seen.trees, what)
		}
	}
}

// All small cases: two members of a cohort, any two charges, any request.
func TestExhaustive(t *testing.T) {
	limit := func(n int64) *int64 { return &n }
	owns := []oracle.Quota{{Nominal: 3}, {Nominal: 3, Lending: limit(1)}, {Nominal: 2, Borrowing: limit(1), Lending: limit(0)}}
	var charges []oracle.Charge
	for n := 1; n <= 2; n++ {
		for _, amount := range []int64{1, 2, 4} {
			for a := int64(0); a < 4; a++ {
				for b := a + 1; b <= 4; b++ {
					charges = append(charges, oracle.Charge{Node: n, Amount: []int64{amount}, Start: a, End: b})
				}
			}
		}
	}
	asked := 0
	for _, a := range owns {
		for _, b := range owns {
			tree := oracle.Tree{Parent: []int{-1, 0, 0}, Quota: [][]oracle.Quota{{{}}, {a}, {b}}}
			for i := 0; i < len(charges); i++ {
				p := newPair(tree)
				p.world.Horizon = 5
				if err := p.add(charges[i]); err != nil {
					t.Fatal(err)
				}
				for j := i; j < len(charges); j++ {
					if err := p.add(charges[j]); err != nil {
						t.Fatal(err)
					}
					amount, length := int64(1+(i+j)%5), int64(1+(i+2*j)%4)
					for n := 1; n <= 2; n++ {
						asked++
						if err := p.ask(n, []int64{amount}, length, 0); err != nil {
							t.Fatalf("%+v, %+v: %v", tree.Quota, p.world.Charges, err)
						}
					}
					p.remove(1)
				}
			}
		}
	}
	t.Logf("%d questions", asked)
}

// To charge a node is, up to its nominal quota, to cut that quota.
func TestPropertyWindowIsACut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPair(drawTree(t, &census{}))
		for range rapid.IntRange(0, 6).Draw(t, "charges") {
			a, b := drawWindow(t, 0)
			n := rapid.IntRange(0, len(p.world.Parent)-1).Draw(t, "node")
			if err := p.add(oracle.Charge{Node: n, Amount: drawAmounts(t), Start: a, End: b}); err != nil {
				t.Fatal(err)
			}
		}
		n := rapid.IntRange(0, len(p.world.Parent)-1).Draw(t, "node")
		by := rapid.Int64Range(0, min(8, p.world.Quota[n][0].Nominal)).Draw(t, "by")
		if p.world.Quota[n][0].Nominal == oracle.Forever {
			return // endless quota less something is as good as endless
		}
		cut := *p.world
		cut.Quota = append([][]oracle.Quota(nil), cut.Quota...)
		cut.Quota[n] = append([]oracle.Quota(nil), cut.Quota[n]...)
		cut.Quota[n][0].Nominal -= by
		if err := p.add(oracle.Charge{Node: n, Amount: []int64{by, 0}, Start: 0, End: timeline.Forever}); err != nil {
			t.Fatal(err)
		}
		for leaf := range p.world.Parent {
			for at := range int64(horizon) {
				if got, want := p.line.Available(int32(leaf), 0, at), cut.Available(leaf, 0, at); got != want && want < 1<<60 {
					t.Fatalf("available at %d at %d: %d beside a window, %d after a cut", leaf, at, got, want)
				}
			}
		}
	})
}

// Amounts too large to count are refused whole, and a request that would make
// use too large to count does not fit even where there is no limit.
func TestTooLargeToCount(t *testing.T) {
	tree := oracle.Tree{
		Parent: []int{-1, 0},
		Quota:  [][]oracle.Quota{{{Nominal: oracle.Forever}}, {{Nominal: oracle.Forever}}},
	}
	line := timeline.New(build(tree), 0)
	huge := []quota.Request{{FR: 0, Amount: quota.Unlimited - 5}}
	if _, ok := line.Add(timeline.Charge{Node: 1, Requests: huge, Start: 10, End: 20}); !ok {
		t.Fatal("it can be counted")
	}
	small := func(n quota.Amount) []quota.Request { return []quota.Request{{FR: 0, Amount: n}} }
	if _, ok := line.Add(timeline.Charge{Node: 1, Requests: append(small(3), small(3)...), Start: 5, End: 11}); ok {
		t.Fatal("it cannot be counted")
	}
	if got := line.Use(0, 0, 7); got != 0 {
		t.Fatalf("what was refused is charged: %d", got)
	}
	if !line.Fits(1, small(5), 0, 100) || line.Fits(1, small(6), 0, 100) {
		t.Error("5 more can be counted, 6 cannot")
	}
	if at, ok := line.EarliestStart(1, small(6), 11, 0, false); !ok || at != 20 {
		t.Errorf("%d, %t", at, ok)
	}
}

// The past is forgotten: what is kept is bounded by what is charged.
func TestPastIsForgotten(t *testing.T) {
	limit := int64(20)
	line := timeline.New(build(oracle.Tree{
		Parent: []int{-1, 0, 0},
		Quota:  [][]oracle.Quota{{{}}, {{Nominal: 50, Lending: &limit}}, {{Nominal: 50}}},
	}), 0)
	var running []timeline.Handle
	for now := range int64(5000) {
		line.Advance(now)
		h, _ := line.Add(timeline.Charge{
			Node: int32(1 + now%2), Requests: []quota.Request{{Amount: 1 + now%3}},
			Start: now, End: now + 20 + now*now%40,
		})
		if running = append(running, h); len(running) > 40 {
			line.Remove(running[0])
			running = running[1:]
		}
		if got := line.Breakpoints(); got > 4*len(running) {
			t.Fatalf("%d breakpoints are kept for %d charges", got, len(running))
		}
	}
	for _, h := range running {
		line.Remove(h)
	}
	for n := range int32(3) {
		if use := line.MaxUse(n, 0, 0, timeline.Forever); use != 0 {
			t.Errorf("node %d uses %d of nothing", n, use)
		}
	}
	if got := line.Breakpoints(); got != 0 {
		t.Errorf("%d breakpoints are left", got)
	}
}
