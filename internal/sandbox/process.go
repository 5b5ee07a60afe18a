package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process identifies one process beyond its PID, which the kernel hands out
// again: the same PID with another start time, or after a reboot, is somebody
// else and is never touched.
type Process struct {
	// Name says what it is: "etcd", "kube-apiserver", "manager", "keeper" ...
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// StartTicks is field 22 of /proc/PID/stat: clock ticks after boot.
	StartTicks uint64 `json:"startTicks"`
	// BootID is the kernel's random name for this boot.
	BootID string `json:"bootID"`
}

// errNotOurs says that a PID belongs to another process now, or to none.
var errNotOurs = errors.New("the process is gone")

// markEnv is the environment variable that every process of a sandbox
// inherits; its value is the sandbox's random ID. It finds the processes that
// a killed `up` had no time to write down.
const markEnv = "FAIRLEAD_SANDBOX_ID"

// identify reads the identity of the live process pid.
// The error wraps errNotOurs when there is no such process or it is a zombie.
func identify(name string, pid int) (Process, error) {
	ticks, err := startTicks(pid)
	if err != nil {
		return Process{}, err
	}
	boot, err := bootID()
	if err != nil {
		return Process{}, err
	}
	return Process{Name: name, PID: pid, StartTicks: ticks, BootID: boot}, nil
}

// Alive reports whether exactly this process still runs.
func (p Process) Alive() bool {
	now, err := identify(p.Name, p.PID)
	return err == nil && now == p
}

// signal sends sig to exactly this process. os.FindProcess takes a handle
// (pidfd) first and the identity is checked after, so that a PID that is
// handed out again in between cannot be hit.
func (p Process) signal(sig syscall.Signal) error {
	handle, err := os.FindProcess(p.PID)
	if err != nil {
		return fmt.Errorf("%s (PID %d): %w", p.Name, p.PID, errNotOurs)
	}
	defer func() { _ = handle.Release() }()
	if !p.Alive() {
		return fmt.Errorf("%s (PID %d): %w", p.Name, p.PID, errNotOurs)
	}
	if err := handle.Signal(sig); err != nil {
		if errors.Is(err, os.ErrProcessDone) {
			return fmt.Errorf("%s (PID %d): %w", p.Name, p.PID, errNotOurs)
		}
		return fmt.Errorf("send %s to %s (PID %d): %w", sig, p.Name, p.PID, err)
	}
	return nil
}

// end asks processes to stop and kills those that have not after grace; with a
// grace of zero it kills at once. It returns when all are gone.
func end(ctx context.Context, processes []Process, grace time.Duration) error {
	sig := syscall.SIGTERM
	if grace <= 0 {
		sig = syscall.SIGKILL
	}
	if err := signalAll(processes, sig); err != nil {
		return err
	}
	if grace > 0 {
		if waitGone(ctx, processes, grace) {
			return nil
		}
		if err := signalAll(processes, syscall.SIGKILL); err != nil {
			return err
		}
	}
	const afterKill = 10 * time.Second
	if waitGone(ctx, processes, afterKill) {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("ending processes: %w", ctx.Err())
	}
	return fmt.Errorf("processes survive SIGKILL for %s: %s", afterKill, describe(processes))
}

// signalAll signals every process that is still there.
func signalAll(processes []Process, sig syscall.Signal) error {
	for _, p := range processes {
		if err := p.signal(sig); err != nil && !errors.Is(err, errNotOurs) {
			return err
		}
	}
	return nil
}

// waitGone waits until none of the processes is alive, for at most limit.
func waitGone(ctx context.Context, processes []Process, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for {
		alive := false
		for _, p := range processes {
			alive = alive || p.Alive()
		}
		if !alive {
			return true
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return false
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// describe lists the live ones among processes for a message.
func describe(processes []Process) string {
	var parts []string
	for _, p := range processes {
		if p.Alive() {
			parts = append(parts, fmt.Sprintf("%s (PID %d)", p.Name, p.PID))
		}
	}
	return strings.Join(parts, ", ")
}

// marked finds every live process of this user whose environment carries the
// mark of the sandbox with the given ID.
func marked(id string) ([]Process, error) {
	if id == "" {
		return nil, nil // an empty ID would match what it must not
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w (the sandbox needs Linux with /proc)", err)
	}
	want := []byte(markEnv + "=" + id)
	var found []Process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		environ, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		if err != nil {
			continue // gone meanwhile, or another user's
		}
		for variable := range bytes.SplitSeq(environ, []byte{0}) {
			if !bytes.Equal(variable, want) {
				continue
			}
			if p, err := identify(processName(pid), pid); err == nil {
				found = append(found, p)
			}
			break
		}
	}
	return found, nil
}

// processName returns the base name of argument 0, by which the one
// control-plane binary is told apart.
func processName(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return "process"
	}
	first, _, _ := bytes.Cut(data, []byte{0})
	return filepath.Base(string(first))
}

// startTicks reads field 22 of /proc/pid/stat; a zombie without further threads
// counts as gone.
func startTicks(pid int) (uint64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("PID %d: %w", pid, errNotOurs)
	}
	return parseStat(data)
}

// parseStat takes the start time out of a line of /proc/pid/stat. The command
// in parentheses may hold blanks and parentheses itself, so fields are counted
// from the last one.
func parseStat(data []byte) (uint64, error) {
	end := bytes.LastIndexByte(data, ')')
	if end < 0 {
		return 0, fmt.Errorf("unexpected /proc stat line %q", data)
	}
	fields := strings.Fields(string(data[end+1:]))
	const state, threads, start = 0, 17, 19 // fields 3, 20 and 22 of the line
	if len(fields) <= start {
		return 0, fmt.Errorf("unexpected /proc stat line %q", data)
	}
	// The first thread turns zombie while others may still be on their way out
	// with the process's sockets open; it is gone when it is the last one.
	if s := fields[state]; (s == "Z" || s == "X") && (fields[threads] == "1" || fields[threads] == "0") {
		return 0, fmt.Errorf("the process has ended: %w", errNotOurs)
	}
	ticks, err := strconv.ParseUint(fields[start], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("unexpected start time in %q: %w", data, err)
	}
	return ticks, nil
}

// bootID returns the kernel's name for this boot.
func bootID() (string, error) {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read the boot ID: %w (the sandbox needs Linux with /proc)", err)
	}
	return strings.TrimSpace(string(data)), nil
}
