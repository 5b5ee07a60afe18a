// Package explain says of one job in plain words how it stands: why it waits, for
// what, and when it is likely to start.
//
//	Job ──> Workload ──> waits? ── may list the cluster's queues and Workloads ──> site ──> engine
//	            │          │                                                                  │
//	            │          └── may not: what its own status says                    Standing, forecast
//	            └── finished, runs: what its status says                                      │
//	                                                                                          v
//	                                                                          Report ──> text, JSON
//
// The engine is rebuilt from the API server with the rights of who asks; the
// manager is not needed (docs/adr/0008). Nothing is written.
//
// Files: explain.go is the question, site.go the cluster's state as an engine,
// future.go when it will start and who ends before, report.go the answer and
// text.go the answer in words.
package explain
