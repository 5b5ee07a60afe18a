// Package sandbox runs a real Kubernetes on this machine: it compiles the
// control plane from Go modules (the nested module sandbox/), starts it with
// kwokctl's binary runtime, adds simulated nodes, installs Fairlead's
// manifests and starts the manager as its service account.
//
//	sandbox/ (sources) --go build--> ~/.cache/fairlead/sandbox/<key>/   Assets, Binaries
//	                                        |
//	          Up --state.json--> kwokctl create cluster --> etcd, kube-apiserver,
//	           |                                            controller manager,
//	           |                                            scheduler, kwok
//	           |--> nodes --> manifests (config/sandbox) --> policies answer
//	           '--> keeper (renews the token) and bin/manager --> /readyz
//
//	          Down: every recorded process (PID + start time) and every process
//	                with the sandbox's mark in its environment, then the files
//
// The state is written before the first process starts, so that what a killed
// Up leaves behind is always found. Everything listens on loopback only. Linux
// only: identities of processes come from /proc.
package sandbox
