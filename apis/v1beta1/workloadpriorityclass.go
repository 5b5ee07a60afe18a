package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DefaultWorkloadPriorityClassName is the name of the class that jobs without
// a class get, if it exists.
const DefaultWorkloadPriorityClassName = "default"

// WorkloadPriorityClass is a named priority for queueing and preemption. It
// has no influence on kube-scheduler.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName={wpc}
// +kubebuilder:storageversion
// +kubebuilder:printcolumn:name="Value",type=integer,JSONPath=`.value`,description="Priority; higher goes first"
type WorkloadPriorityClass struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// value is the priority: higher goes first. A change applies to pending
	// and running workloads of the class.
	//
	// +required
	Value int32 `json:"value"`

	// minimumRuntimeSeconds is how long workloads of the class hold quota before
	// they may be preempted. Their ClusterQueue may say more; the larger
	// counts. Unset: no time.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	MinimumRuntimeSeconds *int64 `json:"minimumRuntimeSeconds,omitempty"`

	// description says when to use the class.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=2048
	Description string `json:"description,omitempty"`
}

// WorkloadPriorityClassList is a list of WorkloadPriorityClasses.
//
// +kubebuilder:object:root=true
type WorkloadPriorityClassList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []WorkloadPriorityClass `json:"items"`
}
