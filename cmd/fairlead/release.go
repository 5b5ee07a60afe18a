package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"fairlead.dev/fairlead/internal/policies/release"
)

// releaseFlags are the flags of `fairlead release`.
type releaseFlags struct {
	kubeconfig  string
	all         bool
	dryRun, yes bool
	options     release.Options
}

// newReleaseCommand is `fairlead release`.
func newReleaseCommand() *cobra.Command {
	var flags releaseFlags
	cmd := &cobra.Command{
		Use:   "release --all",
		Short: "Free everything that Fairlead holds, before it is uninstalled",
		Long: `Free everything that Fairlead holds, before it is uninstalled:

  1. remove its admission policies, so that new Jobs start by themselves;
  2. take every suspended Job out of its queue, take back what an earlier
     admission added to its template, and start it;
  3. take Fairlead's finalizers off queues and flavors.

Jobs that run are left alone. Jobs that somebody holds (spec.active: false on
their Workload) stay suspended, unless --held is given. With --namespace only
step 2 is done, for that namespace.

It may be repeated: a second run does what a first left undone. Stop the manager
first, or it may put its finalizers back.`,
		Example: `  kubectl -n fairlead-system scale deployment fairlead-manager --replicas 0
  fairlead release --all --dry-run
  fairlead release --all
  kubectl delete -k config/default`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runRelease(cmd, flags)
		},
	}
	cmd.Flags().BoolVar(&flags.all, "all", false, "release everything that waits (required)")
	cmd.Flags().StringVarP(&flags.options.Namespace, "namespace", "n", "", "only the Jobs of this namespace; policies and finalizers stay")
	cmd.Flags().BoolVar(&flags.options.Held, "held", false, "also start Jobs that somebody holds")
	cmd.Flags().StringSliceVar(&flags.options.LabelAliases, "label-alias", nil, "label prefix whose queue labels count too; those of installed policies are known (may be repeated)")
	cmd.Flags().DurationVar(&flags.options.Timeout, "timeout", time.Minute, "how long to go on without progress")
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "only tell what would be done")
	cmd.Flags().BoolVar(&flags.yes, "yes", false, "do not ask")
	cmd.Flags().StringVar(&flags.kubeconfig, "kubeconfig", "", "kubeconfig file (default $KUBECONFIG, then ~/.kube/config)")
	return cmd
}

// runRelease surveys, asks and releases.
func runRelease(cmd *cobra.Command, flags releaseFlags) error {
	if !flags.all {
		return errors.New("nothing is released without --all: it frees everything that waits (see it first with --all --dry-run)")
	}
	if flags.options.Timeout <= 0 {
		return fmt.Errorf("--timeout %v: give a time above 0, for example 1m", flags.options.Timeout)
	}
	out := cmd.OutOrStdout()
	flags.options.Output = out
	c, host, err := connect(flags.kubeconfig)
	if err != nil {
		return err
	}
	plan, err := release.Survey(cmd.Context(), c, flags.options)
	if err != nil {
		return fmt.Errorf("cannot see what is to be released on %s: %w", host, err)
	}
	printPlan(out, host, plan, flags.options)
	if flags.dryRun {
		_, err := fmt.Fprintln(out, "Nothing was changed (--dry-run).")
		return err
	}
	if !flags.yes {
		if err := confirm(cmd.Context(), cmd.InOrStdin(), out); err != nil {
			return err
		}
	}
	summary, err := release.Run(cmd.Context(), c, plan, flags.options)
	printSummary(out, plan, summary, flags.options)
	return err
}

