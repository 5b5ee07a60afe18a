package replica

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

type part struct {
	name  string
	owner any
}

type node struct {
	part
	next, prev *node
	self       any
	list       []*node
	byName     map[string]*node
	byNode     map[*node]struct{ of []*node }
	pair       [2]struct{ to *node }
	notes      []string
	number     any
	shared     *notes
	order      func(int) int
	none       *struct{}
}

type notes struct{ list []string }

func identity(i int) int { return i }

// ring is n nodes that refer to each other in every way.
func ring(n int) *node {
	list := make([]*node, n)
	for i := range list {
		list[i] = &node{notes: []string{"a", "b"}, number: i, byName: map[string]*node{}, byNode: map[*node]struct{ of []*node }{}, shared: &notes{}, order: identity, none: &struct{}{}}
	}
	for i, x := range list {
		x.name = strings.Repeat("x", i)
		x.next, x.prev, x.self, x.list = list[(i+1)%n], list[(i+n-1)%n], x, slices.Clone(list[:i%5])
		x.owner = x
		x.byName[x.name], x.byNode[x.next] = x, struct{ of []*node }{slices.Clone(list[i:min(n, i+3)])}
		x.pair[1].to = x.prev
	}
	return list[0]
}

func ringRules() *Rules {
	r := &Rules{Shared: func(t reflect.Type) bool { return t == reflect.TypeFor[notes]() || t.Kind() == reflect.Func }}
	Part(r, func(p *part) any { return p.owner })
	return r
}

func TestCopyHasTheShapeOfTheOriginal(t *testing.T) {
	const n = 2000 // the table grows
	root := ring(n)
	out := Of(root, ringRules())
	if faults := Audit(root, ringRules(), nil); len(faults) > 0 {
		t.Error(faults)
	}
	seen := map[*node]bool{}
	for a, b, i := root, out, 0; i < n; a, b, i = a.next, b.next, i+1 {
		if seen[b] = true; a == b || b.self != any(b) || b.owner != any(b) || b.byName[a.name] != b || b.pair[1].to != b.prev || b.next.prev != b {
			t.Fatalf("node %d is not itself", i)
		}
		if of := b.byNode[b.next].of; len(of) != min(3, n-i) || of[0] != b || len(b.list) != i%5 || b.number != i || b.shared != a.shared || b.order(3) != 3 {
			t.Fatalf("node %d: %d later, %d earlier, number %v", i, len(of), len(b.list), b.number)
		}
		if &b.notes[0] == &a.notes[0] || b.notes[1] != "b" {
			t.Fatalf("node %d: its notes are the original's", i)
		}
	}
	if len(seen) != n {
		t.Errorf("the copy has %d nodes", len(seen))
	}
}

// A pointer to a part leads to that part of the copy, whichever is reached first.
func TestParts(t *testing.T) {
	type holder struct {
		part  *part
		whole *node
	}
	x := ring(1)
	out := Of(&holder{part: &x.part, whole: x}, ringRules())
	if out.part != &out.whole.part {
		t.Error("the part is not the whole's")
	}
	alone := Of(&holder{part: &part{name: "alone"}}, ringRules())
	if alone.part.name != "alone" {
		t.Errorf("got %+v", alone.part)
	}
}

func TestRoomIsLeftEmpty(t *testing.T) {
	type desk struct {
		lamp   string
		papers notes
	}
	rules := &Rules{Room: func(t reflect.Type) bool { return t == reflect.TypeFor[notes]() }}
	if out := Of(&desk{"on", notes{[]string{"a"}}}, rules); out.lamp != "on" || out.papers.list != nil {
		t.Errorf("got %+v", out)
	}
}

func TestWhatCannotBeCopied(t *testing.T) {
	type line struct{ c chan int }
	defer func() {
		if text, ok := recover().(string); !ok || !strings.Contains(text, "chan int") || !strings.Contains(text, "replica.line") {
			t.Errorf("got %q", text)
		}
	}()
	Of(&line{c: make(chan int)}, &Rules{})
}

func TestAuditFindsPointersIntoTheMiddle(t *testing.T) {
	type world struct {
		list  []node
		first *node
		name  *part
	}
	w := &world{list: make([]node, 2)}
	w.first, w.name = &w.list[1], &part{}
	if got := Audit(w, &Rules{Shared: ringRules().Shared}, nil); len(got) != 1 || got[0] != "replica.node lies in the array of a []replica.node" {
		t.Errorf("got %q", got)
	}
}
