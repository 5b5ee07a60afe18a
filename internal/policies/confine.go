package policies

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
)

// confine has the policies of Jobs hold in the namespaces that a selector
// selects. As they are built in they hold in those of the default selector,
// whose one requirement is replaced.
func confine(policies []*unstructured.Unstructured, selector *metav1.LabelSelector) error {
	if selector == nil {
		return nil
	}
	usual := &configv1beta1.Configuration{}
	configv1beta1.SetDefaults(usual)
	was, is := requirements(usual.ManagedJobsNamespaceSelector), requirements(selector)
	if reflect.DeepEqual(was, is) {
		return nil
	}
	path := []string{"spec", "matchConstraints", "namespaceSelector", "matchExpressions"}
	for _, policy := range policies {
		list, _, err := unstructured.NestedSlice(policy.Object, path...)
		if err != nil {
			return fmt.Errorf("policy %s: %w", policy.GetName(), err)
		}
		at := slices.IndexFunc(list, func(one any) bool { return reflect.DeepEqual(one, was[0]) })
		if at < 0 {
			continue
		}
		if err := unstructured.SetNestedSlice(policy.Object, slices.Replace(list, at, at+1, is...), path...); err != nil {
			return fmt.Errorf("policy %s: %w", policy.GetName(), err)
		}
	}
	return nil
}

// requirements is a selector as a list of expressions, as JSON has them.
func requirements(selector *metav1.LabelSelector) []any {
	list := []any{}
	for _, key := range slices.Sorted(maps.Keys(selector.MatchLabels)) {
		list = append(list, requirement(key, metav1.LabelSelectorOpIn, []string{selector.MatchLabels[key]}))
	}
	for _, e := range selector.MatchExpressions {
		list = append(list, requirement(e.Key, e.Operator, e.Values))
	}
	return list
}

func requirement(key string, operator metav1.LabelSelectorOperator, values []string) map[string]any {
	one := map[string]any{"key": key, "operator": string(operator)}
	if len(values) > 0 {
		list := make([]any, len(values))
		for i, value := range values {
			list[i] = value
		}
		one["values"] = list
	}
	return one
}
