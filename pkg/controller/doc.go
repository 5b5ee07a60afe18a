// Package controller joins the engine to the Kubernetes API: objects become
// events, decisions become writes.
//
//	            +-----------+   +--------+   +---------------------+
//	watch ----> | ledger,   |-->|  loop  |-->| engine (pkg/        |
//	            | translate |   |        |<--| admission)          |
//	            +-----------+   +--------+   +---------------------+
//	                  |              | Admit, Wait, Adopt
//	                  v              v
//	            +--------------------------+     +-------------+
//	            | lifecycle: one write at  |---->| report: log,|
//	API <------ | a time for each workload |     | metrics     |
//	            +--------------------------+     +-------------+
//	API <------ queuestatus <---- snapshot
//
// This package itself only wires: informers to ledgers, ledgers to inbox and
// queue, runnables to the manager.
package controller
