package plan_test

import (
	"fmt"

	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline/plan"
)

// The example of docs/backfill.md: usatlas owns 60 cores, osg 40, and each may
// borrow what the other leaves idle. Times are hours.
func Example() {
	const root, usatlas, osg = 0, 1, 2
	tree := quota.NewTree([]int32{-1, root, root}, []int32{0})
	tree.SetQuota(usatlas, 0, quota.Quota{Nominal: 60, BorrowingLimit: quota.Unlimited, LendingLimit: quota.Unlimited})
	tree.SetQuota(osg, 0, quota.Quota{Nominal: 40, BorrowingLimit: quota.Unlimited, LendingLimit: quota.Unlimited})
	tree.Seal()
	easy := plan.EASY(1, 24)
	p, err := plan.New(tree, plan.Config{Policies: []plan.Policy{easy, easy, easy}, Overrun: 1}, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	job := func(uid string, leaf int32, cores quota.Amount, hours int64) plan.Workload {
		return plan.Workload{UID: uid, Leaf: leaf, Alternatives: [][]quota.Request{{{Amount: cores}}}, Limit: hours}
	}
	ask := func(w plan.Workload) {
		if _, ok := p.MayStart(w); ok {
			fmt.Printf("%2d h: %s may start\n", p.Timeline().Now(), w.UID)
			return
		}
		r, _ := p.Refused(w, 0)
		fmt.Printf("%2d h: %s may not start: at %d h %d cores are missing, reserved for %s\n",
			p.Timeline().Now(), w.UID, r.At, r.Missing, r.Reservation)
	}
	p.Start(job("a", osg, 30, 4), 0)
	p.Start(job("b", osg, 50, 10), 0)
	blocked := []plan.Workload{job("big", usatlas, 60, 5)}
	plans := func() {
		p.Plan(blocked)
		r, _ := p.Reservation("big")
		fmt.Printf("%2d h: big is planned to start at %d h\n", p.Timeline().Now(), r.Start)
	}
	plans()
	ask(job("c", osg, 20, 10))
	ask(job("d", osg, 20, 12))
	p.Start(job("d", osg, 20, 12), 0)

	p.Finish("a")
	p.Advance(4)
	plans()
	ask(job("e", osg, 30, 7))
	ask(job("f", osg, 30, 6))
	ask(job("g", osg, 30, 0))

	p.Advance(6)
	p.Finish("b")
	plans()
	// Output:
	//  0 h: big is planned to start at 10 h
	//  0 h: c may start
	//  0 h: d may start
	//  4 h: big is planned to start at 10 h
	//  4 h: e may not start: at 10 h 10 cores are missing, reserved for big
	//  4 h: f may start
	//  4 h: g may not start: at 10 h 10 cores are missing, reserved for big
	//  6 h: big is planned to start at 6 h
}
