// Package release frees what Fairlead holds when it is uninstalled, so that
// nothing stays suspended or undeletable afterwards.
//
//	Survey --Plan--> confirm --> policies gone --> Jobs: label off, started --> finalizers off
//	                             (cluster-wide      ^        |
//	                              releases only)    '--------' until a list finds none
//
// Policies go first: whatever is created from then on starts by itself, so that
// the list of what waits can only become shorter. Running Jobs are left alone.
// Everything can be repeated: a second run does what a first left undone.
package release
