package oracle

import "strconv"

// opens says whether the pods of ps may run on nodes of the flavor: the node labels do not contradict node
// selector or required affinity, looking only at keys that the flavor defines, and the pods, with the
// flavor's own tolerations, tolerate its NoSchedule and NoExecute taints.
func opens(fl *Flavor, ps *PodSet) bool {
	for key, want := range ps.NodeSelector {
		if have, defined := fl.NodeLabels[key]; defined && have != want {
			return false
		}
	}
	if len(ps.Affinity) > 0 && !anyTerm(fl.NodeLabels, ps.Affinity) {
		return false
	}
	for _, taint := range fl.NodeTaints {
		if taint.Effect != "NoSchedule" && taint.Effect != "NoExecute" {
			continue
		}
		if !tolerated(taint, ps.Tolerations) && !tolerated(taint, fl.Tolerations) {
			return false
		}
	}
	return true
}

// anyTerm says whether a term holds once requirements on keys that are not defined are left out. A term left
// empty matches all.
func anyTerm(labels map[string]string, terms [][]Requirement) bool {
	for _, term := range terms {
		holds := true
		for _, r := range term {
			if value, defined := labels[r.Key]; defined && !satisfied(r, value, true) {
				holds = false
			}
		}
		if holds {
			return true
		}
	}
	return false
}

// satisfied says whether a label that has the value, or is not defined, meets the requirement.
func satisfied(r Requirement, value string, defined bool) bool {
	listed := false
	for _, v := range r.Values {
		listed = listed || v == value
	}
	switch r.Operator {
	case "In":
		return defined && listed
	case "NotIn":
		return !defined || !listed
	case "Exists":
		return defined
	case "DoesNotExist":
		return !defined
	case "Gt", "Lt":
		if !defined || len(r.Values) != 1 {
			return false
		}
		have, err1 := strconv.ParseInt(value, 10, 64)
		bound, err2 := strconv.ParseInt(r.Values[0], 10, 64)
		if err1 != nil || err2 != nil {
			return false
		}
		return r.Operator == "Gt" && have > bound || r.Operator == "Lt" && have < bound
	}
	return false
}

// tolerated says whether one of the tolerations tolerates the taint, as Kubernetes defines it.
func tolerated(taint Taint, tolerations []Toleration) bool {
	for _, t := range tolerations {
		if t.Effect != "" && t.Effect != taint.Effect || t.Key != "" && t.Key != taint.Key {
			continue
		}
		if t.Operator == "Exists" || (t.Operator == "" || t.Operator == "Equal") && t.Value == taint.Value {
			return true
		}
	}
	return false
}

// matches says whether labels satisfy the selector; a nil selector matches nothing.
func (s *Selector) matches(labels map[string]string) bool {
	if s == nil {
		return false
	}
	for key, want := range s.MatchLabels {
		if have, defined := labels[key]; !defined || have != want {
			return false
		}
	}
	for _, r := range s.Expressions {
		value, defined := labels[r.Key]
		if !satisfied(r, value, defined) {
			return false
		}
	}
	return true
}
