// Package model makes jobs up: seeded, so that the same seed gives the same
// jobs.
//
//	Config (jobs, seed, queues, load) ──HEP──────┐
//	                                  ──Lublin───┴──> trace.Trace
//
// hep.go is a facility of high-energy physics, lublin.go a parallel machine
// after Lublin and Feitelson; random.go is where chance comes from.
package model
