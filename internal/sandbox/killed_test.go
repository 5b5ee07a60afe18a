package sandbox

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKilledUp kills `up` at seeded random moments; whatever it had started by
// then, the next `down`, or the next `up`, clears it away.
func TestKilledUp(t *testing.T) {
	home := ownHome(t)
	program := cli(t)
	if _, err := Binaries(t.Context(), t.Output()); err != nil { // not while the clock runs
		t.Fatal(err)
	}
	const seed = 7
	random := rand.New(rand.NewPCG(seed, seed))
	args := []string{"sandbox", "up", "--name", "killed", "--nodes", "3", "--manager=false"}
	kill := func(sig syscall.Signal, after time.Duration) *exec.Cmd {
		t.Helper()
		cmd := exec.Command(program, args...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Signal(sig) })
		defer timer.Stop()
		_ = cmd.Wait()
		t.Logf("%s after %s: %s\n%s", sig, after.Round(time.Millisecond), cmd.ProcessState, out.String())
		return cmd
	}
	for range 4 {
		kill(syscall.SIGKILL, time.Duration(random.Int64N(int64(5*time.Second))))
		if err := Down(t.Context(), "killed"); err != nil && !errors.Is(err, ErrNotFound) {
			t.Fatal(err)
		}
		if left := processesOf(t, home); len(left) > 0 {
			t.Fatalf("processes are left: %v", left)
		}
		if isDir(filepath.Join(home, "killed")) {
			t.Fatal("the state is left")
		}
	}
	kill(syscall.SIGKILL, 1500*time.Millisecond)
	if cmd := kill(syscall.SIGINT, 1500*time.Millisecond); cmd.ProcessState.ExitCode() != 130 && !cmd.ProcessState.Success() {
		t.Errorf("an interrupted `up` exits with %d", cmd.ProcessState.ExitCode())
	} else if cmd.ProcessState.ExitCode() == 130 && (len(processesOf(t, home)) > 0 || isDir(filepath.Join(home, "killed"))) {
		t.Errorf("an interrupted `up` leaves %v", processesOf(t, home))
	}
	// The name is free for the next one, over whatever the two have left.
	out, err := exec.Command(program, "sandbox", "down", "--name", "killed").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = exec.Command(program, args...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "3 nodes are ready") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = exec.Command(program, args...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the sandbox runs already") {
		t.Errorf("up twice: %v\n%s", err, out)
	}
	out, err = exec.Command(program, "sandbox", "list").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "running") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, want := range []string{`Sandbox "killed" is removed`, "nothing to remove"} {
		out, err = exec.Command(program, "sandbox", "down", "--name", "killed").CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// TestKilledBuildEndsTheCompiler kills a build: the go command must not go on.
func TestKilledBuildEndsTheCompiler(t *testing.T) {
	program := cli(t)
	source, _ := fakeCheckout(t)
	note := filepath.Join(source, "pid")
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho $$ >" + note + ".new; mv " + note + ".new " + note + "\nexec sleep 600\n"
	if err := os.WriteFile(goCommand, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "sandbox", "build")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var compiler Process
	eventually(t, "the compiler runs", func(context.Context) error {
		data, err := os.ReadFile(note)
		if err != nil {
			return err
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
		if err != nil {
			return err
		}
		compiler, err = identify("go", pid)
		return err
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	eventually(t, "the compiler ends", func(context.Context) error {
		if compiler.Alive() {
			return errors.New(describe([]Process{compiler}))
		}
		return nil
	})
}
