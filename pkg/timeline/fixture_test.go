package timeline_test

import (
	"fmt"

	"pgregory.net/rapid"

	oracle "fairlead.dev/fairlead/internal/oracle/timeline"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
)

// horizon: in the oracle's worlds nothing changes from then on.
const horizon = 24

// census counts what the generators made, to see that they are not idle.
type census struct{ trees, depth3, lending, borrowing, cut int }

// drawTree draws a quota tree of up to 7 nodes, up to 4 levels and 2
// flavor-resources.
func drawTree(t *rapid.T, seen *census) oracle.Tree {
	var tree oracle.Tree
	path := []int{}
	deep, lends, borrows := false, false, false
	for n := range rapid.IntRange(1, 7).Draw(t, "nodes") {
		parent := -1
		if n > 0 {
			up := rapid.IntRange(max(1, len(path)-2), min(len(path), 3)).Draw(t, "level")
			path = path[:up]
			parent = path[up-1]
			deep = deep || up >= 2
		}
		path = append(path, n)
		tree.Parent = append(tree.Parent, parent)
		tree.Quota = append(tree.Quota, nil)
	}
	drawQuotas(t, &tree)
	for n, qs := range tree.Quota {
		for _, q := range qs {
			lends = lends || tree.Parent[n] >= 0 && q.Lending != nil && *q.Lending < q.Nominal
			borrows = borrows || tree.Parent[n] >= 0 && q.Borrowing != nil
		}
	}
	seen.trees++
	for _, c := range []struct {
		on    bool
		count *int
	}{{deep, &seen.depth3}, {lends, &seen.lending}, {borrows, &seen.borrowing}} {
		if c.on {
			*c.count++
		}
	}
	return tree
}

func drawQuotas(t *rapid.T, tree *oracle.Tree) {
	limit := rapid.Custom(func(t *rapid.T) *int64 {
		if rapid.Bool().Draw(t, "unlimited") {
			return nil
		}
		n := rapid.Int64Range(0, 6).Draw(t, "limit")
		return &n
	})
	for n := range tree.Parent {
		tree.Quota[n] = nil
		for range 2 {
			q := oracle.Quota{Nominal: rapid.Int64Range(0, 10).Draw(t, "nominal")}
			if rapid.IntRange(0, 19).Draw(t, "endless") == 0 {
				q.Nominal = oracle.Forever
			}
			q.Borrowing, q.Lending = limit.Draw(t, "borrowing"), limit.Draw(t, "lending")
			if n == 0 { // means nothing at a root, and must not
				q.Lending = nil
			}
			tree.Quota[n] = append(tree.Quota[n], q)
		}
	}
}

// build is the same tree for the code under test.
func build(tree oracle.Tree) *quota.Tree {
	parent := make([]int32, len(tree.Parent))
	for n, p := range tree.Parent {
		parent[n] = int32(p)
	}
	frs := len(tree.Quota[0])
	out := quota.NewTree(parent, make([]int32, frs))
	for n, qs := range tree.Quota {
		for f, q := range qs {
			out.SetQuota(int32(n), int32(f), quota.Quota{Nominal: q.Nominal, BorrowingLimit: orNone(q.Borrowing), LendingLimit: orNone(q.Lending)})
		}
	}
	out.Seal()
	return out
}

func orNone(limit *int64) quota.Amount {
	if limit == nil {
		return quota.Unlimited
	}
	return *limit
}

func requests(amounts []int64) []quota.Request {
	var r []quota.Request
	for f, a := range amounts {
		if a != 0 {
			r = append(r, quota.Request{FR: int32(f), Amount: a})
		}
	}
	return r
}

func drawAmounts(t *rapid.T) []int64 {
	amount := rapid.Int64Range(0, 8)
	return []int64{amount.Draw(t, "amount 0"), amount.Draw(t, "amount 1")}
}

// drawWindow draws [a, b) with a not before from; b may be Forever.
func drawWindow(t *rapid.T, from int64) (a, b int64) {
	a = rapid.Int64Range(from, max(from, horizon-1)).Draw(t, "from")
	if rapid.IntRange(0, 9).Draw(t, "endless") == 0 {
		return a, timeline.Forever
	}
	return a, rapid.Int64Range(a+1, max(a+1, horizon)).Draw(t, "to")
}

// pair is one world twice.
type pair struct {
	world *oracle.World
	line  *timeline.Timeline
	at    []timeline.Handle // of each of the world's charges
}

func newPair(tree oracle.Tree) *pair {
	return &pair{
		world: &oracle.World{Tree: tree, Horizon: horizon},
		line:  timeline.New(build(tree), 0),
	}
}

