package sandbox

import (
	"context"
	"errors"
	"io/fs"
	"time"
)

// Condition is the state of a sandbox as `list` shows it.
type Condition string

// The conditions of a sandbox.
const (
	// Starting: an `up` is at work.
	Starting Condition = "starting"
	// Running: everything that was started is alive.
	Running Condition = "running"
	// Partial: some processes are alive and some are not.
	Partial Condition = "partial"
	// Stopped: no process is alive, for example after a reboot.
	Stopped Condition = "stopped"
)

// Status is one line of `list`.
type Status struct {
	Name       string        `json:"name"`
	Condition  Condition     `json:"condition"`
	Nodes      int           `json:"nodes"`
	Age        time.Duration `json:"ageNanoseconds"`
	Kubeconfig string        `json:"kubeconfig"`
	// Manager is "ready", "unready", "stopped" or "none".
	Manager string `json:"manager"`
	// Remedy says what to do about a sandbox that does not run; "" if it does.
	Remedy string `json:"remedy,omitempty"`
}

// List returns the sandboxes of this user, sorted by name.
func List(ctx context.Context) ([]Status, error) {
	home, err := Home()
	if err != nil {
		return nil, err
	}
	names, err := stateNames(home)
	if err != nil {
		return nil, err
	}
	var all []Status
	for _, name := range names {
		s, err := loadState(home, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // being created or removed at this moment
		}
		if err != nil {
			all = append(all, Status{Name: name, Condition: Stopped, Manager: "none", Remedy: err.Error()})
			continue
		}
		all = append(all, s.status(ctx))
	}
	return all, nil
}

// status looks at the processes of one sandbox.
func (s *state) status(ctx context.Context) Status {
	status := Status{
		Name: s.Name, Condition: s.condition(), Nodes: s.Nodes, Age: time.Since(s.Created).Round(time.Second),
		Kubeconfig: newCluster(s).Kubeconfig, Manager: "none",
	}
	if s.ManagerBinary != "" {
		status.Manager = "stopped"
		if s.Manager != nil && s.Manager.Alive() {
			status.Manager = "unready"
			if ready(ctx, s.healthAddress()) == nil {
				status.Manager = "ready"
			}
		}
	}
	if status.Condition == Partial || status.Condition == Stopped {
		status.Remedy = "fairlead sandbox down --name " + s.Name
	}
	return status
}

// condition tells how much of the sandbox is alive. The manager does not
// count: it may be stopped on purpose.
func (s *state) condition() Condition {
	if s.Phase == PhaseStarting {
		lock, err := tryLock(lockPath(s.home, s.Name))
		if errors.Is(err, errLocked) {
			return Starting
		}
		if err == nil {
			lock.release()
		}
	}
	servers := s.ControlPlane
	if s.Keeper != nil {
		servers = append(servers[:len(servers):len(servers)], *s.Keeper)
	}
	alive := 0
	for _, p := range servers {
		if p.Alive() {
			alive++
		}
	}
	if s.Phase == PhaseRunning && alive == len(servers) {
		return Running
	}
	if alive > 0 {
		return Partial
	}
	if left, err := marked(s.ID); err == nil && len(left) > 0 {
		return Partial
	}
	return Stopped
}
