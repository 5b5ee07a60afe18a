package replica

import "unsafe"

// table finds copies by the address of the original: open addressing with
// linear probing, at most half full. Originals are kept alive by the root.
type table struct {
	slots []slot
	used  int
	shift uint
}

type slot struct {
	from uintptr
	to   unsafe.Pointer
}

// golden spreads addresses: Knuth, The Art of Computer Programming, 6.4.
const golden = 0x9E3779B97F4A7C15

func (t *table) place(from uintptr) int {
	i := int(uint64(from) * golden >> t.shift)
	for t.slots[i].from != 0 && t.slots[i].from != from {
		i = (i + 1) & (len(t.slots) - 1)
	}
	return i
}

// find returns the copy of what is at an address, nil if there is none.
func (t *table) find(p unsafe.Pointer) unsafe.Pointer {
	if t.used == 0 {
		return nil
	}
	return t.slots[t.place(uintptr(p))].to
}

// put adds the copy of what is at an address that has none.
func (t *table) put(p, to unsafe.Pointer) {
	if 2*(t.used+1) > len(t.slots) {
		old := t.slots
		t.slots, t.shift = make([]slot, max(1024, 4*len(old))), 64-10
		for n := len(t.slots); n > 1024; n >>= 1 {
			t.shift--
		}
		for _, s := range old {
			if s.from != 0 {
				t.slots[t.place(s.from)] = s
			}
		}
	}
	t.used++
	t.slots[t.place(uintptr(p))] = slot{uintptr(p), to}
}
