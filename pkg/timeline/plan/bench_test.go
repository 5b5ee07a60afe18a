package plan_test

import (
	"fmt"
	"testing"

	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline/plan"
)

// A pass over one queue of 10,000 running workloads: one ends early, the
// reservations that are held move up, one workload that may starts.
func BenchmarkPlan(b *testing.B) {
	for _, depth := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("reservations=%d", depth), func(b *testing.B) {
			tree := quota.NewTree([]int32{-1}, []int32{0})
			tree.SetQuota(0, 0, quota.Quota{Nominal: 40_000, BorrowingLimit: quota.Unlimited, LendingLimit: quota.Unlimited})
			tree.Seal()
			p, err := plan.New(tree, plan.Config{Policies: []plan.Policy{plan.EASY(depth, 1000)}, Overrun: 1}, 0)
			if err != nil {
				b.Fatal(err)
			}
			next, random := 0, uint64(1)
			below := func(n int64) int64 {
				random = random*6364136223846793005 + 1442695040888963407
				return int64(random>>33) % n
			}
			make1 := func(amount quota.Amount) plan.Workload {
				next++
				return plan.Workload{
					UID: fmt.Sprint(next), Limit: 1 + below(1_000_000),
					Alternatives: [][]quota.Request{{{Amount: amount}}},
				}
			}
			var running []string
			for range 10_000 {
				w := make1(4)
				running = append(running, w.UID)
				p.Start(w, 0)
			}
			var blocked []plan.Workload
			for range depth {
				blocked = append(blocked, make1(100+below(400)))
			}
			p.Plan(blocked)
			for b.Loop() {
				i := below(int64(len(running)))
				p.Finish(running[i])
				p.Plan(blocked)
				w := make1(4)
				p.MayStart(w)
				p.Start(w, 0)
				running[i] = w.UID
			}
		})
	}
}
