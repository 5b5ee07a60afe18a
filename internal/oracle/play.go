package oracle

import "sort"

// Arrival is a workload that arrives at an instant and, once admitted, runs for so long. When it is evicted it is gone after
// Grace, waits again, and runs from the beginning.
type Arrival struct {
	At       int64
	Workload Workload
	Runs     int64
	Grace    int64
}

// Played is what happened in a Play.
type Played struct {
	Starts map[UID]int64 // when each was admitted; those that never were are missing
	Order  []UID         // in which they were admitted
	Evicts int
	End    int64 // the last instant at which anything happened
}

// Play lets the World go on under a virtual clock: the workloads arrive, whoever is admitted is confirmed and finishes after
// as long as he runs, and a pass is run whenever anything has happened and at NextWake. Look, if not nil, is called before
// and after each pass. At one instant ends come before the evicted, and these before arrivals, all by UID. It stops when
// nothing is left to happen. Starts are the last ones.
func (s *World) Play(arrivals []Arrival, look func(pass bool)) Played {
	out := Played{Starts: map[UID]int64{}}
	ends, leaves, of := map[UID]int64{}, map[UID]int64{}, map[UID]Arrival{}
	for _, a := range arrivals {
		of[a.Workload.UID] = a
	}
	arrivals = append([]Arrival(nil), arrivals...)
	sort.SliceStable(arrivals, func(i, j int) bool {
		a, b := arrivals[i], arrivals[j]
		return a.At < b.At || a.At == b.At && a.Workload.UID < b.Workload.UID
	})
	for {
		now, some := s.NextWake()
		for _, at := range []map[UID]int64{ends, leaves} {
			for _, uid := range sortedKeys(uidText(at)) {
				if t := at[UID(uid)]; !some || t < now {
					now, some = t, true
				}
			}
		}
		if len(arrivals) > 0 && (!some || arrivals[0].At < now) {
			now, some = arrivals[0].At, true
		}
		if !some {
			return out
		}
		out.End = now
		s.Apply(Time{now})
		for _, uid := range sortedKeys(uidText(ends)) {
			if ends[UID(uid)] <= now {
				delete(ends, UID(uid))
				delete(leaves, UID(uid))
				s.Apply(Finish{UID(uid)})
			}
		}
		for _, uid := range sortedKeys(uidText(leaves)) {
			if leaves[UID(uid)] <= now {
				delete(ends, UID(uid))
				delete(leaves, UID(uid))
				s.release(UID(uid))
			}
		}
		for len(arrivals) > 0 && arrivals[0].At <= now {
			s.Apply(SetWorkload{arrivals[0].Workload})
			arrivals = arrivals[1:]
		}
		if look != nil {
			look(false)
		}
		decided := s.Apply(Decide{})
		for _, a := range decided.Admits {
			s.Apply(Confirm{a.UID})
			out.Starts[a.UID], ends[a.UID] = now, now+of[a.UID].Runs
			out.Order = append(out.Order, a.UID)
		}
		for _, e := range decided.Evicts {
			for _, v := range e.Victims {
				out.Evicts++
				leaves[v.UID] = now + of[v.UID].Grace
			}
		}
		if look != nil {
			look(true)
		}
	}
}

func uidText(m map[UID]int64) map[string]int64 {
	all := map[string]int64{}
	for uid, n := range m {
		all[string(uid)] = n
	}
	return all
}
