// Package namespaces keeps what is said of namespaces: which of them are
// managed, and the label by which policies give Jobs their default queue.
//
//	managedJobsNamespaceSelector --> Managed(namespace) --> lifecycle
//
//	LocalQueue "default" comes, goes --+
//	label is edited -------------------+--> queue of namespaces --> one JSON patch --> API
//	namespace begins to be managed ----+
package namespaces
