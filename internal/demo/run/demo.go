package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"fairlead.dev/fairlead/internal/demo/live"
	"fairlead.dev/fairlead/internal/demo/load"
	"fairlead.dev/fairlead/internal/demo/observer"
	"fairlead.dev/fairlead/internal/demo/report"
	"fairlead.dev/fairlead/internal/sandbox"
)

// SandboxName is the demo's sandbox.
const SandboxName = "demo"

// Options say how to run the demo.
type Options struct {
	// Dir receives the recording, the verdict and the report.
	Dir string
	// Keep leaves the cluster running and prints things to try.
	Keep   bool
	Screen *live.Screen
	// Observer is the binary with the subcommand observe: this one.
	Observer string
}

// loadDeadline bounds the eight acts; they take about two minutes.
const loadDeadline = 4 * time.Minute

// Demo runs the whole demo and says whether the observer's verdict is a pass.
func Demo(ctx context.Context, o Options) (pass bool, err error) {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return false, fmt.Errorf("making the directory for the demo's files: %w", err)
	}
	began := time.Now()
	cluster, err := sandbox.Up(ctx, sandbox.Options{
		Name:       SandboxName,
		Nodes:      []sandbox.NodeGroup{{Count: 5, CPU: "20", Memory: "64Gi"}},
		Kubeconfig: Kubeconfig(o.Dir, "admin"),
		Output:     o.Screen,
	})
	if errors.Is(err, sandbox.ErrRunning) {
		return false, fmt.Errorf("%w\n  an earlier `make demo KEEP=1` has left it", err)
	}
	if err != nil {
		return false, err
	}
	defer func() {
		if o.Keep && err == nil {
			return
		}
		o.Screen.Say("Taking the cluster down.")
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, cluster.Down(cleanup))
		o.Screen.Say("Done after %.0f s.", time.Since(began).Seconds())
	}()
	verdict, err := play(ctx, o, cluster)
	if err != nil {
		return false, err
	}
	if o.Keep {
		if err := suggest(ctx, o); err != nil {
			return false, err
		}
	}
	return verdict.Pass, nil
}

// play runs the load on the cluster and writes the report.
func play(ctx context.Context, o Options, cluster *sandbox.Cluster) (*observer.Verdict, error) {
	admin, err := cluster.RESTConfig()
	if err != nil {
		return nil, err
	}
	stage := &Stage{
		Admin: admin, Site: load.DemoSite(), Rules: DemoRules(), Acts: load.Demo(),
		Dir: o.Dir, Observer: o.Observer, Deadline: loadDeadline,
		Show: o.Screen.Show,
	}
	o.Screen.Say("The cluster is up: 5 nodes of 20 cores. Cohort wlcg: usatlas owns 60 cores, osg 40; each may borrow what the other leaves idle.")
	verdict, err := stage.Perform(ctx)
	o.Screen.Keep()
	if verdict == nil {
		return nil, err
	}
	if err != nil {
		o.Screen.Say("%v", err) // late: the verdict says the rest
	}
	_, _ = verdict.WriteText(o.Screen)
	if err := report.WriteFiles(o.Dir); err != nil {
		return nil, err
	}
	o.Screen.Say("\nReport: %s   picture: %s   what was recorded: %s",
		filepath.Join(o.Dir, report.HTMLFile), filepath.Join(o.Dir, report.PNGFile), filepath.Join(o.Dir, RecordingFile))
	return verdict, nil
}

// DemoRules are the rules that the demo's observer judges by.
func DemoRules() *observer.Rules {
	rules := load.DemoSite().Rules()
	rules.Expect, rules.Gangs, rules.Reclaims = load.Expectations(), load.Gangs(), load.Reclaims()
	rules.Split = &observer.SplitRule{
		Tolerance: 0.05, RunningTolerance: 0.05, MinimumFill: 0.9,
		Settle: observer.Seconds(5 * time.Second), Minimum: observer.Seconds(4 * time.Second),
	}
	return rules
}
