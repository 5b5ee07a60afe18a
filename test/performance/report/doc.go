// Package report holds what the benchmark found and shows it three ways, all
// from the same figures.
//
//	runs --Summarize--> Results --+--> WriteText   tables on the terminal
//	                              +--> WriteJSON   out/bench/results.json
//	                              `--> Draw        out/bench/results.png, .svg
//
// A figure of several runs is their median. A ratio is taken run by run, each
// Fairlead run over the floor run next to it, and then its median: what the
// machine did meanwhile slows both.
package report
