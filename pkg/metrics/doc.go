// Package metrics holds what Prometheus may read: counters and histograms of
// what the manager did, and gauges drawn from the engine's newest snapshot
// when they are read. The names are Kueue's under "fairlead_".
//
//	report --count--> Counters --+
//	                             +--> registry --> /metrics (authenticated)
//	engine snapshot --> Queues --+
package metrics
