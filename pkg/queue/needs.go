package queue

import (
	"slices"

	"fairlead.dev/fairlead/pkg/quota"
)

// Need is what the classes of one shape and priority ask of a flavor-resource,
// and Other what they ask besides of OtherFR, one of the same flavor, if
// anything. Whole says that this is all they ask of that flavor.
type Need struct {
	Amount, Other quota.Amount
	*Twins
	OtherFR int32
	Whole   bool
}

// needs finds the classes that a freed amount may help without looking at the
// others.
type needs struct {
	// by lists, for each flavor-resource, the needs of simple plans in flavors
	// open to them, the smallest first.
	by [][]Need
	// complex are those whose plans are not simple.
	complex []*Twins
}

func (n *needs) add(c *Class) {
	if !c.Plan.Simple {
		n.complex = append(n.complex, c.twins)
		return
	}
	for _, alt := range c.Plan.Items[0].Alternatives {
		for _, r := range alt.Requests {
			for int(r.FR) >= len(n.by) {
				n.by = append(n.by, nil)
			}
			list := n.by[r.FR]
			at, _ := slices.BinarySearchFunc(list, r.Amount, func(o Need, a quota.Amount) int {
				if o.Amount <= a {
					return -1
				}
				return 1
			})
			need := Need{Amount: r.Amount, Twins: c.twins, Whole: len(alt.Requests) <= 2}
			for _, o := range alt.Requests {
				if o.FR != r.FR {
					need.Other, need.OtherFR = o.Amount, o.FR
					break
				}
			}
			n.by[r.FR] = slices.Insert(list, at, need)
		}
	}
}

func (n *needs) remove(c *Class) {
	if !c.Plan.Simple {
		n.complex = slices.DeleteFunc(n.complex, func(t *Twins) bool { return t == c.twins })
		return
	}
	for _, alt := range c.Plan.Items[0].Alternatives {
		for _, r := range alt.Requests {
			n.by[r.FR] = slices.DeleteFunc(n.by[r.FR], func(o Need) bool { return o.Twins == c.twins })
		}
	}
}

// Needs lists who asks for flavor-resource fr with a simple plan, in a flavor
// open to it, the smallest amount first.
func (q *Queue) Needs(fr int32) []Need {
	if int(fr) >= len(q.needs.by) {
		return nil
	}
	return q.needs.by[fr]
}

// Complex lists those whose plans are not simple.
func (q *Queue) Complex() []*Twins { return q.needs.complex }
