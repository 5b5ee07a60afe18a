package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The service account that the manager runs as, on a sandbox as in any cluster.
const (
	managerNamespace = "fairlead-system"
	managerAccount   = "fairlead-manager"
)

const (
	// readyTimeout bounds the manager's start: a list of everything it manages.
	readyTimeout = 60 * time.Second
	// stopGrace is how long the manager may take to end on SIGTERM.
	stopGrace = 20 * time.Second
)

// ErrNoManager says that an operation needs the manager, which is not there.
var ErrNoManager = errors.New("the manager does not run")

// findProgram looks for one of Fairlead's binaries: the given path, else beside
// the running executable, else in bin/ of the checkout.
func findProgram(name, given, source string) (string, error) {
	candidates := []string{given}
	if given == "" {
		candidates = nil
		if exe, err := os.Executable(); err == nil {
			candidates = append(candidates, filepath.Join(filepath.Dir(exe), name))
		}
		candidates = append(candidates, filepath.Join(source, "bin", name))
	}
	for _, path := range candidates {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("no program %s at %s: run `make build` first", name, strings.Join(candidates, " or "))
}

// The manager listens on these loopback addresses.
func (s *state) healthAddress() string  { return fmt.Sprintf("127.0.0.1:%d", s.Ports.ManagerHealth) }
func (s *state) metricsAddress() string { return fmt.Sprintf("127.0.0.1:%d", s.Ports.ManagerMetrics) }

// startManager starts the manager detached, records it and waits until it
// answers /readyz.
func startManager(ctx context.Context, s *state, p Programs) error {
	if s.ManagerBinary == "" {
		return fmt.Errorf("sandbox %q was brought up without a manager: %w", s.Name, ErrNoManager)
	}
	if s.Manager != nil && s.Manager.Alive() {
		return fmt.Errorf("the manager of sandbox %q runs already (PID %d)", s.Name, s.Manager.PID)
	}
	process, exited, err := startDetached(s, p, "manager", s.managerLog(), s.ManagerBinary,
		"--kubeconfig", s.managerKubeconfig(), "--config", s.managerConfig())
	if err != nil {
		return err
	}
	s.Manager = &process
	if err := s.save(); err != nil {
		return err
	}
	err = poll(ctx, readyTimeout, func(ctx context.Context) error {
		select {
		case <-exited:
			return errExited // its log says why
		default:
		}
		return ready(ctx, s.healthAddress())
	})
	if err != nil {
		return fmt.Errorf("the manager does not get ready: %w\n%s", err, logTail(s.managerLog()))
	}
	return nil
}

// errExited says that the manager ended while it was being waited for.
var errExited error = exitedError{}

type exitedError struct{}

func (exitedError) Error() string { return "it has exited" }
func (exitedError) Unwrap() error { return errHopeless }

// startDetached starts a program of the sandbox in a session of its own with
// its output appended to log. exited is closed when it ends while this process
// lives.
func startDetached(s *state, p Programs, name, log, program string, args ...string) (Process, <-chan struct{}, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return Process{}, nil, fmt.Errorf("open the log of the %s: %w", name, err)
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(program, args...) // on purpose without a context: it outlives us
	cmd.Env = markedEnv(s, p)
	cmd.Dir = s.dir()
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return Process{}, nil, fmt.Errorf("start the %s: %w", name, err)
	}
	exited := make(chan struct{})
	process, err := identify(name, cmd.Process.Pid)
	go func() {
		_ = cmd.Wait() // reaps it; how it ended is in its log
		close(exited)
	}()
	if err != nil {
		<-exited
		return Process{}, nil, fmt.Errorf("the %s (%s) ended right after its start: %w\n%s", name, program, err, logTail(log))
	}
	return process, exited, nil
}

// stopManager ends the manager: with SIGTERM and a grace, or at once.
func stopManager(ctx context.Context, s *state, grace time.Duration) error {
	if s.Manager == nil || !s.Manager.Alive() {
		return fmt.Errorf("sandbox %q: %w", s.Name, ErrNoManager)
	}
	if err := end(ctx, []Process{*s.Manager}, grace); err != nil {
		return fmt.Errorf("stop the manager of sandbox %q: %w", s.Name, err)
	}
	s.Manager = nil
	return s.save()
}

// ready asks a health address for /readyz.
func ready(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask http://%s/readyz: %w", address, err)
	}
	response, err := directHTTP.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(response.Body, 512))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("http://%s/readyz answers %s: %s", address, response.Status, strings.TrimSpace(string(body)))
	}
	return nil
}

// directHTTP never goes through a proxy and keeps no connections.
var directHTTP = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// logTail quotes the end of a log.
func logTail(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "its log cannot be read: " + err.Error()
	}
	if len(data) == 0 {
		return path + " is empty"
	}
	return path + " ends with:\n" + lastLines(string(data), 10)
}

// ManagerCommand returns a command that runs one more manager, with a
// configuration file of its own, as the same service account. The caller
// starts and ends it; what it leaves running Down ends.
func (c *Cluster) ManagerCommand(config string) (*exec.Cmd, error) {
	s, err := loadState(c.home, c.Name)
	if err != nil {
		return nil, err
	}
	if s.ManagerBinary == "" {
		return nil, fmt.Errorf("sandbox %q was brought up without a manager: %w", s.Name, ErrNoManager)
	}
	cmd := exec.Command(s.ManagerBinary, "--kubeconfig", s.managerKubeconfig(), "--config", config)
	cmd.Env, cmd.Dir = markedEnv(s, s.Programs), s.dir()
	return cmd, nil
}
