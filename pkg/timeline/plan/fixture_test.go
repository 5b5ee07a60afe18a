package plan_test

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	oracle "fairlead.dev/fairlead/internal/oracle/timeline"
	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
	"fairlead.dev/fairlead/pkg/timeline/plan"
)

// build is an oracle's tree for the code under test.
func build(tree oracle.Tree) *quota.Tree {
	parent := make([]int32, len(tree.Parent))
	for n, p := range tree.Parent {
		parent[n] = int32(p)
	}
	out := quota.NewTree(parent, make([]int32, len(tree.Quota[0])))
	for n, qs := range tree.Quota {
		for f, q := range qs {
			out.SetQuota(int32(n), int32(f), quota.Quota{Nominal: q.Nominal, BorrowingLimit: orNone(q.Borrowing), LendingLimit: orNone(q.Lending)})
		}
	}
	out.Seal()
	return out
}

func orNone(limit *int64) quota.Amount {
	if limit == nil {
		return quota.Unlimited
	}
	return *limit
}

func requests(amounts []int64) []quota.Request {
	var r []quota.Request
	for f, a := range amounts {
		if a != 0 {
			r = append(r, quota.Request{FR: int32(f), Amount: a})
		}
	}
	return r
}

// drawTree draws a cohort, a cohort in it or none, and two to four leaves; it
// returns the leaves.
func drawTree(t *rapid.T) (oracle.Tree, []int) {
	tree := oracle.Tree{Parent: []int{-1}}
	var leaves []int
	inner := rapid.IntRange(0, 2).Draw(t, "leaves of the inner cohort")
	if inner > 0 {
		tree.Parent = append(tree.Parent, 0)
		for range inner {
			leaves = append(leaves, len(tree.Parent))
			tree.Parent = append(tree.Parent, 1)
		}
	}
	for range rapid.IntRange(1, 2).Draw(t, "leaves of the root") {
		leaves = append(leaves, len(tree.Parent))
		tree.Parent = append(tree.Parent, 0)
	}
	tree.Quota = drawQuotas(t, tree.Parent, leaves)
	return tree, leaves
}

func drawQuotas(t *rapid.T, parent, leaves []int) [][]oracle.Quota {
	limit := rapid.Custom(func(t *rapid.T) *int64 {
		if rapid.Bool().Draw(t, "unlimited") {
			return nil
		}
		n := rapid.Int64Range(0, 6).Draw(t, "limit")
		return &n
	})
	all := make([][]oracle.Quota, len(parent))
	for n := range parent {
		for range 2 {
			var q oracle.Quota
			if slices.Contains(leaves, n) {
				q.Nominal = rapid.Int64Range(0, 10).Draw(t, "nominal")
			}
			if n > 0 {
				q.Borrowing, q.Lending = limit.Draw(t, "borrowing"), limit.Draw(t, "lending")
			}
			all[n] = append(all[n], q)
		}
	}
	return all
}

// both is a planner twice.
type both struct {
	naive *oracle.Plan
	plan  *plan.Planner
	// pending workloads in their order; class numbers their classes.
	pending []oracle.Workload
	class   map[string]uint64
	windows []string
	// named are the keys of windows for groups, in order.
	named []string
}

func drawBoth(t *rapid.T) (*both, []int) {
	tree, leaves := drawTree(t)
	b := &both{naive: &oracle.Plan{Tree: tree, Horizon: 80, Behind: true}, class: map[string]uint64{}}
	b.naive.Slack = rapid.Int64Range(0, 1).Draw(t, "slack")
	b.naive.Overrun = rapid.Int64Range(1, 2).Draw(t, "overrun")
	config := plan.Config{Slack: b.naive.Slack, Overrun: b.naive.Overrun}
	for range tree.Parent {
		p := oracle.Policy{
			Depth:             rapid.SampledFrom([]int{plan.All, plan.All, 0, 1, 1, 2}).Draw(t, "depth"),
			Borrowing:         rapid.SampledFrom([]int{plan.All, 1, 1, 0}).Draw(t, "borrowing"),
			Default:           rapid.Int64Range(1, 5).Draw(t, "default"),
			BackfillUnlimited: rapid.Bool().Draw(t, "backfill without limit"),
		}
		b.naive.Policies = append(b.naive.Policies, p)
		config.Policies = append(config.Policies, plan.Policy(p))
	}
	p, err := plan.New(build(tree), config, 0)
	if err != nil {
		t.Fatal(err)
	}
	b.plan = p
	return b, leaves
}

// workload is the same workload for the code under test.
func (b *both) workload(w oracle.Workload) plan.Workload {
	out := plan.Workload{UID: w.UID, Leaf: int32(w.Leaf), Limit: w.Limit, Group: w.Group}
	if w.Class != "" {
		if b.class[w.Class] == 0 {
			b.class[w.Class] = uint64(len(b.class) + 1)
		}
		out.Class = b.class[w.Class]
	}
	for _, a := range w.Alternatives {
		out.Alternatives = append(out.Alternatives, requests(a))
	}
	return out
}

func (b *both) planAll() {
	b.naive.Plan(b.pending)
	var list []plan.Workload
	for _, w := range b.pending {
		list = append(list, b.workload(w))
	}
	b.plan.Plan(list)
}

