package fairshare

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// board keeps, for each leaf, a candidate's time, and for each node a share
// that its key has: enough to see that inner nodes have keys of their own.
type board struct {
	parent []int32
	time   []int64
	level  []int32
}

func (b *board) KeyAt(n, leaf int32, key *Key) {
	*key = Key{Level: b.level[n], Time: b.time[leaf], UID: fmt.Sprintf("w%03d", leaf)}
}

// best finds the winner below n by looking at everybody.
func (b *board) best(n int32, in []bool) int32 {
	winner, via := int32(-1), int32(-1)
	inner := false
	for c, p := range b.parent {
		if p != n {
			continue
		}
		inner = true
		w := b.best(int32(c), in)
		if w < 0 {
			continue
		}
		var x, y Key
		if winner >= 0 {
			b.KeyAt(int32(c), w, &x)
			b.KeyAt(via, winner, &y)
		}
		if winner < 0 || CompareKeys(&x, &y) < 0 {
			winner, via = w, int32(c)
		}
	}
	if !inner && in[n] {
		return n
	}
	return winner
}

func TestTournament(t *testing.T) {
	// A root, three cohorts of three leaves, and two leaves of its own.
	b := &board{parent: []int32{-1, 0, 1, 1, 1, 0, 5, 5, 5, 0, 9, 9, 9, 0, 0}}
	leaves := []int32{2, 3, 4, 6, 7, 8, 10, 11, 12, 13, 14}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		b.time, b.level = make([]int64, len(b.parent)), make([]int32, len(b.parent))
		in := make([]bool, len(b.parent))
		tour := NewTournament(b.parent, b)
		for step := range 60 {
			leaf := leaves[rng.IntN(len(leaves))]
			switch rng.IntN(5) {
			case 0:
				in[leaf] = false
				tour.Leave(leaf)
			case 1:
				b.level[b.parent[leaf]] = int32(rng.IntN(3))
				tour.Rekey(leaf)
			default:
				in[leaf] = true
				b.time[leaf], b.level[leaf] = int64(rng.IntN(9)), int32(rng.IntN(2))
				tour.Enter(leaf)
			}
			if got, want := tour.Winner(), b.best(0, in); got != want {
				t.Fatalf("seed %d, step %d: winner %d, want %d", seed, step, got, want)
			}
			if tour.Entered(leaf) != in[leaf] {
				t.Fatalf("seed %d, step %d: leaf %d entered: %t", seed, step, leaf, !in[leaf])
			}
		}
		tour.Clear()
		if tour.Winner() >= 0 {
			t.Fatalf("seed %d: %d wins a cleared tournament", seed, tour.Winner())
		}
		tour.Enter(leaves[0])
		if tour.Winner() != leaves[0] {
			t.Fatalf("seed %d: nobody can enter a cleared tournament", seed)
		}
	}
}

func TestLoneLeaf(t *testing.T) {
	b := &board{parent: []int32{-1}, time: make([]int64, 1), level: make([]int32, 1)}
	tour := NewTournament(b.parent, b)
	if tour.Winner() != -1 {
		t.Error("an empty tournament has a winner")
	}
	tour.Enter(0)
	if tour.Winner() != 0 {
		t.Error("the only leaf does not win")
	}
	tour.Leave(0)
	if tour.Winner() != -1 {
		t.Error("a leaf that left wins")
	}
}

func TestKeys(t *testing.T) {
	// Each goes before the next.
	order := []Key{
		{Share: Share{9, 10, 1000}, Priority: 0},
		{Borrows: true, Level: 1, Priority: 9},
		{Borrows: true, Level: 2, Priority: 9, Time: 1},
		{Borrows: true, Level: 2, Priority: 9, Time: 2, UID: "a"},
		{Borrows: true, Level: 2, Priority: 9, Time: 2, UID: "b"},
		{Borrows: true, Level: 2, Priority: 8, Time: 1},
		{Borrows: true, Share: Share{1, 10, 1000}, Priority: 9},
		{Borrows: true, Share: Share{1, 10, 500}, Priority: 9},
	}
	for i := range order {
		for j := range order {
			if got := CompareKeys(&order[i], &order[j]); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("CompareKeys(%+v, %+v) = %d", order[i], order[j], got)
			}
		}
	}
}
