package admission

// Decision is one thing that the shell is to do. Decisions come in the order
// in which the engine took them; the same events give the same decisions, to
// the byte.
type Decision interface{ decision() }

// Admit tells the shell to write an admission. The quota is charged already
// (assumed): the workload counts as admitted until Forget says otherwise. A
// SetWorkload with this admission confirms it.
type Admit struct {
	UID        string
	Assignment Assignment
	// Borrows says that the ClusterQueue uses more than its nominal quota
	// somewhere after this admission.
	Borrows bool
	// Share is the ClusterQueue's dominant resource share after it, as its
	// status shows it; zero without fair sharing.
	Share int64
}

// Wait tells why a pending workload is not admitted. It is given when the
// reason or the message changes, not at each pass.
type Wait struct {
	UID     string
	Reason  PendingReason
	Message string
}

func (Admit) decision() {}
func (Wait) decision()  {}

// PendingReason is the reason of condition QuotaReserved=False.
type PendingReason string

// The pending reasons of the API (semantics, section 6).
const (
	NoMatchingFlavor             PendingReason = "NoMatchingFlavor"
	WaitingForQuota              PendingReason = "WaitingForQuota"
	ExceedsMaxQuota              PendingReason = "ExceedsMaxQuota"
	WaitingForPreemptedWorkloads PendingReason = "WaitingForPreemptedWorkloads"
	Misconfigured                PendingReason = "Misconfigured"
	Suspended                    PendingReason = "Suspended"
	PendingEvaluation            PendingReason = "PendingEvaluation"
	OnHold                       PendingReason = "OnHold"
	Deactivated                  PendingReason = "Deactivated"
)
