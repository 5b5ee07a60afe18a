// Package record writes down what an engine is told and what it decides, and
// lets an engine decide it again.
//
//	shell ──Step──> Recorder ──Step──> Engine
//	                   │ header; each event before it is stepped; after each
//	                   │ Decide how many decisions there were, and the sum of all
//	                   v
//	              JSON lines ──Replay──> a new Engine ──> the same decisions, or where they differ
//
// An engine does the same with the same events, so a recording from the first
// event on is all that is needed to see again, elsewhere and step by step, why
// it decided as it did.
package record
