package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// Up brings a sandbox up and returns when all of it answers: the control
// plane, the nodes, the policies and the manager. Everything runs on after the
// calling process has ended, until Down. When Up fails or ctx ends, it ends
// what it has started and leaves the logs.
// Errors wrap ErrInvalid, ErrRunning, ErrBusy, ErrPortBusy or ErrNoSource where they apply.
func Up(ctx context.Context, options Options) (*Cluster, error) {
	o, err := options.complete()
	if err != nil {
		return nil, err
	}
	home, err := Home()
	if err != nil {
		return nil, err
	}
	lock, err := lockSandbox(ctx, home, o.Name)
	if err != nil {
		return nil, err
	}
	defer lock.release()
	u := &bringUp{options: o, home: home, began: time.Now()}
	if err := u.clearWay(ctx); err != nil {
		return nil, err
	}
	if err := u.prepare(ctx); err != nil {
		return nil, err
	}
	if err := u.run(ctx); err != nil {
		return nil, u.abort(ctx, err)
	}
	return newCluster(u.state), nil
}

// bringUp is one run of Up.
type bringUp struct {
	options  Options
	home     string
	began    time.Time
	programs Programs
	state    *state
}

// say prints one line of progress.
func (u *bringUp) say(format string, args ...any) {
	_, _ = fmt.Fprintf(u.options.Output, "sandbox %s: %s (%.1f s)\n", u.options.Name,
		fmt.Sprintf(format, args...), time.Since(u.began).Seconds())
}

