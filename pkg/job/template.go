package job

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// ContainersHashAnnotation identifies, on a trimmed template, the containers
// that were left out of it.
const ContainersHashAnnotation = "fairlead.dev/containers-hash"

// TrimTemplate keeps of a pod template what scheduling and the comparison of
// shapes need; images, commands, volumes and the like are replaced by a hash
// of the containers. A template that is trimmed already stays as it is: the
// API server accepts no container without image.
func TrimTemplate(full *corev1.PodTemplateSpec) corev1.PodTemplateSpec {
	if full.Annotations[ContainersHashAnnotation] != "" && len(full.Spec.Containers) > 0 && full.Spec.Containers[0].Image == "" {
		return *full
	}
	annotations := make(map[string]string, len(full.Annotations)+1)
	for key, value := range full.Annotations {
		annotations[key] = value
	}
	annotations[ContainersHashAnnotation] = hashContainers(&full.Spec)
	spec := &full.Spec
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: full.Labels, Annotations: annotations},
		Spec: corev1.PodSpec{
			InitContainers:    trimContainers(spec.InitContainers),
			Containers:        trimContainers(spec.Containers),
			NodeSelector:      spec.NodeSelector,
			Affinity:          spec.Affinity,
			Tolerations:       spec.Tolerations,
			PriorityClassName: spec.PriorityClassName,
			RuntimeClassName:  spec.RuntimeClassName,
			Overhead:          spec.Overhead,
			SchedulingGates:   spec.SchedulingGates,
			ResourceClaims:    spec.ResourceClaims,
			Resources:         spec.Resources,

			TerminationGracePeriodSeconds: gracePeriod(spec),
		},
	}
}

// gracePeriod keeps the time that pods get to end, unless it is Kubernetes' own
// default.
func gracePeriod(spec *corev1.PodSpec) *int64 {
	if g := spec.TerminationGracePeriodSeconds; g != nil && *g != corev1.DefaultTerminationGracePeriodSeconds {
		return g
	}
	return nil
}

// GracePeriodSeconds is how long pods of a trimmed template get to end.
func GracePeriodSeconds(trimmed *corev1.PodTemplateSpec) int64 {
	if g := trimmed.Spec.TerminationGracePeriodSeconds; g != nil {
		return max(*g, 0)
	}
	return corev1.DefaultTerminationGracePeriodSeconds
}

func trimContainers(full []corev1.Container) []corev1.Container {
	if len(full) == 0 {
		return nil
	}
	trimmed := make([]corev1.Container, len(full))
	for i := range full {
		trimmed[i] = corev1.Container{
			Name:          full[i].Name,
			Resources:     full[i].Resources,
			RestartPolicy: full[i].RestartPolicy,
		}
	}
	return trimmed
}

func hashContainers(spec *corev1.PodSpec) string {
	digest := sha256.New()
	// Encoding to a hash fails only for values that JSON cannot hold, and the
	// API server sent these as JSON or protobuf: there are none.
	encoder := json.NewEncoder(digest)
	for _, list := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		if err := encoder.Encode(list); err != nil {
			return "unreadable"
		}
	}
	return hex.EncodeToString(digest.Sum(nil)[:8])
}

// EncodeTemplate writes a trimmed template as a Workload stores it.
func EncodeTemplate(trimmed *corev1.PodTemplateSpec) (runtime.RawExtension, error) {
	raw, err := json.Marshal(trimmed)
	if err != nil {
		return runtime.RawExtension{}, fmt.Errorf("encode the pod template: %w", err)
	}
	return runtime.RawExtension{Raw: raw}, nil
}

// DecodeTemplate reads a stored template. The error is for people: it says
// what in the template cannot be read.
func DecodeTemplate(stored runtime.RawExtension) (*corev1.PodTemplateSpec, error) {
	template := &corev1.PodTemplateSpec{}
	if len(stored.Raw) == 0 {
		return template, nil
	}
	if err := json.Unmarshal(stored.Raw, template); err != nil {
		return nil, fmt.Errorf("pod template cannot be read: %w", err)
	}
	return template, nil
}

// SameShape says whether two lists of pod sets ask for the same pods. A
// template that cannot be read is like no other.
func SameShape(a, b []v1beta1.PodSet) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		x, y := &a[i], &b[i]
		if x.Name != y.Name || x.Count != y.Count || !equality.Semantic.DeepEqual(x.MinCount, y.MinCount) ||
			!equality.Semantic.DeepEqual(x.TopologyRequest, y.TopologyRequest) {
			return false
		}
		s, err := DecodeTemplate(x.Template)
		if err != nil {
			return false
		}
		t, err := DecodeTemplate(y.Template)
		if err != nil || !equality.Semantic.DeepEqual(s, t) {
			return false
		}
	}
	return true
}
