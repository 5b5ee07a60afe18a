package policies

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"fairlead.dev/fairlead/config"
)

const kueue = "kueue.x-k8s.io"

func render(t *testing.T, server Server, aliases ...string) []*unstructured.Unstructured {
	t.Helper()
	objects, err := Render(server, Choices{Aliases: aliases})
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// policiesOf are the policies and bindings of a kustomization.
func policiesOf(t *testing.T, dir string) []*unstructured.Unstructured {
	t.Helper()
	objects, err := config.Objects(dir)
	if err != nil {
		t.Fatal(err)
	}
	var policies []*unstructured.Unstructured
	for _, object := range objects {
		if object.GroupVersionKind().GroupVersion() == group {
			policies = append(policies, object)
		}
	}
	return policies
}

func named(t *testing.T, objects []*unstructured.Unstructured, kind, name string) *unstructured.Unstructured {
	t.Helper()
	for _, object := range objects {
		if object.GetKind() == kind && object.GetName() == name {
			return object
		}
	}
	t.Fatalf("no %s %s", kind, name)
	return nil
}

// TestWithoutAliases: what is rendered by default is what is installed by default.
func TestWithoutAliases(t *testing.T) {
	for server, dir := range map[Server]string{Mutating: config.Default, ValidatingOnly: config.ValidatingOnly} {
		want := policiesOf(t, dir)
		if len(want) == 0 {
			t.Fatalf("config/%s has no policies", dir)
		}
		if diff := cmp.Diff(want, render(t, server)); diff != "" {
			t.Errorf("%s differs from config/%s:\n%s", server, dir, diff)
		}
	}
}

// TestWriteCanBeReadBack: the YAML says the same as the objects.
func TestWriteCanBeReadBack(t *testing.T) {
	objects := render(t, Mutating, kueue)
	var text bytes.Buffer
	if err := Write(&text, objects); err != nil {
		t.Fatal(err)
	}
	var read []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(&text, 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		read = append(read, object)
	}
	if diff := cmp.Diff(objects, read); diff != "" {
		t.Error(diff)
	}
}

// TestAliasesAreCopies: the copy of a policy for an alias is the policy, with
// other keys of labels and the same keys of annotations.
func TestAliasesAreCopies(t *testing.T) {
	plain := render(t, Mutating)
	rendered := render(t, Mutating, kueue, "batch.example.org")
	for _, name := range []string{"fairlead-suspend-queued-jobs", "fairlead-keep-suspended", "fairlead-queued-jobs"} {
		kind := "MutatingAdmissionPolicy"
		if name == "fairlead-queued-jobs" {
			kind = "ValidatingAdmissionPolicy"
		}
		if diff := cmp.Diff(named(t, plain, kind, name), named(t, rendered, kind, name)); diff != "" {
			t.Errorf("%s itself changed:\n%s", name, diff)
		}
		for _, alias := range []string{kueue, "batch.example.org"} {
			policy := named(t, rendered, kind, name+"-"+alias)
			if policy.GetAnnotations()[AliasAnnotation] != alias {
				t.Errorf("%s does not say for which alias it is", policy.GetName())
			}
			binding := named(t, rendered, kind+"Binding", name+"-"+alias)
			if got, _, _ := unstructured.NestedString(binding.Object, "spec", "policyName"); got != policy.GetName() {
				t.Errorf("%s binds %s", binding.GetName(), got)
			}
			text := policyText(t, policy)
			for _, label := range jobLabels {
				if strings.Contains(text, label) {
					t.Errorf("%s still speaks of label %s", policy.GetName(), label)
				}
			}
		}
	}
	text := policyText(t, named(t, rendered, "ValidatingAdmissionPolicy", "fairlead-queued-jobs-"+kueue))
	for _, want := range []string{"kueue.x-k8s.io/queue-name", "kueue.x-k8s.io/priority-class", "kueue.x-k8s.io/max-exec-time-seconds", "fairlead.dev/injected", "fairlead.dev/job-min-parallelism"} {
		if !strings.Contains(text, want) {
			t.Errorf("the copy does not speak of %s", want)
		}
	}
}

// TestAliasesCountAsQueues: who has a queue under an alias does not lack one.
func TestAliasesCountAsQueues(t *testing.T) {
	for _, server := range []Server{Mutating, ValidatingOnly} {
		rendered := render(t, server, kueue)
		strict := policyText(t, named(t, rendered, "ValidatingAdmissionPolicy", "fairlead-strict-namespaces"))
		if got := strings.Count(strict, "['fairlead.dev/queue-name', 'kueue.x-k8s.io/queue-name'].exists("); got != 2 {
			t.Errorf("%s: the strict policy lists both labels %d times, want 2:\n%s", server, got, strict)
		}
		kind := map[Server]string{Mutating: "MutatingAdmissionPolicy", ValidatingOnly: "ValidatingAdmissionPolicy"}[server]
		selector := objectRequirements(named(t, rendered, kind, "fairlead-default-queue"))
		want := []map[string]any{
			{"key": "fairlead.dev/queue-name", "operator": "DoesNotExist"},
			{"key": "kueue.x-k8s.io/queue-name", "operator": "DoesNotExist"},
		}
		if diff := cmp.Diff(want, selector); diff != "" {
			t.Errorf("%s: default queue: %s", server, diff)
		}
	}
}

// TestNobodyElseKnowsTheQueueLabel: a policy that looks at the queue label in a
// way that aliases do not reach would treat aliased Jobs otherwise.
func TestNobodyElseKnowsTheQueueLabel(t *testing.T) {
	for _, server := range []Server{Mutating, ValidatingOnly} {
		for _, policy := range render(t, server, kueue) {
			text := policyText(t, policy)
			if strings.HasSuffix(policy.GetKind(), "Binding") || !strings.Contains(text, "labels") || !strings.Contains(text, "fairlead.dev/queue-name") {
				continue
			}
			if !selectsQueued(policy) && !strings.Contains(text, "kueue.x-k8s.io/queue-name") {
				t.Errorf("%s %s", policy.GetKind(), policy.GetName())
			}
		}
	}
}

// TestLastPoliciesStayLast: installers wait for them.
func TestLastPoliciesStayLast(t *testing.T) {
	last := map[string]string{}
	for _, object := range render(t, Mutating, kueue) {
		last[object.GetKind()] = object.GetName()
	}
	if last["MutatingAdmissionPolicy"] != "fairlead-suspend-queued-jobs" || last["ValidatingAdmissionPolicy"] != "fairlead-quotas" {
		t.Error(last)
	}
}

func policyText(t *testing.T, object *unstructured.Unstructured) string {
	t.Helper()
	var text strings.Builder
	mapStrings(object.Object["spec"], func(s string) string {
		text.WriteString(s + "\n")
		return s
	})
	return text.String()
}
