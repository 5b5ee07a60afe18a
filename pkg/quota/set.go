package quota

import "math/bits"

// Set is a set of small integers. The zero value is empty.
type Set []uint64

// Put adds f.
func (s *Set) Put(f int32) {
	for int(f>>6) >= len(*s) {
		*s = append(*s, 0)
	}
	(*s)[f>>6] |= 1 << (f & 63)
}

// Join adds o's members.
func (s *Set) Join(o Set) {
	for len(o) > len(*s) {
		*s = append(*s, 0)
	}
	for i, w := range o {
		(*s)[i] |= w
	}
}

// Has says whether f is in the set.
func (s Set) Has(f int32) bool {
	w := int(f >> 6)
	return w < len(s) && s[w]&(1<<(f&63)) != 0
}

// Meets says whether two sets have a member in common.
func (s Set) Meets(o Set) bool {
	for i := range min(len(s), len(o)) {
		if s[i]&o[i] != 0 {
			return true
		}
	}
	return false
}

// Equal says whether two sets have the same members.
func (s Set) Equal(o Set) bool {
	if len(s) < len(o) {
		s, o = o, s
	}
	for i, w := range s {
		if i < len(o) && w != o[i] || i >= len(o) && w != 0 {
			return false
		}
	}
	return true
}

// Each visits the members in ascending order until visit returns false; it
// returns false if visit did.
func (s Set) Each(visit func(f int32) bool) bool {
	for i, w := range s {
		for ; w != 0; w &= w - 1 {
			if !visit(int32(i<<6 + bits.TrailingZeros64(w))) {
				return false
			}
		}
	}
	return true
}

// Clear removes all members.
func (s Set) Clear() { clear(s) }

// Empty says that the set has no members.
func (s Set) Empty() bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}