func (b *both) advance(now int64) {
	b.naive.Advance(now)
	b.plan.Advance(now)
}

func (b *both) start(i int, alternative int) error {
	w := b.pending[i]
	b.pending = slices.Delete(b.pending, i, i+1)
	b.naive.Start(w, alternative)
	if !b.plan.Start(b.workload(w), alternative) {
		return fmt.Errorf("%+v is said to be too large to count", w)
	}
	return nil
}

func (b *both) finish(uid string) {
	b.naive.Finish(uid)
	b.plan.Finish(uid)
}

func drawAmounts(t *rapid.T) []int64 {
	return []int64{rapid.Int64Range(1, 8).Draw(t, "amount 0"), max(0, rapid.Int64Range(-4, 6).Draw(t, "amount 1"))}
}

func drawWorkload(t *rapid.T, uid string, leaves []int) oracle.Workload {
	w := oracle.Workload{UID: uid, Leaf: rapid.SampledFrom(leaves).Draw(t, "leaf")}
	w.Limit = max(0, rapid.Int64Range(-1, 6).Draw(t, "limit"))
	w.Alternatives = append(w.Alternatives, drawAmounts(t))
	if rapid.IntRange(0, 3).Draw(t, "another flavor") == 0 {
		w.Alternatives = append(w.Alternatives, []int64{0, rapid.Int64Range(1, 6).Draw(t, "amount")})
	}
	if rapid.IntRange(0, 2).Draw(t, "in a group") > 0 {
		w.Group = rapid.SampledFrom(groups).Draw(t, "group")
	}
	classify(t, &w)
	return w
}

// groups are those for whom windows may be kept.
var groups = []string{"g", "h", "i"}

// open makes a window for groups.
func (b *both) open(t *rapid.T, key string, c oracle.Charge) {
	w := oracle.Window{Charge: c, Groups: rapid.SliceOfNDistinct(rapid.SampledFrom(groups), 1, 2, rapid.ID).Draw(t, "groups")}
	at, _ := slices.BinarySearch(b.named, key)
	b.named = slices.Insert(b.named, at, key)
	b.naive.SetNamed(slices.Insert(slices.Clone(b.naive.Named), at, w))
	b.plan.Block(key, charge(c))
	b.plan.Open(key, w.Groups...)
}

// shut takes a window for groups away.
func (b *both) shut(at int) {
	b.plan.Unblock(b.named[at])
	b.named = slices.Delete(b.named, at, at+1)
	b.naive.SetNamed(slices.Delete(slices.Clone(b.naive.Named), at, at+1))
}

// classify gives most workloads the class of those that ask for the same.
func classify(t *rapid.T, w *oracle.Workload) {
	w.Class = ""
	if rapid.IntRange(0, 3).Draw(t, "classless") > 0 {
		w.Class = fmt.Sprint(w.Leaf, w.Alternatives, w.Limit, w.Group)
	}
}

// same compares reservations, and what may start.
func (b *both) same() error {
	for _, w := range b.pending {
		got, ok := b.plan.Reservation(w.UID)
		i := slices.IndexFunc(b.naive.Held, func(h oracle.Held) bool { return h.UID == w.UID })
		if ok != (i >= 0) {
			return fmt.Errorf("%+v holds a reservation: %t (%+v)", w, ok, got)
		}
		if ok {
			h := b.naive.Held[i]
			want := plan.Reservation{UID: h.UID, Leaf: int32(h.Leaf), Alternative: h.Alternative, Start: h.Start, End: h.End, Borrows: h.Borrows}
			if got != want {
				return fmt.Errorf("reservation %+v, want %+v", got, want)
			}
		}
		if err := b.sameMayStart(w); err != nil {
			return err
		}
	}
	if got, want := len(b.plan.Reservations()), len(b.naive.Held); got != want {
		return fmt.Errorf("%d reservations, want %d", got, want)
	}
	world, line := b.naive.World(), b.plan.Timeline()
	for n := range world.Parent {
		for f := range world.Quota[n] {
			for at := b.naive.Now; at < 40; at++ {
				if got, want := line.Use(int32(n), int32(f), at), world.Use(n, f, at); got != want {
					return fmt.Errorf("use of node %d, flavor-resource %d at %d: %d, want %d", n, f, at, got, want)
				}
			}
		}
	}
	return nil
}

func (b *both) sameMayStart(w oracle.Workload) error {
	alternative, ok := b.plan.MayStart(b.workload(w))
	want, wantOK := b.naive.MayStart(w)
	if ok != wantOK || ok && alternative != want {
		return fmt.Errorf("%+v may start: %d, %t, want %d, %t", w, alternative, ok, want, wantOK)
	}
	r, refused := b.plan.Refused(b.workload(w), 0)
	if refused == (ok && alternative == 0) {
		return fmt.Errorf("%+v may start with alternative %d (%t), refused %t: %+v", w, alternative, ok, refused, r)
	}
	return nil
}

func charge(c oracle.Charge) timeline.Charge {
	return timeline.Charge{Node: int32(c.Node), Requests: requests(c.Amount), Start: c.Start, End: c.End}
}
