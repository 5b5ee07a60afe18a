package translate

import (
	"sort"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/pkg/admission"
)

// LabelSelector translates a selector; nil stays nil (it matches nothing).
func LabelSelector(s *metav1.LabelSelector) *admission.Selector {
	if s == nil {
		return nil
	}
	out := &admission.Selector{}
	for key, value := range s.MatchLabels {
		out.Requirements = append(out.Requirements, admission.Requirement{Key: key, Operator: "In", Values: []string{value}})
	}
	sort.Slice(out.Requirements, func(i, j int) bool { return out.Requirements[i].Key < out.Requirements[j].Key })
	for _, e := range s.MatchExpressions {
		out.Requirements = append(out.Requirements, admission.Requirement{Key: e.Key, Operator: string(e.Operator), Values: e.Values})
	}
	return out
}

// requiredAffinity returns the alternatives of the required node affinity.
func requiredAffinity(affinity *corev1.Affinity) []admission.Selector {
	if affinity == nil || affinity.NodeAffinity == nil || affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	var terms []admission.Selector
	for _, term := range affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		var s admission.Selector
		for _, e := range term.MatchExpressions {
			s.Requirements = append(s.Requirements, admission.Requirement{Key: e.Key, Operator: string(e.Operator), Values: e.Values})
		}
		terms = append(terms, s)
	}
	return terms
}

func tolerations(list []corev1.Toleration) []admission.Toleration {
	if len(list) == 0 {
		return nil
	}
	out := make([]admission.Toleration, 0, len(list))
	for _, t := range list {
		out = append(out, admission.Toleration{Key: t.Key, Operator: string(t.Operator), Value: t.Value, Effect: string(t.Effect)})
	}
	return out
}

func taints(list []corev1.Taint) []admission.Taint {
	if len(list) == 0 {
		return nil
	}
	out := make([]admission.Taint, 0, len(list))
	for _, t := range list {
		out = append(out, admission.Taint{Key: t.Key, Value: t.Value, Effect: string(t.Effect)})
	}
	return out
}
