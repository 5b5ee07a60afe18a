// Package admission is the engine: events in, decisions out. It does no I/O
// and knows no clock; time is an argument.
//
//	shell --Step(now, Event)--> Engine --[]Decision--> executor --API write--> shell
package admission
