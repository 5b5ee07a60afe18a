package config

import (
	"encoding/json"
	"fmt"
	"slices"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
)

// faults finds the values that cannot be decoded, one error for each with its
// field: decoders of quantities and durations do not say where they stand.
// Each value is decoded alone, in a document of nothing else.
func faults(tree any) []error {
	var found []error
	eachLeaf(tree, "", func(value any) any { return value }, func(path string, document any) {
		raw, err := json.Marshal(document)
		if err == nil {
			err = json.Unmarshal(raw, &configv1beta1.Configuration{})
		}
		if err != nil {
			found = append(found, fmt.Errorf("%s: %w", path, err))
		}
	})
	return found
}

// eachLeaf visits the leaves of a tree in order, each with its path and with
// the document that around makes of it.
func eachLeaf(tree any, path string, around func(any) any, visit func(path string, document any)) {
	switch t := tree.(type) {
	case map[string]any:
		keys := make([]string, 0, len(t))
		for key := range t {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			at := key
			if path != "" {
				at = path + "." + key
			}
			eachLeaf(t[key], at, func(value any) any { return around(map[string]any{key: value}) }, visit)
		}
	case []any:
		for i := range t {
			eachLeaf(t[i], fmt.Sprintf("%s[%d]", path, i), func(value any) any { return around([]any{value}) }, visit)
		}
	default:
		visit(path, around(tree))
	}
}
