package quota

import "math"

// Amount is a quantity of one resource: milli-units for "cpu", whole units
// for everything else (bytes for memory, pieces for pods and extended
// resources).
type Amount = int64

// Unlimited is the value at which quotas, and limits derived from them,
// saturate. A usage never saturates: one that would overflow does not fit.
const Unlimited Amount = math.MaxInt64

// FlavorResource names what quota is counted in: a resource of one flavor.
type FlavorResource struct {
	Flavor   string `json:"flavor"`
	Resource string `json:"resource"`
}

// ResourceAmount is an amount of a named resource. Lists of them are sorted by
// name and name nothing twice.
type ResourceAmount struct {
	Resource string `json:"resource"`
	Amount   Amount `json:"amount"`
}

// AddSaturating returns a + b, held at Unlimited and at its negative.
func AddSaturating(a, b Amount) Amount {
	s := a + b
	if (a^s)&(b^s) < 0 {
		if a < 0 {
			return -Unlimited
		}
		return Unlimited
	}
	return s
}

// Sum returns a + b and whether it is exact; both must not be negative. Where
// it would overflow it returns Unlimited and false.
func Sum(a, b Amount) (Amount, bool) {
	if a > Unlimited-b {
		return Unlimited, false
	}
	return a + b, true
}

// Times returns a x n and whether it is exact; both must not be negative.
// Where it would overflow it returns Unlimited and false.
func Times(a Amount, n int64) (Amount, bool) {
	if n != 0 && a > Unlimited/n {
		return Unlimited, false
	}
	return a * n, true
}
