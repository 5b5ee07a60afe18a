package run

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"fairlead.dev/fairlead/internal/demo/load"
	"fairlead.dev/fairlead/internal/demo/observer"
)

// watching is an observer process. It stops and judges when its input ends,
// and so also when the process that started it is killed.
type watching struct {
	command *exec.Cmd
	input   io.Closer
	dir     string
	gone    chan struct{} // closed when it has ended
	err     error         // how it ended; read after gone
}

// Watching is what the observer prints when nothing can escape it any more.
const Watching = "watching"

// judgeWithin bounds how long the observer may take to judge.
const judgeWithin = 60 * time.Second

// startObserver starts the observer on the files in dir and returns when it
// watches.
func startObserver(ctx context.Context, binary, dir string) (*watching, error) {
	// A recording of an earlier run must not be taken for this one's.
	for _, name := range []string{RecordingFile, VerdictFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("removing the %s of an earlier run: %w", name, err)
		}
	}
	command := exec.Command(binary, "observe",
		"--kubeconfig", Kubeconfig(dir, load.ObserverAccount),
		"--rules", filepath.Join(dir, RulesFile),
		"--recording", filepath.Join(dir, RecordingFile),
		"--manifest", filepath.Join(dir, ManifestFile),
		"--verdict", filepath.Join(dir, VerdictFile))
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for us alone
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe to the observer: %w", err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe from the observer: %w", err)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting the observer %s: %w; `make bin/demo` builds it", binary, err)
	}
	w := &watching{command: command, input: input, dir: dir, gone: make(chan struct{})}
	ready := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			if lines.Text() == Watching {
				close(ready)
				break
			}
		}
		_, _ = io.Copy(io.Discard, output) // the pipe is read to its end before Wait
		w.err = command.Wait()
		close(w.gone)
	}()
	select {
	case <-ready:
		return w, nil
	case <-w.gone:
		return nil, fmt.Errorf("the observer does not start: %w", w.failure())
	case <-ctx.Done():
		w.abandon()
		return nil, ctx.Err()
	}
}

// failure tells how the observer ended although nobody asked it to.
func (w *watching) failure() error {
	if w.err != nil {
		return w.err
	}
	return errors.New("it ended by itself")
}

// verdict ends the observer's input, waits for its judgement and reads it.
func (w *watching) verdict() (*observer.Verdict, error) {
	_ = w.input.Close() // it fails only if the observer is gone already, which is seen next
	select {
	case <-w.gone:
	case <-time.After(judgeWithin):
		w.abandon()
		return nil, fmt.Errorf("the observer did not judge within %s", judgeWithin)
	}
	data, err := os.ReadFile(filepath.Join(w.dir, VerdictFile))
	if err != nil {
		return nil, fmt.Errorf("the observer left no verdict (%w); it ended with: %w", err, w.failure())
	}
	var verdict observer.Verdict
	if err := json.Unmarshal(data, &verdict); err != nil {
		return nil, fmt.Errorf("reading the verdict: %w", err)
	}
	if verdict.Pass != (w.err == nil) {
		return nil, fmt.Errorf("the verdict says pass=%t, but the observer ended with status %d", verdict.Pass, w.command.ProcessState.ExitCode())
	}
	return &verdict, nil
}

// abandon makes sure that the observer is gone.
func (w *watching) abandon() {
	select {
	case <-w.gone:
	default:
		_ = w.command.Process.Kill()
		<-w.gone
	}
}
