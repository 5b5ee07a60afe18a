// Package trace holds jobs to be simulated and reads them from files.
//
//	SWF file ────swf.go────┐
//	JSON lines ──jsonl.go──┼─> Builder ──> Trace: jobs by time of submission,
//	generators, a cluster ─┘               and what was wrong with the input
//
// Bad input is never fatal line by line: a line that cannot be used is counted
// and reported with its number, and the rest is simulated.
package trace
