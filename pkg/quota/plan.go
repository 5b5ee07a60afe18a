package quota

// Request is an amount of one flavor-resource; which numbering FR belongs to
// is said where a Request is used.
type Request struct {
	FR     int32
	Amount Amount
}

// Plan is what workloads of one shape ask of one ClusterQueue: for each pod
// set and resource group, in order, the flavors that are open to it. It is
// immutable and numbers flavor-resources as the queue's Tree does.
type Plan struct {
	Items []Item
	// Simple says that there is one Item of one size: it fits if and only if
	// one of its Alternatives does.
	Simple bool
	// Volatile says that usage can change the reason why the plan does not
	// fit, because pod sets compete for a flavor-resource that could never
	// hold them all, or because smaller sizes are tried.
	Volatile bool
	// IfShort is what is known beforehand of the case that a simple plan does
	// not fit: see Alternative.
	IfShort int8
	// Wavers says that usage can change which flavor-resources a search looks
	// at that finds no room: where it ends at different flavors for one Item,
	// or sizes, depending on what is short for another.
	Wavers bool
	// Form is a hash of what makes plans of one queue equal, whatever their
	// pod sets are called.
	Form uint64
	// Memo is for whoever made the plan.
	Memo []any
	// Whole are complete choices, one alternative of each item: what each asks
	// for together. They are listed when somebody first plans ahead.
	Whole [][]Request
	// Requested is the set of flavor-resources in any open flavor.
	Requested Set
}

// Opens says whether o opens the same flavors to the same pod sets.
func (p *Plan) Opens(o *Plan) bool {
	if p == o {
		return true
	}
	if len(p.Items) != len(o.Items) {
		return false
	}
	for i := range p.Items {
		a, b := &p.Items[i], &o.Items[i]
		if a.PodSet != b.PodSet || a.Group != b.Group || len(a.Alternatives) != len(b.Alternatives) {
			return false
		}
		for j := range a.Alternatives {
			if a.Alternatives[j].Flavor != b.Alternatives[j].Flavor {
				return false
			}
		}
	}
	return true
}

// Item is the choice of a flavor for one pod set in one resource group.
type Item struct {
	PodSet, Group int32
	Alternatives  []Alternative // in the order in which they are tried
}

// Alternative is one flavor of a group, with what the pod set asks of it:
// positive amounts only.
type Alternative struct {
	Flavor   int32 // position in the resource group
	Requests []Request
	// Overflow says that the request is larger than an amount can be.
	Overflow bool
	// IfShort is what is known beforehand of the case that there is not room
	// for some request; Hint is the request that was last found short. Both
	// are for whoever made the plan.
	IfShort int8
	Hint    uint8
}
