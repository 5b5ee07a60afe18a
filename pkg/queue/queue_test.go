package queue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"fairlead.dev/fairlead/pkg/quota"
)

func planFor(shape int32) *quota.Plan {
	return &quota.Plan{Simple: true, Form: uint64(shape), Items: []quota.Item{{Alternatives: []quota.Alternative{
		{Requests: []quota.Request{{FR: 0, Amount: quota.Amount(shape)}, {FR: 1, Amount: 2}}},
	}}}}
}

func insert(q *Queue, i *Item, shape int32) *Class {
	c := q.Insert(i, shape)
	if c.Plan == nil {
		q.SetPlan(c, planFor(shape))
	}
	return c
}

func TestOrder(t *testing.T) {
	order := []*Item{
		{UID: "z", Priority: 5, Time: 9},
		{UID: "b", Priority: 1, Time: 3},
		{UID: "a", Priority: 1, Time: 4},
		{UID: "c", Priority: 1, Time: 4},
		{UID: "a", Priority: -1, Time: 0},
	}
	for i := range order {
		for j := range order {
			if got := order[i].Before(order[j]); got != (i < j) {
				t.Errorf("item %d before item %d: %t", i, j, got)
			}
		}
	}
}

// TestQueueAgainstList does random things to a queue and to a plain list.
func TestQueueAgainstList(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 4))
		q := New(NewFreeList())
		var all []*Item
		shape, parked, alone := map[*Item]int32{}, map[*Item]bool{}, map[*Item]bool{}
		together := func(i *Item, c *Class) bool {
			if c.Alone() {
				return i == c.First()
			}
			return !alone[i] && shape[i] == c.Shape && i.Priority == c.Priority && i.Limit == c.Limit
		}
		for step := range 120 {
			switch rng.IntN(9) {
			case 0, 1, 2:
				i := &Item{UID: fmt.Sprintf("%03d", step), Priority: int32(rng.IntN(2)), Time: int64(rng.IntN(20))}
				all, shape[i] = append(all, i), int32(rng.IntN(3))
				insert(q, i, shape[i])
			case 3:
				if len(all) == 0 {
					continue
				}
				at := rng.IntN(len(all))
				q.Remove(all[at])
				delete(parked, all[at])
				all = slices.Delete(all, at, at+1)
			case 4:
				if list := q.Active(); len(list) > 0 {
					c := q.Park(list[rng.IntN(len(list))], uint64(step))
					for _, i := range all {
						parked[i] = parked[i] || together(i, c)
					}
				}
			case 5:
				if list := q.Parked(); len(list) > 0 {
					c := q.Wake(list[rng.IntN(len(list))])
					for _, i := range all {
						if together(i, c) {
							delete(parked, i)
						}
					}
				}
			case 6:
				if list := q.Active(); len(list) > 0 {
					first := list[rng.IntN(len(list))].First()
					if c := q.Isolate(first); !c.Alone() || c.First() != first {
						t.Fatalf("%s does not stand alone", first.UID)
					}
					alone[first] = true
				}
			case 8:
				limits := map[*Item]int64{}
				for _, i := range all {
					limits[i] = int64(rng.IntN(2))
				}
				q.Regroup(func(i *Item) int64 { return limits[i] })
			case 7:
				for _, c := range q.Parked() {
					if o := q.Fellows(c); o != nil {
						i, n := c.First(), o.Len()
						if c = q.Rejoin(c, uint64(step)); c.Alone() || i.Class() != c || c.Len() != n+1 {
							t.Fatalf("%s has not rejoined its like", i.UID)
						}
						delete(alone, i)
						break
					}
				}
			}
			compare(t, q, all, shape, parked)
		}
		q.WakeAll()
		if len(q.Parked()) > 0 {
			t.Fatalf("seed %d: parked after WakeAll", seed)
		}
	}
}

func compare(t *testing.T, q *Queue, all []*Item, shape map[*Item]int32, parked map[*Item]bool) {
	t.Helper()
	if err := q.Check(); err != nil {
		t.Fatal(err)
	}
	var first *Item
	least := quota.Unlimited
	for _, i := range all {
		if first == nil || i.Before(first) {
			first = i
		}
		if c := i.Class(); c.Shape != shape[i] || c.Priority != i.Priority || c.Limit != i.Limit || c.Parked() != parked[i] {
			t.Fatalf("%s is in a class of shape %d, parked %t; want %d, %t", i.UID, c.Shape, c.Parked(), shape[i], parked[i])
		}
		least = min(least, quota.Amount(shape[i]))
	}
	if q.First() != first || q.Len() != len(all) {
		t.Fatalf("the first of %d is %v, want %v of %d", q.Len(), q.First(), first, len(all))
	}
	if needs := q.Needs(0); len(all) > 0 && needs[0].Amount != least || len(all) == 0 && len(needs) > 0 {
		t.Fatalf("needs %v, want the least to be %d", needs, least)
	}
}

