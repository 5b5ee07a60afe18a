// Package manager tests the manager on a real kube-apiserver and etcd: it runs
// in the test's process as the service account it has in a cluster, with the
// shipped roles and policies. There is no job controller: the specs say what
// Jobs do.
//
//	spec --Jobs, queues--> kube-apiserver <--faulty transport-- manager
//	 ^                          |
//	 +------- expectations -----+
package manager
