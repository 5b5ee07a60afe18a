// Package reservations keeps the engine and the API server up to date on
// Reservations: the engine is told of their windows, as time brings new ones,
// and their statuses say where they stand.
//
//	ledger (Reservation) --Changed--> plan: windows --Tell--> inbox --> engine
//	clock: more windows to come ---------^                                |
//	clock: a window begins or ends --+                                    |
//	snapshot of the engine ----------+--> status --> API <---- snapshot --+
//
// A status is written when a Reservation is created or edited, when a window
// begins or ends, and when there is room for it no more, or again: nothing is
// written for any workload.
package reservations
