// Package replica copies a whole graph of Go values: structs that point at each
// other, their maps, slices and interfaces, exported or not. What is reached
// twice is copied once, so that the copy has the shape of the original.
//
//	root ──> object ──> raw copy ──> every reference in it: made already? ── yes ──> the copy's address
//	            ^                                            │ no
//	            └──────────── list of what is to do <────────┘
//
// It copies by the types that reflection tells, so that a field that is added to
// a struct is copied too: nobody can forget it. What a copier cannot see by
// itself is said in Rules. A type that it cannot copy (a channel, a function
// that is not said to be shared) is a panic at the first copy, not a wrong copy.
//
// Files: replica.go is the walk, types.go what is known of a type, audit.go
// looks for memory that is pointed into in a way that a copy does not keep.
//
// This is the one package of the core that uses unsafe: to write the fields that
// reflection only lets it read. See docs/adr/0007.
package replica
