// Package queuestatus keeps the statuses of ClusterQueues, Cohorts and
// LocalQueues close to the engine's newest snapshot, at a bounded rate.
//
//	snapshot --desired.go--> what it should say --+
//	                                              +--differs--> budget --> PUT
//	ledger ----------------> what it says --------+
package queuestatus
