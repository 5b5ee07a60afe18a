// Package policies renders the admission policies for a configuration and
// compares them with those of a cluster.
//
//	config/policies --+                  +--> YAML        (manager policies)
//	                  +--> Render -------+
//	label aliases ----+                  +--> Differences (what the manager reports)
//	                                     |
//	cluster --------------> Installed ---+
//
// A label alias is a prefix, for example kueue.x-k8s.io, whose labels on Jobs
// count as those of fairlead.dev. The manifests in config know no alias; what
// Render makes of them for none is what config/default installs.
package policies
