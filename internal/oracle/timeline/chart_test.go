package timeline

import (
	"math/rand/v2"
	"testing"
)

var groups = []string{"g", "h", "i", ""}

// randomWorld is a tree of up to three levels, with charges in [0, 20).
func randomWorld(r *rand.Rand) *World {
	w := &World{Horizon: 25}
	nodes := 2 + r.IntN(6)
	for n := range nodes {
		parent := -1
		if n > 0 {
			parent = r.IntN(min(n, 3))
		}
		w.Parent = append(w.Parent, parent)
		var quotas []Quota
		for range 2 {
			q := Quota{Nominal: int64(r.IntN(6))}
			if parent >= 0 && r.IntN(3) == 0 {
				q.Borrowing = limit(int64(r.IntN(4)))
			}
			if parent >= 0 && r.IntN(3) == 0 {
				q.Lending = limit(int64(r.IntN(4)))
			}
			quotas = append(quotas, q)
		}
		w.Quota = append(w.Quota, quotas)
	}
	for range r.IntN(8) {
		start := int64(r.IntN(15))
		end := start + 1 + int64(r.IntN(8))
		if r.IntN(6) == 0 {
			end = Forever
		}
		w.Charges = append(w.Charges, Charge{r.IntN(nodes), []int64{int64(r.IntN(4)), int64(r.IntN(3))}, start, end, groups[r.IntN(4)]})
	}
	for range r.IntN(3) {
		start := int64(r.IntN(15))
		window := Charge{r.IntN(nodes), []int64{int64(r.IntN(5)), int64(r.IntN(5))}, start, start + 1 + int64(r.IntN(8)), ""}
		w.Windows = append(w.Windows, Window{window, groups[:1+r.IntN(3)]})
	}
	w.Asking = Charge{Node: r.IntN(nodes), Amount: []int64{1, 1}, Group: groups[r.IntN(4)]}
	return w
}

// A Chart is the World at every instant, and answers the same.
func TestChartIsTheWorld(t *testing.T) {
	found, never, empty := 0, 0, 0
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 3))
		w := randomWorld(r)
		c := w.Chart(0)
		for n := range w.Parent {
			for f := range 2 {
				for at := int64(0); at < 25; at++ {
					if got, want := c.At(at)[n][f], w.Use(n, f, at); got != want {
						t.Fatalf("seed %d: use of %d at %d: %d, want %d", seed, n, at, got, want)
					}
				}
			}
		}
		for range 30 {
			n, request := r.IntN(len(w.Parent)), []int64{int64(r.IntN(4)), int64(r.IntN(3))}
			a, length, own := int64(r.IntN(20)), int64(r.IntN(12)), r.IntN(2) == 0
			if r.IntN(8) == 0 {
				length = Forever
			}
			b := plus(a, length)
			if got, want := c.Fits(n, request, a, b), w.Fits(n, request, a, b); got != want {
				t.Fatalf("seed %d: fits %v at %d in [%d,%d): %t, want %t", seed, request, n, a, b, got, want)
			}
			if got, want := c.Within(n, request, a, b), w.Within(n, request, a, b); got != want {
				t.Fatalf("seed %d: within %v at %d in [%d,%d): %t, want %t", seed, request, n, a, b, got, want)
			}
			at, ok := c.EarliestStart(n, request, length, a, own)
			wantAt, wantOK := w.EarliestStart(n, request, length, a, own)
			if at != wantAt || ok != wantOK {
				t.Fatalf("seed %d: earliest start of %v at %d for %d from %d: %d, %t; want %d, %t",
					seed, request, n, length, a, at, ok, wantAt, wantOK)
			}
			switch {
			case !ok:
				never++
			case at > a:
				found++
			case length == 0:
				empty++
			}
		}
	}
	if found < 1000 || never < 1000 || empty < 100 {
		t.Errorf("too tame: %d later, %d never, %d empty", found, never, empty)
	}
}
