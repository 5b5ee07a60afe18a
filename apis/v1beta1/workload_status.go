package v1beta1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// WorkloadStatus tells where a workload is in its life.
type WorkloadStatus struct {
	// conditions tell the workload's state: see the constants WorkloadXxx.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +patchStrategy=merge
	// +patchMergeKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`

	// admission is what the workload holds. Set as long as condition
	// QuotaReserved is True; it does not change meanwhile.
	//
	// +optional
	Admission *Admission `json:"admission,omitempty"`

	// requeueState tells about evictions that delay the next attempt.
	//
	// +optional
	RequeueState *RequeueState `json:"requeueState,omitempty"`

	// reclaimablePods counts pods, by pod set, that have ended and need no
	// quota any more. The counts never fall while quota is held.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=18
	ReclaimablePods []ReclaimablePod `json:"reclaimablePods,omitempty"`

	// admissionChecks tells the state of each admission check.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +patchStrategy=merge
	// +patchMergeKey=name
	// +kubebuilder:validation:MaxItems=8
	AdmissionChecks []AdmissionCheckState `json:"admissionChecks,omitempty" patchStrategy:"merge" patchMergeKey:"name"`

	// resourceRequests tells, by pod set, what a workload that waits asks for
	// in all, after transformations.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=18
	ResourceRequests []PodSetRequest `json:"resourceRequests,omitempty"`

	// accumulatedPastExecutionTimeSeconds is for how many seconds earlier
	// attempts were admitted.
	//
	// +optional
	AccumulatedPastExecutionTimeSeconds *int32 `json:"accumulatedPastExecutionTimeSeconds,omitempty"`

	// schedulingStats counts what has happened to the workload.
	//
	// +optional
	SchedulingStats *SchedulingStats `json:"schedulingStats,omitempty"`

	// unhealthyNodes lists nodes of the admission that have failed.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	UnhealthyNodes []UnhealthyNode `json:"unhealthyNodes,omitempty"`

	// preemption is what quota is taken back for this pending workload, and
	// from whom. It is written before the first of them is evicted and ends
	// when the workload is admitted, or cannot be.
	//
	// +optional
	Preemption *WorkloadPreemption `json:"preemption,omitempty"`
}

// WorkloadPreemption is a preemption that has begun.
type WorkloadPreemption struct {
	// victims are the workloads that are evicted for this one, in the order in
	// which that was decided. Empty if those suffice that leave anyway.
	//
	// +optional
	// +listType=atomic
	Victims []WorkloadPreemptionVictim `json:"victims,omitempty"`

	// held is what is held for this workload until it is admitted: nobody else
	// can take it.
	//
	// +optional
	// +listType=atomic
	Held []WorkloadPreemptionHold `json:"held,omitempty"`

	// decidedAt is when the preemption was decided.
	//
	// +required
	DecidedAt metav1.MicroTime `json:"decidedAt"`

	// deadline is when the hold ends unless quota is released before.
	//
	// +required
	Deadline metav1.MicroTime `json:"deadline"`
}

// WorkloadPreemptionVictim is a workload evicted for another. It is named by
// its UID, since it may be another tenant's.
type WorkloadPreemptionVictim struct {
	// uid of the victim.
	//
	// +required
	UID types.UID `json:"uid"`

	// reason is why it may be evicted: InClusterQueue, InCohortReclamation,
	// InCohortFairSharing or InCohortReclaimWhileBorrowing.
	//
	// +required
	// +kubebuilder:validation:MaxLength=64
	Reason string `json:"reason"`
}

// WorkloadPreemptionHold is an amount held of one flavor and resource.
type WorkloadPreemptionHold struct {
	// flavor is a ResourceFlavor.
	//
	// +required
	Flavor ResourceFlavorReference `json:"flavor"`

	// resource is the resource's name.
	//
	// +required
	Resource corev1.ResourceName `json:"resource"`

	// amount is how much is held.
	//
	// +required
	Amount resource.Quantity `json:"amount"`
}

