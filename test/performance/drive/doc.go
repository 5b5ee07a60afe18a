// Package drive runs a load on a cluster, in one of two ways, and records when
// each item was submitted, started and completed.
//
//	Prepare: namespace, flavor, queues, service accounts
//
//	         load.Plan --due--> agenda --K workers--> kube-apiserver
//	                            agenda --K workers--------^     |
//	                              ^                             |
//	                              '--follow-up writes--<------watch
//
//	  RunFloor     makes every write of the budget itself and schedules nothing
//	  RunFairlead  submits (and, of Workloads, finishes); the manager does the rest
//
// Both ways go through the same agendas, the same kind of client without a
// client-side limit, and the same objects. The floor acts under the same
// identities: a tenant creates Jobs, the manager's service account does what
// the manager would do, an administrator submits and finishes bare Workloads.
package drive
