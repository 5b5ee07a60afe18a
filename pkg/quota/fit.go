package quota

// Available is how much more of f node n can use now: its own idle local
// quota and what its ancestors can still give it, capped by borrowing limits.
// It is negative where a quota was cut below its use.
func (t *Tree) Available(n, f int32) Amount {
	c := &t.cells[n*t.frs+f]
	p := t.parent[n]
	switch {
	case c.Usage < 0: // found admissions that cannot be counted
		return -Unlimited
	case p < 0:
		return c.Subtree - c.Usage
	}
	above := t.Available(p, f)
	if c.BorrowingLimit != Unlimited {
		room := c.Subtree - c.Local - max(0, c.Usage-c.Local)
		above = min(above, AddSaturating(room, c.BorrowingLimit))
	}
	return AddSaturating(max(0, c.Local-c.Usage), above)
}

// Fits says whether n can use amount more of f now, and whether all usage on
// its path can still be counted then.
func (t *Tree) Fits(n, f int32, amount Amount) bool {
	if amount > max(0, t.Available(n, f)) {
		return false
	}
	if !t.huge {
		return true
	}
	for ; n >= 0 && amount > 0; n = t.parent[n] {
		if c := &t.cells[n*t.frs+f]; c.Usage > Unlimited-amount {
			return false
		}
		amount = t.Past(n, f, amount)
	}
	return true
}

// Countable is the most that can be added at n without any usage on its path
// becoming too large to count.
func (t *Tree) Countable(n, f int32) Amount {
	room := Unlimited
	for ; n >= 0; n = t.parent[n] {
		room = min(room, Unlimited-max(0, t.cells[n*t.frs+f].Usage))
	}
	return room
}

// Ceiling is how much more of f node n could use if its parent could give
// everything, for a node without local quota.
func (t *Tree) Ceiling(n, f int32) Amount {
	c := &t.cells[n*t.frs+f]
	if t.parent[n] < 0 || c.BorrowingLimit == Unlimited {
		return Unlimited
	}
	return AddSaturating(c.Subtree-max(0, c.Usage), c.BorrowingLimit)
}

// Idle is the part of n's subtree quota of f that is not used; it is negative
// while n borrows.
func (t *Tree) Idle(n, f int32) Amount {
	c := &t.cells[n*t.frs+f]
	return c.Subtree - c.Usage
}

// Borrowable is how much of f node n may use above its subtree quota: nothing
// for a root.
func (t *Tree) Borrowable(n, f int32) Amount {
	if t.parent[n] < 0 {
		return 0
	}
	return t.cells[n*t.frs+f].BorrowingLimit
}

// Potential is the most of f that node n could ever use.
func (t *Tree) Potential(n, f int32) Amount { return t.cells[n*t.frs+f].Potential }

// Nominal is n's own quota of f.
func (t *Tree) Nominal(n, f int32) Amount { return t.cells[n*t.frs+f].Nominal }

// Usage is what n uses of f, holds included.
func (t *Tree) Usage(n, f int32) Amount { return t.cells[n*t.frs+f].Usage }

// carries says whether a node's subtree quota holds its usage and amount more.
func (c *Cell) carries(amount Amount) bool {
	s, exact := Sum(max(0, c.Usage), max(0, amount))
	return exact && s <= c.Subtree
}

// Level is the borrowing level of a charge of amount at leaf n: 0 within
// nominal or without cohort, else the height of the lowest ancestor whose
// subtree quota holds its usage and what of amount no local quota below it
// covers; the root's height if none does.
func (t *Tree) Level(n, f int32, amount Amount) int32 {
	level, _ := t.climb(n, f, amount)
	return level
}

// Reach finds the lowest node on n's path, n included, whose subtree quota
// holds its usage and what of amount no local quota below it covers; -1 if
// none does. (Semantics, section 5, calls it X.)
func (t *Tree) Reach(n, f int32, amount Amount) int32 {
	_, x := t.climb(n, f, amount)
	return x
}

// ReachAll is Reach for several requests together: the lowest node whose
// subtree quotas hold all of them. It overwrites the amounts.
func (t *Tree) ReachAll(n int32, requests []Request) int32 {
	for ; n >= 0; n = t.parent[n] {
		holds := true
		for i := range requests {
			r := &requests[i]
			c := &t.cells[n*t.frs+r.FR]
			holds = holds && c.carries(r.Amount)
			r.Amount -= max(0, c.Local-c.Usage)
		}
		if holds {
			return n
		}
	}
	return -1
}

func (t *Tree) climb(n, f int32, amount Amount) (level, x int32) {
	leaf := n
	for {
		c := &t.cells[n*t.frs+f]
		if c.carries(amount) {
			if n == leaf {
				return 0, n
			}
			return t.height[n], n
		}
		amount -= max(0, c.Local-c.Usage)
		p := t.parent[n]
		if p < 0 {
			if n == leaf {
				return 0, -1
			}
			return t.height[n], -1
		}
		n = p
	}
}
