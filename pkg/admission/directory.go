package admission

import (
	"slices"
	"strings"
)

// directory finds things by name and lists them in the order of their names.
type directory[K comparable, V any] struct {
	byName map[K]V
	names  []K
	order  func(a, b K) int
}

func newDirectory[K comparable, V any](order func(a, b K) int) directory[K, V] {
	return directory[K, V]{byName: map[K]V{}, order: order}
}

func stringOrder(a, b string) int { return strings.Compare(a, b) }

func (d *directory[K, V]) put(k K, v V) {
	if _, ok := d.byName[k]; !ok {
		at, _ := slices.BinarySearchFunc(d.names, k, d.order)
		d.names = slices.Insert(d.names, at, k)
	}
	d.byName[k] = v
}

func (d *directory[K, V]) remove(k K) {
	if _, ok := d.byName[k]; ok {
		delete(d.byName, k)
		at, _ := slices.BinarySearchFunc(d.names, k, d.order)
		d.names = slices.Delete(d.names, at, at+1)
	}
}

// each visits everything in the order of names. The directory must not be
// changed meanwhile.
func (d *directory[K, V]) each(visit func(V)) {
	for _, k := range d.names {
		visit(d.byName[k])
	}
}
