// Command manager is Fairlead's controller: it admits queued jobs on a
// Kubernetes cluster. This file only wires; see docs/architecture.md.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	_ "time/tzdata" // Reservations name time zones; the image need not know them

	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"

	"fairlead.dev/fairlead/pkg/config"
)

// version is set at link time.
var version = "unknown"

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "manager: %s\n", strings.TrimRight(err.Error(), "\n"))
		os.Exit(1)
	}
}

// run parses the command line and runs the manager until it is told to stop.
func run(args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "policies" {
		return printPolicies(args[1:], stdout, stderr)
	}
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "manager [flags]            admit queued jobs until told to stop")
		fmt.Fprintln(stderr, "manager policies [flags]   print the admission policies as configured")
		flags.PrintDefaults()
	}
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig `file`; without it the service account of the pod, or $KUBECONFIG")
	configFile := flags.String("config", "", "configuration `file` (config.fairlead.dev/v1beta1); without it the defaults")
	showVersion := flags.Bool("version", false, "print the version and exit")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return fmt.Errorf("%w (manager --help lists the flags)", err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: manager takes flags only, or the command policies (manager --help lists the flags)", flags.Arg(0))
	}
	if *showVersion {
		fmt.Fprintln(stdout, "fairlead manager", version)
		return nil
	}
	configuration, err := config.Load(*configFile)
	if err != nil {
		return err
	}
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = *kubeconfig
	restConfig, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return fmt.Errorf("no way to reach the API server: %w: give --kubeconfig FILE, or run in a pod with a service account", err)
	}
	return serve(ctrl.SetupSignalHandler(), restConfig, configuration)
}
