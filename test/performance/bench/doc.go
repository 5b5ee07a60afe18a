// Bench measures Fairlead against the floor: the same writes by a client that
// schedules nothing.
//
//	for each load:
//	  calibrate    the floor's best number of requests in flight, 4 to 64
//	  for each run: floor, then fairlead
//	    sandbox up --> drive.Prepare --> readings --> drive.Run... --> readings --> sandbox down
//	report.WriteText, WriteJSON, Draw
//
// See docs/benchmarks.md for what the figures mean.
package main
