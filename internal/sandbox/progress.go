package sandbox

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// progress turns the chatter of a long build into something to read: on a
// terminal one line that is rewritten twice a second, elsewhere a line every
// reportEvery. As an io.Writer it takes the go command's standard error, of
// which every package name counts as one package done.
type progress struct {
	out      io.Writer
	terminal bool

	mu       sync.Mutex
	partial  []byte   // an unfinished line of the go command
	last     []string // the last lines that were not package names
	what     string
	began    time.Time
	done     int
	expected int // upper bound of done; 0 while unknown
}

const (
	reportEvery = 5 * time.Second
	redrawEvery = 500 * time.Millisecond
	keptLines   = 25
)

// newProgress reports to out; a nil out discards everything.
func newProgress(out io.Writer) *progress {
	if out == nil {
		return &progress{out: io.Discard}
	}
	return &progress{out: out, terminal: isTerminal(out)}
}

// isTerminal reports whether w is a character device that a person looks at.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Name() != "null"
}

// line prints one lasting line.
func (p *progress) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	_, _ = fmt.Fprintf(p.out, "sandbox: "+format+"\n", args...)
}

// start begins a phase and returns what ends it with its outcome. While it
// lasts the state is printed again and again.
func (p *progress) start(what string) (stop func(error)) {
	p.mu.Lock()
	p.what, p.began, p.done, p.expected, p.last = what, time.Now(), 0, 0, nil
	every := reportEvery
	if p.terminal {
		every = redrawEvery
	}
	p.mu.Unlock()
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
				p.draw()
			}
		}
	}()
	return func(err error) {
		close(quit)
		<-ended
		outcome := "done"
		if err != nil {
			outcome = "failed"
		}
		p.line("%s: %s after %s, %d packages compiled", what, outcome, time.Since(p.began).Round(time.Second), p.done)
	}
}

// total sets the upper bound of packages.
func (p *progress) total(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = n
}

// draw prints the state once: in place on a terminal, as a line elsewhere.
func (p *progress) draw() {
	state := p.state()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		p.clear()
		_, _ = fmt.Fprintf(p.out, "sandbox: %s", state)
		return
	}
	_, _ = fmt.Fprintf(p.out, "sandbox: %s\n", state)
}

// clear wipes the line that draw has left on a terminal. Callers hold mu.
func (p *progress) clear() {
	if p.terminal {
		_, _ = io.WriteString(p.out, "\r\x1b[K")
	}
}

// state describes the phase in a few words.
func (p *progress) state() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	elapsed := time.Since(p.began).Round(time.Second)
	switch {
	case p.expected == 0:
		return fmt.Sprintf("%s: fetching modules, %s", p.what, elapsed)
	case p.done >= p.expected:
		return fmt.Sprintf("%s: linking, %s", p.what, elapsed)
	default:
		return fmt.Sprintf("%s: %d of at most %d packages compiled, %s", p.what, p.done, p.expected, elapsed)
	}
}

// Write takes the go command's standard error.
func (p *progress) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partial = append(p.partial, data...)
	for {
		end := bytes.IndexByte(p.partial, '\n')
		if end < 0 {
			return len(data), nil
		}
		text := string(p.partial[:end])
		p.partial = p.partial[end+1:]
		if isPackageName(text) {
			p.done++
			continue
		}
		p.last = append(p.last, text)
		if len(p.last) > keptLines {
			p.last = p.last[1:]
		}
	}
}

// isPackageName tells a line of go build -v from a message: an import path has
// neither spaces nor a colon.
func isPackageName(line string) bool {
	return line != "" && !strings.ContainsAny(line, " \t:#")
}

// tail returns the last messages of the go command, for an error.
func (p *progress) tail() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.last, "\n")
}
