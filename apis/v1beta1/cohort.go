package v1beta1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// CohortSpec says where a Cohort stands in the tree and what quota it adds.
//
// +kubebuilder:validation:XValidation:rule="has(self.parentName) || !has(self.resourceGroups) || self.resourceGroups.all(g, g.flavors.all(f, f.resources.all(r, !has(r.borrowingLimit))))",message="resourceGroups: borrowingLimit must not be set on a Cohort without a parent, since there is nobody to borrow from: set spec.parentName or remove borrowingLimit"
// +kubebuilder:validation:XValidation:rule="has(self.parentName) || !has(self.resourceGroups) || self.resourceGroups.all(g, g.flavors.all(f, f.resources.all(r, !has(r.lendingLimit))))",message="resourceGroups: lendingLimit must not be set on a Cohort without a parent, since there is nobody to lend to: set spec.parentName or remove lendingLimit"
type CohortSpec struct {
	// parentName is the Cohort above this one. Unset: it is a root. A cycle
	// stops admission in the whole tree until it is broken.
	//
	// +optional
	ParentName CohortReference `json:"parentName,omitempty"`

	// resourceGroups holds quota that all members share, and limits on what
	// the Cohort as a whole borrows and lends.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.map(g, size(g.flavors)).sum() <= 256",message="resourceGroups may list 256 flavors in all: spread them over more queues"
	// +kubebuilder:validation:XValidation:rule="self.map(g, size(g.coveredResources)).sum() <= 256",message="resourceGroups may cover 256 resources in all: spread them over more queues"
	ResourceGroups []ResourceGroup `json:"resourceGroups,omitempty"`

	// fairSharing holds the Cohort's weight among its parent's members.
	//
	// +optional
	FairSharing *FairSharing `json:"fairSharing,omitempty"`

	// backfill is that of the ClusterQueues below that have none of their own,
	// nor from a Cohort between. Unset: as the nearest Cohort above says.
	//
	// +optional
	Backfill *Backfill `json:"backfill,omitempty"`
}

// CohortStatus tells what a Cohort does at present.
type CohortStatus struct {
	// fairSharing tells the Cohort's share. Set only with fair sharing, and
	// never for a root.
	//
	// +optional
	FairSharing *FairSharingStatus `json:"fairSharing,omitempty"`
}

// Cohort is a group of ClusterQueues, and of Cohorts, that lend each other
// what they do not use.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName={co}
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:printcolumn:name="Parent",type=string,JSONPath=`.spec.parentName`,description="Cohort above this one"
// +kubebuilder:printcolumn:name="Share",type=integer,JSONPath=`.status.fairSharing.weightedShare`,description="Dominant resource share in thousandths, divided by the weight"
// +kubebuilder:validation:XValidation:rule="!has(self.spec) || !has(self.spec.parentName) || self.spec.parentName != self.metadata.name",message="spec.parentName must not be the Cohort itself: name another Cohort, or remove spec.parentName to make this one a root"
type Cohort struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the administrator wants.
	//
	// +optional
	Spec CohortSpec `json:"spec,omitempty"`

	// status is what the manager sees.
	//
	// +optional
	Status CohortStatus `json:"status,omitzero"`
}

// CohortList is a list of Cohorts.
//
// +kubebuilder:object:root=true
type CohortList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Cohort `json:"items"`
}
