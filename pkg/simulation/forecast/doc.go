// Package forecast answers "when will it start?" by running a clone of the
// engine forward.
//
//	engine ──Clone──> clone ──Decide──> Admit: it runs for as long as is drawn ──┐
//	                    ^               Evict: gone after the grace period       │
//	                    └──────────── Finish, in the order of ends <─────────────┘
//	                                                                             │
//	  once with all limits ───> Planned         many times with run times drawn ─┴─> P50, P90
//
// Nobody comes later: what is submitted after the question is not in the answer.
// That makes a start earlier than it will be where others have priority, and
// run times below the limits make it later than it will be in Planned.
//
// Files: forecast.go is what is asked and answered, run.go one run into the
// future, history.go what is known of run times.
package forecast
