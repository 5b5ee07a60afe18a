package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"time"
)

// HomeEnv names the environment variable that moves the sandboxes' state away
// from ~/.local/state/fairlead/sandbox.
const HomeEnv = "FAIRLEAD_SANDBOX_HOME"

// Home returns the directory under which each sandbox keeps its state:
// FAIRLEAD_SANDBOX_HOME, else $XDG_STATE_HOME/fairlead/sandbox, else
// ~/.local/state/fairlead/sandbox.
func Home() (string, error) {
	if dir := os.Getenv(HomeEnv); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("resolve %s=%s: %w", HomeEnv, dir, err)
		}
		return abs, nil
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "fairlead", "sandbox"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the home directory: %w; set %s", err, HomeEnv)
	}
	return filepath.Join(home, ".local", "state", "fairlead", "sandbox"), nil
}

// Phase says how far a sandbox has come.
type Phase string

// The phases of a sandbox. A sandbox is written down before its first process
// starts, so that a killed `up` leaves a record in PhaseStarting.
const (
	PhaseStarting Phase = "starting"
	PhaseRunning  Phase = "running"
	PhaseFailed   Phase = "failed"
)

// state is what a sandbox remembers, as <home>/<name>/state.json.
type state struct {
	Name    string    `json:"name"`
	ID      string    `json:"id"` // the mark of its processes, see markEnv
	Phase   Phase     `json:"phase"`
	Created time.Time `json:"created"`
	Nodes   int       `json:"nodes"`
	Source  string    `json:"source"` // the checkout it was built from
	Ports   ports     `json:"ports"`
	// PriorityAndFairness is as in Options.
	PriorityAndFairness bool `json:"priorityAndFairness,omitempty"`
	// ControlPlane are etcd, the servers and kwok; Manager and Keeper are nil
	// while they do not run.
	ControlPlane []Process `json:"controlPlane,omitempty"`
	Manager      *Process  `json:"manager,omitempty"`
	Keeper       *Process  `json:"keeper,omitempty"`
	// Programs, ManagerBinary and KeeperBinary are what to run; the last two are
	// empty without a manager.
	Programs      Programs `json:"programs"`
	ManagerBinary string   `json:"managerBinary,omitempty"`
	KeeperBinary  string   `json:"keeperBinary,omitempty"`
	// Kubeconfig is the file that the user asked for, with the hash of what was
	// written, so that `down` removes it only while it is still ours.
	Kubeconfig     string `json:"kubeconfig,omitempty"`
	KubeconfigHash string `json:"kubeconfigHash,omitempty"`

	home string // not stored: the directory that holds it
}

// Paths inside a sandbox's directory.
func (s *state) dir() string             { return filepath.Join(s.home, s.Name) }
func (s *state) path(name string) string { return filepath.Join(s.dir(), name) }
func (s *state) file() string            { return s.path("state.json") }
func (s *state) kwokWorkdir() string     { return s.path("kwok") }
func (s *state) clusterDir() string {
	return filepath.Join(s.kwokWorkdir(), "clusters", s.Name)
}
func (s *state) auditLog() string          { return filepath.Join(s.clusterDir(), "logs", "audit.log") }
func (s *state) adminKubeconfig() string   { return s.path("admin.kubeconfig") }
func (s *state) managerKubeconfig() string { return s.path("manager.kubeconfig") }
func (s *state) managerToken() string      { return s.path("manager.token") }
func (s *state) managerConfig() string     { return s.path("manager.yaml") }
func (s *state) managerLog() string        { return s.path("manager.log") }
func (s *state) keeperLog() string         { return s.path("keeper.log") }

// lockPath is beside the directory, because the directory comes and goes.
func lockPath(home, name string) string { return filepath.Join(home, name+".lock") }

// processes lists everything recorded, in the order in which to end it.
func (s *state) processes() []Process {
	var all []Process
	if s.Manager != nil {
		all = append(all, *s.Manager)
	}
	if s.Keeper != nil {
		all = append(all, *s.Keeper)
	}
	return append(all, s.ControlPlane...)
}

// save writes the state so that a reader sees the old or the new one.
func (s *state) save() error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the state of sandbox %q: %w", s.Name, err)
	}
	if err := os.MkdirAll(s.dir(), 0o700); err != nil {
		return fmt.Errorf("make the state directory of sandbox %q: %w", s.Name, err)
	}
	if err := writeFileAtomically(s.file(), append(data, '\n')); err != nil {
		return fmt.Errorf("save the state of sandbox %q: %w", s.Name, err)
	}
	return nil
}

// loadState reads the state of a sandbox. The error wraps fs.ErrNotExist when
// there is none.
func loadState(home, name string) (*state, error) {
	s := &state{Name: name, home: home}
	data, err := os.ReadFile(s.file())
	if err != nil {
		return nil, fmt.Errorf("read the state of sandbox %q: %w", name, err)
	}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("%s is damaged (%w); end the processes whose environment has %s by hand, then remove %s",
			s.file(), err, markEnv, s.dir())
	}
	s.Name = name
	return s, nil
}

// stateNames lists the sandboxes under home, sorted.
func stateNames(home string) ([]string, error) {
	entries, err := os.ReadDir(home)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list sandboxes: %w", err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() && validName.MatchString(entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	sort.Strings(names)
	return names, nil
}

// validName is what a sandbox may be called: it becomes a directory, a
// kubeconfig context and part of kwokctl's names.
var validName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$`)

// writeFileAtomically replaces path by a rename; only this user may read it.
func writeFileAtomically(path string, data []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Chmod(0o600), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
