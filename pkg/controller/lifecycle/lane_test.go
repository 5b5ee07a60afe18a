package lifecycle

import (
	"fmt"
	"testing"

	"fairlead.dev/fairlead/pkg/controller/ledger"
)

// No more than there are places are in the lane. All get through it in the order
// in which they came, however often one comes while he waits.
func TestTheLaneLetsEverybodyThroughInOrder(t *testing.T) {
	var l lane
	key := func(i int) ledger.Key { return ledger.Key{Name: fmt.Sprint(i)} }
	const all = 3 * narrow
	in := []int{}
	for i := range all {
		for range 2 {
			if entered := l.enter(key(i), narrow); entered != (i < narrow) {
				t.Fatalf("%d enters: %v", i, entered)
			} else if entered {
				in = append(in, i)
				break
			}
		}
	}
	if _, ok := l.next(narrow); ok {
		t.Fatal("called although the lane is full")
	}
	if !l.enter(key(all), wide) {
		t.Fatal("the lane is closed to one who need not wait")
	}
	l.leave()
	for range in {
		l.leave()
		if first, ok := l.next(narrow); !ok || first != key(len(in)) {
			t.Fatalf("called %v %v, not %d", first, ok, len(in))
		} else if !l.enter(first, narrow) {
			t.Fatalf("no place for %v", first)
		}
		in = append(in, len(in))
	}
	// Who is called and does not come keeps nobody else out.
	l.leave()
	for i := len(in); i < all; i++ {
		if first, ok := l.next(narrow); !ok || first != key(i) {
			t.Fatalf("called %v %v, not %d", first, ok, i)
		}
	}
	if first, ok := l.next(narrow); ok {
		t.Fatalf("called %v twice", first)
	}
}
