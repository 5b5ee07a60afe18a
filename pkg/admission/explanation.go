package admission

import "fairlead.dev/fairlead/pkg/quota"

// Explanation says in words how something stood when it was given. Few are ever
// read, so what is said most often, that quota is short, is kept as the amounts
// and put into words by String.
type Explanation struct {
	text  string
	short *shortage
}

// Say is an explanation in these words.
func Say(text string) Explanation { return Explanation{text: text} }

func (x Explanation) String() string {
	if x.short == nil {
		return x.text
	}
	s := x.short
	b := append(append([]byte("pod set "), s.podSet...), ' ')
	for i := range s.of[:s.length] {
		if i > 0 {
			b = append(b, "; "...)
		}
		b = s.of[i].append(b, s.queue)
	}
	return string(b)
}

// shortage is of what there is not enough for a pod set. All flavors together
// rarely lack more than one thing each.
type shortage struct {
	podSet, queue string
	length        int
	of            [3]lack
}

// lack is that more is needed of a flavor-resource than is available.
type lack struct {
	name                           *quota.FlavorResource
	needs, available, nominal, use quota.Amount
}

func (l *lack) append(b []byte, queue string) []byte {
	name := l.name.Resource
	b = append(appendAmount(append(b, "needs "...), name, l.needs), ' ')
	b = append(append(append(b, name...), " of flavor "...), l.name.Flavor...)
	b = appendAmount(append(b, "; "...), name, l.available)
	b = append(append(b, " available to ClusterQueue "...), queue...)
	b = appendAmount(append(b, " (nominal "...), name, l.nominal)
	b = appendAmount(append(b, ", used "...), name, l.use)
	b = appendAmount(append(b, ", may borrow "...), name, max(0, l.available-max(0, l.nominal-l.use)))
	return append(b, " more)"...)
}

// lack is what there is of a flavor-resource for a queue that needs more.
func (e *Engine) lack(q *clusterQueue, r quota.Request) lack {
	t := q.scope.tree
	cell := t.At(q.at, r.FR)
	return lack{
		name: e.forest.Label(t.Global(r.FR)), needs: r.Amount,
		available: max(0, t.Available(q.at, r.FR)), nominal: cell.Nominal, use: cell.Usage,
	}
}

// explainShort is explain for the one pod set of a simple plan that waits for
// quota; false if it cannot be said so briefly.
func (e *Engine) explainShort(q *clusterQueue, it *quota.Item, podSet string) (Explanation, bool) {
	s := shortage{podSet: podSet, queue: q.name}
	for a := range it.Alternatives {
		alt := &it.Alternatives[a]
		before := s.length
		for _, r := range alt.Requests {
			if r.Amount <= q.scope.tree.Available(q.at, r.FR) {
				continue
			}
			if s.length == len(s.of) {
				return Explanation{}, false
			}
			s.of[s.length] = e.lack(q, r)
			s.length++
		}
		if s.length == before || alt.Overflow {
			return Explanation{}, false
		}
	}
	return Explanation{short: &s}, s.length > 0
}
