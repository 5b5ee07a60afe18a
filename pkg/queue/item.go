package queue

import (
	"strings"

	"github.com/google/btree"
)

// Item is one pending workload. Its order is Priority (higher first), Time,
// UID, and must not change while it is in a Queue.
type Item struct {
	UID      string
	Time     int64 // queue time, Unix nanoseconds
	Priority int32
	// Limit tells workloads of equal shape apart; 0 where that is not wanted. Like
	// the order it must not change while the item is in a Queue.
	Limit int64
	// Told is the reason last told for waiting, 0 if none. It is its owner's
	// to set when the workload leaves.
	Told uint8
	// seen counts if look is that of its class: see Queue.Look.
	seen bool
	look uint32
	// Owner is the record that the item is a part of.
	Owner any
	class *Class
}

// Class is the class that the item is in, nil if it is in no Queue.
func (i *Item) Class() *Class { return i.class }

// Seen says whether a verdict was given on the item that let it wait in its own
// right, since it came into its Queue: see Queue.Look.
func (i *Item) Seen() bool {
	if i.look == i.class.look {
		return i.seen
	}
	return i.class.seen
}

// See notes what Seen is to say of the item until its class is looked at again.
func (i *Item) See(seen bool) { i.look, i.seen = i.class.look, seen }

// Before says whether i goes before o in a queue.
func (i *Item) Before(o *Item) bool {
	if i.Priority != o.Priority {
		return i.Priority > o.Priority
	}
	if i.Time != o.Time {
		return i.Time < o.Time
	}
	return strings.Compare(i.UID, o.UID) < 0
}

// members is an ordered set of items that costs nothing beyond a pointer
// while it has only one.
type members struct {
	first *Item
	rest  *btree.BTreeG[*Item]
}

const degree = 32

func itemBefore(a, b *Item) bool { return a.Before(b) }

func (m *members) len() int {
	switch {
	case m.first == nil:
		return 0
	case m.rest == nil:
		return 1
	}
	return 1 + m.rest.Len()
}

func (m *members) insert(i *Item, free *btree.FreeListG[*Item]) {
	if m.first == nil {
		m.first = i
		return
	}
	if i.Before(m.first) {
		m.first, i = i, m.first
	}
	if m.rest == nil {
		m.rest = btree.NewWithFreeListG(degree, itemBefore, free)
	}
	m.rest.ReplaceOrInsert(i)
}

func (m *members) remove(i *Item) {
	if i != m.first {
		m.rest.Delete(i)
		return
	}
	m.first = nil
	if m.rest != nil {
		if next, ok := m.rest.DeleteMin(); ok {
			m.first = next
		}
	}
}

func (m *members) each(visit func(*Item)) {
	if m.first == nil {
		return
	}
	visit(m.first)
	if m.rest != nil {
		m.rest.Ascend(func(i *Item) bool { visit(i); return true })
	}
}

// any says whether a condition holds for one of the items.
func (m *members) any(is func(*Item) bool) (found bool) {
	if m.first == nil || m.rest == nil || is(m.first) {
		return m.first != nil && is(m.first)
	}
	m.rest.Ascend(func(i *Item) bool {
		found = is(i)
		return !found
	})
	return found
}
