// Package fault kills the manager while it works.
//
//	seed -> moments --SIGKILL--> manager --restart--> ready --'
//	                                                          |
//	compressed load of the demo --Jobs, Pods--> observer --> verdict
//
// FAIRLEAD_FAULT_SEEDS says how many seeds (default 3), FAIRLEAD_FAULT_FIRST
// the first of them (default 1). What each seed recorded is kept in
// out/fault/seed-NNN.
package fault
