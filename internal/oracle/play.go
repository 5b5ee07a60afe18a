package oracle

import "sort"

// Arrival is a workload that arrives at an instant and, once admitted, runs for so long.
type Arrival struct {
	At       int64
	Workload Workload
	Runs     int64
}

// Played is what happened in a Play.
type Played struct {
	Starts map[UID]int64 // when each was admitted; those that never were are missing
	Order  []UID         // in which they were admitted
	End    int64         // the last instant at which anything happened
}

// Play lets the World go on under a virtual clock: the workloads arrive, whoever is admitted is confirmed and finishes after
// as long as he runs, and a pass is run whenever anything has happened and at NextWake. Look, if not nil, is called before
// and after each pass. At one instant ends come before arrivals, both by UID. It stops when nothing is left to
// happen. Nobody is evicted: the World must not have Options.Preemption.
func (s *World) Play(arrivals []Arrival, look func(pass bool)) Played {
	out := Played{Starts: map[UID]int64{}}
	ends, lasts := map[UID]int64{}, map[UID]int64{}
	for _, a := range arrivals {
		lasts[a.Workload.UID] = a.Runs
	}
	arrivals = append([]Arrival(nil), arrivals...)
	sort.SliceStable(arrivals, func(i, j int) bool {
		a, b := arrivals[i], arrivals[j]
		return a.At < b.At || a.At == b.At && a.Workload.UID < b.Workload.UID
	})
	for {
		now, some := s.NextWake()
		for _, uid := range sortedKeys(uidText(ends)) {
			if end := ends[UID(uid)]; !some || end < now {
				now, some = end, true
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
				s.Apply(Finish{UID(uid)})
			}
		}
		for len(arrivals) > 0 && arrivals[0].At <= now {
			s.Apply(SetWorkload{arrivals[0].Workload})
			arrivals = arrivals[1:]
		}
		if look != nil {
			look(false)
		}
		for _, a := range s.Apply(Decide{}).Admits {
			s.Apply(Confirm{a.UID})
			out.Starts[a.UID], ends[a.UID] = now, now+lasts[a.UID]
			out.Order = append(out.Order, a.UID)
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
