package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// ResourceGroup is a set of resources whose quotas come from the same list of
// flavors: a pod set gets one flavor for all resources of the group.
//
// +kubebuilder:validation:XValidation:rule="self.flavors.all(f, size(f.resources) == size(self.coveredResources))",message="every flavor must give one quota for each of coveredResources: add the missing entries to flavors[].resources, or take the resource out of coveredResources"
type ResourceGroup struct {
	// coveredResources names the resources of the group. A resource may be in
	// one group only. Examples: cpu, memory, nvidia.com/gpu.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	CoveredResources []corev1.ResourceName `json:"coveredResources"`

	// flavors lists the flavors in the order in which they are tried, each
	// with a quota for every covered resource.
	//
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Flavors []FlavorQuotas `json:"flavors"`
}

// FlavorQuotas holds the quotas of one flavor.
type FlavorQuotas struct {
	// name is the ResourceFlavor's. A flavor that does not exist makes the
	// queue inactive until it does.
	//
	// +required
	Name ResourceFlavorReference `json:"name"`

	// resources holds one quota for each covered resource of the group, in the
	// same order.
	//
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	Resources []ResourceQuota `json:"resources"`
}

// ResourceQuota is the quota of one resource in one flavor.
type ResourceQuota struct {
	// name is the resource's.
	//
	// +required
	Name corev1.ResourceName `json:"name"`

	// nominalQuota is the amount that is this queue's own: cores for cpu,
	// bytes for memory, pieces otherwise. On a Cohort it is quota that all
	// members share. Zero leaves only borrowing.
	//
	// +required
	NominalQuota resource.Quantity `json:"nominalQuota"`

	// borrowingLimit is how much more than its nominal quota the queue may use
	// when others leave it idle, in the same unit. Unset means no limit. Only
	// a member of a cohort can borrow.
	//
	// +optional
	BorrowingLimit *resource.Quantity `json:"borrowingLimit,omitempty"`

	// lendingLimit is how much of its idle quota others may borrow, in the
	// same unit. Unset means all of it. Only a member of a cohort can lend.
	//
	// +optional
	LendingLimit *resource.Quantity `json:"lendingLimit,omitempty"`
}

// StopPolicy says whether a queue admits, and what becomes of what it admitted.
//
// +kubebuilder:validation:Enum=None;Hold;HoldAndDrain
type StopPolicy string

const (
	// StopPolicyNone lets the queue work.
	StopPolicyNone StopPolicy = "None"
	// StopPolicyHold admits nothing new and takes back reservations that are
	// not yet admitted; what runs goes on.
	StopPolicyHold StopPolicy = "Hold"
	// StopPolicyHoldAndDrain is Hold and also evicts what runs.
	StopPolicyHoldAndDrain StopPolicy = "HoldAndDrain"
)
