package replica

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"unsafe"
)

// span is memory of the original that is copied as one.
type span struct {
	at, size uintptr
	as       reflect.Type
	object   bool // else the array of a slice
}

func (s span) String() string {
	if s.object {
		return s.as.String()
	}
	return "the array of a " + s.as.String()
}

// Audit looks for what Of would not copy faithfully: pointers into the middle of
// an object or of a slice's array, which the copy would have two of; and slices
// of one array that differ in where they begin. It lists each pair of types
// once, sorted.
//
// ignore, if not nil, is asked about each pair before it is listed.
func Audit[T any](root *T, rules *Rules, ignore func(inner, outer reflect.Type) bool) []string {
	c := newCopier(rules)
	var all []span
	c.found = func(s span) { all = append(all, s) }
	c.copy(unsafe.Pointer(root), reflect.TypeFor[T]())
	slices.SortFunc(all, func(a, b span) int {
		if a.at != b.at {
			return cmp.Compare(a.at, b.at)
		}
		return cmp.Compare(b.size, a.size)
	})
	var faults []string
	for i, outer := range all {
		for _, inner := range all[i+1:] {
			if inner.at >= outer.at+outer.size {
				break
			}
			if inner == outer && !inner.object || ignore != nil && ignore(inner.as, outer.as) {
				continue // the same slice, met twice
			}
			faults = append(faults, fmt.Sprintf("%v lies in %v", inner, outer))
		}
	}
	slices.Sort(faults)
	return slices.Compact(faults)
}
