package admission

import (
	"slices"
	"strconv"
)

// admits says whether pods of a pod set may run on nodes of a flavor: its node
// labels do not contradict their node selector or required node affinity, and
// they (or the flavor, for them) tolerate its taints. Only label keys that the
// flavor itself defines count (semantics, section 3).
func (f *Flavor) admits(p *PodSet) bool {
	for k, v := range p.NodeSelector { // order does not matter: all must hold
		if have, ok := f.NodeLabels[k]; ok && have != v {
			return false
		}
	}
	if len(p.Affinity) > 0 && !slices.ContainsFunc(p.Affinity, f.admitsTerm) {
		return false
	}
	for i := range f.Taints {
		t := &f.Taints[i]
		if t.Effect != "NoSchedule" && t.Effect != "NoExecute" {
			continue
		}
		if !tolerated(t, p.Tolerations) && !tolerated(t, f.Tolerations) {
			return false
		}
	}
	return true
}

// admitsTerm judges one alternative of a node affinity. A term none of whose
// keys the flavor defines matches.
func (f *Flavor) admitsTerm(term Selector) bool {
	for i := range term.Requirements {
		r := &term.Requirements[i]
		if _, ok := f.NodeLabels[r.Key]; ok && !r.matches(f.NodeLabels) {
			return false
		}
	}
	return true
}

func tolerated(t *Taint, by []Toleration) bool {
	return slices.ContainsFunc(by, func(o Toleration) bool { return o.tolerates(t) })
}

// tolerates follows core/v1: an empty effect or key matches all.
func (o *Toleration) tolerates(t *Taint) bool {
	if o.Effect != "" && o.Effect != t.Effect {
		return false
	}
	if o.Key != "" && o.Key != t.Key {
		return false
	}
	switch o.Operator {
	case "Exists":
		return true
	case "", "Equal":
		return o.Key != "" && o.Value == t.Value
	}
	return false
}

// matches says whether labels satisfy all requirements. A nil Selector matches
// nothing, an empty one everything.
func (s *Selector) matches(labels map[string]string) bool {
	if s == nil {
		return false
	}
	for i := range s.Requirements {
		if !s.Requirements[i].matches(labels) {
			return false
		}
	}
	return true
}

// matches follows label selectors and node selectors: NotIn and DoesNotExist
// hold where the key is missing; Gt and Lt compare integers. An operator that
// is not known matches nothing.
func (r *Requirement) matches(labels map[string]string) bool {
	have, ok := labels[r.Key]
	switch r.Operator {
	case "In":
		return ok && slices.Contains(r.Values, have)
	case "NotIn":
		return !ok || !slices.Contains(r.Values, have)
	case "Exists":
		return ok
	case "DoesNotExist":
		return !ok
	case "Gt", "Lt":
		if !ok || len(r.Values) != 1 {
			return false
		}
		a, errA := strconv.ParseInt(have, 10, 64)
		b, errB := strconv.ParseInt(r.Values[0], 10, 64)
		if errA != nil || errB != nil {
			return false
		}
		return r.Operator == "Gt" && a > b || r.Operator == "Lt" && a < b
	}
	return false
}