func TestEachIsToldOnce(t *testing.T) {
	q := New(NewFreeList())
	for n := range 5 {
		insert(q, &Item{UID: fmt.Sprint(n), Time: int64(n)}, 1)
	}
	told := func(c *Class, reason uint8) (uids string) {
		c.Tell(reason, func(i *Item) { uids += i.UID })
		return uids
	}
	c := q.Park(q.Active()[0], 1)
	if got := told(c, 7); got != "01234" || !c.Silent(7) {
		t.Errorf("told %s at first", got)
	}
	// A newcomer is told when it is parked with the others, and nobody else.
	insert(q, &Item{UID: "x", Time: 9}, 1)
	c = q.Park(q.Active()[0], 2)
	if got := told(c, 7); got != "x" {
		t.Errorf("told %s, want only the newcomer", got)
	}
	if got := told(c, 8); got != "01234x" {
		t.Errorf("told %s of another reason, want all", got)
	}
	// Two classes with different reasons become one.
	first := c.First()
	q.Remove(first)
	first.Told = 0
	insert(q, first, 1)
	if got := told(q.Active()[0], 7); got != "0" {
		t.Errorf("told %s, want 0", got)
	}
	c = q.Park(q.Active()[0], 3)
	if got := told(c, 8); got != "0" {
		t.Errorf("told %s, want the one that had heard something else", got)
	}
}

func TestVerdictsStayWithTheirClass(t *testing.T) {
	q := New(NewFreeList())
	for n := range 3 {
		insert(q, &Item{UID: fmt.Sprint(n)}, 1)
	}
	var low, high quota.Set
	low.Put(3)
	high.Put(70)
	q.Active()[0].Consult(low)
	old := q.Park(q.Active()[0], 1)
	if !old.Consulted(low) || old.Consulted(high) {
		t.Error("the parked class does not remember what its verdict consulted")
	}
	newer := insert(q, &Item{UID: "x"}, 1)
	newer.Consult(high)
	if old.Consulted(high) {
		t.Error("a verdict on newcomers changes what is known of the parked class")
	}
	c := q.Park(newer, 2)
	if c != old || !c.Consulted(high) || c.Consulted(low) || c.ParkedAt != 2 {
		t.Error("parking together does not take over the later verdict")
	}
}

func TestRelatedForms(t *testing.T) {
	q := New(NewFreeList())
	a, b := &Item{UID: "a"}, &Item{UID: "b"}
	q.SetPlan(q.Insert(a, 1), planFor(1))
	if q.Related() {
		t.Error("one class is related to itself")
	}
	q.SetPlan(q.Insert(b, 2), planFor(1)) // another shape, the same plan
	if !q.Related() {
		t.Error("two shapes of one form are not related")
	}
	q.Remove(a)
	if q.Related() {
		t.Error("one is left and still related")
	}
	q.Replan(func(c *Class) *quota.Plan { return planFor(c.Shape) })
	if q.Related() || len(q.Needs(0)) != 1 || q.Needs(0)[0].Amount != 2 {
		t.Errorf("after Replan: related %t, needs %v", q.Related(), q.Needs(0))
	}
}

func TestBackoff(t *testing.T) {
	b := NewBackoff()
	x, y, z := &Item{UID: "x"}, &Item{UID: "y"}, &Item{UID: "z"}
	b.Put(y, 20)
	b.Put(x, 20)
	b.Put(z, 10)
	b.Drop(z, 10)
	b.Drop(z, 10)
	if at, ok := b.Next(); at != 20 || !ok {
		t.Errorf("next is %d, %t; want 20", at, ok)
	}
	if i := b.Pop(19); i != nil {
		t.Errorf("%s is due too early", i.UID)
	}
	if i, j, k := b.Pop(20), b.Pop(21), b.Pop(99); i != x || j != y || k != nil {
		t.Errorf("due are %v, %v, %v; want x, y, nobody", i, j, k)
	}
	if _, ok := b.Next(); ok {
		t.Error("somebody waits in an empty backoff")
	}
}

// TestParkingIsCheap: a class of ten thousand is parked and woken with one
// newcomer without moving the ten thousand.
func TestParkingIsCheap(t *testing.T) {
	q := New(NewFreeList())
	for n := range 10_000 {
		insert(q, &Item{UID: fmt.Sprintf("%05d", n), Time: int64(n)}, 1)
	}
	big := q.Park(q.Active()[0], 1)
	if n := testing.AllocsPerRun(100, func() {
		i := &Item{UID: "x", Time: 1 << 40}
		insert(q, i, 1)
		if c := q.Park(q.Active()[0], 2); c != big {
			t.Fatal("the ten thousand moved to the newcomer")
		}
		if c := q.Wake(big); c != big {
			t.Fatal("waking moved the ten thousand")
		}
		q.Park(big, 3)
		q.Remove(i)
	}); n > 20 {
		t.Errorf("%v allocations for one newcomer", n)
	}
}

// What is known of the last verdict, and what everybody was told, stays with those who
// are told apart by another Limit.
func TestRegroupKeepsWhatIsKnown(t *testing.T) {
	q := New(NewFreeList())
	for n := range 4 {
		insert(q, &Item{UID: fmt.Sprint(n), Time: int64(n)}, 1)
	}
	var consulted quota.Set
	consulted.Put(3)
	q.Active()[0].Consult(consulted)
	q.Look(q.Active()[0], true)
	q.Park(q.Active()[0], 5).Tell(7, func(*Item) {})
	q.Regroup(func(i *Item) int64 { return i.Time / 2 })
	if len(q.Parked()) != 2 || len(q.Active()) > 0 {
		t.Fatalf("%d classes are parked, %d are not", len(q.Parked()), len(q.Active()))
	}
	for _, c := range q.Parked() {
		if c.Len() != 2 || c.ParkedAt != 5 || !c.Consulted(consulted) || !c.Silent(7) || !c.First().Seen() {
			t.Errorf("%d of Limit %d were parked at %d and told %d", c.Len(), c.Limit, c.ParkedAt, c.Told())
		}
	}
}
