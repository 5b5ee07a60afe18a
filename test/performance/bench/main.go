package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"fairlead.dev/fairlead/test/performance/load"
	"fairlead.dev/fairlead/test/performance/measure"
	"fairlead.dev/fairlead/test/performance/report"
)

// version is set by the linker.
var version = "unknown"

func main() {
	log.SetLogger(logr.Discard()) // the clients' library asks for one
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

// settings are what the command line says.
type settings struct {
	loads       []string
	drivers     []string
	runs        int
	scale       float64
	concurrency int
	output      string
	timeout     time.Duration
	suspension  int
	fairness    bool
}

func (s *settings) validate() error {
	var faults []error
	if s.runs < 1 {
		faults = append(faults, fmt.Errorf("--runs %d: use 1 or more", s.runs))
	}
	if s.scale <= 0 {
		faults = append(faults, fmt.Errorf("--scale %g: use a factor above 0, for example 0.1", s.scale))
	}
	if s.concurrency < 0 {
		faults = append(faults, fmt.Errorf("--concurrency %d: use 1 or more, or 0 to find the best", s.concurrency))
	}
	if s.suspension < 0 {
		faults = append(faults, fmt.Errorf("--suspension %d: use a number of Jobs, or 0 to leave it out", s.suspension))
	}
	for _, name := range s.loads {
		if _, err := load.Find(name); err != nil {
			faults = append(faults, fmt.Errorf("--loads: %w", err))
		}
	}
	for _, name := range s.drivers {
		if d := report.Driver(name); d != report.Floor && d != report.Fairlead {
			faults = append(faults, fmt.Errorf("--drivers %s: use %s, %s or both", name, report.Floor, report.Fairlead))
		}
	}
	return errors.Join(faults...)
}

func newCommand() *cobra.Command {
	s := &settings{}
	cmd := &cobra.Command{
		Use:           "bench",
		Short:         "Measure Fairlead against a driver that makes the same writes and schedules nothing",
		Version:       version,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.validate(); err != nil {
				return err
			}
			_, err := benchmark(cmd.Context(), s, cmd.OutOrStdout())
			return err
		},
	}
	var known []string
	for _, l := range load.Table() {
		known = append(known, l.Name)
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&s.loads, "loads", []string{"J1", "W1"}, "loads to run, of "+strings.Join(known, ", "))
	flags.StringSliceVar(&s.drivers, "drivers", []string{string(report.Floor), string(report.Fairlead)}, "who drives, in turn")
	flags.IntVar(&s.runs, "runs", 3, "runs of each driver, alternating")
	flags.Float64Var(&s.scale, "scale", 1, "multiply the number of objects of each load")
	flags.IntVar(&s.concurrency, "concurrency", 0, "requests in flight; 0 tries 4 to 64 with the floor driver and takes the best")
	flags.StringVar(&s.output, "output", "out/bench", "directory for results.json, results.png and results.svg")
	flags.DurationVar(&s.timeout, "timeout", 30*time.Minute, "give one run up after this time")
	flags.BoolVar(&s.fairness, "fairness", false, "leave kube-apiserver's priority and fairness on")
	flags.IntVar(&s.suspension, "suspension", 0, "also measure how soon this many suspended Jobs, created in one burst, say Suspended")
	return cmd
}

// benchmark runs everything that was asked for and writes the results.
func benchmark(ctx context.Context, s *settings, out io.Writer) (*report.Results, error) {
	results := &report.Results{Taken: time.Now().UTC(), Machine: measure.ReadMachine(ctx)}
	b := &bench{settings: s, out: out, machine: &results.Machine}
	for _, name := range s.loads {
		l, err := load.Find(name)
		if err != nil {
			return nil, err
		}
		result, err := b.load(ctx, l.Scaled(s.scale))
		if err != nil {
			return nil, err
		}
		results.Loads = append(results.Loads, *result)
	}
	if s.suspension > 0 {
		found, err := b.suspension(ctx, s.suspension)
		if err != nil {
			return nil, err
		}
		results.Suspension = found
	}
	return results, write(results, s.output, out)
}

// write puts the results on the terminal and into the output directory.
func write(results *report.Results, dir string, out io.Writer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the output directory: %w", err)
	}
	file := filepath.Join(dir, "results.json")
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write the results: %w", err)
	}
	if err := errors.Join(report.WriteJSON(f, results), f.Close()); err != nil {
		return err
	}
	if err := report.Draw(dir, results); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out)
	if err := report.WriteText(out, results); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "\nwritten to %s: results.json, results.png, results.svg\n", dir)
	return nil
}
