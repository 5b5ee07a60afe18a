// Package v1beta1 holds the kinds of API group fairlead.dev. Field names,
// enumerations, defaults, condition types and reasons are those that Kueue
// v1beta2 made standard; what Fairlead adds is optional.
//
//	administrator: Cohort <--cohortName-- ClusterQueue --flavors--> ResourceFlavor
//	               Reservation --------------'^
//	tenant:        Job --queue label--> LocalQueue      WorkloadPriorityClass
//	                |                         ^                  ^
//	manager:        '--------> Workload ------'------------------'
//
// Amounts are Kubernetes quantities: cores for cpu, bytes for memory, pieces
// for everything else. The package imports apimachinery and core/v1 only, so
// that other programs can use it cheaply.
//
// +kubebuilder:object:generate=true
// +groupName=fairlead.dev
package v1beta1
