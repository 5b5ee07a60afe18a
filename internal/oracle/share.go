package oracle

import "math/big"

// Share is the dominant resource share of a node.
type Share struct {
	// Unweighted is max over r with lendable(r) > 0 of borrowed(r) x 1000 / lendable(r); zero in a root.
	Unweighted *big.Rat
	// WeightMilli is the node's weight x 1000.
	WeightMilli int64
	// Root says that the node is a root, which has no share.
	Root bool
}

var (
	zero     = new(big.Rat)
	thousand = big.NewRat(1000, 1)
)

// InfiniteBorrower says that the node borrows with weight 0, so that it comes after every node of positive weight.
func (s Share) InfiniteBorrower() bool { return s.WeightMilli == 0 && s.Unweighted.Sign() > 0 }

// Weighted is the share divided by the weight; nil for a borrower of weight 0.
func (s Share) Weighted() *big.Rat {
	switch {
	case s.Unweighted.Sign() == 0:
		return zero
	case s.WeightMilli == 0:
		return nil
	}
	r := new(big.Rat).Mul(s.Unweighted, thousand)
	return r.Quo(r, new(big.Rat).SetInt64(s.WeightMilli))
}

// Status is the share as a status shows it: the ceiling, at most the largest int64, which a borrower of
// weight 0 always has.
func (s Share) Status() int64 {
	w := s.Weighted()
	if w == nil {
		return Unlimited
	}
	up := new(big.Int).Add(w.Num(), w.Denom())
	up.Sub(up, big.NewInt(1))
	up.Quo(up, w.Denom())
	if !up.IsInt64() {
		return Unlimited
	}
	return up.Int64()
}

// Compare is negative if s is the smaller share: by weighted share, borrowers of weight 0 last and among
// themselves by unweighted share.
func (s Share) Compare(t Share) int {
	if s.InfiniteBorrower() != t.InfiniteBorrower() {
		if s.InfiniteBorrower() {
			return 1
		}
		return -1
	}
	if s.InfiniteBorrower() {
		return s.Unweighted.Cmp(t.Unweighted)
	}
	return s.Weighted().Cmp(t.Weighted())
}

// share computes the dominant resource share of n when its usage is as given:
//
//	borrowed(r) = sum over flavors f of max(0, usage(n,(f,r)) - subtree(n,(f,r)))
//	lendable(r) = sum over flavors f of potential(parent,(f,r))
func (n *node) share(usage []int64, frs []FlavorResource) Share {
	s := Share{Unweighted: zero, WeightMilli: n.weight, Root: n.parent == nil}
	if n.parent == nil {
		return s
	}
	done := map[string]bool{}
	for f, use := range usage {
		r := frs[f].Resource
		if use <= n.subtree[f] || done[r] {
			continue
		}
		done[r] = true
		borrowed, lendable := new(big.Int), int64(0)
		for g, use := range usage {
			if frs[g].Resource == r {
				borrowed.Add(borrowed, big.NewInt(max(0, use-n.subtree[g])))
				lendable = add(lendable, n.parent.potential[g])
			}
		}
		if lendable > 0 {
			ratio := new(big.Rat).SetFrac(borrowed.Mul(borrowed, big.NewInt(1000)), big.NewInt(lendable))
			if ratio.Cmp(s.Unweighted) > 0 {
				s.Unweighted = ratio
			}
		}
	}
	return s
}
