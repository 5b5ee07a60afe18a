package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// QueueingStrategy says whether a workload that does not fit holds up those
// behind it.
//
// +kubebuilder:validation:Enum=StrictFIFO;BestEffortFIFO
type QueueingStrategy string

const (
	// StrictFIFO lets a later workload pass one that waits only if it asks for
	// none of the flavor-resources that the earlier one waits for.
	StrictFIFO QueueingStrategy = "StrictFIFO"
	// BestEffortFIFO lets later workloads pass one that does not fit.
	BestEffortFIFO QueueingStrategy = "BestEffortFIFO"
)

// ClusterQueueSpec says what a ClusterQueue owns, whom it serves and how it
// orders its workloads.
//
// +kubebuilder:validation:XValidation:rule="has(self.cohortName) || !has(self.resourceGroups) || self.resourceGroups.all(g, g.flavors.all(f, f.resources.all(r, !has(r.borrowingLimit))))",message="resourceGroups: borrowingLimit must not be set on a ClusterQueue without a cohort, since there is nobody to borrow from: set spec.cohortName or remove borrowingLimit"
// +kubebuilder:validation:XValidation:rule="has(self.cohortName) || !has(self.resourceGroups) || self.resourceGroups.all(g, g.flavors.all(f, f.resources.all(r, !has(r.lendingLimit))))",message="resourceGroups: lendingLimit must not be set on a ClusterQueue without a cohort, since there is nobody to lend to: set spec.cohortName or remove lendingLimit"
// +kubebuilder:validation:XValidation:rule="!has(self.defaultExecutionTimeSeconds) || !has(self.maximumExecutionTimeSeconds) || self.defaultExecutionTimeSeconds <= self.maximumExecutionTimeSeconds",message="defaultExecutionTimeSeconds must not be above maximumExecutionTimeSeconds: lower it, or leave it out to give workloads that state no time the maximum"
type ClusterQueueSpec struct {
	// resourceGroups holds the quotas. A queue without any admits nothing.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule="self.map(g, size(g.flavors)).sum() <= 256",message="resourceGroups may list 256 flavors in all: spread them over more queues"
	// +kubebuilder:validation:XValidation:rule="self.map(g, size(g.coveredResources)).sum() <= 256",message="resourceGroups may cover 256 resources in all: spread them over more queues"
	ResourceGroups []ResourceGroup `json:"resourceGroups,omitempty"`

	// cohortName is the Cohort in which this queue lends and borrows. Unset:
	// it keeps to itself. A Cohort that is named but not created exists
	// without quota of its own.
	//
	// +optional
	CohortName CohortReference `json:"cohortName,omitempty"`

	// queueingStrategy says whether a workload that does not fit holds up
	// those behind it.
	//
	// +optional
	// +kubebuilder:default=BestEffortFIFO
	QueueingStrategy QueueingStrategy `json:"queueingStrategy,omitempty"`

	// namespaceSelector selects, by labels, the namespaces whose workloads the
	// queue serves. Unset serves none, {} serves all.
	//
	// +optional
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`

	// flavorFungibility says when the search for a flavor goes on after one
	// that would do.
	//
	// +optional
	// +kubebuilder:default={}
	FlavorFungibility *FlavorFungibility `json:"flavorFungibility,omitempty"`

	// preemption says which running workloads may be stopped for a pending one.
	//
	// +optional
	// +kubebuilder:default={}
	Preemption *ClusterQueuePreemption `json:"preemption,omitempty"`

	// minimumRuntimeSeconds is how long the queue's workloads hold quota before
	// they may be preempted. A workload's priority class may say more; the
	// larger counts. Unset: no time.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	MinimumRuntimeSeconds *int64 `json:"minimumRuntimeSeconds,omitempty"`

	// defaultExecutionTimeSeconds is the maximum execution time, in seconds over
	// all attempts, of workloads that state none. It is enforced like one that is
	// stated, and counts as it was when the workload was admitted. Unset: none.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	DefaultExecutionTimeSeconds *int32 `json:"defaultExecutionTimeSeconds,omitempty"`

	// maximumExecutionTimeSeconds is the most that a maximum execution time may
	// be: a larger one, or none, counts as this. It counts as it was when the
	// workload was admitted. Unset: no bound.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaximumExecutionTimeSeconds *int32 `json:"maximumExecutionTimeSeconds,omitempty"`

	// backfill says how workloads that do not fit are planned. Unset: as the
	// nearest Cohort above says, or else not at all.
	//
	// +optional
	Backfill *Backfill `json:"backfill,omitempty"`

	// admissionChecksStrategy lists the checks that must be Ready before a
	// workload that holds quota is admitted.
	//
	// +optional
	AdmissionChecksStrategy *AdmissionChecksStrategy `json:"admissionChecksStrategy,omitempty"`

	// stopPolicy holds the queue, and drains it if so asked.
	//
	// +optional
	// +kubebuilder:default=None
	StopPolicy StopPolicy `json:"stopPolicy,omitempty"`

	// fairSharing holds the queue's weight among its cohort's members.
	//
	// +optional
	FairSharing *FairSharing `json:"fairSharing,omitempty"`

	// admissionScope turns usage-based ordering on.
	//
	// +optional
	AdmissionScope *AdmissionScope `json:"admissionScope,omitempty"`
}

// AdmissionChecksStrategy lists admission checks and the flavors they are for.
type AdmissionChecksStrategy struct {
	// admissionChecks lists the checks.
	//
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	AdmissionChecks []AdmissionCheckStrategyRule `json:"admissionChecks"`
}

// AdmissionCheckStrategyRule names a check and the flavors it is for.
type AdmissionCheckStrategyRule struct {
	// name is the AdmissionCheck's.
	//
	// +required
	Name AdmissionCheckReference `json:"name"`

	// onFlavors lists the flavors whose workloads the check is for. Empty
	// means all.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	OnFlavors []ResourceFlavorReference `json:"onFlavors,omitempty"`
}

// FlavorFungibilityPolicy says whether the search for a flavor stops.
//
// +kubebuilder:validation:Enum=MayStopSearch;TryNextFlavor
type FlavorFungibilityPolicy string

const (
	// MayStopSearch takes the flavor at hand.
	MayStopSearch FlavorFungibilityPolicy = "MayStopSearch"
	// TryNextFlavor looks at the next flavor first.
	TryNextFlavor FlavorFungibilityPolicy = "TryNextFlavor"
)

// FlavorFungibilityPreference orders the flavors found when nothing stopped
// the search.
//
// +kubebuilder:validation:Enum=BorrowingOverPreemption;PreemptionOverBorrowing
type FlavorFungibilityPreference string

const (
	// BorrowingOverPreemption prefers a flavor that fits by borrowing.
	BorrowingOverPreemption FlavorFungibilityPreference = "BorrowingOverPreemption"
	// PreemptionOverBorrowing prefers a flavor that borrows less, by preemption
	// if need be.
	PreemptionOverBorrowing FlavorFungibilityPreference = "PreemptionOverBorrowing"
)

// FlavorFungibility says when the search for a flavor goes on.
type FlavorFungibility struct {
	// whenCanBorrow is for a flavor in which the workload fits by borrowing.
	//
	// +optional
	// +kubebuilder:default=MayStopSearch
	WhenCanBorrow FlavorFungibilityPolicy `json:"whenCanBorrow,omitempty"`

	// whenCanPreempt is for a flavor in which the workload would fit after
	// preemption.
	//
	// +optional
	// +kubebuilder:default=TryNextFlavor
	WhenCanPreempt FlavorFungibilityPolicy `json:"whenCanPreempt,omitempty"`

	// preference orders the flavors when nothing stopped the search. Unset
	// means BorrowingOverPreemption.
	//
	// +optional
	Preference FlavorFungibilityPreference `json:"preference,omitempty"`
}

// ReclaimWithinCohortPolicy says which workloads of other queues may be
// preempted to take back what they borrow.
//
// +kubebuilder:validation:Enum=Never;LowerPriority;Any
type ReclaimWithinCohortPolicy string

const (
	// ReclaimNever takes nothing back.
	ReclaimNever ReclaimWithinCohortPolicy = "Never"
	// ReclaimLowerPriority takes it back from workloads of lower priority.
	ReclaimLowerPriority ReclaimWithinCohortPolicy = "LowerPriority"
	// ReclaimAny takes it back from any workload.
	ReclaimAny ReclaimWithinCohortPolicy = "Any"
)

// WithinClusterQueuePolicy says which workloads of the same queue may be
// preempted.
//
// +kubebuilder:validation:Enum=Never;LowerPriority;LowerOrNewerEqualPriority
type WithinClusterQueuePolicy string

const (
	// WithinNever preempts none.
	WithinNever WithinClusterQueuePolicy = "Never"
	// WithinLowerPriority preempts those of lower priority.
	WithinLowerPriority WithinClusterQueuePolicy = "LowerPriority"
	// WithinLowerOrNewerEqualPriority preempts those of lower priority, and
	// those of equal priority with a later queue time.
	WithinLowerOrNewerEqualPriority WithinClusterQueuePolicy = "LowerOrNewerEqualPriority"
)

// BorrowWithinCohortPolicy says whether a workload may preempt others while
// its own queue borrows.
//
// +kubebuilder:validation:Enum=Never;LowerPriority
type BorrowWithinCohortPolicy string

const (
	// BorrowNever does not preempt while borrowing.
	BorrowNever BorrowWithinCohortPolicy = "Never"
	// BorrowLowerPriority preempts workloads of lower priority while borrowing.
	BorrowLowerPriority BorrowWithinCohortPolicy = "LowerPriority"
)

// ClusterQueuePreemption says which workloads may be stopped for a pending one.
//
// +kubebuilder:validation:XValidation:rule="!has(self.borrowWithinCohort) || !has(self.borrowWithinCohort.policy) || self.borrowWithinCohort.policy == 'Never' || (has(self.reclaimWithinCohort) && self.reclaimWithinCohort != 'Never')",message="borrowWithinCohort.policy needs reclaimWithinCohort: set reclaimWithinCohort to LowerPriority or Any, or borrowWithinCohort.policy to Never"
type ClusterQueuePreemption struct {
	// reclaimWithinCohort is about workloads of other queues of the cohort
	// that use more than their nominal quota.
	//
	// +optional
	// +kubebuilder:default=Never
	ReclaimWithinCohort ReclaimWithinCohortPolicy `json:"reclaimWithinCohort,omitempty"`

	// borrowWithinCohort allows to preempt while borrowing. Not used with fair
	// sharing.
	//
	// +optional
	// +kubebuilder:default={}
	BorrowWithinCohort *BorrowWithinCohort `json:"borrowWithinCohort,omitempty"`

	// withinClusterQueue is about workloads of the same queue.
	//
	// +optional
	// +kubebuilder:default=Never
	WithinClusterQueue WithinClusterQueuePolicy `json:"withinClusterQueue,omitempty"`
}

// BorrowWithinCohort says whether, and up to which priority, workloads of
// other queues may be preempted while the own queue borrows.
type BorrowWithinCohort struct {
	// policy allows it or not.
	//
	// +optional
	// +kubebuilder:default=Never
	Policy BorrowWithinCohortPolicy `json:"policy,omitempty"`

	// maxPriorityThreshold is the highest priority a workload may have to be
	// preempted so. Unset: any priority below the preemptor's.
	//
	// +optional
	MaxPriorityThreshold *int32 `json:"maxPriorityThreshold,omitempty"`
}

// ClusterQueueStatus tells what a ClusterQueue does at present.
type ClusterQueueStatus struct {
	// conditions holds Active: whether the queue can admit, and if not why.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`

	// flavorsReservation is the quota held by workloads with a reservation,
	// admitted or not.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	FlavorsReservation []FlavorUsage `json:"flavorsReservation,omitempty"`

	// flavorsUsage is the quota held by admitted workloads.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	FlavorsUsage []FlavorUsage `json:"flavorsUsage,omitempty"`

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

	// fairSharing tells the queue's share. Set only with fair sharing.
	//
	// +optional
	FairSharing *FairSharingStatus `json:"fairSharing,omitempty"`
}

