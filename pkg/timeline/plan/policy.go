package plan

import (
	"fmt"

	"fairlead.dev/fairlead/pkg/quota"
	"fairlead.dev/fairlead/pkg/timeline"
)

// All is the depth that is no limit.
const All = -1

// Policy says how a leaf's workloads are planned.
type Policy struct {
	// Depth is how many of the leaf's oldest blocked workloads hold
	// reservations; All for each of them.
	Depth int
	// Borrowing is how many of these reservations at most may take the leaf
	// above its nominal quota; the others are made on its own quota. It bounds
	// what those who borrow can book ahead of a lender.
	Borrowing int
	// Default is for how long a workload without limit is planned, and planned
	// anew each time it has outlived that.
	Default int64
	// BackfillUnlimited lets a workload without limit start ahead of a
	// reservation, as if Default were its limit. If not, it starts only where it
	// delays nobody however long it runs.
	BackfillUnlimited bool
}

// EASY is the policy by which the first n hold reservations, one of them on
// borrowed quota.
func EASY(n int, whenUnlimited int64) Policy {
	return Policy{Depth: n, Borrowing: 1, Default: whenUnlimited}
}

// Conservative is the policy by which all hold reservations, one of them on
// borrowed quota.
func Conservative(whenUnlimited int64) Policy {
	return Policy{Depth: All, Borrowing: 1, Default: whenUnlimited}
}

// Config is what a Planner needs to know beside quotas. Times are in the unit
// of the timeline.
type Config struct {
	// Policies of all nodes, by number; those of cohorts are not read.
	Policies []Policy
	// Slack is by how much a reservation is longer than its workload may run, so
	// that one that starts a little late still ends in time.
	Slack int64
	// Overrun is for how long a workload that has outlived its limit is
	// planned to go on, again and again until it ends.
	Overrun int64
}

// Validate says what is wrong with a Config for a tree of so many nodes.
func (c *Config) Validate(nodes int32) error {
	switch {
	case len(c.Policies) != int(nodes):
		return fmt.Errorf("%d policies for %d nodes: give each node one", len(c.Policies), nodes)
	case c.Slack < 0:
		return fmt.Errorf("slack is %d: it must not be negative", c.Slack)
	case c.Overrun <= 0:
		return fmt.Errorf("overrun is %d: it must be positive", c.Overrun)
	}
	for n, p := range c.Policies {
		if p.Default <= 0 {
			return fmt.Errorf("the default limit of node %d is %d: it must be positive", n, p.Default)
		}
	}
	return nil
}

// Workload is one that runs or waits.
type Workload struct {
	UID  string
	Leaf int32
	// Alternatives are complete requests, one for each choice of flavors, in
	// the order of preference. Each names a flavor-resource once, with a
	// positive amount. They must not change.
	Alternatives [][]quota.Request
	// Limit is the longest that it runs; 0 if nobody knows.
	Limit int64
	// Group names those to whom windows may be open: see Open.
	Group string
	// Class is the same number, not 0, for workloads of equal Leaf, Alternatives
	// and Limit: they are then planned in their order, none before the one
	// before it, and at less cost. 0 is no class.
	Class uint64
}

// same says whether a reservation for one is one for the other. Of which Class they
// are decides only who is planned before whom.
func (w *Workload) same(o *Workload) bool {
	if w.Leaf != o.Leaf || w.Group != o.Group || w.Limit != o.Limit || len(w.Alternatives) != len(o.Alternatives) {
		return false
	}
	for i, a := range w.Alternatives {
		b := o.Alternatives[i]
		if len(a) != len(b) {
			return false
		}
		if len(a) == 0 || &a[0] == &b[0] {
			continue
		}
		for j := range a {
			if a[j] != b[j] {
				return false
			}
		}
	}
	return true
}

// Reservation is where a blocked workload is planned to start.
type Reservation struct {
	UID         string
	Leaf        int32
	Alternative int // which of the workload's
	Start, End  int64
	// Borrows says that the leaf was above its nominal quota at some time of
	// it when it was made.
	Borrows bool
}

// after is a saturating sum.
func after(t, length int64) int64 { return timeline.After(t, length) }
