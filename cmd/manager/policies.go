package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"fairlead.dev/fairlead/internal/policies"
	"fairlead.dev/fairlead/pkg/config"
)

// printPolicies is `manager policies`: the admission policies as the
// configuration wants them, to be applied to the cluster.
func printPolicies(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("manager policies", flag.ContinueOnError)
	flags.SetOutput(stderr)
	configFile := flags.String("config", "", "configuration `file` (config.fairlead.dev/v1beta1); without it the defaults")
	validatingOnly := flags.Bool("validating-only", false, "for servers without MutatingAdmissionPolicy (before Kubernetes 1.36)")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return fmt.Errorf("%w (manager policies --help lists the flags)", err)
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: manager policies takes flags only", flags.Arg(0))
	}
	configuration, err := config.Load(*configFile)
	if err != nil {
		return err
	}
	server := policies.Mutating
	if *validatingOnly {
		server = policies.ValidatingOnly
	}
	objects, err := policies.Render(server, policies.ChoicesOf(configuration))
	if err != nil {
		return fmt.Errorf("render the policies: %w", err)
	}
	return policies.Write(stdout, objects)
}
