package policies

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/config"
)

// Server is what an API server can do.
type Server string

const (
	// Mutating servers have MutatingAdmissionPolicy (Kubernetes 1.36 and later):
	// queued Jobs are suspended when they are created.
	Mutating Server = "Mutating"
	// ValidatingOnly servers (Kubernetes 1.30 and later) can only refuse queued
	// Jobs that are not created suspended.
	ValidatingOnly Server = "ValidatingOnly"
)

// Choices are the parts of a configuration that policies depend on. The zero
// value is the default configuration.
type Choices struct {
	// Aliases are label prefixes whose labels count as ours.
	Aliases []string
	// Managed selects the namespaces whose Jobs are managed; nil for the default.
	Managed *metav1.LabelSelector
	// WithoutQueue has Jobs wait that name no queue, in managed namespaces.
	WithoutQueue bool
}

// ChoicesOf are the choices of a configuration.
func ChoicesOf(c *configv1beta1.Configuration) Choices {
	choices := Choices{Managed: c.ManagedJobsNamespaceSelector, WithoutQueue: c.ManageJobsWithoutQueueName}
	if c.Integrations != nil {
		choices.Aliases = c.Integrations.LabelAliases
	}
	return choices
}

// Render returns the policies and their bindings for a server of that kind, in
// the order of their installation. For the zero choices the result is what config/default (config/validating-only) holds.
// An error means that the manifests built in are not what this package expects.
func Render(server Server, choices Choices) ([]*unstructured.Unstructured, error) {
	folders := []string{config.Policies}
	if server == ValidatingOnly {
		folders = []string{config.WithoutMutation, config.ValidatingPolicies}
	}
	if choices.WithoutQueue {
		folders = slices.Insert(folders, 0, config.RefuseWithoutQueue)
		if server == Mutating {
			folders = slices.Insert(folders, 0, config.HoldWithoutQueue)
		}
	}
	var plain []*unstructured.Unstructured
	for _, folder := range folders {
		objects, err := config.Objects(folder)
		if err != nil {
			return nil, err
		}
		plain = append(plain, objects...)
	}
	if err := confine(plain, choices.Managed); err != nil {
		return nil, err
	}
	if len(choices.Aliases) == 0 {
		return plain, nil
	}
	return withAliases(plain, choices.Aliases)
}

// Write writes objects as one YAML stream, as kubectl apply reads it.
func Write(out io.Writer, objects []*unstructured.Unstructured) error {
	var text bytes.Buffer
	for i, object := range objects {
		if i > 0 {
			text.WriteString("---\n")
		}
		raw, err := yaml.Marshal(object.Object)
		if err != nil {
			return fmt.Errorf("write %s %s as YAML: %w", object.GetKind(), object.GetName(), err)
		}
		text.Write(raw)
	}
	_, err := out.Write(text.Bytes())
	return err
}
