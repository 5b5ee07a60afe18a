package explain

import (
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Report is the answer. Its JSON form is part of `fairlead explain --output json`.
type Report struct {
	Kind      string `json:"kind"` // Job or Workload, as it was asked for
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Workload  string `json:"workload,omitempty"` // its Workload's name
	// State is in one word what Summary says in a sentence.
	State   State      `json:"state"`
	Summary string     `json:"summary"`
	Since   *time.Time `json:"since,omitempty"`
	// Ends is when it has run for as long as it may.
	Ends *time.Time `json:"ends,omitempty"`
	// Reason and Message say why it waits. ToldReason and ToldMessage are what the
	// manager has written last, where that is something else.
	Reason      string `json:"reason,omitempty"`
	Message     string `json:"message,omitempty"`
	ToldReason  string `json:"toldReason,omitempty"`
	ToldMessage string `json:"toldMessage,omitempty"`

	LocalQueue   string `json:"localQueue,omitempty"`
	ClusterQueue string `json:"clusterQueue,omitempty"`
	// Place is where it stands in its queue, nil if it is in none or nobody can
	// tell.
	Place *Place `json:"place,omitempty"`
	// Holds is what it was given: the flavor of each resource by pod set.
	Holds []string `json:"holds,omitempty"`
	// Missing is what it lacks; flavors are alternatives.
	Missing []Missing `json:"missing,omitempty"`
	// Before are those that hold some of what is missing and end before it starts
	// if everything runs to its limit: how many, and the first of them.
	Before int     `json:"before,omitempty"`
	First  []Other `json:"first,omitempty"`
	Start  *Start  `json:"start,omitempty"`
	// Notes say what the answer is based on, or what could not be read.
	Notes []string `json:"notes,omitempty"`
}

// State is how a job stands.
type State string

// The states.
const (
	NotQueued State = "NotQueued" // it has no Workload
	Waiting   State = "Waiting"
	Held      State = "Held" // somebody, or its queue, holds it back
	Starting  State = "Starting"
	Running   State = "Running"
	Stopping  State = "Stopping"
	Finished  State = "Finished"
)

// Place is a place in the queue of a ClusterQueue.
type Place struct {
	Ahead  int `json:"ahead"`
	Length int `json:"length"`
	// Strict: nobody passes who asks for what an earlier one waits for.
	Strict bool `json:"strict"`
}

// Missing is what a pod set lacks of one flavor-resource.
type Missing struct {
	PodSet    string            `json:"podSet"`
	Flavor    string            `json:"flavor"`
	Resource  string            `json:"resource"`
	Missing   resource.Quantity `json:"missing"`
	Requested resource.Quantity `json:"requested"`
	Available resource.Quantity `json:"available"`
	Nominal   resource.Quantity `json:"nominal"`
	Used      resource.Quantity `json:"used"`
	// Held for other workloads that wait.
	Held resource.Quantity `json:"held"`
	Most resource.Quantity `json:"most"`
}

// Other is a workload that runs.
type Other struct {
	Namespace    string    `json:"namespace"`
	Workload     string    `json:"workload"`
	ClusterQueue string    `json:"clusterQueue"`
	Holds        string    `json:"holds"`
	Ends         time.Time `json:"ends"` // by its limit
}

// Start is when it will start: nil where not before the horizon of a year.
type Start struct {
	// Planned: if everything runs to its limit. P50 and P90 are not exceeded by
	// half, and by nine of ten, of the futures drawn.
	Planned *time.Time `json:"planned,omitempty"`
	P50     *time.Time `json:"p50,omitempty"`
	P90     *time.Time `json:"p90,omitempty"`
	Samples int        `json:"samples"`
	// Unlimited of the Workloads that wait or run have no limit: AssumedLimit was
	// taken. For Assumed more it was what their ClusterQueue assumes. Known is how many finished ones, of KnownOf, tell of run times.
	Workloads    int    `json:"workloads"`
	Unlimited    int    `json:"unlimited"`
	Assumed      int    `json:"assumed"`
	AssumedLimit string `json:"assumedLimit"`
	Known        int    `json:"known"`
	KnownOf      string `json:"knownOf,omitempty"`
}
