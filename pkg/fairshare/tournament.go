package fairshare

// Keyer tells the key that node n has while leaf's candidate is the best one
// below it. It writes to key, which holds an older key of n.
type Keyer interface {
	KeyAt(n, leaf int32, key *Key)
}

// Tournament finds the best candidate of a tree. Each inner node keeps a
// binary heap of those children that have a candidate below them; entering,
// leaving or re-keying a leaf costs O(depth x log children) and a key a level.
//
// Invariant: a node is in its parent's heap if and only if there is an entered
// leaf below it, and then its key was computed for best[n], the leaf at the
// top of its own heap, when its path was last re-keyed.
type Tournament struct {
	parent []int32
	heap   [][]int32
	at     []int32 // position in the parent's heap, -1 if in none
	best   []int32 // leaf that represents the node
	keys   []Key
	keyer  Keyer
}

// NewTournament returns a tournament without candidates. parent[n] is n's
// parent, -1 for node 0, the root.
func NewTournament(parent []int32, keyer Keyer) *Tournament {
	t := &Tournament{
		parent: parent, keyer: keyer,
		heap: make([][]int32, len(parent)),
		at:   make([]int32, len(parent)),
		best: make([]int32, len(parent)),
		keys: make([]Key, len(parent)),
	}
	for n := range t.at {
		t.at[n], t.best[n] = -1, -1
	}
	return t
}

// Winner returns the leaf whose candidate is the best of all, -1 if no leaf is
// entered.
func (t *Tournament) Winner() int32 { return t.best[0] }

// Entered says whether leaf takes part.
func (t *Tournament) Entered(leaf int32) bool { return t.best[leaf] == leaf }

// Key is the key of node n, valid while a leaf below it is entered.
func (t *Tournament) Key(n int32) *Key { return &t.keys[n] }

// Enter lets leaf take part, or re-keys its path if it does already.
func (t *Tournament) Enter(leaf int32) {
	t.best[leaf] = leaf
	t.rekey(leaf, leaf)
}

// Leave takes leaf out, if it takes part, and re-keys its path.
func (t *Tournament) Leave(leaf int32) {
	t.best[leaf] = -1
	t.rekey(leaf, leaf)
}

// Clear takes all leaves out.
func (t *Tournament) Clear() { t.clear(0) }

func (t *Tournament) clear(n int32) {
	t.best[n] = -1
	for _, c := range t.heap[n] {
		t.at[c] = -1
		t.clear(c)
	}
	t.heap[n] = t.heap[n][:0]
}

// Rekey computes anew the keys on leaf's path: something charged at leaf has
// changed.
func (t *Tournament) Rekey(leaf int32) { t.rekey(leaf, leaf) }

func (t *Tournament) rekey(n, leaf int32) {
	for {
		if n != leaf {
			t.best[n] = -1
			if h := t.heap[n]; len(h) > 0 {
				t.best[n] = t.best[h[0]]
			}
		}
		p := t.parent[n]
		if p < 0 {
			return
		}
		if t.best[n] < 0 {
			t.remove(p, n)
		} else {
			t.keyer.KeyAt(n, t.best[n], &t.keys[n])
			t.place(p, n)
		}
		n = p
	}
}

// place puts child n into p's heap or moves it to where its key belongs.
func (t *Tournament) place(p, n int32) {
	if t.at[n] < 0 {
		t.at[n] = int32(len(t.heap[p]))
		t.heap[p] = append(t.heap[p], n)
	}
	if !t.up(p, t.at[n]) {
		t.down(p, t.at[n])
	}
}

func (t *Tournament) remove(p, n int32) {
	i := t.at[n]
	if i < 0 {
		return
	}
	h := t.heap[p]
	last := int32(len(h) - 1)
	t.swap(h, i, last)
	t.heap[p] = h[:last]
	t.at[n] = -1
	if i < last && !t.up(p, i) {
		t.down(p, i)
	}
}

func (t *Tournament) swap(h []int32, i, j int32) {
	h[i], h[j] = h[j], h[i]
	t.at[h[i]], t.at[h[j]] = i, j
}

func (t *Tournament) before(a, b int32) bool { return CompareKeys(&t.keys[a], &t.keys[b]) < 0 }

func (t *Tournament) up(p, i int32) bool {
	h, moved := t.heap[p], false
	for i > 0 {
		above := (i - 1) / 2
		if !t.before(h[i], h[above]) {
			break
		}
		t.swap(h, i, above)
		i, moved = above, true
	}
	return moved
}

func (t *Tournament) down(p, i int32) {
	h := t.heap[p]
	for {
		c := 2*i + 1
		if int(c) >= len(h) {
			return
		}
		if int(c)+1 < len(h) && t.before(h[c+1], h[c]) {
			c++
		}
		if !t.before(h[c], h[i]) {
			return
		}
		t.swap(h, i, c)
		i = c
	}
}
