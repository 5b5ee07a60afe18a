package policies

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ownLabel is on every object that Fairlead installs.
var ownLabel = client.MatchingLabels{"app.kubernetes.io/name": "fairlead"}

// group is where policies live.
var group = schema.GroupVersion{Group: "admissionregistration.k8s.io", Version: "v1"}

// Kinds of policies and bindings, bindings first: without its binding a policy
// does nothing.
var (
	mutatingKinds   = []string{"MutatingAdmissionPolicyBinding", "MutatingAdmissionPolicy"}
	validatingKinds = []string{"ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"}
)

// Problem is what is wrong with a policy of a cluster.
type Problem string

const (
	// Missing is a policy that the configuration asks for and the cluster lacks.
	Missing Problem = "missing"
	// Changed is a policy that says something else than the configuration.
	Changed Problem = "changed"
	// Unexpected is a policy of ours that the configuration does not ask for.
	Unexpected Problem = "unexpected"
)

// Difference is one policy or binding that is not as configured.
type Difference struct {
	// Kind and Name name the object.
	Kind, Name string
	// Problem is what is wrong with it.
	Problem Problem
	// Field is the first field that differs, for Changed.
	Field string
}

// String is the difference in words, with what to do about it.
func (d Difference) String() string {
	switch d.Problem {
	case Missing:
		return fmt.Sprintf("%s %s is missing: apply the output of `manager policies`", d.Kind, d.Name)
	case Changed:
		return fmt.Sprintf("%s %s differs from the configuration in %s: apply the output of `manager policies`", d.Kind, d.Name, d.Field)
	default:
		return fmt.Sprintf("%s %s is not in the configuration: delete it, or add what it is for (integrations.labelAliases, manageJobsWithoutQueueName)", d.Kind, d.Name)
	}
}

// Installed returns Fairlead's policies and bindings on the cluster, bindings
// before policies, mutating before validating, and what the server can do. They
// are known by label app.kubernetes.io/name: fairlead.
func Installed(ctx context.Context, reader client.Reader) ([]*unstructured.Unstructured, Server, error) {
	server := Mutating
	var objects []*unstructured.Unstructured
	for _, kind := range slices.Concat(mutatingKinds, validatingKinds) {
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(group.WithKind(kind + "List"))
		err := reader.List(ctx, list, ownLabel)
		if meta.IsNoMatchError(err) && slices.Contains(mutatingKinds, kind) {
			server = ValidatingOnly
			continue
		}
		if err != nil {
			return nil, server, fmt.Errorf("list objects of kind %s: %w", kind, err)
		}
		for i := range list.Items {
			object := &list.Items[i]
			object.SetGroupVersionKind(group.WithKind(kind)) // lists may leave it out
			objects = append(objects, object)
		}
	}
	return objects, server, nil
}

// Split parts policies and bindings into those that refuse and warn, and those
// that change what is created. The order within each part stays.
func Split(objects []*unstructured.Unstructured) (validating, mutating []*unstructured.Unstructured) {
	for _, object := range objects {
		if slices.Contains(mutatingKinds, object.GetKind()) {
			mutating = append(mutating, object)
		} else {
			validating = append(validating, object)
		}
	}
	return validating, mutating
}

// Differences compares the policies of a cluster with what a configuration with
// these choices asks for on a server of its kind. The result is ordered by
// kind and name and empty when nothing differs. The reader needs list on the
// four kinds of policies and bindings; one without a cache saves four watches.
func Differences(ctx context.Context, reader client.Reader, choices Choices) ([]Difference, error) {
	installed, server, err := Installed(ctx, reader)
	if err != nil {
		return nil, err
	}
	wanted, err := Render(server, choices)
	if err != nil {
		return nil, err
	}
	return compare(wanted, installed), nil
}

// compare lists what differs between two sets of policies.
func compare(wanted, installed []*unstructured.Unstructured) []Difference {
	key := func(o *unstructured.Unstructured) [2]string { return [2]string{o.GetKind(), o.GetName()} }
	there := map[[2]string]*unstructured.Unstructured{}
	for _, object := range installed {
		there[key(object)] = object
	}
	var found []Difference
	for _, want := range wanted {
		difference := Difference{Kind: want.GetKind(), Name: want.GetName(), Problem: Missing}
		if got := there[key(want)]; got != nil {
			delete(there, key(want))
			field := firstDifference("spec", withDefaults(want), withDefaults(got))
			if field == "" {
				continue
			}
			difference.Problem, difference.Field = Changed, field
		}
		found = append(found, difference)
	}
	for k := range there {
		found = append(found, Difference{Kind: k[0], Name: k[1], Problem: Unexpected})
	}
	sort.Slice(found, func(i, j int) bool {
		return found[i].Kind < found[j].Kind || (found[i].Kind == found[j].Kind && found[i].Name < found[j].Name)
	})
	return found
}

// withDefaults is the spec of an object with what API servers add to it.
func withDefaults(object *unstructured.Unstructured) map[string]any {
	spec, ok := object.DeepCopy().Object["spec"].(map[string]any)
	if !ok {
		return nil
	}
	constraints, ok := spec["matchConstraints"].(map[string]any)
	if !ok {
		return spec
	}
	setDefault(spec, "failurePolicy", "Fail")
	setDefault(constraints, "matchPolicy", "Equivalent")
	setDefault(constraints, "namespaceSelector", map[string]any{})
	setDefault(constraints, "objectSelector", map[string]any{})
	rules, _ := constraints["resourceRules"].([]any)
	for i := range rules {
		if rule, ok := rules[i].(map[string]any); ok {
			setDefault(rule, "scope", "*")
		}
	}
	return spec
}

func setDefault(fields map[string]any, name string, value any) {
	if _, set := fields[name]; !set {
		fields[name] = value
	}
}

// firstDifference is the path of the first field, in order of their names, in
// which two JSON values differ; empty if they are equal.
func firstDifference(path string, a, b any) string {
	if equality.Semantic.DeepEqual(a, b) {
		return ""
	}
	if left, ok := a.(map[string]any); ok {
		if right, ok := b.(map[string]any); ok {
			return firstDifferentKey(path, left, right)
		}
	}
	left, isList := a.([]any)
	right, isListToo := b.([]any)
	if isList && isListToo && len(left) == len(right) {
		for i := range left {
			if at := firstDifference(fmt.Sprintf("%s[%d]", path, i), left[i], right[i]); at != "" {
				return at
			}
		}
	}
	return path
}

func firstDifferentKey(path string, a, b map[string]any) string {
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	sorted := make([]string, 0, len(names))
	for name := range names {
		sorted = append(sorted, name)
	}
	sort.Strings(sorted)
	for _, name := range sorted {
		if at := firstDifference(path+"."+name, a[name], b[name]); at != "" {
			return at
		}
	}
	return path
}
