package measure

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// Machine is where figures were taken, without which they mean little.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memoryBytes"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	// Commit is the source's, with "-dirty" after it if files were changed;
	// "unknown" outside a git tree.
	Commit string `json:"commit"`
	// Server is the API server's version.
	Server string `json:"server,omitempty"`
}

// ReadMachine gathers the facts; what cannot be read says "unknown".
func ReadMachine(ctx context.Context) Machine {
	return Machine{
		CPU:    valueIn("cpuinfo", "model name", ":"),
		Cores:  runtime.NumCPU(),
		Memory: memoryBytes(),
		Kernel: firstLine(filepath.Join(procRoot, "sys/kernel/osrelease")),
		Go:     runtime.Version(),
		Commit: commit(ctx),
	}
}

func memoryBytes() int64 {
	kib, err := strconv.ParseInt(strings.TrimSuffix(valueIn("meminfo", "MemTotal", ":"), " kB"), 10, 64)
	if err != nil {
		return 0
	}
	return kib * 1024
}

// valueIn finds a "key: value" line in a file of /proc.
func valueIn(file, key, separator string) string {
	content, err := os.ReadFile(filepath.Join(procRoot, file))
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(content)) {
		name, value, ok := strings.Cut(line, separator)
		if ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func firstLine(file string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	line, _, _ := strings.Cut(string(content), "\n")
	return line
}

func commit(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=12").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// BusySeconds is the processor time that the whole machine has spent since
// boot, on all cores, idle and waiting time left out. The difference between
// two readings, less what the measured processes used, is what everybody else
// took away from the measurement.
func BusySeconds() (float64, error) {
	line := firstLine(filepath.Join(procRoot, "stat"))
	fields := strings.Fields(line)
	// cpu user nice system idle iowait irq softirq steal ... (proc_stat(5)).
	const idle, iowait, last = 4, 5, 8
	if len(fields) <= last || fields[0] != "cpu" {
		return 0, fmt.Errorf("%s/stat begins with %q, which is not as proc_stat(5) describes it", procRoot, line)
	}
	var busy uint64
	for i := 1; i <= last; i++ {
		if i == idle || i == iowait {
			continue
		}
		ticks, err := strconv.ParseUint(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("field %d of %s/stat: %w", i, procRoot, err)
		}
		busy += ticks
	}
	return float64(busy) / clockTicks, nil
}
