package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"

	"fairlead.dev/fairlead/internal/sandbox"
)

// newSandboxCommand is `fairlead sandbox`.
func newSandboxCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "A real Kubernetes with simulated nodes on this machine",
		Long: `A real Kubernetes with simulated nodes on this machine: kube-apiserver, etcd,
controller manager, scheduler and KWOK nodes, with Fairlead installed.

Everything listens on 127.0.0.1 only and runs on until "down". State and logs
are in ~/.local/state/fairlead/sandbox/NAME (FAIRLEAD_SANDBOX_HOME moves it).`,
	}
	cmd.AddCommand(newSandboxUp(), newSandboxDown(), newSandboxList(), newSandboxAddNodes(),
		newSandboxManager(), newSandboxBuild(), newSandboxKeep())
	return cmd
}

// nodeFlags registers the flags that describe a group of nodes.
func nodeFlags(cmd *cobra.Command, group *sandbox.NodeGroup, count int) {
	cmd.Flags().IntVar(&group.Count, "nodes", count, "how many nodes")
	cmd.Flags().StringVar(&group.CPU, "node-cpu", "128", "cores of each node")
	cmd.Flags().StringVar(&group.Memory, "node-memory", "512Gi", "memory of each node")
	cmd.Flags().IntVar(&group.Pods, "node-pods", 1000, "pods that fit on each node")
	cmd.Flags().StringVar(&group.Prefix, "node-prefix", "node", "nodes are called PREFIX-0, PREFIX-1 ...")
	cmd.Flags().StringToStringVar(&group.Labels, "node-label", nil, "label of each node, KEY=VALUE (may be repeated)")
	cmd.Flags().StringToStringVar(&group.Resources, "node-resource", nil, "further capacity of each node, for example nvidia.com/gpu=8 (may be repeated)")
}

// nameFlag registers --name.
func nameFlag(cmd *cobra.Command, name *string) {
	cmd.Flags().StringVar(name, "name", "lab", "name of the sandbox")
}

func newSandboxUp() *cobra.Command {
	options := sandbox.Options{}
	group := sandbox.NodeGroup{}
	var manager, manifests bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Bring a sandbox up and return when all of it answers",
		Example: `  fairlead sandbox up --name lab --nodes 20 --node-cpu 128 --node-memory 512Gi --kubeconfig lab.kubeconfig
  export KUBECONFIG=lab.kubeconfig`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options.Nodes = []sandbox.NodeGroup{group}
			if !cmd.Flags().Changed("manifests") {
				manifests = manager
			}
			options.WithoutManager, options.WithoutManifests = !manager, !manifests
			options.Output = cmd.ErrOrStderr()
			cluster, err := sandbox.Up(cmd.Context(), options)
			if err != nil {
				return err
			}
			return printUp(cmd.OutOrStdout(), cluster, manager && manifests)
		},
	}
	nameFlag(cmd, &options.Name)
	nodeFlags(cmd, &group, 5)
	cmd.Flags().StringVar(&options.Kubeconfig, "kubeconfig", "", "write an administrator's kubeconfig to this file")
	cmd.Flags().IntVar(&options.Port, "port", 0, "port of kube-apiserver on 127.0.0.1 (default any free one)")
	cmd.Flags().BoolVar(&manager, "manager", true, "run Fairlead; --manager=false leaves it out: a plain Kubernetes")
	cmd.Flags().BoolVar(&manifests, "manifests", true, "install CRDs, RBAC and policies (default as --manager); with --manager=false, to run a manager by hand")
	cmd.Flags().StringVar(&options.ManagerConfig, "manager-config", "", "configuration file for the manager")
	return cmd
}

// printUp tells a person what to do with the new sandbox.
func printUp(out io.Writer, c *sandbox.Cluster, manager bool) error {
	text := fmt.Sprintf("\nSandbox %q is up.\n  use it:       export KUBECONFIG=%s\n  audit log:    %s\n", c.Name, c.Kubeconfig, c.AuditLog)
	if manager {
		text += fmt.Sprintf("  manager log:  %s\n  metrics:      %s\n", c.ManagerLog, c.ManagerMetrics)
	}
	_, err := fmt.Fprintf(out, "%s  remove it:    fairlead sandbox down --name %s\n", text, c.Name)
	return err
}