// clearWay refuses a name that is in use and removes what a killed or failed
// Up, or a reboot, has left under it.
func (u *bringUp) clearWay(ctx context.Context) error {
	name := u.options.Name
	old, err := loadState(u.home, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if old.Phase == PhaseRunning {
		switch old.condition() {
		case Running:
			return fmt.Errorf("%w: %q, since %s\n  use it:    export KUBECONFIG=%s\n  remove it: fairlead sandbox down --name %s",
				ErrRunning, name, old.Created.Local().Format(time.DateTime), newCluster(old).Kubeconfig, name)
		case Partial:
			return fmt.Errorf("%w: %q, but not all of it; alive: %s\n  remove it: fairlead sandbox down --name %s",
				ErrRunning, name, describe(old.processes()), name)
		}
	}
	u.say("clearing away what is left of an earlier sandbox that is %s", old.Phase)
	return remove(ctx, old)
}

// prepare finds and checks everything that can be checked before anything is
// started, builds the programs, and writes the state down.
func (u *bringUp) prepare(ctx context.Context) error {
	o := &u.options
	if err := checkKubeconfigTarget(o.Kubeconfig, u.home); err != nil {
		return err
	}
	if o.Port != 0 {
		if err := portFree(o.Port); err != nil {
			return err
		}
	}
	source, err := FindSource()
	if err != nil {
		return err
	}
	s := &state{
		Name: o.Name, ID: rand.Text(), Phase: PhaseStarting, Created: time.Now().UTC(),
		Source: source, Kubeconfig: o.Kubeconfig, home: u.home,
		PriorityAndFairness: o.PriorityAndFairness,
	}
	if err := u.checkFairlead(s); err != nil {
		return err
	}
	if u.programs, err = Binaries(ctx, o.Output); err != nil {
		return err
	}
	s.Programs = u.programs
	// Two bringUps must not choose the same ports: choosing and noting is one step.
	lock, err := waitForLock(ctx, lockPath(u.home, ".ports"), func(string) {})
	if err != nil {
		return err
	}
	defer lock.release()
	if s.Ports, err = choosePorts(o.Port, reservedPorts(u.home, o.Name)); err != nil {
		return err
	}
	// A directory without a state is what a removal or a crash has left.
	if err := os.RemoveAll(s.dir()); err != nil {
		return fmt.Errorf("clear the state directory: %w", err)
	}
	u.state = s
	return s.save()
}

// checkFairlead makes sure that what belongs to Fairlead itself is there.
func (u *bringUp) checkFairlead(s *state) error {
	o := &u.options
	if o.WithoutManifests {
		return nil
	}
	have, err := haveManifests(s.Source)
	if err != nil {
		return err
	}
	if !have {
		return fmt.Errorf("no kustomization in %s: the checkout is not whole; --manager=false brings up a plain Kubernetes", manifestDir(s.Source))
	}
	if o.WithoutManager {
		return nil
	}
	if s.ManagerBinary, err = findProgram("manager", o.ManagerBinary, s.Source); err != nil {
		return err
	}
	s.KeeperBinary, err = findProgram("fairlead", o.FairleadBinary, s.Source)
	return err
}

// run starts everything, in the order of dependence.
func (u *bringUp) run(ctx context.Context) error {
	s, o := u.state, &u.options
	if err := startControlPlane(ctx, s, u.programs); err != nil {
		return err
	}
	if err := s.writeAdminKubeconfig(); err != nil {
		return err
	}
	client, err := s.client()
	if err != nil {
		return err
	}
	if err := poll(ctx, 60*time.Second, func(ctx context.Context) error {
		_, err := client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	}); err != nil {
		return fmt.Errorf("kube-apiserver does not get ready: %w\n%s", err, s.whyDown(nil))
	}
	u.say("Kubernetes %s answers on %s", u.kubernetesVersion(), s.server())

	var names []string
	for _, group := range o.Nodes {
		added, err := addNodes(ctx, client, group)
		if err != nil {
			return err
		}
		names = append(names, added...)
	}
	s.Nodes = len(names)
	if !o.WithoutManifests {
		if err := installManifests(ctx, s, u.programs, client); err != nil {
			return err
		}
		u.say("Fairlead is installed (config/sandbox) and its policies answer")
	}
	if err := waitNodes(ctx, client, names); err != nil {
		return fmt.Errorf("the nodes do not get ready: %w\n%s", err, logTail(s.path("create.log")))
	}
	u.say("%d nodes are ready", len(names))
	if !o.WithoutManager {
		if err := u.runManager(ctx); err != nil {
			return err
		}
		u.say("the manager is ready as service account %s/%s", managerNamespace, managerAccount)
	}
	s.Phase = PhaseRunning
	return s.save()
}

// runManager starts the keeper and the manager.
func (u *bringUp) runManager(ctx context.Context) error {
	s := u.state
	client, err := s.client()
	if err != nil {
		return err
	}
	if _, err := renewToken(ctx, client, s.managerToken(), tokenLife); err != nil {
		return err
	}
	if err := s.writeManagerKubeconfig(); err != nil {
		return err
	}
	if err := writeManagerConfig(s, u.options.ManagerConfig); err != nil {
		return err
	}
	keeper, _, err := startDetached(s, u.programs, "keeper", s.keeperLog(), s.KeeperBinary, "sandbox", "keep", "--name", s.Name)
	if err != nil {
		return err
	}
	s.Keeper = &keeper
	return startManager(ctx, s, u.programs)
}

// kubernetesVersion is the pinned release, for a message.
func (u *bringUp) kubernetesVersion() string {
	versions, err := ReadVersions(u.state.Source)
	if err != nil {
		return "of an unknown release"
	}
	return versions.Kubernetes
}

// abort ends what was started and returns the cause with a word on what is
// left. An interrupted run leaves nothing, a failed one its logs.
func (u *bringUp) abort(ctx context.Context, cause error) error {
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	s := u.state
	if ctx.Err() != nil {
		if err := remove(cleanup, s); err != nil {
			return fmt.Errorf("sandbox %q was interrupted, and clearing it away failed (`fairlead sandbox down --name %s` tries again): %w", s.Name, s.Name, err)
		}
		return fmt.Errorf("sandbox %q was interrupted; nothing of it is left: %w", s.Name, ctx.Err())
	}
	if err := endAll(cleanup, s); err != nil {
		return errors.Join(fmt.Errorf("sandbox %q did not come up: %w", s.Name, cause), err)
	}
	s.Phase, s.ControlPlane, s.Manager, s.Keeper = PhaseFailed, nil, nil, nil
	return errors.Join(
		fmt.Errorf("sandbox %q did not come up: %w", s.Name, cause),
		s.removeKubeconfig(), s.save(),
		fmt.Errorf("its processes have been ended; the logs are in %s until the next `up` or `down`", s.dir()))
}
