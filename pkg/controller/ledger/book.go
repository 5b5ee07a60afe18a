package ledger

import (
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Key names a Workload. A job is filed under the key of its Workload.
type Key = types.NamespacedName

// Change is told of every change of a Book, in order, under the Book's lock:
// it must not block nor call back. was is nil for an object that is new, is
// nil for one that is gone.
type Change[T client.Object] func(key Key, was, is T)

// Book is the newest sight of each object of one kind. Its methods may be
// called from any goroutine.
type Book[T client.Object] struct {
	mu       sync.RWMutex
	sights   map[Key]T
	onChange Change[T]
	// expected are the names under which objects are being created, with those
	// that were deleted under them meanwhile. unseen are those that are known
	// from the answer to their creation alone.
	expected map[Key][]types.UID
	unseen   map[Key]struct{}
}

// NewBook returns an empty book. onChange may be nil.
func NewBook[T client.Object](onChange Change[T]) *Book[T] {
	return &Book[T]{sights: map[Key]T{}, onChange: onChange, expected: map[Key][]types.UID{}, unseen: map[Key]struct{}{}}
}

// See files an object that the watch has delivered, unless something newer is
// known. It says whether the sight changed.
func (b *Book[T]) See(key Key, obj T) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was, known := b.sights[key]
	if known {
		switch compare(obj, was) {
		case -1:
			if was.GetUID() == obj.GetUID() {
				delete(b.unseen, key)
			}
			return false
		case 0:
			delete(b.unseen, key)
			b.sights[key] = obj // the same, in the watch's memory instead of ours
			return false
		}
	}
	delete(b.unseen, key)
	b.sights[key] = obj
	b.change(key, was, obj)
	return true
}

// Learn files an object that the server has answered to a read or write. What
// is not known, or has been shown to be gone, is not filed, so that a late
// answer revives nothing; creations are filed with Created.
func (b *Book[T]) Learn(key Key, obj T) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was, known := b.sights[key]
	if !known || was.GetUID() != obj.GetUID() || compare(obj, was) <= 0 {
		return false
	}
	b.sights[key] = obj
	b.change(key, was, obj)
	return true
}

// Expect is to be called before an object is created under a key, and Created
// after it.
func (b *Book[T]) Expect(key Key) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected[key] = nil
}

// Created files an object that the server has answered to its creation, unless
// the watch has shown more of it since Expect, its deletion too. It may be gone
// while the watch does not work, and then never be shown: see Unseen. Without an
// answer ok is false.
func (b *Book[T]) Created(key Key, obj T, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	gone := b.expected[key]
	delete(b.expected, key)
	if _, known := b.sights[key]; known || !ok || slices.Contains(gone, obj.GetUID()) {
		return
	}
	b.sights[key] = obj
	b.unseen[key] = struct{}{}
	var none T
	b.change(key, none, obj)
}

// Unseen says whether the object under a key was created by ourselves and has
// not been shown by the watch.
func (b *Book[T]) Unseen(key Key) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	_, unseen := b.unseen[key]
	return unseen
}

// Gone removes an object that the watch has shown to be deleted. Another one
// that has come under the same name stays.
func (b *Book[T]) Gone(key Key, uid types.UID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if deleted, expected := b.expected[key]; expected {
		b.expected[key] = append(deleted, uid)
	}
	was, known := b.sights[key]
	if !known || was.GetUID() != uid {
		return
	}
	delete(b.sights, key)
	delete(b.unseen, key)
	var none T
	b.change(key, was, none)
}

// Get returns the newest sight.
func (b *Book[T]) Get(key Key) (T, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	obj, known := b.sights[key]
	return obj, known
}

// Each calls visit for every object, in no particular order, until it returns
// false. visit must not call the Book.
func (b *Book[T]) Each(visit func(key Key, obj T) bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for key, obj := range b.sights {
		if !visit(key, obj) {
			return
		}
	}
}

func (b *Book[T]) change(key Key, was, is T) {
	if b.onChange != nil {
		b.onChange(key, was, is)
	}
}

// compare orders two sights of one object by resourceVersion, which API
// servers since 1.35 guarantee to be comparable numbers. Where they are not,
// the one that has just arrived counts as newer.
func compare(arrived, known client.Object) int {
	order, err := resourceversion.CompareResourceVersion(arrived.GetResourceVersion(), known.GetResourceVersion())
	if err != nil {
		return 1
	}
	return order
}
