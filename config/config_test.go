package config

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/yaml"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	fairleadv1beta1 "fairlead.dev/fairlead/apis/v1beta1"
)

func TestObjectsAreOrdered(t *testing.T) {
	objects, err := Objects(Default)
	if err != nil {
		t.Fatal(err)
	}
	rank := map[string]int{"CustomResourceDefinition": 1, "Namespace": 2}
	last := 1
	seen := sets.New[string]()
	for _, o := range objects {
		r, ok := rank[o.GetKind()]
		if !ok {
			r = 3
		}
		if r < last {
			t.Errorf("%s %s comes too late", o.GetKind(), o.GetName())
		}
		last = r
		key := o.GetKind() + "/" + o.GetNamespace() + "/" + o.GetName()
		if seen.Has(key) {
			t.Errorf("%s is there twice", key)
		}
		seen.Insert(key)
	}
	for _, want := range []string{
		"CustomResourceDefinition//workloads.fairlead.dev",
		"ServiceAccount/fairlead-system/fairlead-manager",
		"MutatingAdmissionPolicy//fairlead-suspend-queued-jobs",
		"Deployment/fairlead-system/fairlead-manager",
	} {
		if !seen.Has(want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestSandboxIsDefaultWithoutManager(t *testing.T) {
	whole, err := Objects(Default)
	if err != nil {
		t.Fatal(err)
	}
	manager, err := Objects("manager")
	if err != nil {
		t.Fatal(err)
	}
	sandbox, err := Objects(Sandbox)
	if err != nil {
		t.Fatal(err)
	}
	if len(manager) == 0 || len(sandbox)+len(manager) != len(whole) {
		t.Errorf("default has %d objects, sandbox %d and manager %d", len(whole), len(sandbox), len(manager))
	}
}

func TestUnknownKustomization(t *testing.T) {
	if _, err := Objects("nowhere"); err == nil || !strings.Contains(err.Error(), "use default, validating-only, sandbox") {
		t.Errorf("got %v", err)
	}
}

// TestEveryFileIsListed: a manifest that no kustomization names is never
// installed, and nobody would notice.
func TestEveryFileIsListed(t *testing.T) {
	err := fs.WalkDir(Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".yaml") || path.Base(name) == "kustomization.yaml" {
			return err
		}
		dir, base := path.Split(name)
		if strings.HasSuffix(dir, "bases/") {
			dir, base = path.Dir(path.Clean(dir)), "bases/"+base
		}
		list, err := Files.ReadFile(path.Join(dir, "kustomization.yaml"))
		if err != nil {
			return err
		}
		if !strings.Contains(string(list), "  - "+base+"\n") {
			t.Errorf("%s is not in the kustomization of its folder", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestValidatingOnlyMutatesNothing: it is default but for the mutating policies.
func TestValidatingOnlyMutatesNothing(t *testing.T) {
	names := func(dir string) sets.Set[string] {
		objects, err := Objects(dir)
		if err != nil {
			t.Fatal(err)
		}
		all := sets.New[string]()
		for _, o := range objects {
			if !strings.HasPrefix(o.GetKind(), "MutatingAdmission") {
				all.Insert(o.GetKind() + "/" + o.GetName())
			} else if dir == ValidatingOnly {
				t.Errorf("%s %s mutates", o.GetKind(), o.GetName())
			}
		}
		return all
	}
	want := names(Default).Union(names(WithoutMutation))
	if got := names(ValidatingOnly); !got.Equal(want) {
		t.Errorf("only in one of them: %v", sets.List(got.SymmetricDifference(want)))
	}
}

// TestPoliciesAreBound: a policy without binding does nothing; one that fails
// open lets everything pass.
func TestPoliciesAreBound(t *testing.T) {
	objects, err := Objects(Policies)
	if err != nil {
		t.Fatal(err)
	}
	standIns, err := Objects(WithoutMutation)
	if err != nil {
		t.Fatal(err)
	}
	objects = append(objects, standIns...)
	policies, bound := sets.New[string](), sets.New[string]()
	for _, o := range objects {
		spec, _ := o.Object["spec"].(map[string]any)
		switch o.GetKind() {
		case "MutatingAdmissionPolicy", "ValidatingAdmissionPolicy":
			policies.Insert(o.GetKind() + "/" + o.GetName())
			if spec["failurePolicy"] != "Fail" {
				t.Errorf("%s does not say failurePolicy: Fail", o.GetName())
			}
		default:
			name, _ := spec["policyName"].(string)
			bound.Insert(strings.TrimSuffix(o.GetKind(), "Binding") + "/" + name)
		}
	}
	if policies.Len() == 0 || !policies.Equal(bound) {
		t.Errorf("policies %v, bound %v", sets.List(policies), sets.List(bound))
	}
}

// TestShippedConfiguration: what config/manager mounts is read by the manager
// without complaint.
func TestShippedConfiguration(t *testing.T) {
	objects, err := Objects("manager")
	if err != nil {
		t.Fatal(err)
	}
	text, found, err := unstructured.NestedString(objects[0].Object, "data", "config.yaml")
	if err != nil || !found {
		t.Fatalf("no config.yaml in %s: %v", objects[0].GetKind(), err)
	}
	configuration := &configv1beta1.Configuration{}
	if err := yaml.UnmarshalStrict([]byte(text), configuration); err != nil {
		t.Fatal(err)
	}
	configv1beta1.SetDefaults(configuration)
	if faults := configv1beta1.Validate(configuration); len(faults) > 0 {
		t.Error(faults)
	}
	if !*configuration.FairSharing.Enable {
		t.Error("fair sharing is off as shipped")
	}
}

// TestManagerHasOneName: manifests and code agree on who the manager is.
func TestManagerHasOneName(t *testing.T) {
	objects, err := Objects(Default)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		switch o.GetKind() {
		case "ServiceAccount":
			if o.GetName() != fairleadv1beta1.ManagerServiceAccount || o.GetNamespace() != fairleadv1beta1.ManagerNamespace {
				t.Errorf("service account %s/%s", o.GetNamespace(), o.GetName())
			}
		case "Namespace":
			if o.GetName() != fairleadv1beta1.ManagerNamespace {
				t.Errorf("namespace %s", o.GetName())
			}
		case "Deployment":
			name, _, _ := unstructured.NestedString(o.Object, "spec", "template", "spec", "serviceAccountName")
			if name != fairleadv1beta1.ManagerServiceAccount {
				t.Errorf("the Deployment runs as %q", name)
			}
		}
	}
}
