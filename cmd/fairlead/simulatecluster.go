package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/simulate"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// clusterInputs reads the state of a cluster, and adds jobs to come if they
// are asked for.
func (f *simulateFlags) clusterInputs(cmd *cobra.Command) (jobs *trace.Trace, sets []*simulate.QueueSet, source string, err error) {
	c, host, err := connect(f.kubeconfig)
	if err != nil {
		return nil, nil, "", err
	}
	f.begin = time.Now()
	cluster, err := simulate.ReadCluster(cmd.Context(), c, host, simulate.AssumeRun(f.assumeRun), f.begin)
	if err != nil {
		return nil, nil, "", fmt.Errorf("--from-cluster: %w", err)
	}
	source = fmt.Sprintf("%d Workloads of %s", len(cluster.Jobs.Jobs), host)
	set := cluster.Set
	if f.queues != "" {
		if set, err = simulate.LoadQueues(f.queues); err != nil {
			return nil, nil, "", err
		}
	}
	if f.generator != "" || f.trace != "" {
		name, more, err := f.more(cmd, set)
		if err != nil {
			return nil, nil, "", err
		}
		source += " and then " + name
		set.Config.IgnoreUndeclared = true // jobs made up know nothing of what these queues cover
		cluster.Merge(more)
	}
	if len(cluster.Jobs.Jobs) == 0 {
		return nil, nil, "", fmt.Errorf("--from-cluster: %s has no Workloads that wait or run: add jobs with --generator or --trace", host)
	}
	sets, err = f.withCompared(set)
	return cluster.Jobs, sets, source, err
}

// more are the jobs to come.
func (f *simulateFlags) more(cmd *cobra.Command, set *simulate.QueueSet) (string, *trace.Trace, error) {
	if f.trace == "" {
		return f.generate(set)
	}
	more, err := f.readTrace(cmd.InOrStdin())
	if err != nil {
		return "", nil, fmt.Errorf("trace %s: %w", f.trace, err)
	}
	more.Limit(f.jobs)
	if f.load > 0 {
		more.ScaleTo(f.load, int64(set.Capacity()))
	}
	return "trace " + f.trace, more, nil
}
