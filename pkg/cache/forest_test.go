package cache

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"fairlead.dev/fairlead/pkg/quota"
)

func spec(f *Forest, parent string, nominal quota.Amount) Spec {
	return Spec{Parent: parent, WeightMilli: 1000, Quotas: []Quota{{
		FR:    f.Number("default", "cpu"),
		Quota: quota.Quota{Nominal: nominal, BorrowingLimit: quota.Unlimited, LendingLimit: quota.Unlimited},
	}}}
}

// shape writes a tree as "root(child child(leaf))".
func shape(t *Tree) string {
	var b strings.Builder
	var write func(n int32)
	write = func(n int32) {
		b.WriteString(t.Nodes[n].Name)
		sep := "("
		for c := n + 1; c < t.End(n); c = t.End(c) {
			b.WriteString(sep)
			write(c)
			sep = " "
		}
		if sep == " " {
			b.WriteString(")")
		}
	}
	write(0)
	return b.String()
}

func shapes(trees []*Tree) string {
	var all []string
	for _, t := range trees {
		all = append(all, shape(t))
	}
	return strings.Join(all, ", ")
}

func TestTreesAreBuiltFromNames(t *testing.T) {
	f := NewForest()
	f.SetQueue("b", spec(f, "team", 1))
	f.SetQueue("a", spec(f, "team", 1))
	f.SetQueue("alone", spec(f, "", 1))
	f.SetCohort("team", spec(f, "org", 1))
	if got := shapes(f.Sync()); got != "alone, org(team(a b))" {
		t.Errorf("trees are %s", got)
	}
	if f.Sync() != nil {
		t.Error("a second Sync builds something")
	}
	for _, c := range []struct {
		what string
		edit func()
		want string
	}{
		{"a queue moves: both trees", func() { f.SetQueue("b", spec(f, "other", 1)) }, "org(team(a)), other(b)"},
		{"a cohort gets a parent: trees join", func() { f.SetCohort("other", spec(f, "org", 1)) }, "org(other(b) team(a))"},
		{"a cohort goes that is still named", func() { f.RemoveCohort("team") }, "org(other(b)), team(a)"},
		{"the last that names a cohort leaves it", func() { f.SetQueue("a", spec(f, "", 1)) }, "a"},
		{"others are left alone", func() { f.SetQueue("alone", spec(f, "", 2)) }, "alone"},
	} {
		c.edit()
		if got := shapes(f.Sync()); got != c.want {
			t.Errorf("%s: built %s, want %s", c.what, got, c.want)
		}
	}
	if f.FindCohort("team") != nil {
		t.Error("a cohort that nobody names and that does not exist is kept")
	}
}

func TestCycles(t *testing.T) {
	f := NewForest()
	f.SetQueue("q", spec(f, "x", 3))
	f.SetCohort("x", spec(f, "y", 1))
	f.SetCohort("y", spec(f, "z", 1))
	f.Sync()
	f.SetCohort("z", spec(f, "y", 1))
	trees := f.Sync()
	if len(trees) != 1 || trees[0].Cycle != "Cohorts y, z name each other as parents" || len(trees[0].Nodes) != 4 {
		t.Fatalf("%d trees, the first has cycle %q", len(trees), trees[0].Cycle)
	}
	q := f.Queue("q")
	f.Charge(q, f.Number("default", "cpu"), 2)
	f.SetCohort("z", spec(f, "", 1))
	if got := shapes(f.Sync()); got != "z(y(x(q)))" {
		t.Errorf("after the cycle is cut: %s", got)
	}
	if tree, _ := q.Tree(); tree.Usage(0, 0) != 2 {
		t.Errorf("what was charged meanwhile is lost: the root sees %d", tree.Usage(0, 0))
	}
}

