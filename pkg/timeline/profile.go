package timeline

import "fairlead.dev/fairlead/pkg/quota"

// profile is one amount as a function of time, constant between breakpoints.
//
// It is kept as the steps between neighbouring pieces, in a treap ordered by
// time (Seidel and Aragon, Randomized Search Trees, Algorithmica 16, 1996)
// whose priorities are a hash of the time, so that its form follows from its
// content alone. Every node knows the sum of the steps below it and the
// highest and lowest running sum: a change over an interval is a change of two
// steps, and nothing is ever propagated downwards.
//
//	value     5  │     9   │  4  │ 0
//	          ───┴─────────┴─────┴─────> time
//	base 5      +4        -5    -4     steps
//
// Invariants: no step is zero; the value at a time that has not been folded
// away is base plus the steps up to that time.
type profile struct {
	base  quota.Amount
	nodes []step // 0 stands for no node
	root  int32
	spare int32 // first of those not in use, linked by left
}

type step struct {
	at          int64
	by          quota.Amount
	sum         quota.Amount // of the steps in the subtree
	high, low   quota.Amount // of the running sums in it, the empty one included
	left, right int32
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
func (p *profile) reset() { *p = profile{nodes: p.nodes[:min(len(p.nodes), 1)]} }

// add changes the value by an amount in [from, to). Steps up to now are folded
// into the base first: what was before now is forgotten.
func (p *profile) add(now, from, to int64, by quota.Amount) {
	p.fold(now)
	if by == 0 || from >= to || to <= now {
		return
	}
	if len(p.nodes) == 0 {
		p.nodes = append(p.nodes, step{})
	}
	if from <= now {
		p.base += by
	} else {
		p.root = p.insert(p.root, from, by)
	}
	if to != Forever {
		p.root = p.insert(p.root, to, -by)
	}
}

// fold takes the steps up to now into the base.
func (p *profile) fold(now int64) {
	for p.root != 0 {
		n := p.root
		for p.nodes[n].left != 0 {
			n = p.nodes[n].left
		}
		if p.nodes[n].at > now {
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
		s.left = child
		if child != 0 && priority(p.nodes[child].at) > priority(s.at) {
			c := &p.nodes[child]
			s.left, c.right = c.right, n
			p.pull(n)
			n = child
		}
	case at > s.at:
		child := p.insert(s.right, at, by)
		s = &p.nodes[n]
		s.right = child
		if child != 0 && priority(p.nodes[child].at) > priority(s.at) {
			c := &p.nodes[child]
			s.right, c.left = c.left, n
			p.pull(n)
			n = child
		}
	default:
		if s.by += by; s.by == 0 {
			joined := p.join(s.left, s.right)
			*s = step{left: p.spare}
			p.spare = n
			return joined
		}
	}
	p.pull(n)
	return n
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
	p.pull(n)
	return n
}

// join puts two subtrees together, all of l being before r.
func (p *profile) join(l, r int32) int32 {
	switch {
	case l == 0:
		return r
	case r == 0:
		return l
	case priority(p.nodes[l].at) > priority(p.nodes[r].at):
		p.nodes[l].right = p.join(p.nodes[l].right, r)
		p.pull(l)
		return l
	default:
		p.nodes[r].left = p.join(l, p.nodes[r].left)
		p.pull(r)
		return r
	}
}

// pull computes what a node knows of its subtree. Node 0 knows zeros.
func (p *profile) pull(n int32) {
	s := &p.nodes[n]
	l, r := &p.nodes[s.left], &p.nodes[s.right]
	here := l.sum + s.by
	s.sum = here + r.sum
	s.high = max(l.high, here+r.high)
	s.low = min(l.low, here+r.low)
}
