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
}

// gravest of two reasons of the flavor search.
func gravest(a, b reasonCode) reasonCode { return max(a, b) }
