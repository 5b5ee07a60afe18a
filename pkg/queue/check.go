package queue

import "fmt"

// Check verifies the invariants of the queue and says which one is broken.
func (q *Queue) Check() error {
	n := 0
	for which, list := range [][]*Class{q.active, q.parked} {
		for i, c := range list {
			t := q.twins[c.key()]
			if t != c.twins {
				return fmt.Errorf("class of shape %d has other twins", c.Shape)
			}
			switch {
			case c.Len() == 0:
				return fmt.Errorf("class of shape %d is empty", c.Shape)
			case c.parked != (which == 1):
				return fmt.Errorf("class of shape %d is in the wrong list", c.Shape)
			case i > 0 && !list[i-1].First().Before(c.First()):
				return fmt.Errorf("classes are out of order at %s", c.First().UID)
			case c.alone != nil && (c.Len() != 1 || c.First() != c.alone):
				return fmt.Errorf("workload %s does not stand alone", c.alone.UID)
			case t == nil || which == 0 && t.Active != c || which == 1 && t.Parked != c:
				return fmt.Errorf("class of shape %d is not its own twin", c.Shape)
			}
			var last *Item
			var err error
			c.Each(func(i *Item) {
				n++
				if i.class != c || last != nil && !last.Before(i) {
					err = fmt.Errorf("workload %s is out of place", i.UID)
				}
				last = i
			})
			if err != nil {
				return err
			}
		}
	}
	if n != q.length {
		return fmt.Errorf("%d workloads are counted, there are %d", q.length, n)
	}
	return nil
}