func (p *pair) add(c oracle.Charge) error {
	h, ok := p.line.Add(timeline.Charge{Node: int32(c.Node), Requests: requests(c.Amount), Start: c.Start, End: c.End})
	if !ok {
		return fmt.Errorf("%+v is said to be too large to count", c)
	}
	p.world.Charges = append(p.world.Charges, c)
	p.at = append(p.at, h)
	return nil
}

func (p *pair) remove(i int) {
	p.line.Remove(p.at[i])
	last := len(p.at) - 1
	p.at[i], p.world.Charges[i] = p.at[last], p.world.Charges[last]
	p.at, p.world.Charges = p.at[:last], p.world.Charges[:last]
}

// compareUse compares use and what is available, at every instant, and most
// use in some windows.
func (p *pair) compareUse() error {
	now := p.line.Now()
	for n := range p.world.Parent {
		for f := range p.world.Quota[n] {
			for at := now; at <= horizon; at++ {
				if got, want := p.line.Use(int32(n), int32(f), at), p.world.Use(n, f, at); got != want {
					return fmt.Errorf("use of node %d, flavor-resource %d at %d: %d, want %d", n, f, at, got, want)
				}
				if got, want := p.line.Available(int32(n), int32(f), at), p.world.Available(n, f, at); got != want {
					return fmt.Errorf("available at node %d, flavor-resource %d at %d: %d, want %d", n, f, at, got, want)
				}
				to := at + 1 + (at*7)%11
				if got, want := p.line.MaxUse(int32(n), int32(f), at, to), p.world.MaxUse(n, f, at, to); got != want {
					return fmt.Errorf("most use of node %d, flavor-resource %d in [%d, %d): %d, want %d", n, f, at, to, got, want)
				}
			}
		}
	}
	return nil
}

// ask compares everything that may be asked about a request at a node.
func (p *pair) ask(n int, amounts []int64, length, from int64) error {
	request := requests(amounts)
	for _, own := range []bool{false, true} {
		got, ok := p.line.EarliestStart(int32(n), request, length, from, own)
		want, wantOK := p.world.EarliestStart(n, amounts, length, from, own)
		if got != want && ok || ok != wantOK {
			return fmt.Errorf("earliest start of %v at node %d for %d from %d (own %t): %d, %t, want %d, %t",
				amounts, n, length, from, own, got, ok, want, wantOK)
		}
	}
	to := timeline.After(from, length)
	fits, within := p.world.Fits(n, amounts, from, to), p.world.Within(n, amounts, from, to)
	if got := p.line.Fits(int32(n), request, from, to); got != fits {
		return fmt.Errorf("%v at node %d fits in [%d, %d): %t, want %t", amounts, n, from, to, got, fits)
	}
	if got := p.line.Within(int32(n), request, from, to); got != within {
		return fmt.Errorf("%v at node %d is within nominal in [%d, %d): %t, want %t", amounts, n, from, to, got, within)
	}
	if got := p.line.FitsOwn(int32(n), request, from, to); got != (fits && within) {
		return fmt.Errorf("%v at node %d fits its own quota in [%d, %d): %t", amounts, n, from, to, got)
	}
	if h, ok := p.line.Add(timeline.Charge{Node: int32(n), Requests: request, Start: from, End: to}); ok {
		kept := p.line.Kept(int32(n), request, from, to)
		if p.line.Remove(h); kept != fits {
			return fmt.Errorf("%v at node %d, charged in [%d, %d), is kept: %t, want %t", amounts, n, from, to, kept, fits)
		}
	}
	if err := p.askClear(n, amounts); err != nil {
		return err
	}
	s, short := p.line.Short(int32(n), request, from, to)
	if short == fits {
		return fmt.Errorf("%v at node %d is short in [%d, %d): %t", amounts, n, from, to, short)
	}
	if !short {
		return nil
	}
	if !p.world.Fits(n, amounts, from, s.At) || p.world.Fits(n, amounts, s.At, s.At+1) {
		return fmt.Errorf("%v at node %d is not first short at %d", amounts, n, s.At)
	}
	if room := p.world.Available(n, int(s.FR), s.At); s.Missing < 1 || s.Missing > amounts[s.FR]-room {
		return fmt.Errorf("%v at node %d: %d missing at %d, %d available", amounts, n, s.Missing, s.At, room)
	}
	return nil
}

// askClear compares until when each amount fits from now on.
func (p *pair) askClear(n int, amounts []int64) error {
	for f, amount := range amounts {
		alone := make([]int64, len(amounts))
		alone[f] = amount
		now, at := p.line.Now(), p.line.ClearUntil(int32(n), int32(f), amount)
		if at > now && !p.world.Fits(n, alone, now, at) || at != timeline.Forever && p.world.Fits(n, alone, at, at+1) {
			return fmt.Errorf("%d of flavor-resource %d at node %d do not fit until just %d", amount, f, n, at)
		}
	}
	return nil
}
