package timeline

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func limit(n int64) *int64 { return &n }

// A cohort of 10: a owns 6 and lends 4 of them, b owns 4 and may borrow 3.
func cohort() Tree {
	return Tree{
		Parent: []int{-1, 0, 0},
		Quota:  [][]Quota{{{}}, {{Nominal: 6, Lending: limit(4)}}, {{Nominal: 4, Borrowing: limit(3)}}},
	}
}

func TestSectionTwoByHand(t *testing.T) {
	w := &World{Tree: cohort(), Horizon: 50, Charges: []Charge{
		{Node: 1, Amount: []int64{3}, Start: 0, End: 10},
		{Node: 2, Amount: []int64{5}, Start: 5, End: 20},
		{Node: 0, Amount: []int64{2}, Start: 30, End: 40},
	}}
	for _, c := range []struct{ at, root, a, b int64 }{
		{0, 1, 3 + 4, 7},  // a uses 3, of which 2 are nobody else's: 8 are left to share, and 7
		{5, 6, 2, 2},      // b borrows one; it may have 2 more
		{10, 5, 2 + 3, 2}, // a is idle: its own 2, and 3 of 8
		{20, 0, 10, 7},
		{30, 2, 8, 6}, // the cohort has lost 2
	} {
		if got := w.Use(0, 0, c.at); got != c.root {
			t.Errorf("use of the cohort at %d: %d, want %d", c.at, got, c.root)
		}
		if got := w.Available(1, 0, c.at); got != c.a {
			t.Errorf("available to a at %d: %d, want %d", c.at, got, c.a)
		}
		if got := w.Available(2, 0, c.at); got != c.b {
			t.Errorf("available to b at %d: %d, want %d", c.at, got, c.b)
		}
	}
	if got := w.MaxUse(0, 0, 6, 40); got != 6 {
		t.Errorf("most use of the cohort: %d, want 6", got)
	}
	for _, c := range []struct {
		n              int
		amount, length int64
		from, want     int64
		own, ok        bool
	}{
		{n: 2, amount: 2, length: 5, from: 0, want: 0, ok: true},
		{n: 2, amount: 3, length: 5, from: 1, want: 20, ok: true},
		{n: 2, amount: 7, length: 10, from: 1, want: 20, ok: true},
		{n: 2, amount: 7, length: 11, from: 1, want: 40, ok: true},
		{n: 2, amount: 7, length: 11, from: 1, own: true},
		{n: 2, amount: 4, length: 50, from: 1, want: 20, own: true, ok: true},
		{n: 2, amount: 8, length: 1, from: 1},
		{n: 1, amount: 5, length: 12, from: 2, want: 10, ok: true},
	} {
		got, ok := w.EarliestStart(c.n, []int64{c.amount}, c.length, c.from, c.own)
		if got != c.want || ok != c.ok {
			t.Errorf("%+v: got %d, %t", c, got, ok)
		}
	}
	if !w.Legal(0) {
		t.Error("it is legal")
	}
	w.Charges[1].Amount[0] = 8
	if w.Legal(0) || !w.Legal(20) {
		t.Error("8 is above b's borrowing limit, until it ends")
	}
}

