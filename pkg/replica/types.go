package replica

import (
	"fmt"
	"reflect"
	"unsafe"
)

// layout is what is known of a type: where its values refer to others.
type layout struct {
	of   reflect.Type
	refs []ref
	// part finds the object that a value of this type is a part of, nil if the
	// type stands alone.
	part func(unsafe.Pointer) any
}

// ref is one place in a value that refers to others.
type ref struct {
	offset uintptr
	kind   reflect.Kind // Pointer, Slice, Map or Interface; Invalid for room
	of     reflect.Type // of the reference itself
	to     *layout      // of what a pointer or the elements of a slice or map are
	key    *layout      // of a map
}

// layoutOf returns the layout of a type, made at the first call.
func (c *copier) layoutOf(t reflect.Type) *layout {
	if l := c.layouts[t]; l != nil {
		return l
	}
	l := &layout{of: t, part: c.rules.parts[t]}
	c.layouts[t] = l // before its references are looked at: types are recursive
	c.addRefs(l, t, 0)
	return l
}

// addRefs lists the references in a value of type t that begins at an offset.
func (c *copier) addRefs(l *layout, t reflect.Type, offset uintptr) {
	if c.rules.Shared != nil && c.rules.Shared(t) {
		return
	}
	if c.rules.Room != nil && c.rules.Room(t) {
		l.refs = append(l.refs, ref{offset: offset, kind: reflect.Invalid, of: t})
		return
	}
	r := ref{offset: offset, kind: t.Kind(), of: t}
	switch t.Kind() {
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			c.addRefs(l, f.Type, offset+f.Offset)
		}
		return
	case reflect.Array:
		for i := range t.Len() {
			c.addRefs(l, t.Elem(), offset+uintptr(i)*t.Elem().Size())
		}
		return
	case reflect.Pointer:
		if c.rules.Shared != nil && c.rules.Shared(t.Elem()) {
			return
		}
		r.to = c.layoutOf(t.Elem())
	case reflect.Slice:
		r.to = c.layoutOf(t.Elem())
	case reflect.Map:
		r.key, r.to = c.layoutOf(t.Key()), c.layoutOf(t.Elem())
	case reflect.Interface:
	case reflect.Chan, reflect.Func, reflect.UnsafePointer:
		panic(fmt.Sprintf("replica: a %v, as there is in a %v, cannot be copied; say in Rules that it is shared, if its values keep no state", t, l.of))
	default:
		return // numbers, booleans and strings
	}
	l.refs = append(l.refs, r)
}
