package quota

import "testing"

func TestSaturation(t *testing.T) {
	for _, c := range []struct{ a, b, want Amount }{
		{1, 2, 3}, {Unlimited, 1, Unlimited}, {Unlimited - 1, 1, Unlimited}, {Unlimited, Unlimited, Unlimited},
		{Unlimited, -5, Unlimited - 5}, {-Unlimited, -2, -Unlimited}, {-3, 3, 0},
	} {
		if got := AddSaturating(c.a, c.b); got != c.want {
			t.Errorf("AddSaturating(%d, %d) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestExactness(t *testing.T) {
	for _, c := range []struct {
		a     Amount
		n     int64
		want  Amount
		exact bool
	}{
		{3, 4, 12, true}, {0, 7, 0, true}, {5, 0, 0, true}, {Unlimited, 1, Unlimited, true},
		{Unlimited/2 + 1, 2, Unlimited, false}, {1 << 62, 2, Unlimited, false}, {1 << 62, 1, 1 << 62, true},
	} {
		if got, exact := Times(c.a, c.n); got != c.want || exact != c.exact {
			t.Errorf("Times(%d, %d) = %d, %t; want %d, %t", c.a, c.n, got, exact, c.want, c.exact)
		}
	}
	if got, exact := Sum(Unlimited, 0); got != Unlimited || !exact {
		t.Errorf("Sum(Unlimited, 0) = %d, %t", got, exact)
	}
	if got, exact := Sum(Unlimited, 1); got != Unlimited || exact {
		t.Errorf("Sum(Unlimited, 1) = %d, %t", got, exact)
	}
}

func TestSet(t *testing.T) {
	var s, far Set
	if !s.Empty() || s.Has(0) || s.Meets(far) || !s.Equal(far) {
		t.Error("an empty set has members")
	}
	s.Put(3)
	s.Put(64)
	far.Put(200)
	if !s.Has(3) || !s.Has(64) || s.Has(4) || s.Has(128) || s.Meets(far) || s.Equal(far) {
		t.Errorf("%v is not 3 and 64", s)
	}
	s.Join(far)
	if !s.Has(200) || !s.Meets(far) || !far.Meets(s) {
		t.Errorf("%v lacks 200", s)
	}
	var seen []int32
	s.Each(func(f int32) bool { seen = append(seen, f); return f < 64 })
	if len(seen) != 2 || seen[0] != 3 || seen[1] != 64 {
		t.Errorf("visited %v, want 3 and 64", seen)
	}
	s.Clear()
	if !s.Empty() || !s.Equal(nil) {
		t.Errorf("%v is left of a cleared set", s)
	}
}
