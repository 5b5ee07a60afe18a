// Package budget holds the manager to its write budget (design, section 5): it
// reads the API server's audit log and counts what the manager's user asked
// for, in all and for each Job.
//
//	audit.log --Read--> []Entry --Check(Expectation)--> Report
//	                                                      +--> Violations
//	                                                      `--> WriteTable
package budget
