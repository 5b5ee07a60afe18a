package quota

import (
	"math/rand/v2"
	"testing"
)

// small builds a tree of one flavor-resource from parents and quotas.
func small(parent []int32, quotas ...Quota) *Tree {
	t := NewTree(parent, []int32{0})
	for n, q := range quotas {
		t.SetQuota(int32(n), 0, q)
	}
	t.Seal()
	return t
}

func own(nominal Amount) Quota { return Quota{nominal, Unlimited, Unlimited} }

func borrows(nominal, limit Amount) Quota { return Quota{nominal, limit, Unlimited} }

func lends(nominal, limit Amount) Quota { return Quota{nominal, Unlimited, limit} }

// lopsided is a root with quota 1, below it a queue (1) that lends 3 of 10, and
// a cohort (2) of two queues (3, 4) of 4 that may borrow 5.
func lopsided() *Tree {
	return small([]int32{-1, 0, 0, 2, 2}, own(1), lends(10, 3), borrows(0, 5), own(4), borrows(4, 2))
}

func TestDerivedAmounts(t *testing.T) {
	tree := lopsided()
	for n, want := range []struct{ subtree, local, potential Amount }{
		{12, 0, 12},            // 1 + 3 + 8
		{10, 7, 19},            // keeps 7, and could use all of the root's 12
		{8, 0, 12}, {4, 0, 12}, // the cohort is capped at 8 + 5, above the root's 12
		{4, 0, 6},
	} {
		c := tree.At(int32(n), 0)
		if c.Subtree != want.subtree || c.Local != want.local || c.Potential != want.potential {
			t.Errorf("node %d: subtree %d, local %d, potential %d; want %+v", n, c.Subtree, c.Local, c.Potential, want)
		}
	}
	for n, want := range []int32{2, 0, 1, 0, 0} {
		if got := tree.Height(int32(n)); got != want {
			t.Errorf("height of node %d = %d, want %d", n, got, want)
		}
	}
	for n, want := range []int32{5, 2, 5, 4, 5} {
		if got := tree.End(int32(n)); got != want {
			t.Errorf("end of node %d = %d, want %d", n, got, want)
		}
	}
}

func TestChargesClimbPastLocalQuota(t *testing.T) {
	tree := lopsided()
	tree.Add(1, 0, 6)
	if got := tree.Usage(0, 0); got != 0 {
		t.Errorf("the root sees %d of 6 that local quota covers", got)
	}
	if got := tree.Past(1, 0, 5); got != 4 {
		t.Errorf("of 5 more %d would pass, want 4", got)
	}
	tree.Add(1, 0, 5)
	tree.Add(3, 0, 6)
	for n, want := range []Amount{10, 11, 6, 6, 0} {
		if got := tree.Usage(int32(n), 0); got != want {
			t.Errorf("usage of node %d = %d, want %d", n, got, want)
		}
	}
	if got := tree.Borrowed(3, 0); got != 2 {
		t.Errorf("node 3 borrows %d, want 2", got)
	}
	if got := tree.Lendable(3, 0); got != 12 {
		t.Errorf("node 3 could be lent %d, want its parent's potential, 12", got)
	}
	tree.Add(1, 0, -11)
	tree.Add(3, 0, -6)
	for n := range tree.Nodes() {
		if tree.Usage(n, 0) != 0 || tree.Borrowed(n, 0) != 0 {
			t.Errorf("node %d is not as before: uses %d, borrows %d", n, tree.Usage(n, 0), tree.Borrowed(n, 0))
		}
	}
}

