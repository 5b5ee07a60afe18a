package measure

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// clockTicks is the kernel's USER_HZ, in which /proc counts processor time. It
// is 100 on every Linux platform that Go runs on.
const clockTicks = 100

// procRoot is where the kernel shows processes; tests point it elsewhere.
var procRoot = "/proc"

// ErrGone says that a process ended while it was being measured.
var ErrGone = errors.New("process is gone")

// Process is what one process has used since it started.
type Process struct {
	PID int
	// CPU is user and system time of all its threads, in seconds.
	CPU float64
	// Peak is the largest resident set it ever had (VmHWM), in bytes.
	Peak int64
	// Started tells a process from a later one with the same PID, in clock
	// ticks since boot.
	Started uint64
}

// ReadProcess reads a process's use. The error wraps ErrGone if there is no
// such process.
func ReadProcess(pid int) (Process, error) {
	dir := filepath.Join(procRoot, strconv.Itoa(pid))
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if errors.Is(err, os.ErrNotExist) {
		return Process{}, fmt.Errorf("read the use of process %d: %w", pid, ErrGone)
	}
	if err != nil {
		return Process{}, fmt.Errorf("read the use of process %d: %w", pid, err)
	}
	// The second field is the program's name in brackets and may hold anything;
	// what follows its last bracket is regular (proc_pid_stat(5)).
	closing := bytes.LastIndexByte(stat, ')')
	fields := strings.Fields(string(stat[closing+1:]))
	const state, utime, stime, starttime = 0, 11, 12, 19
	if closing < 0 || len(fields) <= starttime {
		return Process{}, fmt.Errorf("read the use of process %d: %s/stat is not as proc_pid_stat(5) describes it", pid, dir)
	}
	if fields[state] == "Z" {
		return Process{}, fmt.Errorf("read the use of process %d: %w", pid, ErrGone)
	}
	var ticks [3]uint64
	for i, field := range []int{utime, stime, starttime} {
		if ticks[i], err = strconv.ParseUint(fields[field], 10, 64); err != nil {
			return Process{}, fmt.Errorf("read the use of process %d: field %d of %s/stat: %w", pid, field, dir, err)
		}
	}
	peak, err := readPeak(filepath.Join(dir, "status"))
	if err != nil {
		return Process{}, fmt.Errorf("read the use of process %d: %w", pid, err)
	}
	return Process{PID: pid, CPU: float64(ticks[0]+ticks[1]) / clockTicks, Peak: peak, Started: ticks[2]}, nil
}

// readPeak finds VmHWM in a status file; the kernel gives it in kB of 1,024.
func readPeak(file string) (int64, error) {
	status, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		rest, ok := strings.CutPrefix(line, "VmHWM:")
		if !ok {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("VmHWM in %s: %w", file, err)
		}
		return kib * 1024, nil
	}
	return 0, fmt.Errorf("%s has no VmHWM", file)
}

// ResetOwnPeak makes the kernel count this process's peak memory anew, so that
// a run's figure does not carry the run before it.
func ResetOwnPeak() error {
	// "5" resets VmHWM to the present size (proc_pid_clear_refs(5)).
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		return fmt.Errorf("reset this process's peak memory: %w", err)
	}
	return nil
}

// Use is what a named process used between two readings.
type Use struct {
	Name string `json:"name"`
	// CPU is in seconds.
	CPU float64 `json:"cpuSeconds"`
	// Peak is the process's largest resident set since it started, in bytes.
	Peak int64 `json:"peakBytes"`
}

// Processes is one reading of several named processes.
type Processes map[string]Process

// ReadProcesses reads all of them, or fails.
func ReadProcesses(pids map[string]int) (Processes, error) {
	all := make(Processes, len(pids))
	for name, pid := range pids {
		p, err := ReadProcess(pid)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all[name] = p
	}
	return all, nil
}

// Since gives each process's use from an earlier reading to this one, in the
// order of names. It fails if one of them was restarted in between: its figure
// would be wrong.
func (p Processes) Since(before Processes, names []string) ([]Use, error) {
	uses := make([]Use, 0, len(names))
	for _, name := range names {
		a, b := p[name], before[name]
		if a.PID != b.PID || a.Started != b.Started {
			return nil, fmt.Errorf("%s restarted during the run (process %d, then %d): its figures mean nothing", name, b.PID, a.PID)
		}
		uses = append(uses, Use{Name: name, CPU: a.CPU - b.CPU, Peak: a.Peak})
	}
	return uses, nil
}
