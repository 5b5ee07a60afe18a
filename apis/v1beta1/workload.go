package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// WorkloadSpec says what a job asks for.
type WorkloadSpec struct {
	// podSets lists groups of equal pods, all of which start together. At most
	// one may have a minCount. Immutable while the workload holds quota.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=18
	PodSets []PodSet `json:"podSets,omitempty"`

	// queueName is the LocalQueue, in the same namespace, that the workload
	// waits in. Immutable while the workload holds quota.
	//
	// +optional
	QueueName LocalQueueName `json:"queueName,omitempty"`

	// priorityClassRef names the class that the priority comes from. Unset: no
	// class.
	//
	// +optional
	PriorityClassRef *PriorityClassRef `json:"priorityClassRef,omitempty"`

	// priority is the effective priority: higher goes first. Unset means 0.
	//
	// +optional
	Priority *int32 `json:"priority,omitempty"`

	// active false evicts the workload and keeps it from being admitted until
	// it is true again.
	//
	// +optional
	// +kubebuilder:default=true
	Active *bool `json:"active,omitempty"`

	// maximumExecutionTimeSeconds is for how many seconds in all, over every
	// attempt, the workload may be admitted. Past it the workload is
	// deactivated. Unset means the default of its ClusterQueue, if any; a maximum
	// of the ClusterQueue counts where it is less. Immutable while the workload is
	// admitted.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaximumExecutionTimeSeconds *int32 `json:"maximumExecutionTimeSeconds,omitempty"`
}

// IsActive says whether the workload may be admitted (spec.active unset or true).
func (w *Workload) IsActive() bool { return w.Spec.Active == nil || *w.Spec.Active }

// PriorityClassRef names a priority class.
type PriorityClassRef struct {
	// group is fairlead.dev for a WorkloadPriorityClass, scheduling.k8s.io for
	// a PriorityClass of pods.
	//
	// +required
	Group PriorityClassGroup `json:"group"`

	// kind is WorkloadPriorityClass or PriorityClass.
	//
	// +required
	Kind PriorityClassKind `json:"kind"`

	// name is the class's.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
	Name string `json:"name"`
}

// PriorityClassGroup is the API group of a priority class.
//
// +kubebuilder:validation:Enum=fairlead.dev;scheduling.k8s.io
type PriorityClassGroup string

// PriorityClassKind is the kind of a priority class.
//
// +kubebuilder:validation:Enum=WorkloadPriorityClass;PriorityClass
type PriorityClassKind string

const (
	// WorkloadPriorityClassGroup goes with WorkloadPriorityClassKind.
	WorkloadPriorityClassGroup PriorityClassGroup = GroupName
	// PodPriorityClassGroup goes with PodPriorityClassKind.
	PodPriorityClassGroup PriorityClassGroup = "scheduling.k8s.io"

	// WorkloadPriorityClassKind is Fairlead's own kind of class.
	WorkloadPriorityClassKind PriorityClassKind = "WorkloadPriorityClass"
	// PodPriorityClassKind is kube-scheduler's.
	PodPriorityClassKind PriorityClassKind = "PriorityClass"
)

// PodSet is a group of equal pods.
type PodSet struct {
	// name tells the pod sets of a workload apart.
	//
	// +optional
	// +kubebuilder:default=main
	Name PodSetReference `json:"name,omitempty"`

	// template is the part of the pod template that decides where and whether
	// the pods may run: labels, annotations, scheduling gates, requests and
	// limits, node selector, affinity, tolerations and the like, and a hash of
	// the containers. The server stores it as it is; a template that cannot be
	// read makes this one workload Misconfigured.
	//
	// +required
	// +kubebuilder:pruning:PreserveUnknownFields
	Template runtime.RawExtension `json:"template"`

	// count is the number of pods.
	//
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	Count int32 `json:"count"`

	// minCount is the smallest number of pods with which the workload may
	// start if count does not fit. Unset: it starts whole or not at all. At
	// most count.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MinCount *int32 `json:"minCount,omitempty"`

	// topologyRequest says how close to each other the pods must be.
	//
	// +optional
	TopologyRequest *PodSetTopologyRequest `json:"topologyRequest,omitempty"`
}

// PodSetTopologyRequest says how close to each other the pods of a pod set
// must be. Topology levels are named by the node label that tells their
// domains apart.
type PodSetTopologyRequest struct {
	// required is the level of which one domain must take all pods.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Required *string `json:"required,omitempty"`

	// preferred is the level of which one domain should take all pods.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Preferred *string `json:"preferred,omitempty"`

	// unconstrained lets the pods go anywhere in the topology, with their
	// nodes still chosen by the admission.
	//
	// +optional
	Unconstrained *bool `json:"unconstrained,omitempty"`

	// podIndexLabel is the label that holds a pod's index in its pod set.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=317
	PodIndexLabel *string `json:"podIndexLabel,omitempty"`

	// subGroupIndexLabel is the label that holds the index of a pod's subgroup.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=317
	SubGroupIndexLabel *string `json:"subGroupIndexLabel,omitempty"`

	// subGroupCount is the number of subgroups.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	SubGroupCount *int32 `json:"subGroupCount,omitempty"`

	// podSetGroupName joins pod sets that must get the same flavor and domain.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=256
	PodSetGroupName *string `json:"podSetGroupName,omitempty"`

	// podSetSliceRequiredTopology is the level of which one domain must take
	// all pods of a slice.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	PodSetSliceRequiredTopology *string `json:"podSetSliceRequiredTopology,omitempty"`

	// podSetSliceSize is the number of pods of a slice.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	PodSetSliceSize *int32 `json:"podSetSliceSize,omitempty"`

	// podsetSliceRequiredTopologyConstraints are slices within slices, the
	// largest first.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=3
	PodSetSliceRequiredTopologyConstraints []PodSetSliceRequiredTopologyConstraint `json:"podsetSliceRequiredTopologyConstraints,omitempty"`
}

// PodSetSliceRequiredTopologyConstraint says that one domain of a level must
// take all pods of a slice.
type PodSetSliceRequiredTopologyConstraint struct {
	// topology is the level.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Topology string `json:"topology"`

	// size is the number of pods of a slice.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	Size int32 `json:"size"`
}

// Workload is what one job asks for and what it was given. The manager makes
// one for each queued job.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,shortName={wl}
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:printcolumn:name="Queue",type=string,JSONPath=`.spec.queueName`,description="LocalQueue that the workload waits in"
// +kubebuilder:printcolumn:name="Reserved in",type=string,JSONPath=`.status.admission.clusterQueue`,description="ClusterQueue whose quota it holds"
// +kubebuilder:printcolumn:name="Admitted",type=string,JSONPath=`.status.conditions[?(@.type=='Admitted')].status`,description="Whether the job may run"
// +kubebuilder:printcolumn:name="Finished",type=string,JSONPath=`.status.conditions[?(@.type=='Finished')].status`,description="Whether the job has ended"
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`,description="Time since creation"
type Workload struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the job asks for.
	//
	// +optional
	Spec WorkloadSpec `json:"spec,omitempty"`

	// status is what the job was given, and why not yet.
	//
	// +optional
	Status WorkloadStatus `json:"status,omitzero"`
}

// WorkloadList is a list of Workloads.
//
// +kubebuilder:object:root=true
type WorkloadList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Workload `json:"items"`
}
