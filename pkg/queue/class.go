package queue

import "fairlead.dev/fairlead/pkg/quota"

// Class holds the workloads of a Queue that are equal in shape, priority and
// Limit, and in whether they are parked; or one of them that stands alone (Isolate).
type Class struct {
	// What a ranking reads comes first, so that it lies together in memory.

	// consulted are the flavor-resources that the last verdict looked at; more
	// those from 64 on.
	consulted uint64
	// Plan is what one of its workloads asks of the ClusterQueue. It is set by
	// the owner when Insert says that the class is new, and after edits.
	Plan    *quota.Plan
	members members
	twins   *Twins
	form    *int // that of its twins
	// ParkedAt is the owner's count of the moment at which it was parked.
	ParkedAt uint64
	// Shape is the number under which the owner of the Queue knows the shape.
	Shape    int32
	Priority int32
	Limit    int64
	// Kind is what kind the last verdict was, in the owner's numbers.
	Kind int8
	// Wide says that the last verdict depends on everything in the tree.
	Wide bool
	// Refused says that the last verdict refused a flavor in which there is
	// room.
	Refused bool
	parked  bool
	// seen is what Seen says of all members but those that bear the number look,
	// which is that of the last look at the class, 0 if there was none.
	seen bool
	look uint32
	// Tries counts verdicts on it for which the search for victims stopped
	// early; Again is when it is to be tried again, whatever else happens, Unix
	// nanoseconds, 0 if there is no such time.
	Tries uint8
	// told is what every member was told, except those listed in untold; if
	// mixed, each member's own Told says.
	told   uint8
	mixed  bool
	Again  int64
	alone  *Item // the one that stands alone
	untold []*Item
	// hinted was found to have been told hint when it was the first, nil if nobody
	// was since the last Tell: see ToldFirst.
	hinted *Item
	hint   uint8
	more   quota.Set
	one    [1]*Item // room for untold
}

// First is the class's first workload in the order of its Queue.
func (c *Class) First() *Item { return c.members.first }

// Len is the number of its workloads.
func (c *Class) Len() int { return c.members.len() }

// Parked says whether the class is parked.
func (c *Class) Parked() bool { return c.parked }

// Alone says that the class is one workload that stands alone.
func (c *Class) Alone() bool { return c.alone != nil }

func (c *Class) key() classKey { return classKey{c.Shape, c.Priority, c.Limit, c.alone} }

// Twins is the class itself and the one of the same shape and priority that is
// parked, or not, as it is not.
func (c *Class) Twins() *Twins { return c.twins }

// Each visits the workloads in order. The class must not be changed meanwhile.
func (c *Class) Each(visit func(*Item)) { c.members.each(visit) }

// Consult notes what the last verdict on the class looked at.
func (c *Class) Consult(s quota.Set) {
	c.consulted, c.more = 0, c.more[:0]
	if len(s) > 0 {
		c.consulted = s[0]
		c.more = append(c.more, s[1:]...)
	}
}

// Consulted says whether the last verdict on the class looked at a member of s.
func (c *Class) Consulted(s quota.Set) bool {
	return len(s) > 0 && (c.consulted&s[0] != 0 || c.more.Meets(s[1:]))
}

// Notes says whether that is what is noted of the last verdict on the class.
func (c *Class) Notes(consulted quota.Set, wide bool, kind int8) bool {
	if c.Wide != wide || c.Kind != kind {
		return false
	}
	for n := range max(len(consulted), len(c.more)+1) {
		var was, is uint64
		if n < len(consulted) {
			is = consulted[n]
		}
		if n == 0 {
			was = c.consulted
		} else if n <= len(c.more) {
			was = c.more[n-1]
		}
		if was != is {
			return false
		}
	}
	return true
}

// learn takes over what is known of the last verdict on o.
func (c *Class) learn(o *Class) {
	c.consulted, c.more = o.consulted, append(c.more[:0], o.more...)
	c.Kind, c.Wide, c.Refused = o.Kind, o.Wide, o.Refused
	c.Tries = o.Tries
	if c.Again == 0 || o.Again != 0 && o.Again < c.Again {
		c.Again = o.Again
	}
}

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
	c.told, c.mixed, c.hinted = reason, false, nil
	c.untold = c.untold[:0]
	if cap(c.untold) > 64 {
		c.untold = nil
	}
}

// TellAlone notes that one of its workloads is told reason; false if it has
// been told already.
func (c *Class) TellAlone(i *Item, reason uint8) bool {
	if i.Told == reason {
		return false
	}
	i.Told, c.mixed, c.hinted = reason, true, nil
	return true
}

// TellFirst notes that its first workload is told another reason than the rest;
// false if it has been told already.
func (c *Class) TellFirst(reason uint8) bool {
	if c.ToldFirst(reason) {
		return false
	}
	c.First().Told, c.hinted = reason, nil
	return true
}

// ToldFirst says whether its first workload was told a reason.
func (c *Class) ToldFirst(reason uint8) bool {
	i := c.members.first
	switch {
	case c.hinted == i && c.hint == reason:
		return true
	case i.Told == reason:
		c.hinted, c.hint = i, reason
		return true
	}
	return false
}

// Find is its first workload, in order, that satisfies a condition; nil if none
// does.
func (c *Class) Find(is func(*Item) bool) (found *Item) {
	c.members.any(func(i *Item) bool {
		if is(i) {
			found = i
		}
		return found != nil
	})
	return found
}

// Told is the reason that all workloads but the newest were told, 0 if they were
// not all told the same.
func (c *Class) Told() uint8 {
	if c.mixed {
		return 0
	}
	return c.told
}

// ToldBesides says whether a workload of the class other than i has been told
// why it waits.
func (c *Class) ToldBesides(i *Item) bool {
	return c.members.any(func(o *Item) bool { return o != i && o.Told != 0 })
}

// Silent says that nobody is left to be told reason.
func (c *Class) Silent(reason uint8) bool {
	return !c.mixed && c.told == reason && len(c.untold) == 0
}
