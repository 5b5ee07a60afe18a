package sandbox

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

//go:embed assets/audit-policy.yaml
var auditPolicy []byte

//go:embed assets/stages.yaml
var stages []byte

// controlPlanePrograms are the servers that kwokctl starts, by the names of
// its PID files.
var controlPlanePrograms = []string{"kwok-controller", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"}

type arg struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// componentArgs are flags beyond kwokctl's own, for a light and honest server:
//
//   - etcd does not flush to disk: a sandbox is not worth a recovery;
//   - no leader election, as there is one of each;
//   - each controller acts as its own service account, as in any cluster, so
//     that policies and the audit log see who it is;
//   - the API server advertises loopback and writes no endpoints for itself, so
//     that no network interface is needed;
//   - one audit log of up to 8 GiB instead of a rotation every 100 MB, so that
//     whoever counts requests reads one file.
var componentArgs = map[string][]arg{
	"etcd": {{"unsafe-no-fsync", "true"}, {"log-level", "warn"}},
	"kube-apiserver": {
		{"advertise-address", "127.0.0.1"},
		{"endpoint-reconciler-type", "none"},
		{"audit-log-maxsize", "8192"},
	},
	"kube-controller-manager": {
		{"leader-elect", "false"},
		{"use-service-account-credentials", "true"},
	},
	"kube-scheduler": {{"leader-elect", "false"}},
}

// fairnessArgs take back what kwokctl's disableQPSLimits does to the API
// server: a later flag wins.
var fairnessArgs = []arg{
	{"enable-priority-and-fairness", "true"}, {"max-requests-inflight", "400"}, {"max-mutating-requests-inflight", "200"},
}

// kwokConfig is the file for `kwokctl --config`: kwokctl's and kwok's settings
// as JSON, which is YAML, and then the stages.
func kwokConfig(s *state, p Programs) ([]byte, error) {
	type patch struct {
		Name      string `json:"name"`
		ExtraArgs []arg  `json:"extraArgs"`
	}
	var patches []patch
	for _, name := range controlPlanePrograms {
		args := componentArgs[name]
		if name == "kube-apiserver" && s.PriorityAndFairness {
			args = slices.Concat(args, fairnessArgs)
		}
		if len(args) > 0 {
			patches = append(patches, patch{Name: name, ExtraArgs: args})
		}
	}
	const loopback = "127.0.0.1"
	documents := []map[string]any{{
		"apiVersion": "config.kwok.x-k8s.io/v1alpha1",
		"kind":       "KwokctlConfiguration",
		"options": map[string]any{
			"runtime":                     "binary",
			"bindAddress":                 loopback,
			"securePort":                  true,
			"kubeAuthorization":           true,
			"kubeAdmission":               true,
			"disableQPSLimits":            true,
			"kubeAuditPolicy":             s.path("audit-policy.yaml"),
			"kubeApiserverPort":           s.Ports.APIServer,
			"etcdPort":                    s.Ports.Etcd,
			"etcdPeerPort":                s.Ports.EtcdPeer,
			"kubeControllerManagerPort":   s.Ports.ControllerManager,
			"kubeSchedulerPort":           s.Ports.Scheduler,
			"kwokControllerPort":          s.Ports.Kwok,
			"kubeApiserverBinary":         filepath.Join(p.ControlPlane, "kube-apiserver"),
			"kubeControllerManagerBinary": filepath.Join(p.ControlPlane, "kube-controller-manager"),
			"kubeSchedulerBinary":         filepath.Join(p.ControlPlane, "kube-scheduler"),
			"kubectlBinary":               p.Kubectl(),
			"etcdBinary":                  filepath.Join(p.ControlPlane, "etcd"),
			"kwokControllerBinary":        filepath.Join(p.Kwok, "kwok"),
			// Leases last long, as the simulated nodes never die of themselves.
			"nodeLeaseDurationSeconds":                                nodeLeaseSeconds,
			"kubeControllerManagerNodeMonitorGracePeriodMilliseconds": 4 * nodeLeaseSeconds * 1000,
		},
		"componentsPatches": patches,
	}, {
		"apiVersion": "config.kwok.x-k8s.io/v1alpha1",
		"kind":       "KwokConfiguration",
		"options": map[string]any{
			"manageAllNodes":            true,
			"cidr":                      "10.0.0.1/16",
			"podPlayStageParallelism":   16,
			"nodePlayStageParallelism":  8,
			"nodeLeaseParallelism":      4,
			"podsOnNodeSyncParallelism": 4,
		},
	}}
	var out bytes.Buffer
	for _, document := range documents {
		data, err := json.MarshalIndent(document, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("encode kwokctl's configuration: %w", err)
		}
		out.Write(data)
		out.WriteString("\n---\n")
	}
	out.Write(stages)
	return out.Bytes(), nil
}

// nodeLeaseSeconds is how long a simulated node's lease lasts; it is renewed
// four times in that span.
const nodeLeaseSeconds = 240

// startControlPlane runs `kwokctl create cluster` and records what it started.
// Its processes are detached from ours; each inherits the sandbox's mark.
func startControlPlane(ctx context.Context, s *state, p Programs) error {
	if err := os.MkdirAll(s.kwokWorkdir(), 0o700); err != nil {
		return fmt.Errorf("make kwokctl's directory: %w", err)
	}
	if err := os.WriteFile(s.path("audit-policy.yaml"), auditPolicy, 0o600); err != nil {
		return fmt.Errorf("write the audit policy: %w", err)
	}
	config, err := kwokConfig(s, p)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path("kwok.yaml"), config, 0o600); err != nil {
		return fmt.Errorf("write kwokctl's configuration: %w", err)
	}
	// An empty --kubeconfig keeps kwokctl away from ~/.kube/config.
	out, err := runMarked(ctx, s, p, filepath.Join(p.Kwok, "kwokctl"), nil,
		"create", "cluster", "--name", s.Name, "--config", s.path("kwok.yaml"), "--kubeconfig", "", "--timeout", "2m")
	_ = os.WriteFile(s.path("create.log"), out, 0o600) // for people; an error quotes it below
	if err != nil {
		return fmt.Errorf("start the control plane: %w\n%s", err, s.whyDown(out))
	}
	return recordControlPlane(s)
}

