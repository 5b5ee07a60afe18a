// Package simulation holds the simulator against the real thing: one scenario
// in virtual time and on a sandbox.
//
//	Jobs ──> sandbox, queues on hold ──ReadCluster──> virtual run ──> order of admissions ─┐
//	                 │ queues opened                                                       ├─ the same?
//	                 └──> the manager, which records ──Replay──> order of admissions ──────┘
package simulation
