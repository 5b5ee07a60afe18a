package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FairSharing says how much of what a cohort lends its member should get.
//
// +kubebuilder:validation:XValidation:rule="!has(self.weight) || quantity(string(self.weight)).compareTo(quantity('0')) == 0 || quantity(string(self.weight)).compareTo(quantity('1m')) >= 0",message="weight must be 0, or 0.001 or more: use 0 for a member that comes after all others, 1 for an ordinary one"
type FairSharing struct {
	// weight divides the member's share when shares are compared: a member of
	// weight 2 may borrow twice what one of weight 1 borrows before it counts
	// as equal. 0 comes after everybody of positive weight. It has no unit and
	// is read in thousandths.
	//
	// +optional
	// +kubebuilder:default=1
	Weight *resource.Quantity `json:"weight,omitempty"`
}

// FairSharingStatus tells the share of a ClusterQueue or Cohort at present.
type FairSharingStatus struct {
	// weightedShare is the dominant resource share in thousandths: the largest,
	// over resources, of what is borrowed by what the parent could lend,
	// divided by the weight and rounded up. 0 means that nothing is borrowed;
	// 9223372036854775807 that something is, at weight 0.
	//
	// +required
	WeightedShare int64 `json:"weightedShare"`
}

// LocalQueueFairSharingStatus tells the share of a LocalQueue at present.
type LocalQueueFairSharingStatus struct {
	// weightedShare is the LocalQueue's share in thousandths, as far as one is
	// defined for it; otherwise 0.
	//
	// +required
	WeightedShare int64 `json:"weightedShare"`

	// admissionFairSharingStatus tells the decayed usage that orders the
	// LocalQueues of a ClusterQueue. Set only where admission fair sharing is
	// configured.
	//
	// +optional
	AdmissionFairSharingStatus *AdmissionFairSharingStatus `json:"admissionFairSharingStatus,omitempty"`
}

// AdmissionFairSharingStatus is decayed usage at a point in time.
type AdmissionFairSharingStatus struct {
	// consumedResources is the usage by resource, decayed with the configured
	// half-life, in the resource's own unit.
	//
	// +required
	ConsumedResources corev1.ResourceList `json:"consumedResources"`

	// lastUpdate is when consumedResources was computed.
	//
	// +required
	LastUpdate metav1.Time `json:"lastUpdate"`
}

// AdmissionMode says how usage orders the workloads of a ClusterQueue.
//
// +kubebuilder:validation:Enum=UsageBasedAdmissionFairSharing;NoAdmissionFairSharing
type AdmissionMode string

const (
	// UsageBasedAdmissionFairSharing puts workloads of LocalQueues with less
	// decayed usage first, before priority.
	UsageBasedAdmissionFairSharing AdmissionMode = "UsageBasedAdmissionFairSharing"
	// NoAdmissionFairSharing leaves usage out.
	NoAdmissionFairSharing AdmissionMode = "NoAdmissionFairSharing"
)

// AdmissionScope turns usage-based ordering on for a ClusterQueue.
type AdmissionScope struct {
	// admissionMode chooses the order.
	//
	// +required
	AdmissionMode AdmissionMode `json:"admissionMode"`
}
