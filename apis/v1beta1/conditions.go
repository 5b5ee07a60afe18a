package v1beta1

// Condition types of a Workload.
const (
	// WorkloadQuotaReserved is True while the workload holds quota; False says
	// by its reason (PendingXxx) why it waits.
	WorkloadQuotaReserved = "QuotaReserved"
	// WorkloadAdmitted is True while the job may run.
	WorkloadAdmitted = "Admitted"
	// WorkloadPodsReady is True while all pods are ready or have succeeded.
	// Written only where waitForPodsReady is configured.
	WorkloadPodsReady = "PodsReady"
	// WorkloadEvicted is True from the decision to stop the job until it
	// reserves quota again; its reason is one of EvictedXxx.
	WorkloadEvicted = "Evicted"
	// WorkloadPreempted is True with Evicted when the cause is preemption; its
	// reason is one of PreemptedXxx.
	WorkloadPreempted = "Preempted"
	// WorkloadRequeued is True when an evicted workload waits again, False
	// while it must not.
	WorkloadRequeued = "Requeued"
	// WorkloadFinished is True when the job has ended.
	WorkloadFinished = "Finished"
	// WorkloadDeactivationTarget is True when the workload is about to be
	// deactivated, for the reason it gives.
	WorkloadDeactivationTarget = "DeactivationTarget"
)

// Reasons of QuotaReserved=True and Admitted=True.
const (
	ReasonQuotaReserved = "QuotaReserved"
	ReasonAdmitted      = "Admitted"
)

// Reasons of QuotaReserved=False: why the workload waits.
const (
	PendingNoMatchingFlavor             = "NoMatchingFlavor"
	PendingWaitingForQuota              = "WaitingForQuota"
	PendingExceedsMaxQuota              = "ExceedsMaxQuota"
	PendingTopologyPlacementFailed      = "TopologyPlacementFailed"
	PendingWaitingForPreemptedWorkloads = "WaitingForPreemptedWorkloads"
	PendingMisconfigured                = "Misconfigured"
	PendingSuspended                    = "Suspended"
	PendingEvaluation                   = "PendingEvaluation"
	PendingWaitingForPodsReady          = "WaitingForPodsReady"
	PendingAdmissionGated               = "AdmissionGated"
	PendingOnHold                       = "OnHold"
	PendingDeactivated                  = "Deactivated"
)

// Reasons of Admitted=False.
const (
	// NotAdmittedNoReservation: the workload holds no quota.
	NotAdmittedNoReservation = "NoReservation"
	// NotAdmittedUnsatisfiedChecks: admission checks are not all Ready.
	NotAdmittedUnsatisfiedChecks = "UnsatisfiedAdmissionChecks"
)

// Reasons of PodsReady.
const (
	PodsReadyWaitForStart    = "WaitForStart"
	PodsReadyStarted         = "Started"
	PodsReadyWaitForRecovery = "WaitForRecovery"
	PodsReadyRecovered       = "Recovered"
)

// Reasons of Evicted=True.
const (
	EvictedPreempted           = "Preempted"
	EvictedPodsReadyTimeout    = "PodsReadyTimeout"
	EvictedAdmissionCheck      = "AdmissionCheck"
	EvictedClusterQueueStopped = "ClusterQueueStopped"
	EvictedLocalQueueStopped   = "LocalQueueStopped"
	EvictedNodeFailures        = "NodeFailures"
	EvictedDeactivated         = "Deactivated"
	// EvictedDeactivatedDueToPrefix begins the reason of a workload that was
	// deactivated by the system; the cause follows.
	EvictedDeactivatedDueToPrefix = "DeactivatedDueTo"
)

// Causes that follow EvictedDeactivatedDueToPrefix and are reasons of
// DeactivationTarget.
const (
	DeactivatedAdmissionCheck               = "AdmissionCheck"
	DeactivatedRequeuingLimitExceeded       = "RequeuingLimitExceeded"
	DeactivatedMaximumExecutionTimeExceeded = "MaximumExecutionTimeExceeded"
)

// Reasons of Preempted=True.
const (
	PreemptedInClusterQueue                = "InClusterQueue"
	PreemptedInCohortReclamation           = "InCohortReclamation"
	PreemptedInCohortFairSharing           = "InCohortFairSharing"
	PreemptedInCohortReclaimWhileBorrowing = "InCohortReclaimWhileBorrowing"
)

// Reasons of Requeued=True.
const (
	RequeuedBackoffFinished       = "BackoffFinished"
	RequeuedReactivated           = "Reactivated"
	RequeuedClusterQueueRestarted = "ClusterQueueRestarted"
	RequeuedLocalQueueRestarted   = "LocalQueueRestarted"
)

// Reasons of Finished.
const (
	FinishedSucceeded     = "Succeeded"
	FinishedFailed        = "Failed"
	FinishedOutOfSync     = "OutOfSync"
	FinishedOwnerNotFound = "OwnerNotFound"
	FinishedFailedToStart = "FailedToStart"
)

// ConditionActive is the condition type of ClusterQueues and LocalQueues. It
// shows the first reason that applies; its message joins all.
const ConditionActive = "Active"

// Reasons of Active for a ClusterQueue.
const (
	ClusterQueueReady                  = "Ready"
	ClusterQueueStopped                = "Stopped"
	ClusterQueueFlavorNotFound         = "FlavorNotFound"
	ClusterQueueAdmissionCheckNotFound = "AdmissionCheckNotFound"
	ClusterQueueAdmissionCheckInactive = "AdmissionCheckInactive"
	ClusterQueueTopologyNotFound       = "TopologyNotFound"
	ClusterQueueTerminating            = "Terminating"
)

// Reasons of Active for a LocalQueue.
const (
	LocalQueueReady                    = "Ready"
	LocalQueueStopped                  = "Stopped"
	LocalQueueClusterQueueDoesNotExist = "ClusterQueueDoesNotExist"
	LocalQueueClusterQueueIsInactive   = "ClusterQueueIsInactive"
)