// The textbook case: a wide job waits for a long one, a short one may pass, a
// long one may not.
func TestEASYByHand(t *testing.T) {
	tree := Tree{Parent: []int{-1}, Quota: [][]Quota{{{Nominal: 10}}}}
	job := func(uid string, amount, limit int64) Workload {
		return Workload{UID: uid, Alternatives: [][]int64{{amount}}, Limit: limit}
	}
	p := &Plan{Tree: tree, Horizon: 100, Overrun: 1, Policies: []Policy{{Depth: 1, Borrowing: 1, Default: 5}}}
	p.Start(job("running", 6, 20), 0)
	p.Plan([]Workload{job("wide", 8, 10), job("next", 8, 10)})
	if len(p.Held) != 1 || p.Held[0].Start != 20 {
		t.Fatalf("%+v", p.Held)
	}
	for _, c := range []struct {
		amount, limit int64
		want          bool
	}{{4, 20, true}, {4, 21, false}, {2, 100, true}, {2, 0, true}, {3, 0, false}, {5, 1, false}} {
		if _, ok := p.MayStart(job("small", c.amount, c.limit)); ok != c.want {
			t.Errorf("%+v: %t", c, ok)
		}
	}
	p.Advance(7)
	p.Finish("running")
	p.Plan([]Workload{job("wide", 8, 10)})
	if p.Held[0].Start != 7 {
		t.Errorf("%+v", p.Held)
	}
	if _, ok := p.MayStart(job("wide", 8, 10)); !ok {
		t.Error("its time has come")
	}
}

// A window keeps 4 of a's 6 for group g from 10 to 20. What g uses it gives; what the others use it does not.
func TestWindowForAGroup(t *testing.T) {
	w := &World{Tree: cohort(), Horizon: 50,
		Windows: []Window{{Charge{Node: 1, Amount: []int64{4}, Start: 10, End: 20}, []string{"g", "h"}}},
		Charges: []Charge{
			{Node: 1, Amount: []int64{3}, Start: 0, End: 15, Group: "g"},
			{Node: 1, Amount: []int64{2}, Start: 12, End: 14, Group: "h"},
			{Node: 1, Amount: []int64{1}, Start: 16, End: 18, Group: "other"},
		}}
	for at, want := range map[int64]int64{5: 3, 10: 4, 13: 5, 14: 4, 15: 4, 16: 5, 20: 0} {
		if got := w.Use(1, 0, at); got != want {
			t.Errorf("use at %d: %d, want %d", at, got, want)
		}
	}
	for _, c := range []struct {
		group  string
		amount int64
		fits   bool
	}{{"", 6, true}, {"", 7, false}, {"g", 6, true}, {"g", 7, true}, {"g", 10, true}, {"g", 11, false}} {
		w.Asking = Charge{Node: 1, Amount: []int64{c.amount}, Group: c.group}
		chart := w.Chart(0)
		if fits := chart.Fits(1, []int64{c.amount}, 18, 25); fits != c.fits {
			t.Errorf("%d for %q fits: %t", c.amount, c.group, fits)
		}
		if chart.Fits(1, []int64{c.amount}, 18, 25) != w.Fits(1, []int64{c.amount}, 18, 25) {
			t.Error("the chart differs")
		}
	}
}

// To charge a node in a window is the same as to cut its nominal quota by as much meanwhile: at every node as much is available.
func TestWindowIsACut(t *testing.T) {
	took := 0
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 5))
		w := randomWorld(r)
		window := Charge{Node: r.IntN(len(w.Parent)), Amount: []int64{int64(r.IntN(5)), int64(r.IntN(5))}, Start: int64(r.IntN(10)), End: 10 + int64(r.IntN(10))}
		with, without, cut := *w, *w, *w
		with.Charges = append(slices.Clone(w.Charges), window)
		cut.Quota = slices.Clone(w.Quota)
		cut.Quota[window.Node] = slices.Clone(w.Quota[window.Node])
		for f := range window.Amount {
			cut.Quota[window.Node][f].Nominal -= window.Amount[f]
		}
		for n := range w.Parent {
			for f := range window.Amount {
				for at := int64(0); at < 25; at++ {
					want := without.Available(n, f, at)
					if window.Start <= at && at < window.End {
						took += int(min(1, want-cut.Available(n, f, at)))
						want = cut.Available(n, f, at)
					}
					if got := with.Available(n, f, at); got != want {
						t.Fatalf("seed %d: %d of %d available at %d at %d, want %d", seed, got, f, n, at, want)
					}
				}
			}
		}
	}
	if took < 1000 {
		t.Errorf("too tame: %d", took)
	}
}
