package timeline

import (
	"math"
	"slices"
)

// Forever is the end of what never ends.
const Forever = math.MaxInt64

// Quota is what one node owns of one flavor-resource; nil means no limit.
type Quota struct {
	Nominal            int64
	Borrowing, Lending *int64
}

// Tree is a quota tree: the parent of each node (-1 for a root), and its quota
// of each flavor-resource.
type Tree struct {
	Parent []int
	Quota  [][]Quota
}

// Charge is a use of amounts (by flavor-resource) at a node in [Start, End).
// Group, if not "", says on whose behalf: see Window.
type Charge struct {
	Node       int
	Amount     []int64
	Start, End int64
	Group      string
}

// Window keeps amounts of a node for some groups in [Start, End): at every
// instant it is charged less what they use at that node then. What one window
// has given is not given by those after it. Its own Group is not looked at.
type Window struct {
	Charge
	Groups []string
}

// World is a tree and everything that is charged to it. From Horizon on
// nothing changes.
type World struct {
	Tree
	Charges []Charge
	Windows []Window
	// Asking is a request that is not charged: what it asks for is given to its
	// Group by the windows at its node, as if it were used at every instant.
	Asking  Charge
	Horizon int64
}

// plus adds two limits, saturating at Forever, which is also the unlimited
// amount.
func plus(a, b int64) int64 {
	if a > 0 && b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + b
}

// Subtree is "nominal(n) + sum over children c of (subtree(c) - local(c))".
func (t *Tree) Subtree(n, f int) int64 {
	s := t.Quota[n][f].Nominal
	for c, p := range t.Parent {
		if p == n {
			s = plus(s, t.Subtree(c, f)-t.Local(c, f))
		}
	}
	return s
}

// Local is "max(0, subtree(n) - lendingLimit(n)) if a lending limit is set,
// else 0".
func (t *Tree) Local(n, f int) int64 {
	if t.Quota[n][f].Lending == nil {
		return 0
	}
	return max(0, t.Subtree(n, f)-*t.Quota[n][f].Lending)
}

// Use is what is charged at n at an instant and "sum over children c of
// max(0, usage(c) - local(c))".
func (w *World) Use(n, f int, at int64) int64 {
	u := int64(0)
	for _, c := range w.Charges {
		if c.Node == n && c.Start <= at && at < c.End {
			u += c.Amount[f]
		}
	}
	u += w.kept(n, f, at)
	for c, p := range w.Parent {
		if p == n {
			u += max(0, w.Use(c, f, at)-w.Local(c, f))
		}
	}
	return u
}

// kept is what windows keep of a node at an instant for those who do not use it
// yet.
func (w *World) kept(n, f int, at int64) int64 {
	uses := map[string]int64{} // by group, what no window has given
	for _, c := range w.Charges {
		if c.Node == n && c.Start <= at && at < c.End && c.Group != "" {
			uses[c.Group] += c.Amount[f]
		}
	}
	kept := int64(0)
	for _, x := range w.Windows {
		if x.Node != n || at < x.Start || at >= x.End {
			continue
		}
		left := x.Amount[f]
		for _, group := range x.Groups {
			given := min(left, uses[group])
			left, uses[group] = left-given, uses[group]-given
		}
		if w.Asking.Group == "" || w.Asking.Node != n || !slices.Contains(x.Groups, w.Asking.Group) {
			kept += left
		}
	}
	return kept
}

// MaxUse is the largest use at any instant of [a, b).
func (w *World) MaxUse(n, f int, a, b int64) int64 {
	most := w.Use(n, f, a)
	for t := a; t < min(b, w.Horizon+1); t++ {
		most = max(most, w.Use(n, f, t))
	}
	return most
}

// Available is section 2's, at an instant.
func (w *World) Available(n, f int, at int64) int64 {
	use, subtree, local := w.Use(n, f, at), w.Subtree(n, f), w.Local(n, f)
	if w.Parent[n] < 0 {
		return subtree - use
	}
	p := w.Available(w.Parent[n], f, at)
	if limit := w.Quota[n][f].Borrowing; limit != nil {
		p = min(p, plus((subtree-local)-max(0, use-local), *limit))
	}
	return plus(max(0, local-use), p)
}

// Fits says whether a request fits at n at every instant of [a, b): "for every
// f, request(f) <= max(0, available(cq, f))".
func (w *World) Fits(n int, request []int64, a, b int64) bool {
	for t := a; t < b && t <= max(a, w.Horizon); t++ {
		for f, amount := range request {
			if amount > max(0, w.Available(n, f, t)) {
				return false
			}
		}
	}
	return true
}

// Within says whether n uses no more than its nominal quota of what the
// request asks for, with it, at every instant of [a, b).
func (w *World) Within(n int, request []int64, a, b int64) bool {
	for t := a; t < b && t <= max(a, w.Horizon); t++ {
		for f, amount := range request {
			if amount > 0 && w.Use(n, f, t)+amount > w.Quota[n][f].Nominal {
				return false
			}
		}
	}
	return true
}

// EarliestStart is the first instant t >= from such that the request fits at n
// during all of [t, t+length); with own, also within n's nominal quota.
func (w *World) EarliestStart(n int, request []int64, length, from int64, own bool) (int64, bool) {
	last := max(from, w.Horizon)
	good := make([]bool, last-from+1) // by instant
	for t := range good {
		at := from + int64(t)
		good[t] = w.Fits(n, request, at, at+1) && (!own || w.Within(n, request, at, at+1))
	}
	for t := from; t <= last; t++ {
		all := true
		for at := t; at <= last && at < plus(t, length); at++ {
			all = all && good[at-from]
		}
		if all {
			return t, true
		}
	}
	return 0, false
}

// Legal says whether at every instant from `from` on every node is within its
// quota and borrowing limit, and the root within its quota. (Design, law 1.)
func (w *World) Legal(from int64) bool {
	for t := from; t <= w.Horizon; t++ {
		for n, p := range w.Parent {
			for f, q := range w.Quota[n] {
				limit := w.Subtree(n, f)
				switch {
				case p >= 0 && q.Borrowing == nil:
					continue
				case p >= 0:
					limit = plus(limit, *q.Borrowing)
				}
				if w.Use(n, f, t) > limit {
					return false
				}
			}
		}
	}
	return true
}
