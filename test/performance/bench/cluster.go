package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"fairlead.dev/fairlead/internal/sandbox"
	"fairlead.dev/fairlead/test/performance/drive"
	"fairlead.dev/fairlead/test/performance/load"
)

// The processes whose use is reported, in the order of the report. Those that
// a cluster does not run are left out.
var measured = []string{"kube-apiserver", "etcd", "kube-controller-manager", "kube-scheduler", "kwok-controller", "manager", driverProcess}

// driverProcess names this process in the report.
const driverProcess = "driver"

// onlyForPods are the processes that have nothing to do where there are no
// pods.
var onlyForPods = []string{"kube-controller-manager", "kube-scheduler", "kwok-controller"}

// downTimeout bounds the removal of a cluster, which goes on after an interrupt.
const downTimeout = time.Minute

// cluster is a fresh sandbox for one run.
type cluster struct {
	sandbox *sandbox.Cluster
	config  *rest.Config
	// pids are the measured processes, names their order.
	pids  map[string]int
	names []string
}

// up brings a cluster up for a load. Nodes, and what places and runs pods, are
// there for Jobs only.
func up(ctx context.Context, l load.Load, manager, fairness bool) (*cluster, error) {
	options := sandbox.Options{
		Name:                "bench-" + strconv.Itoa(os.Getpid()),
		WithoutManager:      !manager,
		PriorityAndFairness: fairness,
	}
	if l.Kind == load.Jobs {
		options.Nodes = []sandbox.NodeGroup{{
			Count: l.Nodes, CPU: strconv.Itoa(l.NodeCPU), Labels: map[string]string{drive.FlavorLabel: drive.FlavorName},
		}}
	}
	s, err := sandbox.Up(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("bring a cluster up: %w", err)
	}
	c := &cluster{sandbox: s}
	if err := c.attach(l); err != nil {
		return nil, errors.Join(err, c.down(ctx))
	}
	return c, nil
}

func (c *cluster) attach(l load.Load) error {
	var err error
	if c.config, err = c.sandbox.RESTConfig(); err != nil {
		return err
	}
	processes, err := c.sandbox.Processes()
	if err != nil {
		return err
	}
	if l.Kind == load.Workloads {
		for _, name := range onlyForPods {
			if err := stop(processes[name]); err != nil {
				return err
			}
			delete(processes, name)
		}
	}
	c.pids = map[string]int{driverProcess: os.Getpid()}
	for name, process := range processes {
		c.pids[name] = process.PID
	}
	for _, name := range measured {
		if _, runs := c.pids[name]; runs {
			c.names = append(c.names, name)
		} else if name == "kube-apiserver" || name == "etcd" {
			return fmt.Errorf("the cluster runs no %s that could be measured", name)
		}
	}
	maps.DeleteFunc(c.pids, func(name string, _ int) bool { return !slices.Contains(c.names, name) })
	return nil
}

// stop ends one process of the cluster, which is this benchmark's own.
func stop(p sandbox.Process) error {
	if !p.Alive() {
		return nil
	}
	if err := syscall.Kill(p.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s (PID %d): %w", p.Name, p.PID, err)
	}
	return nil
}

// serverVersion asks the API server for its version.
func (c *cluster) serverVersion() (string, error) {
	client, err := discovery.NewDiscoveryClientForConfig(c.config)
	if err != nil {
		return "", fmt.Errorf("ask for the server's version: %w", err)
	}
	info, err := client.ServerVersion()
	if err != nil {
		return "", fmt.Errorf("ask for the server's version: %w", err)
	}
	return info.GitVersion, nil
}

// down removes the cluster, even if ctx has ended.
func (c *cluster) down(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), downTimeout)
	defer cancel()
	if err := c.sandbox.Down(ctx); err != nil {
		return fmt.Errorf("remove the cluster: %w", err)
	}
	return nil
}
