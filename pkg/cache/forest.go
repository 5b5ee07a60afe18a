package cache

import (
	"slices"

	"fairlead.dev/fairlead/pkg/quota"
)

// Forest is all ClusterQueues and Cohorts. Edits make trees stale; Sync builds
// them anew. Charges between an edit and Sync are not lost.
type Forest struct {
	Index
	queues  map[string]*Node
	cohorts map[string]*Node
	stale   []*Tree
	loose   []*Node // in no tree yet
	round   int
}

// NewForest returns an empty Forest.
func NewForest() *Forest {
	return &Forest{Index: newIndex(), queues: map[string]*Node{}, cohorts: map[string]*Node{}}
}

// Tree is one tree of nodes. Numbers of nodes and flavor-resources are local
// to it.
type Tree struct {
	*quota.Tree
	// Nodes are in preorder; the first is the root and names the tree.
	Nodes []*Node
	// Cycle names the Cohorts that name each other as parents, "" if all is
	// well. In a tree with a cycle every node stands alone.
	Cycle string

	global []int32 // number in the Forest of each local flavor-resource
	local  []int32 // the reverse, -1 where the tree has none
	listed int32   // see Listed
	holds  int     // nodes and flavor-resources with something held
	// leaving counts nodes and flavor-resources with something leaving; ahead
	// is the tree without that, nil if nobody has asked for it.
	leaving int
	ahead   *quota.Tree
	// bare is the tree ahead without holds, nil if nobody has asked for it.
	bare  *quota.Tree
	stale bool
}

// Listed is how many flavor-resources the quotas of the tree list. They have the
// first local numbers; others that somebody uses come after them.
func (t *Tree) Listed() int32 { return t.listed }

// Name is the name of the tree's root.
func (t *Tree) Name() string { return t.Nodes[0].Name }

// Stale says that a later Sync has replaced the tree, or will.
func (t *Tree) Stale() bool { return t.stale }

// Holds says whether anything is held in the tree.
func (t *Tree) Holds() bool { return t.holds > 0 }

// Leaving says whether usage of the tree is about to be given back.
func (t *Tree) Leaving() bool { return t.leaving > 0 }

// Ahead is the tree as it will be once what is leaving has left, holds
// included: the tree itself if nothing is. Whoever changes it must undo that
// before anything is charged, and cut the trail to what it was.
func (t *Tree) Ahead() *quota.Tree {
	if t.leaving == 0 {
		return t.Tree
	}
	if t.ahead == nil {
		t.ahead = t.Copy()
		for _, n := range t.Nodes {
			for _, l := range n.leaving {
				t.ahead.Add(n.at, t.Local(l.FR), -l.Amount)
			}
		}
		t.ahead.CutTrail(0)
	}
	return t.ahead
}

// Bare is the tree ahead without holds: that itself if nothing is held. What is
// said of Ahead holds for it too.
func (t *Tree) Bare() *quota.Tree {
	if t.holds == 0 {
		return t.Ahead()
	}
	if t.bare == nil {
		t.bare = t.Ahead().Copy()
		for _, n := range t.Nodes {
			for _, h := range n.held {
				t.bare.Add(n.at, t.Local(h.FR), -h.Amount)
			}
		}
		t.bare.CutTrail(0)
	}
	return t.bare
}

// Local is the tree's number of the Forest's flavor-resource fr, -1 if the
// tree has none.
func (t *Tree) Local(fr int32) int32 {
	if int(fr) >= len(t.local) {
		return -1
	}
	return t.local[fr]
}

// Global is the Forest's number of the tree's flavor-resource f.
func (t *Tree) Global(f int32) int32 { return t.global[f] }

// Queue returns the ClusterQueue of that name, made if need be without quota.
func (f *Forest) Queue(name string) *Node { return f.node(f.queues, name, false) }

// FindCohort returns the Cohort of that name, nil if nothing names it.
func (f *Forest) FindCohort(name string) *Node { return f.cohorts[name] }

func (f *Forest) node(in map[string]*Node, name string, cohort bool) *Node {
	n := in[name]
	if n == nil {
		n = &Node{Name: name, Cohort: cohort, Spec: implicit}
		in[name] = n
		f.loose = append(f.loose, n)
	}
	return n
}

// SetQueue gives a ClusterQueue its specification.
func (f *Forest) SetQueue(name string, s Spec) *Node { return f.set(f.Queue(name), s, true) }

// SetCohort gives a Cohort its specification.
func (f *Forest) SetCohort(name string, s Spec) *Node {
	return f.set(f.node(f.cohorts, name, true), s, true)
}

