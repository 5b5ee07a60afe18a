// Command demo shows Fairlead's main job on a real Kubernetes and lets a
// separate observer judge it.
//
//	demo run --> sandbox, load --> demo observe (its own process) --> verdict, report
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The exit statuses, as `make` and scripts see them.
const (
	passed      = 0
	failed      = 1 // the verdict is a fail
	broken      = 2 // there is no verdict
	interrupted = 130
)

var version = "unknown" // set by the linker

const usage = `demo shows two groups sharing one cluster under Fairlead.

  demo run      bring a cluster up, run the acts, judge, draw the report
  demo observe  record Jobs and Pods until the input ends, then judge
  demo judge    judge a recording again
  demo report   draw the report of a recording again
  demo submit   submit Jobs to a demo cluster that was kept

demo COMMAND --help lists a command's flags.
`

func main() { os.Exit(command(os.Args[1:])) }

// command runs a subcommand and returns the exit status.
func command(args []string) int {
	commands := map[string]func(context.Context, []string) (bool, error){
		"run": runDemo, "observe": observe, "judge": judge, "report": drawReport, "submit": submit,
	}
	if len(args) == 0 || args[0] == "--help" || args[0] == "-h" || args[0] == "help" {
		fmt.Print(usage)
		return passed
	}
	if args[0] == "--version" {
		fmt.Println(version)
		return passed
	}
	do, ok := commands[args[0]]
	if !ok {
		fmt.Fprintf(os.Stderr, "demo: there is no command %q\n\n%s", args[0], usage)
		return broken
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal ends the run in order; the second ends it at once.
	context.AfterFunc(ctx, stop)
	pass, err := do(ctx, args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		return passed
	case err != nil && ctx.Err() != nil:
		fmt.Fprintf(os.Stderr, "demo %s: interrupted: %v\n", args[0], err)
		return interrupted
	case err != nil:
		fmt.Fprintf(os.Stderr, "demo %s: %v\n", args[0], err)
		return broken
	case !pass:
		return failed
	}
	return passed
}

// flags makes a flag set that explains a command.
func flags(name, about string) *flag.FlagSet {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.Usage = func() {
		fmt.Fprintf(set.Output(), "demo %s: %s\n\n", name, about)
		set.PrintDefaults()
	}
	return set
}

// parse reads flags and refuses arguments, which no command takes.
func parse(set *flag.FlagSet, args []string) error {
	if err := set.Parse(args); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			return fmt.Errorf("%w; see demo %s --help", err, set.Name())
		}
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("argument %q is not known; see demo %s --help", set.Arg(0), set.Name())
	}
	return nil
}

// closeWith closes c and keeps the first error.
func closeWith(c io.Closer, err *error) {
	if closeErr := c.Close(); *err == nil {
		*err = closeErr
	}
}
