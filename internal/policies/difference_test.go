package policies

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// served is what an API server answers for objects that it was given.
func served(objects []*unstructured.Unstructured) []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, object := range objects {
		object = object.DeepCopy()
		object.Object["spec"] = withDefaults(object)
		object.SetUID("1")
		object.SetResourceVersion("7")
		all = append(all, object)
	}
	return all
}

func TestCompare(t *testing.T) {
	const validating = "ValidatingAdmissionPolicy"
	for _, c := range []struct {
		name string
		edit func([]*unstructured.Unstructured) []*unstructured.Unstructured
		want []Difference
	}{
		{"nothing", func(o []*unstructured.Unstructured) []*unstructured.Unstructured { return o }, nil},
		{"one deleted", func(o []*unstructured.Unstructured) []*unstructured.Unstructured { return o[:len(o)-1] },
			[]Difference{{Kind: validating + "Binding", Name: "fairlead-quotas", Problem: Missing}}},
		{"an expression edited", func(o []*unstructured.Unstructured) []*unstructured.Unstructured {
			rules, _, _ := unstructured.NestedSlice(named(t, o, validating, "fairlead-quotas").Object, "spec", "validations")
			rules[1].(map[string]any)["expression"] = "true"
			_ = unstructured.SetNestedSlice(named(t, o, validating, "fairlead-quotas").Object, rules, "spec", "validations")
			return o
		}, []Difference{{Kind: validating, Name: "fairlead-quotas", Problem: Changed, Field: "spec.validations[1].expression"}}},
		{"a scope narrowed", func(o []*unstructured.Unstructured) []*unstructured.Unstructured {
			_ = unstructured.SetNestedStringMap(named(t, o, validating, "fairlead-queued-jobs").Object,
				map[string]string{"a": "b"}, "spec", "matchConstraints", "namespaceSelector", "matchLabels")
			return o
		}, []Difference{{Kind: validating, Name: "fairlead-queued-jobs", Problem: Changed, Field: "spec.matchConstraints.namespaceSelector.matchLabels"}}},
		{"refusals turned into warnings", func(o []*unstructured.Unstructured) []*unstructured.Unstructured {
			_ = unstructured.SetNestedStringSlice(named(t, o, validating+"Binding", "fairlead-queued-jobs").Object, []string{"Warn"}, "spec", "validationActions")
			return o
		}, []Difference{{Kind: validating + "Binding", Name: "fairlead-queued-jobs", Problem: Changed, Field: "spec.validationActions[0]"}}},
		{"labels of the object", func(o []*unstructured.Unstructured) []*unstructured.Unstructured {
			o[0].SetLabels(map[string]string{"app.kubernetes.io/managed-by": "Helm"})
			return o
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := compare(render(t, Mutating), c.edit(served(render(t, Mutating))))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestCompareAliases: an alias that only one side knows is found.
func TestCompareAliases(t *testing.T) {
	added := compare(render(t, Mutating, kueue), served(render(t, Mutating)))
	removed := compare(render(t, Mutating), served(render(t, Mutating, kueue)))
	if len(added) != 8 || len(removed) != len(added) { // 3 copies with bindings; strict and default queue
		t.Fatalf("%d and %d differences:\n%v\n%v", len(added), len(removed), added, removed)
	}
	count := map[Problem]int{}
	for i := range added {
		count[added[i].Problem]++
		count[removed[i].Problem]++
		if !strings.Contains(added[i].String(), added[i].Name) || !strings.Contains(added[i].String(), "`manager policies`") {
			t.Errorf("unclear: %s", added[i])
		}
	}
	if count[Missing] != 6 || count[Unexpected] != 6 || count[Changed] != 4 {
		t.Error(count)
	}
}
