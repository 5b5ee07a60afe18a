package oracle

import "fmt"

// PlanOverQuota lists where the timelines break law 1 at an instant from now on: a node that runs over its quota and
// borrowing limit, while use at that instant is more than what already runs takes by itself (which a quota cut may leave
// above it).
func (s *World) PlanOverQuota() []string {
	var wrong []string
	for _, name := range sortedNodes(s.plans) {
		p := s.plans[name]
		all, running := p.plan.Chart(""), p.running()
		for _, t := range all.Instants {
			use, alone := all.At(t), running.At(t)
			for n := range use {
				for f := range use[n] {
					if use[n][f] > all.Limit(n, f) && use[n][f] > alone[n][f] {
						wrong = append(wrong, fmt.Sprintf("%v: %d of %d of %v planned at %d", p.names[n], use[n][f], all.Limit(n, f), s.frs[f], t))
					}
				}
			}
		}
	}
	return wrong
}
