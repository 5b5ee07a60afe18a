package policies

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
)

// AliasAnnotation names, on the copy of a policy, the alias that it is for.
const AliasAnnotation = "fairlead.dev/label-alias"

// ownPrefix is the prefix that aliases stand for.
const ownPrefix = "fairlead.dev"

// queueList is how an expression lists the queue labels that there are.
const queueList = "['" + fairleadv1beta1.QueueLabel + "']"

// jobLabels are the labels on Jobs that an alias has too. Annotations have no
// alias.
var jobLabels = []string{
	fairleadv1beta1.QueueLabel,
	fairleadv1beta1.PriorityClassLabel,
	fairleadv1beta1.MaxExecTimeSecondsLabel,
}

// withAliases makes a copy for each alias of the policies that select Jobs by
// the queue label, and adds the queue labels of the aliases to the policies
// that look for Jobs without one. Selectors cannot say "one of these keys",
// hence the copies; each is evaluated only for Jobs that carry its label.
func withAliases(plain []*unstructured.Unstructured, aliases []string) ([]*unstructured.Unstructured, error) {
	copied := map[string]bool{}
	for _, object := range plain {
		if selectsQueued(object) {
			copied[object.GetName()] = true
		}
	}
	var rendered []*unstructured.Unstructured
	for _, object := range plain {
		// Copies come first: installers wait for the last policies of their lists.
		if copied[object.GetName()] {
			for _, alias := range aliases {
				rendered = append(rendered, copyFor(object, alias))
			}
		} else if err := extend(object, aliases); err != nil {
			return nil, err
		}
		rendered = append(rendered, object)
	}
	return rendered, nil
}

// selectsQueued says whether a policy matches only Jobs with a queue label.
func selectsQueued(policy *unstructured.Unstructured) bool {
	for _, requirement := range objectRequirements(policy) {
		if requirement["key"] == fairleadv1beta1.QueueLabel && requirement["operator"] == "Exists" {
			return true
		}
	}
	return false
}

// copyFor copies a policy or its binding for an alias.
func copyFor(object *unstructured.Unstructured, alias string) *unstructured.Unstructured {
	object = object.DeepCopy()
	var pairs []string
	for _, label := range jobLabels {
		pairs = append(pairs, label, aliased(label, alias))
	}
	object.Object["spec"] = mapStrings(object.Object["spec"], strings.NewReplacer(pairs...).Replace)
	name := object.GetName() + "-" + alias
	object.SetName(name)
	spec := object.Object["spec"].(map[string]any)
	if _, binding := spec["policyName"]; binding {
		spec["policyName"] = name
	}
	annotations := object.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[AliasAnnotation] = alias
	object.SetAnnotations(annotations)
	return object
}

// extend adds the queue labels of aliases wherever a policy asks whether a Job
// has none: in a selector, or in an expression that lists the keys.
func extend(object *unstructured.Unstructured, aliases []string) error {
	keys := []string{"'" + fairleadv1beta1.QueueLabel + "'"}
	for _, alias := range aliases {
		keys = append(keys, "'"+aliased(fairleadv1beta1.QueueLabel, alias)+"'")
	}
	list := "[" + strings.Join(keys, ", ") + "]"
	object.Object["spec"] = mapStrings(object.Object["spec"], func(s string) string {
		return strings.ReplaceAll(s, queueList, list)
	})

	requirements := objectRequirements(object)
	var all []any
	for _, requirement := range requirements {
		all = append(all, requirement)
		if requirement["key"] != fairleadv1beta1.QueueLabel || requirement["operator"] != "DoesNotExist" {
			continue
		}
		for _, alias := range aliases {
			all = append(all, map[string]any{"key": aliased(fairleadv1beta1.QueueLabel, alias), "operator": "DoesNotExist"})
		}
	}
	if len(all) == len(requirements) {
		return nil
	}
	if err := unstructured.SetNestedSlice(object.Object, all, "spec", "matchConstraints", "objectSelector", "matchExpressions"); err != nil {
		return fmt.Errorf("policy %s: %w", object.GetName(), err)
	}
	return nil
}

// objectRequirements are the expressions of a policy's object selector.
func objectRequirements(policy *unstructured.Unstructured) []map[string]any {
	list, _, err := unstructured.NestedSlice(policy.Object, "spec", "matchConstraints", "objectSelector", "matchExpressions")
	if err != nil {
		return nil
	}
	var requirements []map[string]any
	for _, entry := range list {
		if requirement, ok := entry.(map[string]any); ok {
			requirements = append(requirements, requirement)
		}
	}
	return requirements
}

// aliased is a label of ours under the prefix of an alias.
func aliased(label, alias string) string {
	return alias + strings.TrimPrefix(label, ownPrefix)
}

// mapStrings returns a tree of JSON values with every string value replaced;
// keys of maps stay.
func mapStrings(value any, replace func(string) string) any {
	switch v := value.(type) {
	case string:
		return replace(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = mapStrings(v[i], replace)
		}
		return list
	case map[string]any:
		tree := make(map[string]any, len(v))
		for key := range v {
			tree[key] = mapStrings(v[key], replace)
		}
		return tree
	default:
		return value
	}
}