// connect returns a client for the cluster of a kubeconfig, and the cluster's
// address.
func connect(kubeconfig string) (client.Client, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	cfg, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("no cluster to talk to: %w: give --kubeconfig FILE or set KUBECONFIG", err)
	}
	cfg.QPS, cfg.UserAgent = -1, "fairlead/"+version
	log.SetLogger(logr.Discard()) // or the client complains of having none
	scheme, err := release.Scheme()
	if err != nil {
		return nil, "", err
	}
	c, err := client.New(cfg, client.Options{Scheme: scheme})
	if err != nil {
		return nil, "", fmt.Errorf("cluster %s: %w", cfg.Host, err)
	}
	return c, cfg.Host, nil
}

// printPlan tells what is about to happen.
func printPlan(out io.Writer, host string, plan *release.Plan, options release.Options) {
	where := "Cluster " + host
	if options.Namespace != "" {
		where = "Namespace " + options.Namespace + " of cluster " + host
	}
	lines := []string{where + ":"}
	if options.Namespace == "" {
		lines = append(lines, fmt.Sprintf("  %d policies and bindings to remove", len(plan.Policies)))
	}
	lines = append(lines, fmt.Sprintf("  %d suspended Jobs to take out of their queues and start", plan.Waiting))
	if plan.Held > 0 {
		lines = append(lines, fmt.Sprintf("  %d Jobs held by their Workload, to leave suspended (--held starts them too)", plan.Held))
	}
	lines = append(lines, fmt.Sprintf("  %d running Jobs to leave alone", plan.Running))
	if options.Namespace == "" {
		lines = append(lines, fmt.Sprintf("  %d queues and flavors to free of finalizers", plan.Finalizers))
	}
	if len(plan.Aliases) > 0 {
		lines = append(lines, "  label aliases: "+strings.Join(plan.Aliases, ", "))
	}
	if plan.Manager != "" {
		lines = append(lines, fmt.Sprintf("A manager is running (%s). It goes on to admit Jobs and may put its finalizers back.\n"+
			"To stop it first: kubectl -n fairlead-system scale deployment fairlead-manager --replicas 0", plan.Manager))
	}
	_, _ = fmt.Fprintln(out, strings.Join(lines, "\n"))
}

// confirm asks the person at the terminal.
func confirm(ctx context.Context, in io.Reader, out io.Writer) error {
	if file, ok := in.(*os.File); ok && !term.IsTerminal(int(file.Fd())) {
		return errors.New("there is no terminal to ask: add --yes to go on, or --dry-run to look only; nothing was changed")
	}
	_, _ = fmt.Fprint(out, "Jobs that start cannot be put back. Type yes to go on: ")
	answer := make(chan string, 1)
	go func() {
		line, err := bufio.NewReader(in).ReadString('\n')
		if err != nil {
			line = ""
		}
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case said := <-answer:
		if said != "yes" {
			return fmt.Errorf("the answer was %q, not \"yes\": nothing was changed", said)
		}
		return nil
	}
}

// printSummary tells what has happened, and what comes next.
func printSummary(out io.Writer, plan *release.Plan, done release.Summary, options release.Options) {
	lines := []string{fmt.Sprintf("%d policies and bindings removed, %d Jobs started, %d running Jobs left alone, %d finalizers removed.",
		done.Policies, done.Started, done.Running, done.Finalizers)}
	if done.Placed > 0 {
		lines = append(lines, fmt.Sprintf("%d of the started Jobs keep the node selector and tolerations of their last admission: their old pods were not gone in time.", done.Placed))
	}
	if len(done.Held) > 0 {
		lines = append(lines, fmt.Sprintf("%d held Jobs stay suspended:", len(done.Held)))
		for i, name := range done.Held {
			if i == 10 {
				lines = append(lines, fmt.Sprintf("  and %d more", len(done.Held)-i))
				break
			}
			lines = append(lines, "  "+name.String())
		}
		lines = append(lines, "To start them too, run this again with --held.")
	}
	if plan.Manager != "" && options.Namespace == "" {
		lines = append(lines, "A manager was running: stop it and run this again before you delete the CRDs.")
	}
	_, _ = fmt.Fprintln(out, strings.Join(lines, "\n"))
}