func TestAvailable(t *testing.T) {
	for _, c := range []struct {
		name string
		used [5]Amount
		node int32
		want Amount
	}{
		{"idle: local quota and the root's", [5]Amount{}, 1, 19},
		{"idle: all of the root", [5]Amount{}, 3, 12},
		{"idle: its own borrowing limit", [5]Amount{}, 4, 6},
		{"a sibling in the cohort has borrowed", [5]Amount{3: 10}, 4, 2},
		{"the lender keeps its local quota", [5]Amount{3: 12}, 1, 7},
		{"the lender has used its local quota", [5]Amount{1: 9, 3: 6}, 1, 4},
		{"overdrawn by adoption", [5]Amount{3: 14}, 4, -2},
		{"an overdrawn root eats into local quota", [5]Amount{1: 5, 3: 14}, 1, 0},
	} {
		tree := lopsided()
		for n, amount := range c.used {
			if amount != 0 {
				tree.Add(int32(n), 0, amount)
			}
		}
		if got := tree.Available(c.node, 0); got != c.want {
			t.Errorf("%s: node %d can use %d, want %d", c.name, c.node, got, c.want)
		}
		if got := tree.Fits(c.node, 0, max(0, c.want)); !got {
			t.Errorf("%s: what is available does not fit", c.name)
		}
		if tree.Fits(c.node, 0, max(0, c.want)+1) {
			t.Errorf("%s: more than is available fits", c.name)
		}
	}
}

func TestLevelAndReach(t *testing.T) {
	for _, c := range []struct {
		name         string
		used         [5]Amount
		node         int32
		amount       Amount
		level, reach int32
	}{
		{"within nominal", [5]Amount{}, 3, 4, 0, 3},
		{"within the cohort", [5]Amount{}, 3, 5, 1, 2},
		{"only the root holds it", [5]Amount{}, 3, 9, 2, 0},
		{"nobody holds it", [5]Amount{}, 3, 13, 2, -1},
		{"local quota covers its part", [5]Amount{}, 1, 17, 2, 0},
		{"a charge of zero", [5]Amount{}, 1, 0, 0, 1},
	} {
		tree := lopsided()
		if level, reach := tree.Level(c.node, 0, c.amount), tree.Reach(c.node, 0, c.amount); level != c.level || reach != c.reach {
			t.Errorf("%s: level %d, reach %d; want %d, %d", c.name, level, reach, c.level, c.reach)
		}
	}
	alone := small([]int32{-1}, own(4))
	if level, reach := alone.Level(0, 0, 5), alone.Reach(0, 0, 5); level != 0 || reach != -1 {
		t.Errorf("without cohort: level %d, reach %d; want 0, -1", level, reach)
	}
}

func TestUnlimitedSaturates(t *testing.T) {
	tree := small([]int32{-1, 0, 0}, own(0), own(Unlimited), own(Unlimited))
	if c := tree.At(0, 0); c.Subtree != Unlimited || c.Potential != Unlimited {
		t.Errorf("the root's subtree quota is %d", c.Subtree)
	}
	tree.Add(1, 0, Unlimited-2)
	if !tree.Fits(2, 0, 2) || tree.Fits(2, 0, 3) {
		t.Error("what fits is not what can still be counted at the root")
	}
	if got := tree.Countable(2, 0); got != 2 {
		t.Errorf("%d can still be counted, want 2", got)
	}
	kept := small([]int32{-1, 0, 0}, own(9), lends(Unlimited, 0), own(0))
	kept.Add(1, 0, Unlimited-3)
	if !kept.Fits(1, 0, 3) || kept.Fits(1, 0, 4) {
		t.Error("a usage that would overflow fits")
	}
	kept.Add(1, 0, 9)
	if got := kept.Available(1, 0); got >= 0 {
		t.Errorf("a usage that cannot be counted leaves %d available", got)
	}
}

func TestGrowKeepsEverything(t *testing.T) {
	tree := lopsided()
	tree.Add(3, 0, 6)
	tree.Add(1, 0, 9)
	tree.Grow([]int32{0, 1})
	tree.Add(3, 1, 5)
	tree.Add(3, 2, 7)
	if tree.FlavorResources() != 3 || tree.Resources() != 2 {
		t.Errorf("%d flavor-resources, %d resources; want 3, 2", tree.FlavorResources(), tree.Resources())
	}
	for n, want := range []Amount{8, 9, 6, 6, 0} {
		if got := tree.Usage(int32(n), 0); got != want {
			t.Errorf("usage of node %d = %d, want %d", n, got, want)
		}
	}
	if got := tree.Borrowed(3, 0); got != 2+5 {
		t.Errorf("node 3 borrows %d of resource 0 in two flavors, want 7", got)
	}
	if got := tree.Borrowed(3, 1); got != 7 {
		t.Errorf("node 3 borrows %d of resource 1, want 7", got)
	}
}

