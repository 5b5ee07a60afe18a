package fairshare

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"fairlead.dev/fairlead/pkg/quota"
)

func TestShareOrder(t *testing.T) {
	// Each is smaller than the next.
	order := []Share{
		{Borrowed: 0, Lendable: 10, WeightMilli: 1},
		{Borrowed: 1, Lendable: 10, WeightMilli: 3000},
		{Borrowed: 1, Lendable: 10, WeightMilli: 1000},
		{Borrowed: math.MaxInt64 - 1, Lendable: math.MaxInt64, WeightMilli: 1000},
		{Borrowed: 1, Lendable: 1, WeightMilli: 1000},
		{Borrowed: math.MaxInt64, Lendable: 1, WeightMilli: 1},
		{Borrowed: 1, Lendable: math.MaxInt64, WeightMilli: 0},
		{Borrowed: 2, Lendable: math.MaxInt64, WeightMilli: 0},
	}
	for i := range order {
		for j := range order {
			want := i - j
			if got := Compare(order[i], order[j]); got < 0 != (want < 0) || got > 0 != (want > 0) {
				t.Errorf("Compare(%+v, %+v) = %d", order[i], order[j], got)
			}
		}
	}
	if Compare(Share{0, 10, 0}, Share{5, 0, 1000}) != 0 {
		t.Error("shares of zero differ: one borrows nothing, the other what nobody could lend")
	}
}

// TestShareAgainstBigNumbers compares with math/big.
func TestShareAgainstBigNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	amount := func() int64 { return 1 + int64(rng.Uint64()>>(1+rng.IntN(63))) }
	for range 20_000 {
		a, b := Share{amount(), amount(), amount()}, Share{amount(), amount(), amount()}
		if rng.IntN(3) == 0 {
			b.Borrowed, b.Lendable = a.Borrowed, a.Lendable
		}
		x, y := rational(a), rational(b)
		if got, want := Compare(a, b), x.Cmp(y); got != want {
			t.Fatalf("Compare(%+v, %+v) = %d, want %d", a, b, got, want)
		}
		x.Mul(x, big.NewRat(1_000_000, 1))
		up := new(big.Int).Add(x.Num(), x.Denom())
		up.Sub(up, big.NewInt(1)).Quo(up, x.Denom())
		want := int64(math.MaxInt64)
		if up.IsInt64() {
			want = up.Int64()
		}
		if got := a.Status(); got != want {
			t.Fatalf("%+v shows %d, want %d", a, got, want)
		}
	}
}

func rational(s Share) *big.Rat {
	r := new(big.Rat).SetFrac(big.NewInt(s.Borrowed), big.NewInt(s.Lendable))
	return r.Quo(r, new(big.Rat).SetInt64(s.WeightMilli))
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		share Share
		want  int64
	}{
		{Share{20, 100, 1000}, 200},
		{Share{20, 100, 2000}, 100},
		{Share{1, 3, 1000}, 334},
		{Share{0, 3, 0}, 0},
		{Share{1, 3, 0}, math.MaxInt64},
	} {
		if got := c.share.Status(); got != c.want {
			t.Errorf("%+v shows %d, want %d", c.share, got, c.want)
		}
	}
}

// TestDominantResource: cpu in two flavors counts together; the resource that
// is borrowed most, of what could be lent, decides.
func TestDominantResource(t *testing.T) {
	tree := quota.NewTree([]int32{-1, 0, 0}, []int32{0, 0, 1}) // cpu:a, cpu:b, memory
	for f, q := range []quota.Amount{30, 10, 100} {
		tree.SetQuota(0, int32(f), quota.Quota{Nominal: q, BorrowingLimit: quota.Unlimited, LendingLimit: quota.Unlimited})
	}
	tree.Seal()
	tree.Add(1, 0, 4)
	tree.Add(1, 1, 4)
	tree.Add(1, 2, 10)
	if got := Of(tree, 1, 1000); got != (Share{8, 40, 1000}) {
		t.Errorf("the share is %+v, want 8 of 40 of cpu", got)
	}
	after := After(tree, 1, 1000, []quota.Request{{FR: 2, Amount: 15}})
	if after != (Share{25, 100, 1000}) {
		t.Errorf("after a charge of memory it is %+v, want 25 of 100", after)
	}
	if got := Of(tree, 0, 1000); got.Borrows() {
		t.Errorf("the root has share %+v", got)
	}
}
