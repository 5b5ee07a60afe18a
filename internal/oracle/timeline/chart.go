package timeline

import (
	"slices"
	"sort"
)

// Chart is a World drawn once: use at every node, between any two instants at
// which something begins or ends. It answers what the World answers, without a
// horizon, and is only good while nothing is charged or taken away. Beyond Forever
// there is nothing.
type Chart struct {
	Tree
	Instants       []int64     // ascending; the first is the first instant of all
	Uses           [][][]int64 // by instant, node and flavor-resource: use from that instant to the next
	subtree, local [][]int64
}

// Chart draws the world from an instant on.
func (w *World) Chart(from int64) *Chart {
	c := &Chart{Tree: w.Tree, Instants: []int64{from}}
	charges := slices.Clone(w.Charges)
	for _, x := range w.Windows {
		charges = append(charges, x.Charge)
	}
	for _, x := range charges {
		for _, t := range []int64{x.Start, x.End} {
			if t > from && t < Forever {
				c.Instants = append(c.Instants, t)
			}
		}
	}
	slices.Sort(c.Instants)
	c.Instants = slices.Compact(c.Instants)
	for n := range w.Parent {
		c.subtree, c.local = append(c.subtree, nil), append(c.local, nil)
		for f := range w.Quota[n] {
			c.subtree[n], c.local[n] = append(c.subtree[n], w.Subtree(n, f)), append(c.local[n], w.Local(n, f))
		}
	}
	below := w.downwards()
	for _, t := range c.Instants {
		use := make([][]int64, len(w.Parent))
		for n := range use {
			use[n] = make([]int64, len(w.Quota[n]))
		}
		for _, x := range w.Charges {
			if x.Start <= t && t < x.End {
				for f, amount := range x.Amount {
					use[x.Node][f] += amount
				}
			}
		}
		for n := range use {
			for f := range use[n] {
				use[n][f] += w.kept(n, f, t)
			}
		}
		for _, n := range slices.Backward(below) {
			if p := w.Parent[n]; p >= 0 {
				for f := range use[n] {
					use[p][f] += max(0, use[n][f]-c.local[n][f])
				}
			}
		}
		c.Uses = append(c.Uses, use)
	}
	return c
}

// downwards lists the nodes, parents before children.
func (t *Tree) downwards() []int {
	var all []int
	for n := range t.Parent {
		all = append(all, n)
	}
	depth := func(n int) int {
		d := 0
		for ; t.Parent[n] >= 0; n = t.Parent[n] {
			d++
		}
		return d
	}
	sort.SliceStable(all, func(i, j int) bool { return depth(all[i]) < depth(all[j]) })
	return all
}

// during calls check with every interval that has a part in [a, b), by its
// index, and with the one of a in any case if it is empty; it stops at false.
func (c *Chart) during(a, b int64, check func(i int) bool) bool {
	for i, t := range c.Instants {
		ended := i+1 < len(c.Instants) && c.Instants[i+1] <= a
		if ended || t >= b && t > a {
			continue
		}
		if a < b && !check(i) {
			return false
		}
	}
	return true
}

// At is the use at an instant, by node and flavor-resource.
func (c *Chart) At(at int64) [][]int64 {
	use := c.Uses[0]
	for i, t := range c.Instants {
		if t <= at {
			use = c.Uses[i]
		}
	}
	return use
}

// Limit is the most that a node may use: its quota with its borrowing limit,
// Forever if there is none.
func (c *Chart) Limit(n, f int) int64 {
	borrowing := c.Quota[n][f].Borrowing
	switch {
	case c.Parent[n] < 0:
		return c.subtree[n][f]
	case borrowing == nil:
		return Forever
	}
	return plus(c.subtree[n][f], *borrowing)
}

// available is section 2's, between two instants.
func (c *Chart) available(n, f, i int) int64 {
	use := c.Uses[i][n][f]
	if c.Parent[n] < 0 {
		return c.subtree[n][f] - use
	}
	p := c.available(c.Parent[n], f, i)
	if limit := c.Quota[n][f].Borrowing; limit != nil {
		p = min(p, plus((c.subtree[n][f]-c.local[n][f])-max(0, use-c.local[n][f]), *limit))
	}
	return plus(max(0, c.local[n][f]-use), p)
}

// Least is the least that n may still use of f at any instant of [a, b); not
// below zero.
func (c *Chart) Least(n, f int, a, b int64) int64 {
	least := int64(Forever)
	c.during(a, b, func(i int) bool {
		least = min(least, c.available(n, f, i))
		return true
	})
	return max(0, least)
}

func (c *Chart) fits(n int, request []int64, i int) bool {
	for f, amount := range request {
		if amount > 0 && amount > c.available(n, f, i) {
			return false
		}
	}
	return true
}

func (c *Chart) within(n int, request []int64, i int) bool {
	for f, amount := range request {
		if amount > 0 && c.Uses[i][n][f]+amount > c.Quota[n][f].Nominal {
			return false
		}
	}
	return true
}

// Fits says whether a request fits at n at every instant of [a, b).
func (c *Chart) Fits(n int, request []int64, a, b int64) bool {
	return c.during(a, b, func(i int) bool { return c.fits(n, request, i) })
}

// Within says whether n uses no more than its nominal quota of what the
// request asks for, with it, at every instant of [a, b).
func (c *Chart) Within(n int, request []int64, a, b int64) bool {
	return c.during(a, b, func(i int) bool { return c.within(n, request, i) })
}

// EarliestStart is World's: it is `from`, or something ends then or begins.
func (c *Chart) EarliestStart(n int, request []int64, length, from int64, own bool) (int64, bool) {
	for _, t := range append([]int64{from}, c.Instants...) {
		if t >= from && c.during(t, plus(t, length), func(i int) bool {
			return c.fits(n, request, i) && (!own || c.within(n, request, i))
		}) {
			return t, true
		}
	}
	return 0, false
}
