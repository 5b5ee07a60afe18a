package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "unknown"

// exitInterrupted is the shell's status for a program ended by Ctrl-C.
const exitInterrupted = 130

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newRootCommand().ExecuteContext(ctx)
	interrupted := ctx.Err() != nil
	stop()
	if err == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "fairlead: %v\n", err)
	if interrupted && errors.Is(err, context.Canceled) {
		os.Exit(exitInterrupted)
	}
	os.Exit(1)
}

// newRootCommand is `fairlead` with every subcommand. Add yours here.
func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "fairlead",
		Short:         "Fairlead queues jobs of groups that share a Kubernetes cluster",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(
		newExplainCommand(),
		newReleaseCommand(),
		newSandboxCommand(),
		newSimulateCommand(),
	)
	return root
}
