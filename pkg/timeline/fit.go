package timeline

import "fairlead.dev/fairlead/pkg/quota"

// Section 2 of the semantics says that r fits at leaf n if r <= available(n),
// where
//
//	available(root) = subtree - usage
//	available(n)    = max(0, local(n) - usage(n)) + min(available(parent),
//	                  subtree(n) - local(n) - max(0, usage(n) - local(n)) + borrowingLimit(n))
//
// Unfolded along the path n = n0, n1, ..., root, with idle(n) = max(0, local(n) -
// usage(n)) and limit(n) = subtree(n) + borrowingLimit(n), subtree(root) at
// the root, this is: for every i,
//
//	usage(ni) - (idle(n0) + ... + idle(n(i-1))) <= limit(ni) - r
//
// because local - max(0, local - usage) + max(0, usage - local) = usage. Each i
// is one constraint: a function of time and a threshold. Only nodes with local
// quota have anything idle, so without lending limits it is the profile of ni
// itself. The limit "Unlimited" stands for none, and as a number keeps usage
// countable.

// constraint is one i: value(t) <= most.
type constraint struct {
	node  int32
	sum   sum
	most  quota.Amount
	plain bool // sum is the profile of its top alone
}

// eachConstraint visits the constraints of a request at a leaf until visit
// returns false; it returns false if visit did. With own, the leaf must stay
// within its nominal quota as well. Constraints that no time can violate are
// left out.
func (t *Timeline) eachConstraint(leaf int32, request []quota.Request, own bool, visit func(c *constraint) bool) bool {
	for _, r := range request {
		if r.Amount > 0 && !t.eachLimit(leaf, r.FR, r.Amount, own, visit) {
			return false
		}
	}
	return true
}

// eachLimit is eachConstraint for an amount of one flavor-resource.
func (t *Timeline) eachLimit(leaf, f int32, amount quota.Amount, own bool, visit func(c *constraint) bool) bool {
	c, all := &t.asked, true
	for n := leaf; n >= 0 && all; n = t.parent[n] {
		at := t.at(n, f)
		limit := at.limit
		if own && n == leaf {
			limit = at.nominal // never more than the limit
		}
		c.node, c.sum.top, c.most, c.plain = n, &at.profile, limit-amount, len(c.sum.idle) == 0
		all = at.peak() <= c.most || visit(c)
		if at.local > 0 {
			c.sum.idle = append(c.sum.idle, idle{&at.profile, at.local})
		}
	}
	clear(c.sum.idle)
	c.sum.top, c.sum.idle = nil, c.sum.idle[:0]
	return all
}

// lastOver finds an instant of the last time in [a, b) at which the constraint
// is violated.
func (c *constraint) lastOver(a, b int64) (int64, bool) {
	if c.plain {
		return c.sum.top.lastAbove(a, b, c.most)
	}
	return c.sum.lastAbove(a, b, c.most)
}

// firstOver finds the first instant of [a, b) at which the constraint is violated.
func (c *constraint) firstOver(a, b int64) (int64, bool) {
	if !c.plain {
		return c.sum.firstAbove(a, b, c.most)
	}
	at := c.sum.top.riseAbove(a, c.most)
	return at, at < b
}

// firstMet finds the first instant from a on at which the constraint is met.
func (c *constraint) firstMet(a int64) (int64, bool) {
	if c.plain {
		return c.sum.top.firstAtMost(a, c.most)
	}
	return c.sum.firstAtMost(a, c.most)
}

// Fits says whether a request fits at a leaf at every instant of [from, to),
// beside everything that is charged; what is before now does not count. The
// request names each flavor-resource once.
func (t *Timeline) Fits(leaf int32, request []quota.Request, from, to int64) bool {
	return t.fits(leaf, request, from, to, false)
}

// FitsOwn is Fits if the leaf also stays within its nominal quota.
func (t *Timeline) FitsOwn(leaf int32, request []quota.Request, from, to int64) bool {
	return t.fits(leaf, request, from, to, true)
}

func (t *Timeline) fits(leaf int32, request []quota.Request, from, to int64, own bool) bool {
	from = max(from, t.now)
	return t.eachConstraint(leaf, request, own, func(c *constraint) bool {
		_, over := c.lastOver(from, to)
		return !over
	})
}

