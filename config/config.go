// Package config holds the manifests that install Fairlead, so that programs
// can install it without a checkout and without the kustomize program.
//
//	crd  rbac  flowcontrol  policies/{mutating,validating}  manager
//	  \    \       |           |                            /
//	   '----'------'------- sandbox (no manager)           /
//	    \    \     |           |                          /
//	     '----'----'-------- default --------------------'
//
// validating-only is default with policies/without-mutation in place of
// policies/mutating, for servers that cannot mutate.
//
// Every kustomization here lists resources and does nothing else, so that
// reading the lists in order is the same as running kustomize.
package config

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// Files holds the manifests, by their path below this folder.
//
//go:embed crd rbac flowcontrol policies manager default validating-only sandbox samples
var Files embed.FS

// The kustomizations that can be installed.
const (
	// Default is everything, for Kubernetes 1.36 and later.
	Default = "default"
	// ValidatingOnly is everything, for Kubernetes 1.30 and later: it needs no
	// MutatingAdmissionPolicy.
	ValidatingOnly = "validating-only"
	// Sandbox is everything but the manager itself.
	Sandbox = "sandbox"
	// CRDs are the kinds alone.
	CRDs = "crd"
	// RBAC is the manager's identity and rights, and roles for people.
	RBAC = "rbac"
	// Policies are the admission policies alone.
	Policies = "policies"
	// ValidatingPolicies are those that every server can evaluate.
	ValidatingPolicies = "policies/validating"
	// WithoutMutation are those that stand in for the mutating ones.
	WithoutMutation = "policies/without-mutation"
	// HoldWithoutQueue and RefuseWithoutQueue are for clusters that queue all
	// Jobs; no kustomization above has them.
	HoldWithoutQueue   = "policies/without-queue/mutating"
	RefuseWithoutQueue = "policies/without-queue/validating"
	// Samples are two groups that share a cluster.
	Samples = "samples"
)

// kustomization is what a kustomization.yaml may hold here.
type kustomization struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Resources  []string `json:"resources"`
}

// Objects returns the objects of a kustomization in the order in which they
// can be installed: CRDs and namespaces before what needs them. dir is one of
// the constants above.
func Objects(dir string) ([]*unstructured.Unstructured, error) {
	name := path.Join(dir, "kustomization.yaml")
	raw, err := Files.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("no kustomization %s is built in: use default, validating-only, sandbox, crd, rbac, policies or samples: %w", dir, err)
	}
	var k kustomization
	if err := sigsyaml.UnmarshalStrict(raw, &k); err != nil {
		return nil, fmt.Errorf("config/%s: a kustomization may only list resources: %w", name, err)
	}
	var objects []*unstructured.Unstructured
	for _, resource := range k.Resources {
		target := path.Join(dir, resource)
		read := Objects
		if strings.HasSuffix(target, ".yaml") {
			read = readFile
		}
		more, err := read(target)
		if err != nil {
			return nil, err
		}
		objects = append(objects, more...)
	}
	return objects, nil
}

// readFile returns the objects of one YAML file in their order.
func readFile(name string) ([]*unstructured.Unstructured, error) {
	file, err := Files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("config/%s is named by a kustomization but is not built in: %w", name, err)
	}
	decoder := yaml.NewYAMLOrJSONDecoder(file, 4096)
	var objects []*unstructured.Unstructured
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects, file.Close()
		}
		if err != nil {
			return nil, fmt.Errorf("config/%s: %w", name, err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}
