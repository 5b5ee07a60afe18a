package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"
)

// queueLabel is the label by which Fairlead's policies know a queued Job.
const queueLabel = "fairlead.dev/queue-name"

// manifestDir is the kustomization that the sandbox installs: config/default
// without the manager itself, which runs as a process here.
func manifestDir(source string) string { return filepath.Join(source, "config", "sandbox") }

// haveManifests reports whether the checkout has a kustomization to install.
func haveManifests(source string) (bool, error) {
	_, err := os.Stat(filepath.Join(manifestDir(source), "kustomization.yaml"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for Fairlead's manifests: %w", err)
	}
	return true, nil
}

// manifest is one YAML document and what is needed to order it.
type manifest struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        struct {
		Name string `json:"name"`
	} `json:"metadata"`
	raw []byte
}

// bundle is what a kustomization renders to, in the order of installation.
type bundle struct {
	crds, namespaces, rest []manifest
	// mutating says that a MutatingAdmissionPolicy is among them.
	mutating bool
}

// installManifests applies config/sandbox through server-side apply: CRDs
// first, until they are established, then namespaces, then the rest. It
// returns when the policies answer: the API server takes up to some seconds to
// notice them, and a Job created before would slip through.
func installManifests(ctx context.Context, s *state, p Programs, client kubernetes.Interface) error {
	rendered, err := runMarked(ctx, s, p, p.Kubectl(), nil, "kustomize", manifestDir(s.Source))
	if err != nil {
		return fmt.Errorf("render %s: %w\n%s", manifestDir(s.Source), err, lastLines(string(rendered), 8))
	}
	b, err := sortManifests(rendered)
	if err != nil {
		return fmt.Errorf("render %s: %w", manifestDir(s.Source), err)
	}
	kubectl := func(stdin []byte, args ...string) error {
		args = append(args, "--kubeconfig", s.adminKubeconfig())
		if out, err := runMarked(ctx, s, p, p.Kubectl(), stdin, args...); err != nil {
			return fmt.Errorf("%w\n%s", err, lastLines(string(out), 8))
		}
		return nil
	}
	for _, step := range [][]manifest{b.crds, b.namespaces, b.rest} {
		if len(step) == 0 {
			continue
		}
		if err := kubectl(joinManifests(step), "apply", "--server-side", "--force-conflicts",
			"--field-manager=fairlead-sandbox", "-f", "-"); err != nil {
			return fmt.Errorf("install %s: %w", manifestDir(s.Source), err)
		}
		if step[0].Kind == "CustomResourceDefinition" {
			if err := kubectl(joinManifests(step), "wait", "--for=condition=Established", "--timeout=30s", "-f", "-"); err != nil {
				return fmt.Errorf("the API server does not establish the CRDs: %w", err)
			}
		}
	}
	if b.mutating {
		return waitPolicies(ctx, client)
	}
	return nil
}

// sortManifests splits rendered YAML into the steps of an installation.
func sortManifests(rendered []byte) (bundle, error) {
	var b bundle
	for _, document := range bytes.Split(rendered, []byte("\n---\n")) {
		if len(bytes.TrimSpace(document)) == 0 {
			continue
		}
		m := manifest{raw: document}
		if err := yaml.Unmarshal(document, &m); err != nil {
			return bundle{}, fmt.Errorf("document %.60q: %w", document, err)
		}
		switch m.Kind {
		case "":
			return bundle{}, fmt.Errorf("document %.60q has no kind", document)
		case "CustomResourceDefinition":
			b.crds = append(b.crds, m)
		case "Namespace":
			b.namespaces = append(b.namespaces, m)
		default:
			b.mutating = b.mutating || m.Kind == "MutatingAdmissionPolicy"
			b.rest = append(b.rest, m)
		}
	}
	return b, nil
}

// joinManifests is the inverse of the split.
func joinManifests(manifests []manifest) []byte {
	var out bytes.Buffer
	for _, m := range manifests {
		out.WriteString("---\n")
		out.Write(m.raw)
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// waitPolicies waits until a queued Job, created as a dry run and without
// spec.suspend, comes back suspended.
func waitPolicies(ctx context.Context, client kubernetes.Interface) error {
	probe := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{
			GenerateName: "sandbox-probe-", Namespace: metav1.NamespaceDefault,
			Labels: map[string]string{queueLabel: "sandbox-probe"},
		},
		Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever,
			Containers:    []corev1.Container{{Name: "probe", Image: "probe"}},
		}}},
	}
	err := poll(ctx, 30*time.Second, func(ctx context.Context) error {
		got, err := client.BatchV1().Jobs(probe.Namespace).Create(ctx, probe, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			return err
		}
		if got.Spec.Suspend == nil || !*got.Spec.Suspend {
			return fmt.Errorf("a Job with label %s is not suspended", queueLabel)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("the admission policies of config/sandbox have no effect: %w", err)
	}
	return nil
}
