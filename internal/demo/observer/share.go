package observer

import "math/big"

// FairShare computes how much of the cohort's quota each group is due when it
// asks for demand: first everybody up to his own nominal quota; then what is
// left is lent so that borrowed/weight is equal among those who still want
// more, each up to its borrowing limit (water-filling, or max-min fairness;
// see Bertsekas and Gallager, Data Networks, 6.5.2). With one resource the
// dominant resource share of a group is what it borrows, divided by what the
// cohort could lend and by its weight, so equal levels are equal shares.
// Groups of weight 0 share equally what nobody else wants.
//
// The result is exact, in thousandths of a core.
func (r *Rules) FairShare(demand []Milli) []*big.Rat {
	due := make([]*big.Rat, len(r.Groups))
	want := make([]*big.Rat, len(r.Groups)) // what it may still borrow
	left := rat(r.Total())
	for i, g := range r.Groups {
		own := min(demand[i], g.Nominal)
		due[i] = rat(own)
		want[i] = rat(max(0, min(demand[i], r.Limit(i))-own))
		left.Sub(left, rat(own))
	}
	weights := make([]*big.Rat, len(r.Groups))
	for i, g := range r.Groups {
		weights[i] = rat(g.Weight)
	}
	left = pour(left, due, want, weights)
	for i, g := range r.Groups {
		weights[i] = new(big.Rat)
		if g.Weight == 0 {
			weights[i] = big.NewRat(1, 1)
		}
	}
	pour(left, due, want, weights)
	return due
}

// pour adds left to due in proportion to weights, nobody getting more than he
// wants, and returns what nobody wanted. Each turn fills at least one group.
func pour(left *big.Rat, due, want, weights []*big.Rat) *big.Rat {
	for left.Sign() > 0 {
		sum := new(big.Rat)
		var level *big.Rat // the lowest at which some group has all that it wants
		for i, w := range weights {
			if w.Sign() == 0 || want[i].Sign() == 0 {
				continue
			}
			sum.Add(sum, w)
			if full := new(big.Rat).Quo(want[i], w); level == nil || full.Cmp(level) < 0 {
				level = full
			}
		}
		if level == nil {
			return left
		}
		if even := new(big.Rat).Quo(left, sum); even.Cmp(level) < 0 {
			level = even
		}
		for i, w := range weights {
			if w.Sign() == 0 || want[i].Sign() == 0 {
				continue
			}
			part := new(big.Rat).Mul(level, w)
			due[i] = new(big.Rat).Add(due[i], part)
			want[i] = new(big.Rat).Sub(want[i], part)
			left = new(big.Rat).Sub(left, part)
		}
	}
	return left
}

func rat(m Milli) *big.Rat { return new(big.Rat).SetInt64(int64(m)) }

// cores turns an exact number of thousandths into cores for people to read.
func cores(r *big.Rat) float64 {
	f, _ := new(big.Rat).Quo(r, rat(Core)).Float64()
	return f
}
