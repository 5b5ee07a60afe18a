package v1beta1

// BackfillMode says which of the workloads that do not fit hold reservations.
//
// +kubebuilder:validation:Enum=None;EASY;Conservative
type BackfillMode string

const (
	// BackfillNone plans nothing: whoever fits may start.
	BackfillNone BackfillMode = "None"
	// BackfillEASY plans the first, or the first few, of those that do not fit.
	BackfillEASY BackfillMode = "EASY"
	// BackfillConservative plans all that do not fit, within reason.
	BackfillConservative BackfillMode = "Conservative"
)

// Backfill says how workloads that do not fit are planned. Those that are hold
// a reservation at the earliest time at which, by the maximum execution times of
// what runs, they will fit; another workload starts before only if it delays
// none of them.
type Backfill struct {
	// mode says who is planned: None nobody, EASY the first that do not fit,
	// Conservative all of them.
	//
	// +required
	Mode BackfillMode `json:"mode"`

	// depth is how many of the first workloads of a ClusterQueue that do not fit
	// hold reservations. Unset means 1 with EASY and 100 with Conservative.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Depth *int32 `json:"depth,omitempty"`

	// borrowingDepth is how many of them may be planned on more than the
	// ClusterQueue's nominal quota. The others are planned where its own quota
	// suffices, so that a lender is not starved by those who borrow.
	//
	// +optional
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	BorrowingDepth *int32 `json:"borrowingDepth,omitempty"`

	// assumedExecutionTimeSeconds is for how long a workload without maximum
	// execution time is assumed to run when it is planned. Nobody is stopped
	// for it: to that end set the ClusterQueue's defaultExecutionTimeSeconds.
	//
	// +optional
	// +kubebuilder:default=86400
	// +kubebuilder:validation:Minimum=1
	AssumedExecutionTimeSeconds *int32 `json:"assumedExecutionTimeSeconds,omitempty"`

	// allowUnlimited lets workloads without maximum execution time start ahead of
	// reservations as if what is assumed of them were certain. If not, they do so
	// only where they would delay nobody even if they ran for ever.
	//
	// +optional
	AllowUnlimited bool `json:"allowUnlimited,omitempty"`
}
