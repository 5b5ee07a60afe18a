package job

import (
	"encoding/json"
	"fmt"
	"sort"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
)

// Toleration is Kubernetes' own.
type Toleration = corev1.Toleration

// Injection is the content of annotation fairlead.dev/injected: what a start
// added to the pod templates. It is enough, with the job alone, to take
// exactly that away again.
type Injection struct {
	// Workload is the UID of the Workload whose admission started the job.
	Workload string `json:"workload"`
	// PodSets has an entry for each pod set that was changed.
	PodSets []PodSetInjection `json:"podSets,omitempty"`
}

// PodSetInjection is what a start added to one pod set.
type PodSetInjection struct {
	Name         string            `json:"name"`
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	Tolerations  []Toleration      `json:"tolerations,omitempty"`
	// Count is the number of pods before partial admission lowered it to Given.
	Count *int32 `json:"count,omitempty"`
	Given *int32 `json:"given,omitempty"`
}

// Own is the number of pods that the job's user asks for, now being what the
// job says: what he asked for before partial admission lowered it, unless he
// has changed it since.
func (in *PodSetInjection) Own(now int32) int32 {
	if in.Count != nil && (in.Given == nil || *in.Given == now) {
		return *in.Count
	}
	return now
}

// ParseInjection reads the annotation. An unreadable one is reported as an
// injection of nothing, by nobody: there is then nothing that could be
// restored, and the annotation goes with the next restore.
func ParseInjection(annotation string) *Injection {
	injected := &Injection{}
	if json.Unmarshal([]byte(annotation), injected) != nil {
		return &Injection{}
	}
	return injected
}

// Of returns what was injected into the named pod set.
func (in *Injection) Of(podSet string) PodSetInjection {
	if in != nil {
		for _, ps := range in.PodSets {
			if ps.Name == podSet {
				return ps
			}
		}
	}
	return PodSetInjection{Name: podSet}
}

// Inject adds the admission's node selector and tolerations to a pod
// template and returns what was really added: a label that the template
// selects already is not. A Conflict names the label that contradicts.
func Inject(template *corev1.PodSpec, start PodSetStart) (PodSetInjection, *Conflict) {
	added := PodSetInjection{Name: start.Name}
	for _, key := range sortedKeys(start.NodeSelector) {
		value := start.NodeSelector[key]
		own, exists := template.NodeSelector[key]
		if exists && own != value {
			return added, &Conflict{Message: fmt.Sprintf(
				"pod set %s selects nodes with %s=%s, but its flavor has %s=%s: change the node selector or the flavor",
				start.Name, key, own, key, value)}
		}
		if exists {
			continue
		}
		if template.NodeSelector == nil {
			template.NodeSelector = map[string]string{}
		}
		if added.NodeSelector == nil {
			added.NodeSelector = map[string]string{}
		}
		template.NodeSelector[key] = value
		added.NodeSelector[key] = value
	}
	for i := range start.Tolerations {
		if !hasToleration(template.Tolerations, &start.Tolerations[i]) {
			template.Tolerations = append(template.Tolerations, start.Tolerations[i])
			added.Tolerations = append(added.Tolerations, start.Tolerations[i])
		}
	}
	return added, nil
}

// Withdraw takes an injection out of a pod template. What somebody has changed
// since stays as he left it.
func Withdraw(template *corev1.PodSpec, injected PodSetInjection) {
	for key, value := range injected.NodeSelector {
		if template.NodeSelector[key] == value {
			delete(template.NodeSelector, key)
		}
	}
	if len(template.NodeSelector) == 0 {
		template.NodeSelector = nil
	}
	var kept []Toleration
	for i := range template.Tolerations {
		if !hasToleration(injected.Tolerations, &template.Tolerations[i]) {
			kept = append(kept, template.Tolerations[i])
		}
	}
	template.Tolerations = kept
}

func hasToleration(list []Toleration, one *Toleration) bool {
	for i := range list {
		if equality.Semantic.DeepEqual(&list[i], one) {
			return true
		}
	}
	return false
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
