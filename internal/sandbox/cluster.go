package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"k8s.io/client-go/rest"
)

// Errors that callers may tell apart with errors.Is.
var (
	// ErrRunning says that a sandbox of that name runs already.
	ErrRunning = errors.New("the sandbox runs already")
	// ErrNotFound says that there is no sandbox of that name.
	ErrNotFound = errors.New("there is no such sandbox")
	// ErrBusy says that another process is starting or removing the sandbox.
	ErrBusy = errors.New("another process is at work on the sandbox")
)

// Cluster is a sandbox that has been brought up. Its methods may be called
// from several processes; they take turns.
type Cluster struct {
	Name string
	// Dir holds the sandbox's state and logs.
	Dir string
	// Kubeconfig is an administrator's kubeconfig with its context set: the
	// file that Options asked for, else one inside Dir.
	Kubeconfig string
	// AuditLog has one JSON line a request: user, verb, resource, response code.
	AuditLog string
	// ManagerLog is what the manager prints, over all its starts.
	ManagerLog string
	// ManagerConfig and ManagerKubeconfig are the files that the manager is
	// started with. The kubeconfig acts as the manager's service account.
	ManagerConfig, ManagerKubeconfig string
	// ManagerHealth and ManagerMetrics are host:port on loopback.
	ManagerHealth, ManagerMetrics string

	home string
}

// newCluster describes a recorded sandbox.
func newCluster(s *state) *Cluster {
	c := &Cluster{
		Name: s.Name, Dir: s.dir(), Kubeconfig: s.Kubeconfig, AuditLog: s.auditLog(), ManagerLog: s.managerLog(),
		ManagerConfig: s.managerConfig(), ManagerKubeconfig: s.managerKubeconfig(),
		ManagerHealth: s.healthAddress(), ManagerMetrics: s.metricsAddress(), home: s.home,
	}
	if c.Kubeconfig == "" {
		c.Kubeconfig = s.adminKubeconfig()
	}
	return c
}

// Open attaches to a sandbox that Up has finished, by whichever process.
// The error wraps ErrNotFound or says that the sandbox is not whole.
func Open(name string) (*Cluster, error) {
	home, err := Home()
	if err != nil {
		return nil, err
	}
	s, err := loadState(home, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %q; `fairlead sandbox up --name %s` makes it", ErrNotFound, name, name)
	}
	if err != nil {
		return nil, err
	}
	if s.Phase != PhaseRunning {
		return nil, fmt.Errorf("sandbox %q did not come up; `fairlead sandbox down --name %s` clears it away", name, name)
	}
	return newCluster(s), nil
}

// Processes returns the sandbox's recorded processes that are alive, by name.
func (c *Cluster) Processes() (map[string]Process, error) {
	s, err := loadState(c.home, c.Name)
	if err != nil {
		return nil, err
	}
	alive := map[string]Process{}
	for _, p := range s.processes() {
		if p.Alive() {
			alive[p.Name] = p
		}
	}
	return alive, nil
}

// RESTConfig returns an administrator's access without client-side limits.
func (c *Cluster) RESTConfig() (*rest.Config, error) {
	s, err := loadState(c.home, c.Name)
	if err != nil {
		return nil, err
	}
	return s.restConfig()
}

// AddNodes creates further simulated nodes, waits until they are Ready and
// returns their names.
func (c *Cluster) AddNodes(ctx context.Context, group NodeGroup) ([]string, error) {
	group, err := group.complete()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	var names []string
	err = c.change(ctx, func(s *state) error {
		client, err := s.client()
		if err != nil {
			return err
		}
		if names, err = addNodes(ctx, client, group); err != nil {
			return err
		}
		s.Nodes += len(names)
		if err := s.save(); err != nil {
			return err
		}
		return waitNodes(ctx, client, names)
	})
	return names, err
}

// StartManager starts the manager and returns when it is ready.
func (c *Cluster) StartManager(ctx context.Context) error {
	return c.change(ctx, func(s *state) error { return startManager(ctx, s, s.Programs) })
}

// StopManager ends the manager with SIGTERM and returns when it is gone; after
// 20 s it kills it. The error wraps ErrNoManager when it does not run.
func (c *Cluster) StopManager(ctx context.Context) error {
	return c.change(ctx, func(s *state) error { return stopManager(ctx, s, stopGrace) })
}

// KillManager ends the manager with SIGKILL and returns when it is gone.
func (c *Cluster) KillManager(ctx context.Context) error {
	return c.change(ctx, func(s *state) error { return stopManager(ctx, s, 0) })
}

// RestartManager stops the manager, if it runs, and starts it again.
func (c *Cluster) RestartManager(ctx context.Context) error {
	return c.change(ctx, func(s *state) error {
		if err := stopManager(ctx, s, stopGrace); err != nil && !errors.Is(err, ErrNoManager) {
			return err
		}
		return startManager(ctx, s, s.Programs)
	})
}

// ManagerReady returns nil when the manager answers /readyz with 200.
func (c *Cluster) ManagerReady(ctx context.Context) error { return ready(ctx, c.ManagerHealth) }

// Down ends and removes the sandbox.
func (c *Cluster) Down(ctx context.Context) error { return down(ctx, c.home, c.Name) }

// change runs f on the current state while nobody else changes the sandbox.
func (c *Cluster) change(ctx context.Context, f func(*state) error) error {
	lock, err := waitForLock(ctx, lockPath(c.home, c.Name), func(string) {})
	if err != nil {
		return err
	}
	defer lock.release()
	s, err := loadState(c.home, c.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %q", ErrNotFound, c.Name)
	}
	if err != nil {
		return err
	}
	return f(s)
}

// lockSandbox takes the lock of a name, waiting a moment for a reader.
func lockSandbox(ctx context.Context, home, name string) (*fileLock, error) {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of the sandboxes: %w; set %s to another place", err, HomeEnv)
	}
	brief, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	holder := ""
	lock, err := waitForLock(brief, lockPath(home, name), func(who string) { holder = who })
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("%w %q%s: wait until it has finished, or stop it", ErrBusy, name, holder)
	}
	return lock, err
}