// Admission is what a workload holds.
type Admission struct {
	// clusterQueue is the queue whose quota is held.
	//
	// +optional
	ClusterQueue ClusterQueueReference `json:"clusterQueue,omitempty"`

	// podSetAssignments holds one entry for each pod set of the workload.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=18
	PodSetAssignments []PodSetAssignment `json:"podSetAssignments,omitempty"`

	// maximumExecutionTimeSeconds is for how many seconds in all, over every
	// attempt, the workload may run: what it asks for, or else the default of the
	// ClusterQueue, and at most the ClusterQueue's maximum, as these were when it
	// was admitted. Unset means no limit.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaximumExecutionTimeSeconds *int32 `json:"maximumExecutionTimeSeconds,omitempty"`
}

// DelayedTopologyRequestState says whether a topology assignment that waits
// for something else has been made.
//
// +kubebuilder:validation:Enum=Pending;Ready
// +kubebuilder:validation:MaxLength=7
type DelayedTopologyRequestState string

const (
	// DelayedTopologyRequestPending says that it is still to be made.
	DelayedTopologyRequestPending DelayedTopologyRequestState = "Pending"
	// DelayedTopologyRequestReady says that it has been made.
	DelayedTopologyRequestReady DelayedTopologyRequestState = "Ready"
)

// PodSetAssignment is what one pod set holds.
type PodSetAssignment struct {
	// name is the pod set's.
	//
	// +optional
	// +kubebuilder:default=main
	Name PodSetReference `json:"name,omitempty"`

	// flavors tells the flavor assigned to each resource.
	//
	// +optional
	Flavors map[corev1.ResourceName]ResourceFlavorReference `json:"flavors,omitempty"`

	// resourceUsage tells the quota held for all count pods together: cores
	// for cpu, bytes for memory, pieces otherwise.
	//
	// +optional
	ResourceUsage corev1.ResourceList `json:"resourceUsage,omitempty"`

	// count is the number of pods admitted; below the pod set's own count
	// after partial admission.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Count *int32 `json:"count,omitempty"`

	// topologyAssignment tells the nodes or domains that the pods go to.
	//
	// +optional
	TopologyAssignment *TopologyAssignment `json:"topologyAssignment,omitempty"`

	// delayedTopologyRequest says whether a topology assignment that waits for
	// something else has been made. Unset: there is none.
	//
	// +optional
	DelayedTopologyRequest *DelayedTopologyRequestState `json:"delayedTopologyRequest,omitempty"`
}

// TopologyAssignment tells the domains that pods go to, in compressed form.
type TopologyAssignment struct {
	// levels are the topology levels, by node label, from the top down.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=317
	Levels []string `json:"levels"`

	// slices lists the domains in their order, cut into runs that compress well.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1000
	Slices []TopologyAssignmentSlice `json:"slices"`
}

// TopologyAssignmentSlice is a run of domains.
type TopologyAssignmentSlice struct {
	// domainCount is the number of domains in the run.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	DomainCount int32 `json:"domainCount"`

	// valuesPerLevel tells, for each level, the label values of the domains.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	ValuesPerLevel []TopologyAssignmentValues `json:"valuesPerLevel"`

	// podCounts tells how many pods go to each domain.
	//
	// +required
	PodCounts TopologyAssignmentPodCounts `json:"podCounts"`
}

// TopologyAssignmentValues holds the label values of a run of domains at one
// level: one for all, or one each.
type TopologyAssignmentValues struct {
	// universal is the value that all domains of the run have.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Universal *string `json:"universal,omitempty"`

	// individual holds one value for each domain of the run.
	//
	// +optional
	Individual *TopologyAssignmentIndividualValues `json:"individual,omitempty"`
}

// TopologyAssignmentIndividualValues holds values that are prefix + root + suffix.
type TopologyAssignmentIndividualValues struct {
	// prefix begins every value.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Prefix *string `json:"prefix,omitempty"`

	// suffix ends every value.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Suffix *string `json:"suffix,omitempty"`

	// roots holds the middle of each value, in the order of the domains.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100000
	// +kubebuilder:validation:items:MaxLength=63
	Roots []string `json:"roots"`
}

// TopologyAssignmentPodCounts holds the number of pods of each domain of a
// run: one for all, or one each.
type TopologyAssignmentPodCounts struct {
	// universal is the number of pods in every domain of the run.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	Universal *int32 `json:"universal,omitempty"`

	// individual holds one number for each domain of the run.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100000
	// +kubebuilder:validation:items:Minimum=1
	Individual []int32 `json:"individual,omitempty"`
}

