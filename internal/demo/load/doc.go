// Package load is what the demo does to the cluster: the queues that an
// administrator makes, the identities of two tenants, and the acts in which
// the tenants submit Jobs.
//
//	Site --objects.yaml--> namespaces, RBAC, flavor, Cohort, ClusterQueues, LocalQueues
//	  |----Rules()-------> rules.json for the observer
//	  '----Identity()----> kubeconfigs of tenants and observer
//
//	Act --Submit as tenant--> Jobs, manifest.jsonl     Act.Until --on observed loads--> next act
package load
