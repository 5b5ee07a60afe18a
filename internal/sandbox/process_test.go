package sandbox

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// sleeper starts a process that lives until it is killed and cleans it up.
func sleeper(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("sleep", "600")
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

func mustIdentify(t *testing.T, pid int) Process {
	t.Helper()
	p, err := identify("sleep", pid)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReusedPIDIsNeverTouched(t *testing.T) {
	real := mustIdentify(t, sleeper(t).Process.Pid)
	for name, change := range map[string]func(*Process){
		"another start time": func(p *Process) { p.StartTicks++ },
		"another boot":       func(p *Process) { p.BootID = "0" },
	} {
		t.Run(name, func(t *testing.T) {
			forged := real
			change(&forged)
			if forged.Alive() {
				t.Error("counts as alive")
			}
			if err := forged.signal(syscall.SIGKILL); !errors.Is(err, errNotOurs) {
				t.Errorf("signal: got %v, want errNotOurs", err)
			}
			if err := end(t.Context(), []Process{forged}, 0); err != nil {
				t.Errorf("end: %v", err)
			}
			if !real.Alive() {
				t.Fatal("the process that has the PID now was killed")
			}
		})
	}
}

func TestEndKillsWhatIgnoresTheRequest(t *testing.T) {
	cmd := exec.Command("sh", "-c", `trap "" TERM; echo ready; while :; do sleep 600; done`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its sleep
		_ = cmd.Wait()
	})
	if _, err := out.Read(make([]byte, 6)); err != nil { // the trap is set
		t.Fatal(err)
	}
	stubborn := mustIdentify(t, cmd.Process.Pid)
	const grace = 200 * time.Millisecond
	began := time.Now()
	if err := end(t.Context(), []Process{stubborn}, grace); err != nil {
		t.Fatal(err)
	}
	if stubborn.Alive() {
		t.Error("is still alive") // a zombie counts as gone
	}
	if took := time.Since(began); took < grace {
		t.Errorf("was killed after %s, before its grace of %s was over", took, grace)
	}
}

func TestMarkFindsExactlyTheSandboxsProcesses(t *testing.T) {
	ours := sleeper(t, markEnv+"=AAA")
	sleeper(t, markEnv+"=AAAB")
	sleeper(t, "X"+markEnv+"=AAA")
	var found []Process
	// A child has its parent's environment until it has executed its program.
	deadline := time.Now().Add(10 * time.Second)
	for len(found) == 0 && time.Now().Before(deadline) {
		var err error
		if found, err = marked("AAA"); err != nil {
			t.Fatal(err)
		}
	}
	if len(found) != 1 || found[0].PID != ours.Process.Pid {
		t.Errorf("found %v, want only PID %d", found, ours.Process.Pid)
	}
	if none, err := marked(""); err != nil || len(none) != 0 {
		t.Errorf("an empty mark found %v, %v", none, err)
	}
}

func TestParseStat(t *testing.T) {
	tests := []struct {
		name, line string
		want       uint64
		gone       bool
	}{
		{name: "plain", line: "7 (etcd) S 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0", want: 4711},
		{name: "parentheses and blanks in the name", line: "7 (a) S (b) R 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0", want: 99},
		{name: "zombie whose other threads still end", line: "7 (etcd) Z 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 3 0 4711 0 0", want: 4711},
		{name: "zombie", line: "7 (etcd) Z 1 7 7 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0", gone: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseStat([]byte(tt.line))
			if errors.Is(err, errNotOurs) != tt.gone || got != tt.want {
				t.Errorf("got %d, %v", got, err)
			}
		})
	}
	for _, broken := range []string{"", "7 etcd S", "7 (etcd) S 1"} {
		if _, err := parseStat([]byte(broken)); err == nil || errors.Is(err, errNotOurs) {
			t.Errorf("%q: got %v, want a complaint about the line", broken, err)
		}
	}
}
