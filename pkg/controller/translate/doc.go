// Package translate turns API objects into the engine's values and the
// engine's assignments back into API values. Everything in it is pure.
//
//	ClusterQueue, Cohort, Flavor ... --quotas.go, flavor.go--> engine events
//	Workload --workload.go--+--pod.go, bounds.go (LimitRange,
//	                        |  RuntimeClass), requests.go,
//	                        |  counting.go, strict.go -------> engine.Workload
//	                        +--admission.go <----------------> engine.Assignment
package translate