func TestChargesSurviveEdits(t *testing.T) {
	f := NewForest()
	q := f.SetQueue("q", spec(f, "c", 3))
	f.Sync()
	cpu, odd := f.Number("default", "cpu"), f.Number("elsewhere", "cpu")
	f.Charge(q, cpu, 5)
	f.Hold(q, cpu, 2)
	tree, at := q.Tree()
	if !tree.Holds() || tree.Usage(at, tree.Local(cpu)) != 7 || q.Used(cpu) != 5 || q.Held(cpu) != 2 {
		t.Errorf("used %d, held %d, in the tree %d", q.Used(cpu), q.Held(cpu), tree.Usage(at, tree.Local(cpu)))
	}
	f.Charge(q, odd, 4) // no quota anywhere lists it
	if tree.Local(odd) < 0 || tree.Usage(0, tree.Local(odd)) != 4 || tree.Borrowed(at, 0) != 4+4 {
		t.Errorf("the cohort sees %d of a flavor nobody lists; the queue borrows %d", tree.Usage(0, tree.Local(odd)), tree.Borrowed(at, 0))
	}
	f.SetQueue("q", spec(f, "d", 9))
	if f.Charge(q, cpu, -1) != nil {
		t.Error("a charge in a stale tree shows in a trail")
	}
	f.Sync()
	if !tree.Stale() {
		t.Error("the old tree is not stale")
	}
	tree, at = q.Tree()
	f.WithoutHolds(tree, func() {
		if got := tree.Usage(at, tree.Local(cpu)); got != 4 {
			t.Errorf("without holds %d is used, want 4", got)
		}
	})
	if got := tree.Usage(at, tree.Local(cpu)); got != 6 || len(tree.Trail()) != 0 {
		t.Errorf("afterwards %d is used, want 6; %d steps in the trail", got, len(tree.Trail()))
	}
	f.Hold(q, cpu, -2)
	f.Charge(q, cpu, -4)
	f.Charge(q, odd, -4)
	if tree.Holds() || len(q.Usage()) != 0 {
		t.Errorf("something is left: %v", q.Usage())
	}
	f.RemoveQueue("q")
	f.Sync()
	f.Drop(q)
	f.Sync()
	if err := f.Check(); err != nil {
		t.Error(err)
	}
}

// TestRandomEdits lets random edits and charges happen and recomputes all.
func TestRandomEdits(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 5))
		f := NewForest()
		cohort := func() string { return []string{"", "c0", "c1", "c2", "c3"}[rng.IntN(5)] }
		for range 80 {
			name := fmt.Sprint("q", rng.IntN(4))
			switch rng.IntN(6) {
			case 0:
				f.SetQueue(name, spec(f, cohort(), quota.Amount(rng.IntN(9))))
			case 1:
				f.SetCohort(fmt.Sprint("c", rng.IntN(4)), spec(f, cohort(), quota.Amount(rng.IntN(9))))
			case 2:
				f.RemoveCohort(fmt.Sprint("c", rng.IntN(4)))
			case 3:
				f.RemoveQueue(name)
			case 4:
				f.Sync()
			default:
				fr := f.Number(fmt.Sprint("f", rng.IntN(3)), "cpu")
				f.Charge(f.Queue(name), fr, quota.Amount(1+rng.IntN(5)))
				if h := f.Queue(name).Held(fr); h > 0 {
					f.Hold(f.Queue(name), fr, -h)
				} else {
					f.Hold(f.Queue(name), fr, 2)
				}
			}
			if err := f.Check(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		f.Sync()
		if err := f.Check(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// TestListedComeFirst has something used of a flavor that no quota lists, below a
// Cohort's first queue.
func TestListedComeFirst(t *testing.T) {
	f := NewForest()
	a, b := f.SetQueue("a", Spec{Parent: "team"}), f.SetQueue("b", spec(f, "team", 1))
	other := f.Number("other", "cpu")
	f.Charge(a, other, 1)
	f.Sync()
	tree, _ := b.Tree()
	if tree.Listed() != 1 || tree.FlavorResources() != 2 || tree.Local(f.Number("default", "cpu")) != 0 || tree.Local(other) != 1 {
		t.Errorf("%d of %d flavor-resources are listed; default has number %d, other %d", tree.Listed(), tree.FlavorResources(), tree.Local(f.Number("default", "cpu")), tree.Local(other))
	}
}
