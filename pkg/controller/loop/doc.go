// Package loop owns the engine: one goroutine feeds it what happened and hands
// out what it decides.
//
//	informers, writers --> Inbox --take--> Loop --Step--> Engine
//	                                         |
//	                            Sink <--Admit, Wait, Adopt
//	                            Snapshot <-- at most every half second
//
// A standby steps the same events and asks for no decision. Nothing is decided
// before every informer has delivered its initial objects (Rebuilt).
package loop