func newSandboxDown() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "down",
		Short: "End every process of a sandbox and remove it",
		Long: `End every process of a sandbox and remove its state, whether it is whole, was
killed while it came up, or died. With nothing to remove it says so and succeeds.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := sandbox.Down(cmd.Context(), name)
			if errors.Is(err, sandbox.ErrNotFound) {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), err)
				return err
			}
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "Sandbox %q is removed; none of its processes is left.\n", name)
			return err
		},
	}
	nameFlag(cmd, &name)
	return cmd
}

func newSandboxList() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show the sandboxes of this user",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "table" && output != "json" {
				return fmt.Errorf("--output %q: use table or json", output)
			}
			all, err := sandbox.List(cmd.Context())
			if err != nil {
				return err
			}
			if output == "json" {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(append([]sandbox.Status{}, all...)) // [] rather than null
			}
			return printList(cmd.OutOrStdout(), all)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return cmd
}

// printList prints a table, and below it a remedy for what is not whole.
func printList(out io.Writer, all []sandbox.Status) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "No sandboxes. `fairlead sandbox up` makes one.")
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(table, "NAME\tSTATE\tNODES\tAGE\tMANAGER\tKUBECONFIG")
	for _, s := range all {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\n", s.Name, s.Condition, s.Nodes,
			duration.HumanDuration(s.Age), s.Manager, s.Kubeconfig)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, s := range all {
		if s.Remedy != "" {
			if _, err := fmt.Fprintf(out, "%s is %s: %s\n", s.Name, s.Condition, s.Remedy); err != nil {
				return err
			}
		}
	}
	return nil
}

func newSandboxAddNodes() *cobra.Command {
	var name string
	group := sandbox.NodeGroup{}
	cmd := &cobra.Command{
		Use:     "add-nodes",
		Short:   "Add simulated nodes to a sandbox",
		Example: `  fairlead sandbox add-nodes --name lab --nodes 4 --node-prefix gpu --node-label gpu=a100 --node-resource nvidia.com/gpu=8`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cluster, err := sandbox.Open(name)
			if err != nil {
				return err
			}
			names, err := cluster.AddNodes(cmd.Context(), group)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d nodes added: %v\n", len(names), names)
			return err
		},
	}
	nameFlag(cmd, &name)
	nodeFlags(cmd, &group, 1)
	return cmd
}

func newSandboxManager() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:       "manager start|stop|kill|restart",
		Short:     "Start, stop, kill (SIGKILL) or restart the manager of a sandbox",
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"start", "stop", "kill", "restart"},
		RunE: func(cmd *cobra.Command, args []string) error {
			cluster, err := sandbox.Open(name)
			if err != nil {
				return err
			}
			act := map[string]func() error{
				"start":   func() error { return cluster.StartManager(cmd.Context()) },
				"stop":    func() error { return cluster.StopManager(cmd.Context()) },
				"kill":    func() error { return cluster.KillManager(cmd.Context()) },
				"restart": func() error { return cluster.RestartManager(cmd.Context()) },
			}
			began := time.Now()
			if err := act[args[0]](); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "manager %s: done in %.1f s\n", args[0], time.Since(began).Seconds())
			return err
		},
	}
	nameFlag(cmd, &name)
	return cmd
}

func newSandboxBuild() *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "Compile the sandbox's programs into the cache, if they are not there",
		Long: `Compile kube-apiserver, etcd, kubectl, kwok and the rest into the cache, if they
are not there, and print the two directories they are in. The first is what
KUBEBUILDER_ASSETS wants. "up" does the same by itself.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			programs, err := sandbox.Binaries(cmd.Context(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n%s\n", programs.ControlPlane, programs.Kwok)
			return err
		},
	}
}

func newSandboxKeep() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:    "keep",
		Short:  "Renew the token of a sandbox's manager until the sandbox is gone",
		Hidden: true, // `up` starts it
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return sandbox.Keep(cmd.Context(), name, cmd.ErrOrStderr())
		},
	}
	nameFlag(cmd, &name)
	return cmd
}
