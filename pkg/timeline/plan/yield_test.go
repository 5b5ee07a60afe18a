package plan_test

import (
	"slices"
	"testing"

	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline/plan"
)

// Of reservations that may give way only those do that are in the way: of 10 cores
// 6 run until 10; brief holds 4 from now on until 3, wide 6 from 10 to 15, and late
// 5 from then on.
func TestYield(t *testing.T) {
	tree := quota.NewTree([]int32{-1}, []int32{0})
	tree.SetQuota(0, 0, quota.Quota{Nominal: 10, BorrowingLimit: quota.Unlimited, LendingLimit: quota.Unlimited})
	tree.Seal()
	p, err := plan.New(tree, plan.Config{Policies: []plan.Policy{plan.Conservative(24)}, Overrun: 1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	job := func(uid string, cores quota.Amount, length int64) plan.Workload {
		return plan.Workload{UID: uid, Alternatives: [][]quota.Request{{{Amount: cores}}}, Limit: length}
	}
	p.Start(job("runs", 6, 10), 0)
	p.Plan([]plan.Workload{job("wide", 6, 5), job("late", 5, 5), job("brief", 4, 3)})
	for _, c := range []struct {
		cores        quota.Amount
		length, late int64
		gone         []string
		list, want   []string
		ok           bool
		inTheWay     []string
	}{
		{cores: 4, length: 12, list: []string{"wide", "brief"}, want: []string{"brief"}, ok: true, inTheWay: []string{"wide", "brief"}},
		{cores: 4, length: 12, list: []string{"wide"}, inTheWay: []string{"wide", "brief"}},
		{cores: 4, length: 10, list: nil, inTheWay: []string{"brief"}},
		{cores: 5, length: 12, list: []string{"brief", "wide"}, inTheWay: []string{"wide", "brief"}},
		{cores: 5, length: 12, gone: []string{"runs"}, list: []string{"brief", "wide"}, want: []string{"wide"}, ok: true, inTheWay: []string{"wide", "brief"}},
		{cores: 5, length: 9, late: 2, gone: []string{"runs"}, list: []string{"brief", "wide"}, want: []string{"wide"}, ok: true, inTheWay: []string{"wide", "brief"}},
		{cores: 5, length: 9, late: 1, gone: []string{"runs"}, list: []string{"brief"}, want: []string{}, ok: true, inTheWay: []string{"brief"}},
	} {
		w := job("asks", c.cores, c.length)
		a := plan.Ask{Workload: &w, Request: w.Alternatives[0], Late: c.late, Gone: c.gone}
		if got := p.InTheWay(&a); !slices.Equal(got, c.inTheWay) {
			t.Errorf("%+v: in the way are %v", c, got)
		}
		got, ok := p.Yield(&a, c.list)
		if ok != c.ok || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, %t", c, got, ok)
		}
		if allows := p.Allows(&a); allows != (c.ok && len(c.want) == 0) {
			t.Errorf("%+v: may start: %t", c, allows)
		}
	}
	if r, ok := p.Reservation("late"); !ok || r.Start != 15 || len(p.Reservations()) != 3 {
		t.Errorf("reservations are %+v", p.Reservations())
	}
}
