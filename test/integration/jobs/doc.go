// Package jobs takes every kind of batch Job through its whole life on a
// sandbox: kube-controller-manager makes the pods, kube-scheduler places them,
// simulated kubelets run them, and the manager acts as its service account.
//
//	tenant --Job--> kube-apiserver <---- manager (bin/manager)
//	                  ^   ^   ^
//	   job controller-'   |   '- kubelets (KWOK)
//	                  spec: looks on, and ends pods as it likes
//
// Each spec has a namespace and queues of its own, of four cores, and ends with
// the proof that all four are free again.
package jobs
