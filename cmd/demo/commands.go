package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"

	"fairlead.dev/fairlead/internal/demo/live"
	"fairlead.dev/fairlead/internal/demo/load"
	"fairlead.dev/fairlead/internal/demo/observer"
	"fairlead.dev/fairlead/internal/demo/report"
	"fairlead.dev/fairlead/internal/demo/run"
)

// defaultDir is where the demo's files go.
var defaultDir = filepath.Join("out", "demo")

func runDemo(ctx context.Context, args []string) (bool, error) {
	set := flags("run", "bring a cluster up, run the acts, judge, draw the report")
	dir := set.String("dir", defaultDir, "directory for the recording, the verdict and the report")
	keep := set.Bool("keep", false, "leave the cluster running and print things to try")
	if err := parse(set, args); err != nil {
		return false, err
	}
	self, err := os.Executable()
	if err != nil {
		return false, fmt.Errorf("finding this program, which is the observer too: %w", err)
	}
	return run.Demo(ctx, run.Options{Dir: *dir, Keep: *keep, Screen: live.NewScreen(os.Stdout), Observer: self})
}

func observe(ctx context.Context, args []string) (pass bool, err error) {
	set := flags("observe", "record Jobs and Pods until the input ends, then judge")
	kubeconfig := set.String("kubeconfig", "", "how to connect; list and watch on pods and jobs are enough")
	rulesPath := set.String("rules", run.RulesFile, "the rules: groups, quotas, weights")
	recording := set.String("recording", run.RecordingFile, "file to write; must not exist")
	manifest := set.String("manifest", run.ManifestFile, "what the load says it submitted; read at the end")
	verdict := set.String("verdict", run.VerdictFile, "file to write the verdict to")
	if err := parse(set, args); err != nil {
		return false, err
	}
	if err := record(ctx, *kubeconfig, *rulesPath, *recording); err != nil {
		return false, err
	}
	v, err := judgeFiles(*rulesPath, *recording, *manifest)
	if err != nil {
		return false, err
	}
	return v.Pass, writeVerdict(*verdict, v)
}

// record writes a recording until the standard input or ctx ends.
func record(ctx context.Context, kubeconfig, rulesPath, recording string) (err error) {
	rules, err := observer.LoadRules(rulesPath)
	if err != nil {
		return err
	}
	client, config, err := load.Connect(kubeconfig)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(recording, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("making the recording: %w; a recording is never written over", err)
	}
	defer closeWith(file, &err)
	writer, err := observer.NewWriter(file, config.Host)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when whoever started us closes it or dies
		cancel()
	}()
	recorder := &observer.Recorder{Client: client, Rules: rules, Writer: writer}
	return recorder.Run(ctx, func() { fmt.Println(run.Watching) })
}

func judge(_ context.Context, args []string) (bool, error) {
	set := flags("judge", "judge a recording again")
	dir := set.String("dir", defaultDir, "directory with rules, recording and manifest; the verdict goes there too")
	if err := parse(set, args); err != nil {
		return false, err
	}
	v, err := judgeFiles(filepath.Join(*dir, run.RulesFile), filepath.Join(*dir, run.RecordingFile), filepath.Join(*dir, run.ManifestFile))
	if err != nil {
		return false, err
	}
	if _, err := v.WriteText(os.Stdout); err != nil {
		return false, fmt.Errorf("printing the verdict: %w", err)
	}
	return v.Pass, writeVerdict(filepath.Join(*dir, run.VerdictFile), v)
}

func judgeFiles(rulesPath, recording, manifest string) (*observer.Verdict, error) {
	rules, err := observer.LoadRules(rulesPath)
	if err != nil {
		return nil, err
	}
	rec, err := observer.LoadRecording(recording)
	if err != nil {
		return nil, err
	}
	submitted, err := observer.LoadManifest(manifest)
	if err != nil {
		return nil, err
	}
	return observer.Judge(rules, rec, submitted), nil
}

func writeVerdict(path string, v *observer.Verdict) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the verdict: %w", err)
	}
	if err := os.WriteFile(path, append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("writing the verdict: %w", err)
	}
	return nil
}

func drawReport(_ context.Context, args []string) (bool, error) {
	set := flags("report", "draw the report of a recording again")
	dir := set.String("dir", defaultDir, "directory with rules, recording, manifest and verdict; the report goes there too")
	if err := parse(set, args); err != nil {
		return false, err
	}
	return true, report.WriteFiles(*dir)
}

func submit(ctx context.Context, args []string) (bool, error) {
	set := flags("submit", "submit Jobs to a demo cluster that was kept")
	dir := set.String("dir", defaultDir, "directory with the tenants' kubeconfigs")
	group := set.String("group", "osg", "usatlas or osg")
	count := set.Int("count", 1, "how many one-core Jobs")
	length := set.Duration("duration", 20*time.Second, "how long the pods run, on average")
	if err := parse(set, args); err != nil {
		return false, err
	}
	client, _, err := load.Connect(run.Kubeconfig(*dir, *group))
	if err != nil {
		return false, err
	}
	submitter := &load.Submitter{
		Site: load.DemoSite(), Clients: map[string]kubernetes.Interface{*group: client},
		Manifest: observer.NewManifestWriter(io.Discard), Workers: 8,
	}
	act := load.Act{
		Name: time.Now().Format("150405"),
		Batches: []load.Batch{{
			Group: *group, Count: *count, CPU: observer.Core, Shortest: *length * 3 / 4, Longest: *length * 5 / 4,
		}},
	}
	if err := submitter.Submit(ctx, act); err != nil {
		return false, err
	}
	fmt.Printf("%d Jobs of %s submitted\n", submitter.Submitted(), *group)
	return true, nil
}
