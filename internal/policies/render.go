package policies

import (
	"bytes"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

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

// Render returns the policies and their bindings for a server of that kind, in
// the order of their installation. The labels of each alias count as ours. For
// no alias the result is what config/default (config/validating-only) holds.
// An error means that the manifests built in are not what this package expects.
func Render(server Server, aliases []string) ([]*unstructured.Unstructured, error) {
	folders := []string{config.Policies}
	if server == ValidatingOnly {
		folders = []string{config.WithoutMutation, config.ValidatingPolicies}
	}
	var plain []*unstructured.Unstructured
	for _, folder := range folders {
		objects, err := config.Objects(folder)
		if err != nil {
			return nil, err
		}
		plain = append(plain, objects...)
	}
	if len(aliases) == 0 {
		return plain, nil
	}
	return withAliases(plain, aliases)
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
