package report

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"fairlead.dev/fairlead/test/performance/measure"
)

// Driver says who did the scheduling in a run.
type Driver string

const (
	// Floor makes the same writes and schedules nothing.
	Floor Driver = "floor"
	// Fairlead is the manager under test.
	Fairlead Driver = "fairlead"
)

// Results is everything that one invocation of the benchmark found.
type Results struct {
	Taken   time.Time       `json:"taken"`
	Machine measure.Machine `json:"machine"`
	Loads   []LoadResult    `json:"loads"`
	// Suspension is there if it was asked for.
	Suspension *Suspension `json:"suspension,omitempty"`
}

// Suspension is how soon kube-controller-manager tells of suspended Jobs,
// created in one burst, that they are suspended: from sending the creation to
// seeing condition Suspended. Until then a Job has neither pods nor a reason.
type Suspension struct {
	Jobs        int               `json:"jobs"`
	Concurrency int               `json:"concurrency"`
	Waits       measure.Quantiles `json:"waits"`
	// CreatedPerSecond is the pace of the burst.
	CreatedPerSecond float64 `json:"createdPerSecond"`
}

// LoadResult is what was found for one load.
type LoadResult struct {
	Load    string  `json:"load"`
	About   string  `json:"about"`
	Scale   float64 `json:"scale"`
	Objects int     `json:"objects"`
	// LeastWall is the time, in seconds, below which no scheduler can finish:
	// the pace of submission or the work over the quota.
	LeastWall float64 `json:"leastWallSeconds"`
	// Concurrency is how many requests the drivers had in flight at most, and
	// Calibration what each candidate reached; empty if it was given.
	Concurrency int `json:"concurrency"`
	// Fairness says that the API server's priority and fairness was on.
	Fairness    bool    `json:"fairness,omitempty"`
	Calibration []Trial `json:"calibration,omitempty"`
	Runs        []Run   `json:"runs"`
	Summary     Summary `json:"summary"`
}

// Trial is one candidate of the floor driver's concurrency.
type Trial struct {
	Concurrency     int     `json:"concurrency"`
	WritesPerSecond float64 `json:"writesPerSecond"`
}

// Run is one run on a fresh cluster. Durations are in seconds.
type Run struct {
	Number  int       `json:"number"`
	Driver  Driver    `json:"driver"`
	Started time.Time `json:"started"`
	// Wall is from the first submission to the last completion: of Jobs, the
	// sight of condition Complete; of Workloads, the answer to the status PUT
	// that finishes the last.
	Wall float64 `json:"wallSeconds"`
	// Settled is from the first submission until the last Workload is
	// Finished too. Processor time and requests are counted up to here.
	Settled float64 `json:"settledSeconds"`
	// Processes are the cluster's, the manager's and the driver's own.
	Processes []measure.Use `json:"processes"`
	// ForeignCPU is processor time, in seconds, that the rest of the machine
	// took during the run. Much of it spoils the run.
	ForeignCPU float64                `json:"foreignCPUSeconds"`
	Requests   []measure.RequestCount `json:"requests"`
	// DriverRequests are those among them that the driver itself sent.
	DriverRequests []measure.RequestCount `json:"driverRequests"`
	// Writes is how many write requests the API server answered, whoever sent
	// them; WritesPerObject divides that by the load's objects.
	Writes          int64   `json:"writes"`
	WritesPerObject float64 `json:"writesPerObject"`
	// Waits is from submission until the Job is unsuspended or the Workload is
	// admitted, as the driver saw it.
	Waits measure.Quantiles `json:"waits"`
	// Lag is how much later than planned submissions were sent.
	Lag measure.Quantiles `json:"lag"`
	// QuotaUse is the load's core-seconds over nominal quota x wall.
	QuotaUse float64 `json:"quotaUse"`
	// Completions are the times of completion since the first submission, in
	// order.
	Completions []float64 `json:"completions"`
}

// CPU gives the seconds of one process, NaN if the run did not have it.
func (r Run) CPU(process string) float64 {
	if use, ok := r.use(process); ok {
		return use.CPU
	}
	return math.NaN()
}

// Peak gives a process's largest resident set in MiB, NaN if the run did not
// have it.
func (r Run) Peak(process string) float64 {
	if use, ok := r.use(process); ok {
		return float64(use.Peak) / (1 << 20)
	}
	return math.NaN()
}

func (r Run) use(process string) (measure.Use, bool) {
	for _, use := range r.Processes {
		if use.Name == process {
			return use, true
		}
	}
	return measure.Use{}, false
}

// WriteJSON writes the results, indented.
func WriteJSON(w io.Writer, results *Results) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(results); err != nil {
		return fmt.Errorf("write the benchmark's results as JSON: %w", err)
	}
	return nil
}
