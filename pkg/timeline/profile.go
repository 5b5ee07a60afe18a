package timeline

import "fairlead.dev/fairlead/pkg/quota"

// profile is one amount as a function of time, constant between breakpoints.
//
// It is kept as the steps between neighbouring pieces, in a treap ordered by
// time (Seidel and Aragon, Randomized Search Trees, Algorithmica 16, 1996)
// whose priorities are a hash of the time, so that its form follows from its
// content alone. Every node knows, of each of its subtrees, the sum of the
// steps and the highest and lowest running sum: a change over an interval is a
// change of two steps, nothing is ever propagated downwards, and no search or
// change looks at a node that it does not pass.
//
//	value     5  │     9   │  4  │ 0
//	          ───┴─────────┴─────┴─────> time
//	base 5      +4        -5    -4     steps
//
// Invariants: no step is zero; the value at a time that has not been folded
// away is base plus the steps up to that time.
type profile struct {
	base    quota.Amount
	nodes   []step // 0 stands for no node
	root    int32
	spare   int32 // first of those not in use, linked by left
	soonest int64 // no step is before it
	// changes counts changes, from 1; risen are answers to riseAbove.
	changes uint64
	risen   [2]risen
}

// risen says that the value is above most first at an instant, Forever if never,
// as of a count of changes and at any time before that instant.
type risen struct {
	changes uint64
	most    quota.Amount
	at      int64
}

type step struct {
	at          int64
	by          quota.Amount
	l, r        sums // of the left and the right subtree
	left, right int32
}

// sums are what is known of the steps of a subtree.
type sums struct {
	all       quota.Amount // of them together
	high, low quota.Amount // of their running sums, the empty one included
}

// sums are those of the subtree of s. As node 0 has no steps, they are zeros.
func (s *step) sums() sums {
	here := s.l.all + s.by
	return sums{here + s.r.all, max(s.l.high, here+s.r.high), min(s.l.low, here+s.r.low)}
}

// priority is the finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA
// 2014), a bijection: no two times tie.
func priority(at int64) uint64 {
	z := uint64(at) + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (p *profile) clone() profile {
	c := *p
	c.nodes = append([]step(nil), p.nodes...)
	return c
}

// reset makes the profile zero everywhere and keeps its memory.
func (p *profile) reset() {
	*p = profile{nodes: p.nodes[:min(len(p.nodes), 1)], changes: p.changes + 1}
}

// add changes the value by an amount in [from, to). Steps up to now are folded
// into the base first: what was before now is forgotten.
func (p *profile) add(now, from, to int64, by quota.Amount) {
	p.fold(now)
	p.changes++
	if by == 0 || from >= to || to <= now {
		return
	}
	if len(p.nodes) == 0 {
		p.nodes = append(p.nodes, step{})
	}
	soonest := to
	if from <= now {
		p.base += by
	} else {
		p.root, soonest = p.insert(p.root, from, by), from
	}
	if p.soonest = min(p.soonest, soonest); to != Forever {
		p.root = p.insert(p.root, to, -by)
	}
}

// fold takes the steps up to now into the base.
func (p *profile) fold(now int64) {
	for p.soonest <= now {
		if p.soonest = Forever; p.root == 0 {
			return
		}
		n := p.root
		for p.nodes[n].left != 0 {
			n = p.nodes[n].left
		}
		if p.soonest = p.nodes[n].at; p.soonest > now {
			return
		}
		p.base += p.nodes[n].by
		p.root = p.insert(p.root, p.nodes[n].at, -p.nodes[n].by)
	}
}

// insert adds to the step at an instant, in the subtree of n, and returns the
// subtree's new root.
func (p *profile) insert(n int32, at int64, by quota.Amount) int32 {
	if n == 0 {
		return p.place(at, by)
	}
	s := &p.nodes[n]
	switch {
	case at < s.at:
		child := p.insert(s.left, at, by)
		s = &p.nodes[n] // the nodes may have moved
		c := &p.nodes[child]
		if child == 0 || c.at != at || priority(at) < priority(s.at) { // only what is new goes up
			s.left, s.l = child, c.sums()
			return n
		}
		s.left, s.l = c.right, c.r
		c.right, c.r = n, s.sums()
		return child
	case at > s.at:
		child := p.insert(s.right, at, by)
		s = &p.nodes[n]
		c := &p.nodes[child]
		if child == 0 || c.at != at || priority(at) < priority(s.at) {
			s.right, s.r = child, c.sums()
			return n
		}
		s.right, s.r = c.left, c.l
		c.left, c.l = n, s.sums()
		return child
	}
	if s.by += by; s.by != 0 {
		return n
	}
	joined := p.join(s.left, s.right)
	*s = step{left: p.spare}
	p.spare = n
	return joined
}

// place makes a node of its own.
func (p *profile) place(at int64, by quota.Amount) int32 {
	n := p.spare
	if n != 0 {
		p.spare = p.nodes[n].left
	} else {
		n = int32(len(p.nodes))
		p.nodes = append(p.nodes, step{})
	}
	p.nodes[n] = step{at: at, by: by}
	return n
}

// join puts two subtrees together, all of l being before r.
func (p *profile) join(l, r int32) int32 {
	switch {
	case l == 0:
		return r
	case r == 0:
		return l
	}
	a, b := &p.nodes[l], &p.nodes[r]
	if priority(a.at) > priority(b.at) {
		a.right = p.join(a.right, r)
		a.r = p.nodes[a.right].sums()
		return l
	}
	b.left = p.join(l, b.left)
	b.l = p.nodes[b.left].sums()
	return r
}
