package v1beta1_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// field is one row of the contract: a path, its type and what constrains it.
type field struct {
	Type        string
	Constraints []string // sorted
}

// ours lists, by kind, the paths that the contract does not have: Fairlead's
// own fields. They must be optional.
var ours = map[string][]string{
	"ClusterQueue": append([]string{
		"spec.defaultExecutionTimeSeconds", "spec.maximumExecutionTimeSeconds", "spec.minimumRuntimeSeconds",
	}, backfill...),
	"Cohort":                backfill,
	"WorkloadPriorityClass": {"minimumRuntimeSeconds"},
	"Workload": {
		"status.admission.maximumExecutionTimeSeconds",
		"status.preemption", "status.preemption.decidedAt", "status.preemption.deadline",
		"status.preemption.held", "status.preemption.held[]", "status.preemption.held[].amount", "status.preemption.held[].flavor", "status.preemption.held[].resource",
		"status.preemption.victims", "status.preemption.victims[]", "status.preemption.victims[].reason", "status.preemption.victims[].uid",
	},
}

// ourKinds are those that the contract does not have.
var ourKinds = []string{"Reservation"}

var backfill = []string{
	"spec.backfill", "spec.backfill.mode", "spec.backfill.depth", "spec.backfill.borrowingDepth",
	"spec.backfill.assumedExecutionTimeSeconds", "spec.backfill.allowUnlimited",
}

// TestCRDsKeepTheContract compares the generated CRDs with the published
// fields of the API (testdata/api-fields.tsv), both ways.
func TestCRDsKeepTheContract(t *testing.T) {
	contract := readContract(t)
	for kind, crd := range readCRDs(t) {
		if slices.Contains(ourKinds, kind) {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			want, got := contract[kind], map[string]field{}
			schema := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
			for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
				if name != "apiVersion" && name != "kind" && name != "metadata" {
					flatten(got, name, schema.Properties[name], slices.Contains(schema.Required, name))
				}
			}
			for _, path := range ours[kind] {
				// What is inside of an optional one may be required there.
				if slices.Contains(got[path].Constraints, "required") && !slices.Contains(ours[kind], parent(path)) {
					t.Errorf("%s is our own and must be optional", path)
				}
				delete(got, path)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the contract (-) and the CRD (+) differ:\n%s", diff)
			}
		})
		delete(contract, kind)
	}
	later := []string{"AdmissionCheck", "Topology"}
	if got := slices.Sorted(maps.Keys(contract)); !slices.Equal(got, later) {
		t.Errorf("kinds of the contract without CRD: %v, want %v", got, later)
	}
}

// parent is the path of the object that holds a field.
func parent(path string) string {
	return path[:max(0, strings.LastIndex(path, "."))]
}

