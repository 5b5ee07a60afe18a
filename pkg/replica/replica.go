package replica

import (
	"reflect"
	"runtime"
	"unsafe"
)

// Rules say what a copier cannot see by itself. The zero value says nothing.
type Rules struct {
	// Shared says of a type whether copy and original may have all in common that
	// a value of it refers to: for a struct, slice or map because nobody changes
	// that any more, for a function because it keeps no state. A pointer to a
	// shared type is shared too. nil shares nothing.
	Shared func(reflect.Type) bool
	// Room says of a type that its values are only room for work that nobody is
	// at: they are zero in the copy. nil says so of none.
	Room func(reflect.Type) bool

	parts map[reflect.Type]func(unsafe.Pointer) any
}

// Part says that values of type T that are pointed at are parts of larger
// objects: whole returns a pointer to the object, nil if a value stands alone.
func Part[T any](r *Rules, whole func(*T) any) {
	if r.parts == nil {
		r.parts = map[reflect.Type]func(unsafe.Pointer) any{}
	}
	r.parts[reflect.TypeFor[T]()] = func(p unsafe.Pointer) any { return whole((*T)(p)) }
}

// Of returns a copy of what root points at and of everything that can be reached
// from there. The original must not be changed meanwhile; neither sees later
// changes of the other. It costs time and memory in proportion to what it
// copies.
//
// Slices are copied one by one: two that share an array do not in the copy, and
// what lies beyond a slice's length is left out. A pointer to an element of a
// slice, or to a field, becomes one to a value of its own unless a Part rule
// tells of what: Audit finds such pointers.
func Of[T any](root *T, rules *Rules) *T {
	c := newCopier(rules)
	out := (*T)(c.copy(unsafe.Pointer(root), reflect.TypeFor[T]()))
	runtime.KeepAlive(root) // the table knows it by a number only
	return out
}

// copier is one copy in the making.
type copier struct {
	rules   *Rules
	layouts map[reflect.Type]*layout
	// made tells the copy of each object by its address; todo are copies whose
	// references still lead to the original.
	made table
	todo []raw
	// found, if not nil, is told of each object and array that is copied.
	found func(span)
}

// raw are values of one type that lie one after the other.
type raw struct {
	at    unsafe.Pointer
	count int
	as    *layout
}

func newCopier(rules *Rules) *copier {
	return &copier{rules: rules, layouts: map[reflect.Type]*layout{}}
}

func (c *copier) copy(root unsafe.Pointer, t reflect.Type) unsafe.Pointer {
	out := c.pointer(root, c.layoutOf(t))
	for len(c.todo) > 0 {
		last := len(c.todo) - 1
		r := c.todo[last]
		c.todo = c.todo[:last]
		for i := range r.count {
			c.redirect(unsafe.Add(r.at, uintptr(i)*r.as.of.Size()), r.as)
		}
	}
	return out
}

// pointer returns what a pointer becomes in the copy.
func (c *copier) pointer(p unsafe.Pointer, l *layout) unsafe.Pointer {
	if l.part != nil {
		if whole := l.part(p); whole != nil {
			v := reflect.ValueOf(whole)
			begin := v.UnsafePointer()
			if offset := uintptr(p) - uintptr(begin); offset < v.Type().Elem().Size() {
				return unsafe.Add(c.object(begin, c.layoutOf(v.Type().Elem())), offset)
			}
		}
	}
	return c.object(p, l)
}

// object returns the copy of a whole object.
func (c *copier) object(p unsafe.Pointer, l *layout) unsafe.Pointer {
	if l.of.Size() == 0 {
		return p
	}
	if made := c.made.find(p); made != nil {
		return made
	}
	v := reflect.New(l.of)
	v.Elem().Set(reflect.NewAt(l.of, p).Elem())
	made := v.UnsafePointer()
	c.made.put(p, made)
	c.later(made, 1, l)
	if c.found != nil {
		c.found(span{at: uintptr(p), size: l.of.Size(), as: l.of, object: true})
	}
	return made
}

func (c *copier) later(at unsafe.Pointer, count int, l *layout) {
	if len(l.refs) > 0 && count > 0 {
		c.todo = append(c.todo, raw{at, count, l})
	}
}

// redirect lets the references of a raw copy lead to copies.
func (c *copier) redirect(at unsafe.Pointer, l *layout) {
	for i := range l.refs {
		r := &l.refs[i]
		place := unsafe.Add(at, r.offset)
		if r.kind == reflect.Pointer {
			if p := (*unsafe.Pointer)(place); *p != nil {
				*p = c.pointer(*p, r.to)
			}
			continue
		}
		v := reflect.NewAt(r.of, place).Elem()
		if r.kind == reflect.Invalid {
			v.SetZero()
			continue
		}
		if v.IsNil() {
			continue
		}
		switch r.kind {
		case reflect.Slice:
			v.Set(c.slice(v, r))
		case reflect.Map:
			v.Set(c.mapping(v, r))
		case reflect.Interface:
			v.Set(c.boxed(v.Elem()))
		}
	}
}

func (c *copier) slice(v reflect.Value, r *ref) reflect.Value {
	n := v.Len()
	out := reflect.MakeSlice(r.of, n, n)
	if n == 0 {
		return out
	}
	reflect.Copy(out, v)
	c.later(out.UnsafePointer(), n, r.to)
	if c.found != nil {
		c.found(span{at: uintptr(v.UnsafePointer()), size: uintptr(n) * r.to.of.Size(), as: r.of})
	}
	return out
}

// mapping copies a map. Its keys and values are stored as they are at last, so
// their references are redirected at once; what those lead to may wait.
func (c *copier) mapping(v reflect.Value, r *ref) reflect.Value {
	out := reflect.MakeMapWithSize(r.of, v.Len())
	key, value := reflect.New(r.key.of), reflect.New(r.to.of)
	for entries := v.MapRange(); entries.Next(); {
		key.Elem().SetIterKey(entries)
		value.Elem().SetIterValue(entries)
		c.redirect(key.UnsafePointer(), r.key)
		c.redirect(value.UnsafePointer(), r.to)
		out.SetMapIndex(key.Elem(), value.Elem())
	}
	return out
}

// boxed copies what an interface holds.
func (c *copier) boxed(v reflect.Value) reflect.Value {
	return c.value(v, c.layoutOf(v.Type()))
}

// value copies a value that has no place of its own.
func (c *copier) value(v reflect.Value, l *layout) reflect.Value {
	if len(l.refs) == 0 {
		return v
	}
	out := reflect.New(l.of)
	out.Elem().Set(v)
	c.redirect(out.UnsafePointer(), l)
	return out.Elem()
}
