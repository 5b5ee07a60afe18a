package queue

import "github.com/google/btree"

// Backoff holds workloads that may not be tried before a given time, Unix
// nanoseconds.
type Backoff struct {
	waiting *btree.BTreeG[due]
}

type due struct {
	at   int64
	item *Item
}

// NewBackoff returns an empty Backoff.
func NewBackoff() *Backoff {
	return &Backoff{waiting: btree.NewG(degree, func(a, b due) bool {
		if a.at != b.at {
			return a.at < b.at
		}
		return a.item.UID < b.item.UID
	})}
}

// Put lets a workload wait until the time at.
func (b *Backoff) Put(i *Item, at int64) { b.waiting.ReplaceOrInsert(due{at, i}) }

// Drop takes out a workload that was put in with that time; it is no error if
// it is not there.
func (b *Backoff) Drop(i *Item, at int64) { b.waiting.Delete(due{at, i}) }

// Next is the earliest time at which one is due; false if none waits.
func (b *Backoff) Next() (int64, bool) {
	d, ok := b.waiting.Min()
	return d.at, ok
}

// Pop takes out and returns the earliest that is due at now, nil if none is.
func (b *Backoff) Pop(now int64) *Item {
	d, ok := b.waiting.Min()
	if !ok || d.at > now {
		return nil
	}
	b.waiting.DeleteMin()
	return d.item
}
