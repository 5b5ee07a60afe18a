package queue

import "fairlead.dev/fairlead/pkg/quota"

// Class holds the workloads of a Queue that are equal in shape and priority
// and in whether they are parked.
type Class struct {
	// Shape is the number under which the owner of the Queue knows the shape.
	Shape    int32
	Priority int32
	// Plan is what one of its workloads asks of the ClusterQueue. It is set by
	// the owner when Insert says that the class is new, and after edits.
	Plan *quota.Plan
	// Consulted are the flavor-resources that the last verdict looked at; nil
	// if there was none.
	Consulted quota.Set
	// Wide says that the last verdict depends on everything in the tree.
	Wide bool
	// Kind is what kind the last verdict was, in the owner's numbers.
	Kind int8
	// ParkedAt is the owner's count of the moment at which it was parked.
	ParkedAt uint64

	twins   *twins
	members members
	parked  bool
	// told is what every member was told, except those listed in untold; if
	// mixed, each member's own Told says.
	told   uint8
	mixed  bool
	untold []*Item
}

// First is the class's first workload in the order of its Queue.
func (c *Class) First() *Item { return c.members.first }

// Len is the number of its workloads.
func (c *Class) Len() int { return c.members.len() }

// Parked says whether the class is parked.
func (c *Class) Parked() bool { return c.parked }

// Each visits the workloads in order. The class must not be changed meanwhile.
func (c *Class) Each(visit func(*Item)) { c.members.each(visit) }

// Tell visits those workloads that have not been told reason, and notes that
// they have. It costs nothing for those that have.
func (c *Class) Tell(reason uint8, visit func(*Item)) {
	tell := func(i *Item) {
		if i.class == c && i.Told != reason {
			i.Told = reason
			visit(i)
		}
	}
	if c.mixed || c.told != reason {
		c.members.each(tell)
	} else {
		for _, i := range c.untold {
			tell(i)
		}
	}
	c.told, c.mixed = reason, false
	c.untold = c.untold[:0]
	if cap(c.untold) > 64 {
		c.untold = nil
	}
}

// Silent says that nobody is left to be told reason.
func (c *Class) Silent(reason uint8) bool {
	return !c.mixed && c.told == reason && len(c.untold) == 0
}
