package admission

// reasonCode is a PendingReason in one byte; 0 is none.
type reasonCode = uint8

const (
	waitingForQuota reasonCode = iota + 1 // graver reasons of the flavor search have higher codes
	exceedsMaxQuota
	noMatchingFlavor
	misconfigured
	suspended
	pendingEvaluation
	deactivated
	waitingForPreempted
	// Reasons to wait for quota besides the rules: see PreemptionLimit.
	searchStopped
	rateLimited
	ratioCapped
	holdTimedOut
	waitingForPodsReady
	// In planned trees: it would delay a reservation.
	delaysOthers
	reasonCodes
)

var reasonNames = [reasonCodes]PendingReason{
	waitingForQuota:   WaitingForQuota,
	exceedsMaxQuota:   ExceedsMaxQuota,
	noMatchingFlavor:  NoMatchingFlavor,
	misconfigured:     Misconfigured,
	suspended:         Suspended,
	pendingEvaluation: PendingEvaluation,
	deactivated:       Deactivated,

	waitingForPreempted: WaitingForPreemptedWorkloads,
	searchStopped:       WaitingForQuota,
	rateLimited:         WaitingForQuota,
	ratioCapped:         WaitingForQuota,
	holdTimedOut:        WaitingForQuota,
	waitingForPodsReady: WaitingForPodsReady,
	delaysOthers:        WaitingForQuota,
}

var limitNames = [reasonCodes]PreemptionLimit{
	searchStopped: SearchBudget,
	rateLimited:   EvictionRate,
	ratioCapped:   EvictionRatio,
	holdTimedOut:  HoldTimeout,
}

// gravest of two reasons of the flavor search.
func gravest(a, b reasonCode) reasonCode { return max(a, b) }