// TestCRDNames checks scope, short names and columns.
func TestCRDNames(t *testing.T) {
	got := map[string]string{}
	for kind, crd := range readCRDs(t) {
		var columns []string
		for _, column := range crd.Spec.Versions[0].AdditionalPrinterColumns {
			columns = append(columns, column.Name)
		}
		got[kind] = fmt.Sprintf("%s | %s | %s", crd.Spec.Scope, strings.Join(crd.Spec.Names.ShortNames, ", "), strings.Join(columns, ", "))
	}
	want := map[string]string{
		"ClusterQueue":          "Cluster | cq | Cohort, Strategy, Pending Workloads, Admitted Workloads, Share",
		"Cohort":                "Cluster | co | Parent, Share",
		"LocalQueue":            "Namespaced | queue, queues, lq | ClusterQueue, Pending Workloads, Admitted Workloads",
		"Reservation":           "Cluster | rsv | ClusterQueue, Cohort, Keeps, For, Phase, Start, End, Conflicting",
		"ResourceFlavor":        "Cluster | flavor, flavors, rf | ",
		"Workload":              "Namespaced | wl | Queue, Reserved in, Admitted, Finished, Age",
		"WorkloadPriorityClass": "Cluster | wpc | Value",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestWorkloadIsLean: what every write of a Workload would pay for.
func TestWorkloadIsLean(t *testing.T) {
	crd := readCRDs(t)["Workload"]
	if n := len(crd.Spec.Versions); n != 1 {
		t.Errorf("%d versions, want one", n)
	}
	raw, err := json.Marshal(crd)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "x-kubernetes-validations") {
		t.Error("the schema of Workloads has CEL rules: put them into a policy")
	}
	template := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"].Properties["podSets"].Items.Schema.Properties["template"]
	if template.XPreserveUnknownFields == nil || !*template.XPreserveUnknownFields || len(template.Properties) != 0 {
		t.Error("podSets[].template is not schema-less")
	}
}

// flatten adds a schema and all below it to fields.
func flatten(fields map[string]field, path string, s apiextensionsv1.JSONSchemaProps, required bool) {
	f := field{Type: s.Type, Constraints: constraints(s)}
	if s.XIntOrString {
		f.Type = "int-or-string"
	}
	if required {
		f.Constraints = append(f.Constraints, "required")
	}
	slices.Sort(f.Constraints)
	fields[path] = f
	for name, property := range s.Properties {
		flatten(fields, path+"."+name, property, slices.Contains(s.Required, name))
	}
	if s.Items != nil {
		flatten(fields, path+"[]", *s.Items.Schema, false)
	}
	if s.AdditionalProperties != nil {
		flatten(fields, path+"{}", *s.AdditionalProperties.Schema, false)
	}
}

// constraints returns what a schema says besides its type, as the contract
// spells it.
func constraints(s apiextensionsv1.JSONSchemaProps) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	bounds := []struct {
		name  string
		value *int64
	}{
		{"minItems", s.MinItems}, {"maxItems", s.MaxItems}, {"minLength", s.MinLength},
		{"maxLength", s.MaxLength}, {"maxProperties", s.MaxProperties},
	}
	for _, bound := range bounds {
		if bound.value != nil {
			add("%s=%d", bound.name, *bound.value)
		}
	}
	if s.Minimum != nil {
		add("minimum=%v", *s.Minimum)
	}
	if s.Maximum != nil {
		add("maximum=%v", *s.Maximum)
	}
	if s.Pattern != "" {
		add("pattern=%s", s.Pattern)
	}
	if s.Format != "" {
		add("format=%s", s.Format)
	}
	if len(s.Enum) > 0 {
		var values []string
		for _, value := range s.Enum {
			values = append(values, strings.Trim(string(value.Raw), `"`))
		}
		slices.Sort(values)
		add("enum=%s", strings.Join(values, "|"))
	}
	if s.Default != nil {
		add("default=%s", strings.Trim(string(s.Default.Raw), `"`))
	}
	if s.XListType != nil {
		list := "list=" + *s.XListType
		if len(s.XListMapKeys) > 0 {
			list += ":" + strings.Join(s.XListMapKeys, ",")
		}
		out = append(out, list)
	}
	return out
}

func readContract(t *testing.T) map[string]map[string]field {
	t.Helper()
	file, err := os.Open("testdata/api-fields.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	contract := map[string]map[string]field{}
	lines := bufio.NewScanner(file)
	lines.Scan() // the heading
	for lines.Scan() {
		columns := strings.Split(lines.Text(), "\t")
		if len(columns) != 4 {
			t.Fatalf("%q has %d columns, want 4", lines.Text(), len(columns))
		}
		f := field{Type: columns[2], Constraints: strings.Fields(columns[3])}
		for i, constraint := range f.Constraints {
			switch name, values, _ := strings.Cut(constraint, "="); {
			case name == "enum":
				list := strings.Split(values, "|")
				slices.Sort(list)
				f.Constraints[i] = "enum=" + strings.Join(list, "|")
			case constraint == "default=True":
				f.Constraints[i] = "default=true"
			}
		}
		slices.Sort(f.Constraints)
		if len(f.Constraints) == 0 {
			f.Constraints = nil
		}
		if contract[columns[0]] == nil {
			contract[columns[0]] = map[string]field{}
		}
		contract[columns[0]][columns[1]] = f
	}
	if err := lines.Err(); err != nil || len(contract) == 0 {
		t.Fatalf("%d kinds read: %v", len(contract), err)
	}
	return contract
}

func readCRDs(t *testing.T) map[string]*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	files, err := filepath.Glob("../../config/crd/bases/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no CRDs: %v", err)
	}
	crds := map[string]*apiextensionsv1.CustomResourceDefinition{}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(raw, crd); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		crds[crd.Spec.Names.Kind] = crd
	}
	return crds
}
