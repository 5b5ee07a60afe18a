// Package simulate is the shell around pkg/simulation: it reads queue sets and
// jobs, runs them, and writes reports.
//
//	YAML of queues, a cluster ──queues.go──> QueueSet ──┐
//	traces, generators ────────jobs.go────> Trace ──────┴─> run.go ──> Scenario ──> text, JSON, HTML
//	a recording of the manager ──replay.go──> decisions again
package simulate
