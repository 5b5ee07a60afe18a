package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"fairlead.dev/fairlead/internal/demo/live"
	"fairlead.dev/fairlead/internal/demo/load"
	"fairlead.dev/fairlead/internal/demo/observer"
)

// Stage is one run of a load on a cluster.
type Stage struct {
	// Admin is an administrator's access to the cluster.
	Admin *rest.Config
	Site  load.Site
	Rules *observer.Rules
	Acts  []load.Act
	// Dir is the directory for all files; it exists and is empty or old.
	Dir string
	// Observer is the binary with the subcommand observe.
	Observer string
	// Deadline bounds the acts together. After it the observer judges what
	// there is.
	Deadline time.Duration
	// Show and Watch, if set, are called about ten times a second, with what
	// there is to show and with what the groups do.
	Show  func(live.Frame)
	Watch func([]observer.Load)
}

// The files of a run.
const (
	RulesFile     = "rules.json"
	RecordingFile = "recording.jsonl"
	ManifestFile  = "manifest.jsonl"
	VerdictFile   = "verdict.json"
	ObjectsFile   = "objects.yaml"
)

// Kubeconfig is the file with which a tenant or the observer connects.
func Kubeconfig(dir, who string) string { return filepath.Join(dir, who+".kubeconfig") }

// frameEvery is how often the recording is looked at.
const frameEvery = 100 * time.Millisecond

// Perform installs the site, runs the acts and returns the observer's verdict.
// The error is about the run itself; a verdict may be there besides it.
func (s *Stage) Perform(ctx context.Context) (*observer.Verdict, error) {
	clients, err := s.prepare(ctx)
	if err != nil {
		return nil, err
	}
	watching, err := startObserver(ctx, s.Observer, s.Dir)
	if err != nil {
		return nil, err
	}
	defer watching.abandon()
	manifestFile, err := os.Create(filepath.Join(s.Dir, ManifestFile))
	if err != nil {
		return nil, fmt.Errorf("making the manifest: %w", err)
	}
	defer func() { _ = manifestFile.Close() }()
	manifest := observer.NewManifestWriter(manifestFile)
	follower, err := live.Follow(filepath.Join(s.Dir, RecordingFile))
	if err != nil {
		return nil, err
	}
	defer func() { _ = follower.Close() }()
	p := &performance{
		Stage: s, watching: watching, follower: follower, replay: observer.NewReplay(s.Rules), began: time.Now(),
		submitter: &load.Submitter{Site: s.Site, Clients: clients, Manifest: manifest, Workers: 8},
	}
	late, err := p.acts(ctx)
	if err != nil {
		return nil, err
	}
	if err := manifest.Close(); err != nil {
		return nil, err
	}
	verdict, err := watching.verdict()
	return verdict, errors.Join(late, err)
}

// prepare makes the site and everything that the observer and tenants need.
func (s *Stage) prepare(ctx context.Context) (map[string]kubernetes.Interface, error) {
	rules, err := json.MarshalIndent(s.Rules, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the rules: %w", err)
	}
	objects, err := s.Site.Manifest()
	if err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{RulesFile: append(rules, '\n'), ObjectsFile: objects} {
		if err := os.WriteFile(filepath.Join(s.Dir, name), data, 0o644); err != nil {
			return nil, fmt.Errorf("writing %s: %w", name, err)
		}
	}
	if err := s.Site.Install(ctx, s.Admin); err != nil {
		return nil, err
	}
	if err := load.WriteKubeconfig(ctx, s.Admin, s.Site.Observer(), Kubeconfig(s.Dir, load.ObserverAccount)); err != nil {
		return nil, err
	}
	clients := map[string]kubernetes.Interface{}
	for _, o := range s.Site.Groups {
		path := Kubeconfig(s.Dir, o.Group)
		if err := load.WriteKubeconfig(ctx, s.Admin, s.Site.Tenant(o.Group), path); err != nil {
			return nil, err
		}
		if clients[o.Group], _, err = load.Connect(path); err != nil {
			return nil, err
		}
	}
	return clients, nil
}

// performance is a Stage on which the acts are being played.
type performance struct {
	*Stage
	watching  *watching
	follower  *live.Follower
	replay    *observer.Replay
	submitter *load.Submitter
	began     time.Time
	act       load.Act
}

// acts plays all acts. late says that the deadline passed; err ends the run.
func (p *performance) acts(ctx context.Context) (late, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ticker := time.NewTicker(frameEvery)
	defer ticker.Stop()
	for _, act := range p.Acts {
		p.act = act
		submitted := make(chan error, 1)
		go func() { submitted <- p.begin(ctx, act) }()
		began, over, holds := time.Now(), false, time.Time{}
		for !over {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case err := <-submitted:
				if err != nil {
					return nil, err
				}
				submitted = nil // its batches are in: from now on the act may end
			case <-p.watching.gone:
				return nil, fmt.Errorf("the observer ended during act %s: %w", act.Name, p.watching.failure())
			case <-ticker.C:
			}
			loads, err := p.look()
			if err != nil {
				return nil, err
			}
			switch {
			case submitted != nil || !act.Until.Holds(p.Rules.Groups, loads, p.submitter.Submitted()):
				holds = time.Time{}
			case holds.IsZero():
				holds = time.Now()
			}
			over = !holds.IsZero() && time.Since(holds) >= act.Until.Hold
			over = over || (submitted == nil && act.Until.AtMost > 0 && time.Since(began) > act.Until.AtMost)
			if !over && p.Deadline > 0 && time.Since(p.began) > p.Deadline {
				return fmt.Errorf("act %s was not over after %s: the verdict is on what had happened by then", act.Name, p.Deadline), nil
			}
		}
	}
	return nil, nil
}

// begin makes the administrator's edit of an act and submits its Jobs.
func (p *performance) begin(ctx context.Context, act load.Act) error {
	if act.Edit != nil {
		if err := p.Site.Apply(ctx, p.Admin, *act.Edit); err != nil {
			return err
		}
	}
	return p.submitter.Submit(ctx, act)
}

// look reads what is new in the recording and shows a frame.
func (p *performance) look() ([]observer.Load, error) {
	if err := p.follower.Next(p.replay.Apply); err != nil {
		return nil, err
	}
	loads := p.replay.Loads()
	if p.Show != nil {
		p.Show(p.frame(loads))
	}
	if p.Watch != nil {
		p.Watch(loads)
	}
	return loads, nil
}

func (p *performance) frame(loads []observer.Load) live.Frame {
	f := live.Frame{
		Elapsed: time.Since(p.began), Act: fmt.Sprintf("Act %s of %d: %s", p.act.Name, len(p.Acts), p.act.Title), Look: p.act.Look,
		Total: p.Rules.Total().Cores(), Submitted: p.submitter.Submitted(),
	}
	if p.act.Edit != nil {
		f.Edit = p.act.Edit.Command(p.Site)
	}
	demand := make([]observer.Milli, len(loads))
	for i, l := range loads {
		demand[i] = l.Held + l.Waiting
	}
	for i, due := range p.Rules.FairShare(demand) {
		share, _ := due.Float64()
		f.Rows = append(f.Rows, live.Row{
			Group: p.Rules.Groups[i].Name, Quota: p.Rules.Groups[i].Nominal.Cores(), Share: share / float64(observer.Core),
			Running: loads[i].Running.Cores(), Waiting: loads[i].PendingJobs, Done: loads[i].DoneJobs,
		})
		f.Done += loads[i].DoneJobs
	}
	return f
}
