// Package live shows a run while it happens: a table that is redrawn in place
// on a terminal, plain lines elsewhere.
//
//	recording.jsonl --Follow--> observer.Replay --Frame--> Screen
package live