// RemoveQueue takes a ClusterQueue's specification away. What is charged to it
// stays charged to it, outside any cohort.
func (f *Forest) RemoveQueue(name string) { f.set(f.Queue(name), implicit, false) }

// RemoveCohort takes a Cohort's specification away; it is no error if there is
// none.
func (f *Forest) RemoveCohort(name string) {
	if n := f.cohorts[name]; n != nil && n.Exists {
		f.set(n, implicit, false)
	}
}

func (f *Forest) set(n *Node, s Spec, exists bool) *Node {
	n.Spec, n.Exists = s, exists
	f.Touch(n)
	return n
}

// Touch makes the node's tree stale.
func (f *Forest) Touch(n *Node) {
	if t := n.tree; t != nil && !t.stale {
		t.stale = true
		f.stale = append(f.stale, t)
	}
}

// Drop forgets a ClusterQueue to which nothing is charged or held.
func (f *Forest) Drop(n *Node) {
	f.Touch(n)
	delete(f.queues, n.Name)
	f.loose = slices.DeleteFunc(f.loose, func(o *Node) bool { return o == n })
	n.mark = -1
}

// Charge changes by delta what workloads are charged at queue n of fr. It
// returns the tree in whose trail the change is, nil if that is stale.
func (f *Forest) Charge(n *Node, fr int32, delta quota.Amount) *Tree {
	n.usage = bump(n.usage, fr, delta)
	return f.add(n, fr, delta, false)
}

// Hold changes by delta what is held at queue n of fr. Its result is that of
// Charge.
func (f *Forest) Hold(n *Node, fr int32, delta quota.Amount) *Tree {
	was := len(n.held)
	n.held = bump(n.held, fr, delta)
	if t := n.tree; t != nil {
		if t.holds += len(n.held) - was; t.holds == 0 {
			t.bare = nil
		}
	}
	return f.add(n, fr, delta, true)
}

// Leave changes by delta what of the charges at queue n of fr is about to be
// given back. Only the tree ahead sees it.
func (f *Forest) Leave(n *Node, fr int32, delta quota.Amount) {
	was := len(n.leaving)
	n.leaving = bump(n.leaving, fr, delta)
	t := n.tree
	if t == nil || t.stale {
		return
	}
	t.leaving += len(n.leaving) - was
	if t.leaving == 0 {
		t.ahead = nil
	}
	addTo(t.ahead, n.at, t.Local(fr), -delta)
	addTo(t.bare, n.at, t.Local(fr), -delta)
}

// addTo changes the usage of a tree of which nobody wants to know what changed;
// there need not be one.
func addTo(t *quota.Tree, n, fr int32, delta quota.Amount) {
	if t != nil {
		t.Add(n, fr, delta)
		t.CutTrail(0)
	}
}

func (f *Forest) add(n *Node, fr int32, delta quota.Amount, hold bool) *Tree {
	t := n.tree
	if t == nil || t.stale {
		return nil
	}
	local := t.Local(fr)
	if local < 0 {
		local = t.grow(fr, f.resource[fr], f.resource)
		t.ahead, t.bare = nil, nil // they lack fr
	}
	t.Add(n.at, local, delta)
	addTo(t.ahead, n.at, local, delta)
	if !hold {
		addTo(t.bare, n.at, local, delta)
	}
	return t
}

// Stale says that Sync has something to do.
func (f *Forest) Stale() bool { return len(f.stale) > 0 || len(f.loose) > 0 }

// grow adds the flavor-resource fr, which no quota of the tree lists.
func (t *Tree) grow(fr, resource int32, resources []int32) int32 {
	r := int32(-1)
	for f, g := range t.global {
		if resources[g] == resource {
			r = t.Resource(int32(f))
		}
	}
	if r < 0 {
		r = t.Resources()
	}
	t.Grow([]int32{r})
	return t.learn(fr)
}

// learn gives the Forest's flavor-resource fr the next local number.
func (t *Tree) learn(fr int32) int32 {
	for int(fr) >= len(t.local) {
		t.local = append(t.local, -1)
	}
	if t.local[fr] < 0 {
		t.local[fr] = int32(len(t.global))
		t.global = append(t.global, fr)
	}
	return t.local[fr]
}

// WithoutHolds calls look while nothing is held in the tree.
func (f *Forest) WithoutHolds(t *Tree, look func()) {
	if t.holds == 0 {
		look()
		return
	}
	toggle := func(sign quota.Amount) {
		for _, n := range t.Nodes {
			for _, h := range n.held {
				t.Add(n.at, t.Local(h.FR), sign*h.Amount)
			}
		}
	}
	trail := len(t.Trail())
	toggle(-1)
	look()
	toggle(+1)
	t.CutTrail(trail)
}
