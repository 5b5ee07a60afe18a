package oracle

// add adds two amounts and saturates at Unlimited. The first may be negative.
func add(a, b int64) int64 {
	if b > 0 && a > Unlimited-b {
		return Unlimited
	}
	return a + b
}

// overflows says whether the sum of two amounts that are not negative exceeds an int64.
func overflows(a, b int64) bool { return a > Unlimited-b }

// times multiplies two amounts that are not negative; false if the product exceeds an int64.
func times(a, b int64) (int64, bool) {
	if a != 0 && b > Unlimited/a {
		return Unlimited, false
	}
	return a * b, true
}
