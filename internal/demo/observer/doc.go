// Package observer records what really ran on a cluster and judges it.
//
// It watches Pods and Jobs and nothing else, through a kubeconfig of its own,
// and knows the rules only from a small file. It shares no code with Fairlead:
// the fair share is computed here a second time, by water-filling.
//
//	                 rules.json   manifest.jsonl (what the load says it submitted)
//	                     |              |
//	Pods, Jobs --watch--> Recorder --recording.jsonl--> Replay --> Judge --> verdict.json
//	                                        |
//	                                        +--> live table, report
package observer