// runMarked runs one of the built programs to its end as a process of the
// sandbox and returns what it printed.
func runMarked(ctx context.Context, s *state, p Programs, program string, stdin []byte, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = markedEnv(s, p)
	cmd.Dir = s.dir()
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	// A Ctrl-C reaches us alone; we then end this child ourselves.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return out.Bytes(), fmt.Errorf("%s was interrupted: %w", filepath.Base(program), ctx.Err())
		}
		return out.Bytes(), fmt.Errorf("%s %s: %w", filepath.Base(program), args[0], err)
	}
	return out.Bytes(), nil
}

// markedEnv is the environment of the sandbox's processes: the caller's with
// our mark, kwokctl's state beside ours, our kubectl first on PATH, and
// without settings that would point a program at another cluster or proxy.
func markedEnv(s *state, p Programs) []string {
	var env []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		switch {
		case name == markEnv, name == "PATH", name == "KUBECONFIG", strings.HasPrefix(name, "KWOK_"),
			strings.HasPrefix(name, "ETCD_"), strings.HasPrefix(name, "ETCDCTL_"):
			continue
		}
		env = append(env, variable)
	}
	return append(env,
		markEnv+"="+s.ID,
		HomeEnv+"="+s.home,
		"KWOK_WORKDIR="+s.kwokWorkdir(),
		"PATH="+p.ControlPlane+string(os.PathListSeparator)+os.Getenv("PATH"),
		"NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost",
	)
}

// recordControlPlane reads kwokctl's PID files into the state.
func recordControlPlane(s *state) error {
	s.ControlPlane = nil
	for _, name := range controlPlanePrograms {
		path := filepath.Join(s.clusterDir(), "pids", name+".pid")
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read the PID of %s: %w", name, err)
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
		if err != nil {
			return fmt.Errorf("read the PID of %s from %s: %w", name, path, err)
		}
		process, err := identify(name, pid)
		if err != nil {
			return fmt.Errorf("%s ended right after its start: %w\n%s", name, err, logTail(filepath.Join(s.clusterDir(), "logs", name+".log")))
		}
		s.ControlPlane = append(s.ControlPlane, process)
	}
	return s.save()
}

// whyDown quotes the ends of the logs that explain a control plane that did
// not come up.
func (s *state) whyDown(output []byte) string {
	var parts []string
	if text := strings.TrimSpace(string(output)); text != "" {
		parts = append(parts, lastLines(text, 8))
	}
	for _, name := range []string{"etcd", "kube-apiserver"} {
		path := filepath.Join(s.clusterDir(), "logs", name+".log")
		if data, err := os.ReadFile(path); err == nil {
			if text := strings.TrimSpace(string(data)); text != "" {
				parts = append(parts, path+" ends with:\n"+lastLines(text, 4))
			}
		}
	}
	return strings.Join(parts, "\n")
}

// lastLines returns the last n lines of text, each cut to a readable length.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	for i, line := range lines {
		if len(line) > 400 {
			lines[i] = line[:400] + " ..."
		}
	}
	return strings.Join(lines, "\n")
}
