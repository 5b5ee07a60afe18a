package simulate

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"fairlead.dev/fairlead/pkg/simulation"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// Report is what a run of the command found: one scenario, or two on the same
// jobs.
type Report struct {
	// Jobs says where the jobs come from.
	Jobs      string
	Scenarios []*Scenario
}

// label tells scenarios apart in tables; empty if there is one.
func (r *Report) label(scenario int) string {
	if len(r.Scenarios) == 1 {
		return ""
	}
	return "(" + strconv.Itoa(scenario+1) + ")"
}

// column heads the labels.
func (r *Report) column() string {
	if len(r.Scenarios) == 1 {
		return ""
	}
	return "SET"
}

// Queue is a ClusterQueue's part of the summary, nil if it has none.
func (s *Scenario) Queue(name string) *simulation.Queue {
	for i := range s.Summary.Queues {
		if s.Summary.Queues[i].Name == name {
			return &s.Summary.Queues[i]
		}
	}
	return nil
}

// formatVersion is raised when a field of the JSON changes its meaning or goes.
const formatVersion = 1

// document is the report as JSON.
type document struct {
	Version   int                `json:"version"`
	Jobs      string             `json:"jobs"`
	Problems  documentProblems   `json:"problems"`
	Scenarios []documentScenario `json:"scenarios"`
}

type documentProblems struct {
	Counts map[trace.ProblemKind]int `json:"counts"`
	// Lines are up to 100 of each kind.
	Lines []trace.Problem `json:"lines"`
}

type documentScenario struct {
	Queues       string              `json:"queueSet"`
	Notes        []string            `json:"notes,omitempty"`
	TookSeconds  float64             `json:"tookSeconds"`
	Summary      *simulation.Summary `json:"summary"`
	Estimates    *Estimates          `json:"estimates,omitempty"`
	StretchWidth float64             `json:"stretchSeconds"`
	// Series are averages over stretches, by ClusterQueue; use, demand and due
	// in whole units of the resource.
	Series map[string]documentSeries `json:"series"`
}

type documentSeries struct {
	Use     []float64 `json:"use"`
	Demand  []float64 `json:"demand"`
	Due     []float64 `json:"due"`
	Waiting []float64 `json:"waitingJobs"`
}

// WriteJSON writes everything as one JSON object.
func WriteJSON(w io.Writer, r *Report) error {
	problems := &r.Scenarios[0].Result.Problems
	d := document{Version: formatVersion, Jobs: r.Jobs, Problems: documentProblems{Counts: problems.Counts, Lines: append([]trace.Problem{}, problems.List...)}}
	for _, s := range r.Scenarios {
		out := documentScenario{
			Queues: s.Set.Name, Notes: s.Notes, TookSeconds: s.Took.Seconds(), Summary: s.Summary, Estimates: s.Estimates,
			StretchWidth: s.Result.Series.Width.Seconds(), Series: map[string]documentSeries{},
		}
		for i, name := range s.Result.ClusterQueues {
			q := &s.Result.Series.Queues[i]
			out.Series[name] = documentSeries{Use: s.whole(q.Use), Demand: s.whole(q.Demand), Due: s.whole(q.Due), Waiting: rounded(q.Waiting, 1)}
		}
		d.Scenarios = append(d.Scenarios, out)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(d); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	return nil
}

// whole turns amounts into whole units of the resource.
func (s *Scenario) whole(list []float64) []float64 { return rounded(list, s.Result.Unit()) }

// rounded divides by unit and keeps two digits.
func rounded(list []float64, unit float64) []float64 {
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = float64(int64(v/unit*100+0.5)) / 100
	}
	return out
}