// FitsAt says whether a request fits at a leaf at one instant, not before now;
// with own, the leaf must stay within its nominal quota too.
func (t *Timeline) FitsAt(leaf int32, request []quota.Request, at int64, own bool) bool {
	return t.eachConstraint(leaf, request, own, func(c *constraint) bool {
		if c.plain {
			return c.sum.top.value(at) <= c.most
		}
		return c.sum.at(at) <= c.most
	})
}

// Kept says whether what is charged at a leaf for a request, in [from, to), is
// within the limits of section 2 at every instant, beside everything else that
// is charged: the same as if the request were not charged and Fits were asked,
// because each charge lessens what is available by as much as is charged.
func (t *Timeline) Kept(leaf int32, request []quota.Request, from, to int64) bool {
	from = max(from, t.now)
	for _, r := range request {
		if r.Amount > 0 && !t.eachLimit(leaf, r.FR, 0, false, func(c *constraint) bool {
			_, over := c.lastOver(from, to)
			return !over
		}) {
			return false
		}
	}
	return true
}

// ClearUntil is the first instant from now on at which an amount of f does not
// fit at a leaf, Forever if it always fits: what Fits from now until some end
// does so if that is not later.
func (t *Timeline) ClearUntil(leaf, f int32, amount quota.Amount) int64 {
	first := Forever
	if amount <= 0 {
		return first
	}
	t.eachLimit(leaf, f, amount, false, func(c *constraint) bool {
		at, over := c.firstOver(t.now, first)
		if over {
			first = min(first, at)
		}
		return first > t.now
	})
	return first
}

// Within says whether a leaf would use no more than its nominal quota of what a
// request asks for, with it, at every instant of [from, to).
func (t *Timeline) Within(leaf int32, request []quota.Request, from, to int64) bool {
	from = max(from, t.now)
	for _, r := range request {
		c := t.at(leaf, r.FR)
		if r.Amount <= 0 || c.peak() <= c.nominal-r.Amount {
			continue
		}
		if _, over := c.lastAbove(from, to, c.nominal-r.Amount); over {
			return false
		}
	}
	return true
}

// EarliestStart is the first instant t, neither before now nor before from, at
// which a request fits at a leaf for all of [t, t+length), by the rules of
// section 2 at every instant; false if there never is one. With own, the leaf
// must stay within its nominal quota too. The length must be positive, and the
// request names each flavor-resource once.
func (t *Timeline) EarliestStart(leaf int32, request []quota.Request, length, from int64, own bool) (int64, bool) {
	start := max(from, t.now)
	for {
		hopped := false
		ok := t.eachConstraint(leaf, request, own, func(c *constraint) bool {
			for {
				over, is := c.lastOver(start, After(start, length))
				if !is {
					return true
				}
				met, ever := c.firstMet(over)
				if !ever {
					return false
				}
				start, hopped = met, true
			}
		})
		if !ok || !hopped {
			return start, ok
		}
	}
}

// After is an instant so much later, Forever at most.
func After(t, length int64) int64 {
	if length > Forever-t {
		return Forever
	}
	return t + length
}

// Available is how much more of f a leaf can use at an instant: the same as
// that of a quota.Tree with this usage. It is negative where a quota is below
// its use.
func (t *Timeline) Available(leaf, f int32, at int64) quota.Amount {
	c := t.at(leaf, f)
	use := c.value(at)
	if t.parent[leaf] < 0 {
		return c.subtree - use
	}
	above := t.Available(t.parent[leaf], f, at)
	if c.borrowing != quota.Unlimited {
		room := c.subtree - c.local - max(0, use-c.local)
		above = min(above, quota.AddSaturating(room, c.borrowing))
	}
	return quota.AddSaturating(max(0, c.local-use), above)
}

// Shortage is where and when a request does not fit.
type Shortage struct {
	Node, FR int32
	At       int64        // the first such instant
	Missing  quota.Amount // by how much it does not fit there then
}

// Short finds the first instant of [from, to) at which a request does not fit
// at a node, which may be a cohort; false if it fits all the time. Of several
// constraints violated then it is that of the earliest request at the lowest
// node.
func (t *Timeline) Short(n int32, request []quota.Request, from, to int64) (Shortage, bool) {
	var s Shortage
	found := false
	from = max(from, t.now)
	for _, r := range request {
		t.eachConstraint(n, []quota.Request{r}, false, func(c *constraint) bool {
			if at, over := c.sum.firstAbove(from, to, c.most); over && (!found || at < s.At) {
				found = true
				s = Shortage{Node: c.node, FR: r.FR, At: at, Missing: c.sum.at(at) - c.most}
			}
			return true
		})
	}
	return s, found
}
