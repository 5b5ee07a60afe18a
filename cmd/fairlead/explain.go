package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	nodev1 "k8s.io/api/node/v1"
	"k8s.io/client-go/tools/clientcmd"

	"fairlead.dev/fairlead/internal/explain"
	"fairlead.dev/fairlead/pkg/admission"
)

// explainFlags are the flags of `fairlead explain`.
type explainFlags struct {
	kubeconfig, output string
	options            explain.Options
}

// newExplainCommand is `fairlead explain`.
func newExplainCommand() *cobra.Command {
	var flags explainFlags
	cmd := &cobra.Command{
		Use:   "explain [job/]NAME | workload/NAME",
		Short: "Why a job waits, and when it is likely to start",
		Long: `Why a job waits, and when it is likely to start: its place in the queue, what is
missing, who would have to end, and the start as it is planned and as it is
likely.

The state of the cluster is read with your rights and run forward in the
scheduler's own engine; the manager is not asked and nothing is written. To see
when, you need to be allowed to list ClusterQueues and Workloads in the whole
cluster (ClusterRole fairlead-batch-viewer). With rights in the namespace alone
you are told what the manager has written of the job.`,
		Example: `  fairlead explain fit-17 -n atlas
  fairlead explain workload/job-fit-17-1g2h3 -n atlas --output json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runExplain(cmd, &flags, args[0])
		},
	}
	cmd.Flags().StringVarP(&flags.options.Namespace, "namespace", "n", "", "namespace of the job (default that of the kubeconfig)")
	cmd.Flags().StringVarP(&flags.output, "output", "o", "text", "text or json")
	cmd.Flags().DurationVar(&flags.options.AssumedLimit, "assume-limit", time.Duration(admission.DefaultLimit), "how long Workloads without maximum execution time may run")
	cmd.Flags().IntVar(&flags.options.Samples, "samples", 0, "how many futures are drawn (default 20 to 100, the fewer the larger the cluster)")
	cmd.Flags().Uint64Var(&flags.options.Seed, "seed", 1, "decides the futures that are drawn")
	cmd.Flags().StringVar(&flags.kubeconfig, "kubeconfig", "", "kubeconfig file (default $KUBECONFIG, then ~/.kube/config)")
	return cmd
}

func runExplain(cmd *cobra.Command, flags *explainFlags, target string) error {
	kind, name, given := strings.Cut(target, "/")
	if !given {
		kind, name = "job", target
	}
	o := &flags.options
	if o.Kind, o.Name = explain.Kinds[strings.ToLower(kind)], name; o.Kind == "" || name == "" || strings.Contains(name, "/") {
		return fmt.Errorf("%q: write job/NAME or workload/NAME", target)
	}
	switch {
	case !slices.Contains([]string{"text", "json"}, flags.output):
		return fmt.Errorf("--output %q: use text or json", flags.output)
	case o.AssumedLimit <= 0:
		return fmt.Errorf("--assume-limit %v: give a time above 0s, for example 24h", o.AssumedLimit)
	case o.Samples < 0 || o.Samples > 10_000:
		return fmt.Errorf("--samples %d: give a number from 1 to 10000", o.Samples)
	}
	c, _, err := connect(flags.kubeconfig)
	if err != nil {
		return err
	}
	if err := nodev1.AddToScheme(c.Scheme()); err != nil {
		return fmt.Errorf("register kinds: %w", err)
	}
	if o.Namespace == "" {
		if o.Namespace, err = namespaceOf(flags.kubeconfig); err != nil {
			return err
		}
	}
	now := time.Now()
	report, err := explain.Explain(cmd.Context(), c, *o, now)
	if err != nil {
		return err
	}
	if flags.output == "json" {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetIndent("", "  ")
		return encoder.Encode(report)
	}
	return report.WriteText(cmd.OutOrStdout(), now)
}

// namespaceOf is the namespace of a kubeconfig's current context.
func namespaceOf(kubeconfig string) (string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	namespace, _, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).Namespace()
	if err != nil {
		return "", fmt.Errorf("the namespace of the kubeconfig: %w", err)
	}
	return namespace, nil
}
