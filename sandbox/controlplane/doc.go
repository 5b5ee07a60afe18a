// Command controlplane is a whole Kubernetes control plane in one binary. It
// looks at the name it is called by and becomes that program:
//
//	kube-apiserver ----------.
//	kube-controller-manager -|
//	kube-scheduler ----------+--> controlplane   (symbolic links)
//	etcd --------------------|
//	kubectl -----------------'
//
// One binary because the five share most of their packages: linked apart they
// take three times the disk and the link time. `controlplane etcd --help`
// works too, for people.
//
// kwok and kwokctl stay binaries of their own (see the tool lines of go.mod):
// kwok registers a flag named version on a global set that Kubernetes'
// component-base also claims.
package main
