package sandbox

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Options say what sandbox to bring up. The zero value of a field means its
// default.
type Options struct {
	// Name of the sandbox: lower-case letters, digits and dashes, at most 40.
	// Default "lab".
	Name string
	// Nodes are the groups of simulated nodes to create; none is allowed.
	Nodes []NodeGroup
	// Kubeconfig is the file to write an administrator's kubeconfig to, with
	// its current context set. Empty means only the one in the state directory.
	Kubeconfig string
	// Port of kube-apiserver on 127.0.0.1; 0 picks a free one.
	Port int
	// WithoutManager leaves the manager's process out. The manifests are
	// installed all the same, so that a manager can be run by hand.
	WithoutManager bool
	// WithoutManifests leaves Fairlead out altogether: a plain Kubernetes. It
	// implies WithoutManager.
	WithoutManifests bool
	// PriorityAndFairness leaves kube-apiserver's priority and fairness on, with
	// its default limits; otherwise nothing limits requests.
	PriorityAndFairness bool
	// ManagerConfig is a configuration file for the manager. Its health and
	// metrics addresses are replaced by the sandbox's own. Empty means defaults.
	ManagerConfig string
	// ManagerBinary is the manager to start. Empty means `manager` beside the
	// running executable, else bin/manager of the checkout.
	ManagerBinary string
	// FairleadBinary is the command-line tool, whose `sandbox keep` renews the
	// manager's token. Empty means `fairlead` beside the running executable, else
	// bin/fairlead of the checkout.
	FairleadBinary string
	// Output takes progress, one line a step; nil discards it.
	Output io.Writer
}

// NodeGroup is a number of equal simulated nodes.
type NodeGroup struct {
	// Prefix of the nodes' names; "node" gives node-0, node-1 ... Default "node".
	Prefix string
	// Count of nodes to add.
	Count int
	// CPU and Memory of each node as quantities, for example "128" and "512Gi".
	// Defaults "128" and "512Gi".
	CPU, Memory string
	// Pods that fit on each node. Default 1000.
	Pods int
	// Labels besides kubernetes.io/hostname, os and arch.
	Labels map[string]string
	// Resources are further capacities, for example "nvidia.com/gpu": "8".
	Resources map[string]string
}

// ErrInvalid is wrapped by every complaint about options.
var ErrInvalid = errors.New("invalid sandbox options")

// complete returns o with defaults filled in and paths made absolute, or an
// error that wraps ErrInvalid and names each bad field.
func (o Options) complete() (Options, error) {
	if o.Name == "" {
		o.Name = "lab"
	}
	var faults []error
	if err := checkName(o.Name); err != nil {
		faults = append(faults, err)
	}
	if o.Port < 0 || o.Port > 65535 {
		faults = append(faults, fmt.Errorf("port %d is not between 1 and 65535", o.Port))
	}
	o.WithoutManager = o.WithoutManager || o.WithoutManifests
	if o.Output == nil {
		o.Output = io.Discard
	}
	for _, path := range []*string{&o.Kubeconfig, &o.ManagerConfig, &o.ManagerBinary, &o.FairleadBinary} {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		*path = abs
	}
	if o.Kubeconfig != "" {
		if info, err := os.Stat(filepath.Dir(o.Kubeconfig)); err != nil || !info.IsDir() {
			faults = append(faults, fmt.Errorf("--kubeconfig %s: its directory does not exist; make it first", o.Kubeconfig))
		}
	}
	if o.ManagerConfig != "" {
		if _, err := os.Stat(o.ManagerConfig); err != nil {
			faults = append(faults, fmt.Errorf("manager configuration: %w", err))
		}
	}
	o.Nodes = slices.Clone(o.Nodes)
	for i, group := range o.Nodes {
		completed, err := group.complete()
		if err != nil {
			faults = append(faults, err)
		}
		o.Nodes[i] = completed
	}
	if len(faults) > 0 {
		return o, fmt.Errorf("%w: %w", ErrInvalid, errors.Join(faults...))
	}
	return o, nil
}

// checkName complains about a name that cannot be a sandbox's.
func checkName(name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("name %q: use 1 to 40 lower-case letters, digits and dashes, with a letter or digit at both ends", name)
	}
	return nil
}

// complete fills in the defaults of a group and checks it.
func (g NodeGroup) complete() (NodeGroup, error) {
	if g.Prefix == "" {
		g.Prefix = "node"
	}
	if g.CPU == "" {
		g.CPU = "128"
	}
	if g.Memory == "" {
		g.Memory = "512Gi"
	}
	if g.Pods == 0 {
		g.Pods = 1000
	}
	var faults []error
	if problems := validation.IsDNS1123Subdomain(g.Prefix + "-0"); len(problems) > 0 {
		faults = append(faults, fmt.Errorf("node prefix %q: %s", g.Prefix, strings.Join(problems, "; ")))
	}
	if g.Count < 0 || g.Count > 5000 {
		faults = append(faults, fmt.Errorf("%d nodes: use 0 to 5000", g.Count))
	}
	if g.Pods < 0 {
		faults = append(faults, fmt.Errorf("%d pods a node: use a positive number", g.Pods))
	}
	if _, err := g.capacity(); err != nil {
		faults = append(faults, err)
	}
	for _, key := range slices.Sorted(maps.Keys(g.Labels)) {
		problems := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(g.Labels[key])...)
		if len(problems) > 0 {
			faults = append(faults, fmt.Errorf("node label %s=%s: %s", key, g.Labels[key], strings.Join(problems, "; ")))
		}
	}
	return g, errors.Join(faults...)
}

// capacity is what each node of the group offers.
func (g NodeGroup) capacity() (corev1.ResourceList, error) {
	wanted := map[string]string{"cpu": g.CPU, "memory": g.Memory, "pods": fmt.Sprint(g.Pods)}
	maps.Copy(wanted, g.Resources)
	list := corev1.ResourceList{}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		amount, err := resource.ParseQuantity(wanted[name])
		if err != nil {
			return nil, fmt.Errorf("node capacity %s=%q: %w; write it like 128, 500m or 512Gi", name, wanted[name], err)
		}
		if amount.Sign() < 0 {
			return nil, fmt.Errorf("node capacity %s=%q is negative", name, wanted[name])
		}
		list[corev1.ResourceName(name)] = amount
	}
	return list, nil
}