// RequeueState tells about evictions that delay the next attempt.
type RequeueState struct {
	// count is the number of such evictions since the workload was created or
	// last activated again.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	Count *int32 `json:"count,omitempty"`

	// requeueAt is the earliest time of the next attempt.
	//
	// +optional
	RequeueAt *metav1.Time `json:"requeueAt,omitempty"`
}

// ReclaimablePod counts the pods of one pod set that need no quota any more.
type ReclaimablePod struct {
	// name is the pod set's.
	//
	// +required
	Name PodSetReference `json:"name"`

	// count is the number of pods.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Count int32 `json:"count"`
}

// PodSetRequest is what one pod set asks for.
type PodSetRequest struct {
	// name is the pod set's.
	//
	// +required
	Name PodSetReference `json:"name"`

	// resources is the total for all its pods: cores for cpu, bytes for
	// memory, pieces otherwise.
	//
	// +optional
	Resources corev1.ResourceList `json:"resources,omitempty"`
}

// SchedulingStats counts what has happened to a workload.
type SchedulingStats struct {
	// evictions counts evictions by reason and underlying cause.
	//
	// +optional
	// +listType=map
	// +listMapKey=reason
	// +listMapKey=underlyingCause
	// +kubebuilder:validation:MaxItems=256
	Evictions []WorkloadSchedulingStatsEviction `json:"evictions,omitempty"`
}

// WorkloadSchedulingStatsEviction counts evictions of one kind.
type WorkloadSchedulingStatsEviction struct {
	// reason is that of condition Evicted.
	//
	// +required
	// +kubebuilder:validation:MaxLength=316
	Reason string `json:"reason"`

	// underlyingCause refines the reason; it may be empty.
	//
	// +required
	// +kubebuilder:validation:MaxLength=316
	UnderlyingCause string `json:"underlyingCause"`

	// count is the number of evictions.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	Count int32 `json:"count"`
}

// UnhealthyNode is a node that has failed.
type UnhealthyNode struct {
	// name is the node's.
	//
	// +required
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
}

// CheckState is the state of an admission check for one workload.
//
// +kubebuilder:validation:Enum=Pending;Ready;Retry;Rejected
type CheckState string

const (
	// CheckStatePending says that the check has not been decided.
	CheckStatePending CheckState = "Pending"
	// CheckStateReady says that it has passed.
	CheckStateReady CheckState = "Ready"
	// CheckStateRetry says that it cannot pass now: quota is released and the
	// workload tried again later.
	CheckStateRetry CheckState = "Retry"
	// CheckStateRejected says that it will not pass: the workload is deactivated.
	CheckStateRejected CheckState = "Rejected"
)

// AdmissionCheckState is the state of one check for a workload.
type AdmissionCheckState struct {
	// name is the AdmissionCheck's.
	//
	// +required
	Name AdmissionCheckReference `json:"name"`

	// state is the check's verdict so far.
	//
	// +required
	State CheckState `json:"state"`

	// lastTransitionTime is when state last changed.
	//
	// +required
	LastTransitionTime metav1.Time `json:"lastTransitionTime"`

	// message explains the state to people.
	//
	// +required
	// +kubebuilder:validation:MaxLength=32768
	Message string `json:"message"`

	// requeueAfterSeconds is how many seconds after a Retry the workload waits
	// at least.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	RequeueAfterSeconds *int32 `json:"requeueAfterSeconds,omitempty"`

	// retryCount is the number of Retries so far.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	RetryCount *int32 `json:"retryCount,omitempty"`

	// podSetUpdates is what the check adds to the pods, one entry for each pod
	// set. It cannot change once the check is Ready.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=18
	PodSetUpdates []PodSetUpdate `json:"podSetUpdates,omitempty"`
}

// PodSetUpdate is what an admission check adds to the pods of a pod set.
type PodSetUpdate struct {
	// name is the pod set's.
	//
	// +required
	Name PodSetReference `json:"name"`

	// labels are added to the pods' own.
	//
	// +optional
	Labels map[string]string `json:"labels,omitempty"`

	// annotations are added to the pods' own.
	//
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// nodeSelector is added to the pods' own.
	//
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// tolerations are added to the pods' own.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
}
