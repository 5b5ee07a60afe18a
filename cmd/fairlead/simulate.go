package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"fairlead.dev/fairlead/internal/simulate"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// simulateFlags are the flags of `fairlead simulate`.
type simulateFlags struct {
	generator, trace, format, queueBy string
	jobs                              int
	seed                              uint64
	load                              float64
	cores                             int64
	queues, compare, backfill         string
	output, outputFile                string
	resource, decisionLog             string
	grace                             time.Duration
	record, replay                    string
	quiet, printQueues, fromCluster   bool
	kubeconfig                        string
	assumeRun                         time.Duration
	begin                             time.Time
	estimates, estimateSamples        int
}

// newSimulateCommand is `fairlead simulate`.
func newSimulateCommand() *cobra.Command {
	var flags simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "What would happen to these jobs in these queues?",
		Long: `Run the scheduler that the manager runs under a virtual clock: weeks of jobs in
seconds. Jobs come from a generator or a trace, queues from manifests. Nothing
is changed anywhere.

Without --queues a facility of 5,000 cores is simulated (--print-queues shows
it); for a trace, queues are made from it.`,
		Example: `  fairlead simulate --generator hep --jobs 100000 --seed 7
  fairlead simulate --trace log.swf --queues queues.yaml --output html --output-file report.html
  fairlead simulate --generator lublin --load 1.1 --queues now.yaml --compare other.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSimulate(cmd, &flags) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.generator, "generator", "", "make jobs up: hep (pilots and analysis of a physics facility) or lublin (parallel jobs, Lublin and Feitelson's model); default hep")
	f.StringVar(&flags.trace, "trace", "", "read jobs from this file; - is standard input")
	f.StringVar(&flags.format, "format", "", "format of the trace: swf or jsonl (default by the file's name)")
	f.StringVar(&flags.queueBy, "queue-by", string(trace.ByGroup), "field of an SWF trace that tells a job's queue: group, queue, user or partition")
	f.IntVar(&flags.jobs, "jobs", 0, "how many jobs to make up (default 10000), or to read at most")
	f.Uint64Var(&flags.seed, "seed", 1, "seed of the generator: the same seed, the same jobs")
	f.Float64Var(&flags.load, "load", 0, "scale the times between submissions so that the work offered is this part of what all cores can do (default 0.9 for a generator, as it is for a trace)")
	f.Int64Var(&flags.cores, "cores", 0, "cores of the machine, where queues are made for a trace (default as the trace says)")
	f.StringVar(&flags.queues, "queues", "", "file of manifests: ResourceFlavors, Cohorts, ClusterQueues, LocalQueues, Reservations (see --begin), and a Configuration to set fairSharing")
	f.BoolVar(&flags.fromCluster, "from-cluster", false, "begin with the queues and Workloads of the cluster of the kubeconfig; --generator and --trace add jobs to come, --queues and --compare other queues")
	f.StringVar(&flags.kubeconfig, "kubeconfig", "", "kubeconfig file for --from-cluster (default $KUBECONFIG, then ~/.kube/config)")
	f.DurationVar(&flags.assumeRun, "assume-run", time.Hour, "with --from-cluster: how long Workloads without maximum execution time run")
	f.Var(&clock{&flags.begin}, "begin", "when the jobs begin, for the windows of Reservations: a date and time such as 2026-11-23T08:00:00Z (default now with --from-cluster)")
	f.StringVar(&flags.compare, "compare", "", "second file of manifests: the same jobs in both, side by side")
	f.StringVar(&flags.backfill, "backfill", "", "plan the starts of large jobs in all queues, whatever their manifests say: None, EASY (the first that waits in each queue holds a reservation) or Conservative (the first hundred do); run-time limits are those of the jobs")
	f.StringVarP(&flags.output, "output", "o", "text", "text, json, html (a page that loads nothing else) or png (a picture of how many jobs wait)")
	f.StringVar(&flags.outputFile, "output-file", "", "write the report to this file (default standard output)")
	f.StringVar(&flags.resource, "resource", "cpu", "the resource that use and shares are counted in")
	f.DurationVar(&flags.grace, "grace", 30*time.Second, "how long the pods of an evicted job take to end")
	f.IntVar(&flags.estimates, "estimates", 0, "let so many of the jobs ask, as they are submitted, when they will start, and tell how good the answers were")
	f.IntVar(&flags.estimateSamples, "estimate-samples", 20, "how many futures are drawn for each answer")
	f.StringVar(&flags.decisionLog, "decision-log", "", "write each decision to this file; with --compare, the second set's to FILE.2")
	f.StringVar(&flags.record, "record", "", "record what the engine is told to this file, as a manager does that is so configured; with --compare, the second set's to FILE.2")
	f.StringVar(&flags.replay, "replay", "", "decide again what a manager (configuration: recording) or --record has recorded, and compare; with --decision-log, write it down")
	f.BoolVar(&flags.printQueues, "print-queues", false, "print the manifests of the default facility and do nothing else")
	f.BoolVarP(&flags.quiet, "quiet", "q", false, "show no progress")
	return cmd
}

// clock is a flag that is a time.
type clock struct{ at *time.Time }

func (c *clock) String() string {
	if c.at == nil || c.at.IsZero() {
		return ""
	}
	return c.at.Format(time.RFC3339)
}

func (c *clock) Type() string { return "time" }

func (c *clock) Set(text string) error {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.Unix() <= 0 {
		return fmt.Errorf("%q is no time after 1970: write it like 2026-11-23T08:00:00Z or 2026-11-23T08:00:00-05:00", text)
	}
	*c.at = at
	return nil
}

// backfills are the ways to plan; "" leaves it to the manifests.
var backfills = []string{"", "None", "EASY", "Conservative"}

// outputs are the forms of the report.
var outputs = []string{"text", "json", "html", "png"}

// validate refuses what does not go together.
func (f *simulateFlags) validate() error {
	switch {
	case f.replay != "" && (f.generator != "" || f.trace != "" || f.queues != "" || f.compare != "" || f.record != ""):
		return errors.New("--replay needs nothing else: the recording has queues and jobs; only --decision-log and --output go with it")
	case f.assumeRun <= 0:
		return fmt.Errorf("--assume-run %v: give a time above 0s, for example 1h", f.assumeRun)
	case f.generator != "" && f.trace != "":
		return errors.New("--generator and --trace: give one of them")
	case !slices.Contains(outputs, f.output):
		return fmt.Errorf("--output %q: use text, json, html or png", f.output)
	case !slices.Contains(backfills, f.backfill):
		return fmt.Errorf("--backfill %q: use %s", f.backfill, strings.Join(backfills[1:], ", "))
	case f.jobs < 0:
		return fmt.Errorf("--jobs %d: give a number above 0", f.jobs)
	case f.load < 0:
		return fmt.Errorf("--load %g: give a number above 0, for example 0.9", f.load)
	case f.grace < 0:
		return fmt.Errorf("--grace %v: give a time from 0s", f.grace)
	case f.estimates < 0 || f.estimateSamples < 1:
		return errors.New("--estimates and --estimate-samples: give numbers from 1")
	case f.fromCluster && !f.begin.IsZero():
		return errors.New("--begin is for generators and traces: with --from-cluster the jobs begin now")
	case f.cores < 0 || f.cores > 1<<40:
		return fmt.Errorf("--cores %d: give a number from 1", f.cores)
	case f.cores > 0 && (f.trace == "" || f.queues != ""):
		return errors.New("--cores is for queues made for a trace: use it with --trace and without --queues")
	case f.trace == "" && f.format != "":
		return errors.New("--format is for --trace")
	}
	return nil
}

func runSimulate(cmd *cobra.Command, flags *simulateFlags) error {
	if err := flags.validate(); err != nil {
		return err
	}
	if flags.printQueues {
		_, err := cmd.OutOrStdout().Write(simulate.DefaultManifest())
		return err
	}
	if flags.replay != "" {
		return runReplay(cmd, flags)
	}
	jobs, sets, source, err := flags.inputs(cmd)
	if err != nil {
		return err
	}
	report := &simulate.Report{Jobs: source}
	for i, set := range sets {
		scenario, err := flags.simulate(cmd, i, set, jobs)
		if err != nil {
			return err
		}
		report.Scenarios = append(report.Scenarios, scenario)
	}
	return flags.write(cmd.OutOrStdout(), report)
}

// inputs reads or makes jobs and queues.
func (f *simulateFlags) inputs(cmd *cobra.Command) (jobs *trace.Trace, sets []*simulate.QueueSet, source string, err error) {
	if f.fromCluster {
		return f.clusterInputs(cmd)
	}
	if f.trace != "" {
		if jobs, err = f.readTrace(cmd.InOrStdin()); err != nil {
			return nil, nil, "", fmt.Errorf("trace %s: %w", f.trace, err)
		}
		jobs.Limit(f.jobs)
		source = "trace " + f.trace
	}
	var set *simulate.QueueSet
	switch {
	case f.queues != "":
		set, err = simulate.LoadQueues(f.queues)
	case jobs != nil:
		set, err = simulate.QueuesFor(jobs, f.cores*1000)
	default:
		set, err = simulate.DefaultQueues()
	}
	if err != nil {
		return nil, nil, "", err
	}
	if jobs == nil {
		source, jobs, err = f.generate(set)
	} else if f.load > 0 && !jobs.ScaleTo(f.load, int64(set.Capacity())) {
		err = errors.New("--load: the jobs of the trace have no work, or are all submitted at once: there is nothing to scale")
	}
	if err != nil {
		return nil, nil, "", err
	}
	sets, err = f.withCompared(set)
	return jobs, sets, source, err
}

// withCompared adds the set to compare with.
func (f *simulateFlags) withCompared(set *simulate.QueueSet) ([]*simulate.QueueSet, error) {
	sets := []*simulate.QueueSet{set}
	if f.compare != "" {
		other, err := simulate.LoadQueues(f.compare)
		if err != nil {
			return nil, err
		}
		sets = append(sets, other)
	}
	return sets, nil
}

func (f *simulateFlags) generate(set *simulate.QueueSet) (source string, jobs *trace.Trace, err error) {
	generator, n, load := f.generator, f.jobs, f.load
	if generator == "" {
		generator = "hep"
	}
	if n == 0 {
		n = 10_000
	}
	if load == 0 {
		load = 0.9
	}
	jobs, err = simulate.Generate(generator, set, n, f.seed, load)
	return fmt.Sprintf("generator %s, seed %d", generator, f.seed), jobs, err
}

func (f *simulateFlags) readTrace(stdin io.Reader) (*trace.Trace, error) {
	format := f.format
	if format == "" {
		switch filepath.Ext(f.trace) {
		case ".swf":
			format = "swf"
		case ".jsonl", ".ndjson":
			format = "jsonl"
		default:
			return nil, fmt.Errorf("its name does not tell its format: add --format %s", strings.Join(simulate.Formats, " or --format "))
		}
	}
	if f.trace == "-" {
		return simulate.ReadTrace(stdin, format, trace.QueueField(f.queueBy))
	}
	file, err := os.Open(f.trace)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return simulate.ReadTrace(file, format, trace.QueueField(f.queueBy))
}

// simulate runs one set.
func (f *simulateFlags) simulate(cmd *cobra.Command, n int, set *simulate.QueueSet, jobs *trace.Trace) (*simulate.Scenario, error) {
	if f.backfill != "" {
		set = set.WithBackfill(admission.BackfillMode(f.backfill))
	}
	options := simulate.Options{Resource: f.resource, Grace: f.grace, Begin: f.begin, Estimates: f.estimates, EstimateSamples: f.estimateSamples}
	if !f.quiet {
		progress := newProgress(cmd.ErrOrStderr(), len(jobs.Jobs))
		options.Progress = progress.show
		defer progress.clear()
	}
	closeLog, err := create("--decision-log", numbered(f.decisionLog, n), &options.DecisionLog)
	if err != nil {
		return nil, err
	}
	closeRecording, err := create("--record", numbered(f.record, n), &options.Recording)
	if err != nil {
		return nil, errors.Join(err, closeLog())
	}
	scenario, err := simulate.Run(set, jobs, options)
	return scenario, errors.Join(err, closeLog(), closeRecording())
}

// numbered is the path for a scenario's own file; empty stays empty.
func numbered(path string, n int) string {
	if path == "" || n == 0 {
		return path
	}
	return fmt.Sprintf("%s.%d", path, n+1)
}

// create makes a file that a flag asks for and lets w write to it; without a
// path it does nothing.
func create(flag, path string, w *io.Writer) (done func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	*w = file
	return func() error {
		if err := file.Close(); err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
		return nil
	}, nil
}

// write writes the report where it is wanted.
func (f *simulateFlags) write(out io.Writer, report *simulate.Report) error {
	write := map[string]func(io.Writer, *simulate.Report) error{
		"text": simulate.WriteText, "json": simulate.WriteJSON, "html": simulate.WriteHTML, "png": simulate.WritePicture,
	}[f.output]
	done, err := create("--output-file", f.outputFile, &out)
	if err != nil {
		return err
	}
	return errors.Join(write(out, report), done())
}
