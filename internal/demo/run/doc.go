// Package run performs a load on a cluster under a separate observer process
// and reports the observer's verdict.
//
//	Demo: sandbox.Up -> Stage.Perform -> report -> sandbox.Down (or things to try)
//
//	Stage: install site, write identities and rules
//	         |-- start `demo observe` --recording.jsonl--> replay --> frames
//	         |-- submit act, wait on what the recording shows, next act
//	         '-- end of input to the observer --> verdict.json, exit status
package run