func TestTrail(t *testing.T) {
	tree := lopsided()
	tree.Add(1, 0, 6)
	tree.Add(3, 0, 6)
	want := []Step{{1, 0, 0}, {3, 0, 0}, {2, 0, 0}, {0, 0, 0}}
	for i, s := range tree.Trail() {
		if s != want[i] {
			t.Errorf("step %d is %+v, want %+v", i, s, want[i])
		}
	}
	tree.CutTrail(1)
	if len(tree.Trail()) != 1 {
		t.Errorf("%d steps are left of the trail", len(tree.Trail()))
	}
}

// naive computes available by the words of the page from what leaves use.
type naive struct {
	parent []int32
	quotas []Quota
	usage  []Amount
}

func (w *naive) subtree(n int32) Amount {
	sum := w.quotas[n].Nominal
	for c, p := range w.parent {
		if p == n {
			sum += w.subtree(int32(c)) - w.local(int32(c))
		}
	}
	return sum
}

func (w *naive) local(n int32) Amount {
	if w.quotas[n].LendingLimit == Unlimited {
		return 0
	}
	return max(0, w.subtree(n)-w.quotas[n].LendingLimit)
}

func (w *naive) used(n int32) Amount {
	sum := w.usage[n]
	for c, p := range w.parent {
		if p == n {
			sum += max(0, w.used(int32(c))-w.local(int32(c)))
		}
	}
	return sum
}

func (w *naive) available(n int32) Amount {
	p := w.parent[n]
	if p < 0 {
		return w.subtree(n) - w.used(n)
	}
	above := w.available(p)
	if b := w.quotas[n].BorrowingLimit; b != Unlimited {
		above = min(above, w.subtree(n)-w.local(n)-max(0, w.used(n)-w.local(n))+b)
	}
	return max(0, w.local(n)-w.used(n)) + above
}

// TestAgainstTheFormulas compares with the formulas on random trees and charges.
func TestAgainstTheFormulas(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 1))
		w := &naive{parent: []int32{-1}}
		leaf := []bool{false}
		for path := []int32{0}; len(w.parent) < 8; {
			for len(path) > 1 && rng.IntN(3) == 0 {
				path = path[:len(path)-1]
			}
			n := int32(len(w.parent))
			w.parent = append(w.parent, path[len(path)-1])
			leaf = append(leaf, rng.IntN(2) == 0)
			if !leaf[n] {
				path = append(path, n)
			}
		}
		tree := NewTree(w.parent, []int32{0})
		limit := func() Amount {
			if rng.IntN(2) == 0 {
				return Unlimited
			}
			return Amount(rng.IntN(6))
		}
		for n := range w.parent {
			w.quotas = append(w.quotas, Quota{Amount(rng.IntN(10)), limit(), limit()})
			tree.SetQuota(int32(n), 0, w.quotas[n])
		}
		w.usage = make([]Amount, len(w.parent))
		tree.Seal()
		for range 20 {
			n := int32(rng.IntN(len(w.parent)))
			if !leaf[n] {
				continue
			}
			delta := Amount(rng.IntN(12)) - min(w.usage[n], 6)
			w.usage[n] += delta
			tree.Add(n, 0, delta)
			for m := range tree.Nodes() {
				if got, want := tree.Usage(m, 0), w.used(m); got != want {
					t.Fatalf("seed %d: node %d uses %d, want %d", seed, m, got, want)
				}
				if got, want := tree.Available(m, 0), w.available(m); got != want {
					t.Fatalf("seed %d: node %d can use %d, want %d", seed, m, got, want)
				}
				if got, want := tree.Borrowed(m, 0), max(0, w.used(m)-w.subtree(m)); got != want {
					t.Fatalf("seed %d: node %d borrows %d, want %d", seed, m, got, want)
				}
			}
		}
	}
}
