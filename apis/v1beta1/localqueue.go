package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DefaultLocalQueueName is the name of the LocalQueue that takes the unlabelled
// jobs of a managed namespace.
const DefaultLocalQueueName LocalQueueName = "default"

// LocalQueueSpec says where a LocalQueue leads.
//
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.clusterQueue) || (has(self.clusterQueue) && self.clusterQueue == oldSelf.clusterQueue)",message="clusterQueue cannot be changed: create another LocalQueue for the other ClusterQueue and move pending jobs to it by their label fairlead.dev/queue-name"
type LocalQueueSpec struct {
	// clusterQueue is the ClusterQueue that admits the workloads of this queue.
	// It cannot be changed once set.
	//
	// +optional
	ClusterQueue ClusterQueueReference `json:"clusterQueue,omitempty"`

	// stopPolicy holds the queue, and drains it if so asked.
	//
	// +optional
	// +kubebuilder:default=None
	StopPolicy StopPolicy `json:"stopPolicy,omitempty"`

	// fairSharing holds the queue's weight among the LocalQueues of its
	// ClusterQueue. Used only with admission fair sharing.
	//
	// +optional
	FairSharing *FairSharing `json:"fairSharing,omitempty"`
}

// LocalQueueStatus tells what a LocalQueue does at present.
type LocalQueueStatus struct {
	// conditions holds Active: whether workloads of this queue can be
	// admitted, and if not why.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`

	// pendingWorkloads is the number of workloads that wait.
	//
	// +optional
	PendingWorkloads int32 `json:"pendingWorkloads"`

	// reservingWorkloads is the number of workloads that hold quota.
	//
	// +optional
	ReservingWorkloads int32 `json:"reservingWorkloads"`

	// admittedWorkloads is the number of workloads admitted and not finished.
	//
	// +optional
	AdmittedWorkloads int32 `json:"admittedWorkloads"`

	// flavorsReservation is the quota held by this queue's workloads with a
	// reservation, admitted or not.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	FlavorsReservation []LocalQueueFlavorUsage `json:"flavorsReservation,omitempty"`

	// flavorsUsage is the quota held by this queue's admitted workloads.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	FlavorsUsage []LocalQueueFlavorUsage `json:"flavorsUsage,omitempty"`

	// fairSharing tells the queue's share. Set only with fair sharing.
	//
	// +optional
	FairSharing *LocalQueueFairSharingStatus `json:"fairSharing,omitempty"`
}

// LocalQueueFlavorUsage is what a LocalQueue uses of one flavor.
type LocalQueueFlavorUsage struct {
	// name is the flavor's.
	//
	// +required
	Name ResourceFlavorReference `json:"name"`

	// resources holds one entry for each resource.
	//
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Resources []LocalQueueResourceUsage `json:"resources"`
}

// LocalQueueResourceUsage is what a LocalQueue uses of one resource of a flavor.
type LocalQueueResourceUsage struct {
	// name is the resource's.
	//
	// +required
	Name corev1.ResourceName `json:"name"`

	// total is the amount in use: cores for cpu, bytes for memory, pieces
	// otherwise.
	//
	// +optional
	Total resource.Quantity `json:"total,omitempty"`
}

// LocalQueue is a tenant's door, in his namespace, to a ClusterQueue.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Namespaced,shortName={queue,queues,lq}
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:printcolumn:name="ClusterQueue",type=string,JSONPath=`.spec.clusterQueue`,description="ClusterQueue that admits the workloads"
// +kubebuilder:printcolumn:name="Pending Workloads",type=integer,JSONPath=`.status.pendingWorkloads`,description="Workloads that wait"
// +kubebuilder:printcolumn:name="Admitted Workloads",type=integer,JSONPath=`.status.admittedWorkloads`,description="Workloads admitted and not finished"
type LocalQueue struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the administrator wants.
	//
	// +optional
	Spec LocalQueueSpec `json:"spec,omitempty"`

	// status is what the manager sees.
	//
	// +optional
	Status LocalQueueStatus `json:"status,omitzero"`
}

// LocalQueueList is a list of LocalQueues.
//
// +kubebuilder:object:root=true
type LocalQueueList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []LocalQueue `json:"items"`
}
