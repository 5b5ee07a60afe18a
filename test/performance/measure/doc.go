// Package measure reads what a run cost from the outside: processor time and
// peak memory of processes from /proc, requests from the API server's own
// counters, and the facts of the machine. It changes nothing it measures,
// except that it resets the driver's own peak.
//
//	/proc/PID/stat, /proc/PID/status --> Processes --\
//	kube-apiserver /metrics ----------> Requests  ----+--> After.Sub(Before)
//	/proc/stat -----------------------> Machine use --/
//	durations ------------------------> Quantiles
package measure
