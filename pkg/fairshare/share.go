package fairshare

import (
	"math"
	"math/big"
	"math/bits"

	"fairlead.dev/fairlead/pkg/quota"
)

// Share is a dominant resource share, kept as a fraction so that it can be
// compared exactly: Borrowed / Lendable of the dominant resource, divided by
// Weight in thousandths. No field is negative. The zero Share borrows nothing.
type Share struct {
	Borrowed, Lendable quota.Amount
	WeightMilli        int64
}

// Borrows says that the share is not zero.
func (s Share) Borrows() bool { return s.Borrowed > 0 && s.Lendable > 0 }

// weightless shares sort after all others.
func (s Share) weightless() bool { return s.WeightMilli <= 0 && s.Borrows() }

// Compare is negative if a is the smaller share, positive if b is, else 0.
// Weightless nodes that borrow come after all others, by unweighted share.
func Compare(a, b Share) int {
	if !a.Borrows() || !b.Borrows() {
		return boolToInt(a.Borrows()) - boolToInt(b.Borrows())
	}
	if a.weightless() != b.weightless() {
		return boolToInt(a.weightless()) - boolToInt(b.weightless())
	}
	wa, wb := uint64(a.WeightMilli), uint64(b.WeightMilli)
	if a.weightless() || wa == wb {
		wa, wb = 1, 1
	}
	return compare192(
		uint64(a.Borrowed), uint64(b.Lendable), wb,
		uint64(b.Borrowed), uint64(a.Lendable), wa)
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// compare192 compares x1*x2*x3 with y1*y2*y3 in 192 bits.
func compare192(x1, x2, x3, y1, y2, y3 uint64) int {
	xh, xm, xl := mul3(x1, x2, x3)
	yh, ym, yl := mul3(y1, y2, y3)
	switch {
	case xh != yh:
		return order(xh, yh)
	case xm != ym:
		return order(xm, ym)
	default:
		return order(xl, yl)
	}
}

func mul3(a, b, c uint64) (hi, mid, lo uint64) {
	h, l := bits.Mul64(a, b)
	if c == 1 {
		return 0, h, l
	}
	carry, lo := bits.Mul64(l, c)
	hi, mid = bits.Mul64(h, c)
	mid, c = bits.Add64(mid, carry, 0)
	return hi + c, mid, lo
}

func order(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Status is the share as a status shows it: the ceiling of 1000 x share,
// divided by the weight; math.MaxInt64 for a weightless node that borrows, and
// where it would be larger than that.
func (s Share) Status() int64 {
	if !s.Borrows() {
		return 0
	}
	if s.WeightMilli <= 0 {
		return math.MaxInt64
	}
	hi, num := bits.Mul64(uint64(s.Borrowed), 1000*1000)
	dhi, den := bits.Mul64(uint64(s.Lendable), uint64(s.WeightMilli))
	if hi == 0 && dhi == 0 && num <= math.MaxInt64 {
		q := num / den
		if num%den != 0 {
			q++
		}
		return int64(q)
	}
	n := new(big.Int).Mul(big.NewInt(s.Borrowed), big.NewInt(1000*1000))
	d := new(big.Int).Mul(big.NewInt(s.Lendable), big.NewInt(s.WeightMilli))
	n.Add(n, d).Sub(n, big.NewInt(1)).Quo(n, d)
	if !n.IsInt64() {
		return math.MaxInt64
	}
	return n.Int64()
}

// Of is the share of node n as it stands. A root has none.
func Of(t *quota.Tree, n int32, weightMilli int64) Share {
	return After(t, n, weightMilli, nil)
}

// After is the share that node n would have after a charge of which the given
// requests reach it. A root has none.
func After(t *quota.Tree, n int32, weightMilli int64, reach []quota.Request) Share {
	best := Share{WeightMilli: weightMilli}
	if t.Parent(n) < 0 {
		return best
	}
	for r := range t.Resources() {
		s := Share{Borrowed: t.Borrowed(n, r), Lendable: t.Lendable(n, r), WeightMilli: weightMilli}
		if s.Lendable <= 0 {
			continue
		}
		for i := range reach {
			if t.Resource(reach[i].FR) == r {
				s.Borrowed = quota.AddSaturating(s.Borrowed, more(t, n, reach[i]))
			}
		}
		if !s.Borrows() {
			continue
		}
		if !best.Borrows() || larger(s, best) {
			best = s
		}
	}
	return best
}

// more is what a request that reaches node n adds to what n borrows.
func more(t *quota.Tree, n int32, r quota.Request) quota.Amount {
	c := t.At(n, r.FR)
	return max(0, quota.AddSaturating(c.Usage-c.Subtree, r.Amount)) - max(0, c.Usage-c.Subtree)
}

// larger compares the shares of two resources of one node: the weight is the same.
func larger(a, b Share) bool {
	return compare192(uint64(a.Borrowed), uint64(b.Lendable), 1,
		uint64(b.Borrowed), uint64(a.Lendable), 1) > 0
}
