package job

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/apis/v1beta1"
)

// AdoptedAnnotation marks a Workload that was made for a job found running
// without one: its quota is charged as found, even over quota.
const AdoptedAnnotation = "fairlead.dev/adopted"

// longestName is what a Workload's name may take of the job's.
const longestName = 200

// WorkloadName is the name of the Workload of a job. It depends on the job
// alone, so that a creation can be repeated without making a second one; the
// UID in it keeps a job apart from an earlier one of the same name.
func WorkloadName(kind Kind, name string, uid types.UID) string {
	sum := sha256.Sum256([]byte(uid))
	hash := strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:4]))
	if len(name) > longestName {
		name = name[:longestName]
	}
	return strings.ToLower(kind.GroupVersionKind().Kind) + "-" + name + "-" + hash
}

// WorkloadKey is the namespace and name of the Workload of a job.
func WorkloadKey(kind Kind, obj client.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: obj.GetNamespace(), Name: WorkloadName(kind, obj.GetName(), obj.GetUID())}
}

// NewWorkload is the Workload to be created for a job, with those of the job's
// labels whose keys are named.
func NewWorkload(kind Kind, obj client.Object, spec v1beta1.WorkloadSpec, labelKeys ...string) *v1beta1.Workload {
	key := WorkloadKey(kind, obj)
	labels := map[string]string{}
	for _, key := range labelKeys {
		if value, ok := obj.GetLabels()[key]; ok {
			labels[key] = value
		}
	}
	labels[v1beta1.JobUIDLabel] = string(obj.GetUID())
	controller := true
	apiVersion, kindName := kind.GroupVersionKind().ToAPIVersionAndKind()
	return &v1beta1.Workload{
		TypeMeta: metav1.TypeMeta{APIVersion: v1beta1.GroupVersion.String(), Kind: "Workload"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: key.Namespace,
			Name:      key.Name,
			Labels:    labels,
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: apiVersion, Kind: kindName, Name: obj.GetName(), UID: obj.GetUID(), Controller: &controller,
			}},
		},
		Spec: spec,
	}
}

// DesiredSpec is what the Workload's specification has to be for a job in this
// state. Whether the workload is active is its user's to say: that is kept.
func DesiredSpec(state State, podSets []v1beta1.PodSet, priority Priority, active *bool) v1beta1.WorkloadSpec {
	value := priority.Value
	return v1beta1.WorkloadSpec{
		PodSets:                     podSets,
		QueueName:                   v1beta1.LocalQueueName(state.Queue),
		PriorityClassRef:            priority.Class,
		Priority:                    &value,
		Active:                      active,
		MaximumExecutionTimeSeconds: state.MaxExecutionSeconds,
	}
}