// FlavorUsage is what a ClusterQueue uses of one flavor.
type FlavorUsage struct {
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
	Resources []ResourceUsage `json:"resources"`
}

// ResourceUsage is what a ClusterQueue uses of one resource of a flavor.
type ResourceUsage struct {
	// name is the resource's.
	//
	// +required
	Name corev1.ResourceName `json:"name"`

	// total is the amount in use, borrowed quota included: cores for cpu,
	// bytes for memory, pieces otherwise.
	//
	// +optional
	Total resource.Quantity `json:"total,omitempty"`

	// borrowed is the part of total above the nominal quota.
	//
	// +optional
	Borrowed resource.Quantity `json:"borrowed,omitempty"`
}

// ClusterQueue is a queue with quotas of its own, set up by administrators.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName={cq}
// +kubebuilder:subresource:status
// +kubebuilder:storageversion
// +kubebuilder:printcolumn:name="Cohort",type=string,JSONPath=`.spec.cohortName`,description="Cohort in which the queue lends and borrows"
// +kubebuilder:printcolumn:name="Strategy",type=string,JSONPath=`.spec.queueingStrategy`,description="Whether a workload that does not fit holds up those behind it"
// +kubebuilder:printcolumn:name="Pending Workloads",type=integer,JSONPath=`.status.pendingWorkloads`,description="Workloads that wait"
// +kubebuilder:printcolumn:name="Admitted Workloads",type=integer,JSONPath=`.status.admittedWorkloads`,description="Workloads admitted and not finished"
// +kubebuilder:printcolumn:name="Share",type=integer,JSONPath=`.status.fairSharing.weightedShare`,description="Dominant resource share in thousandths, divided by the weight"
type ClusterQueue struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's metadata.
	//
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the administrator wants.
	//
	// +optional
	Spec ClusterQueueSpec `json:"spec,omitempty"`

	// status is what the manager sees.
	//
	// +optional
	Status ClusterQueueStatus `json:"status,omitzero"`
}

// ClusterQueueList is a list of ClusterQueues.
//
// +kubebuilder:object:root=true
type ClusterQueueList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ClusterQueue `json:"items"`
}
