package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// progressAfter is how long a run may take before its progress is shown;
// on a terminal it is shown anew on one line, elsewhere now and then a line.
const (
	progressAfter    = time.Second
	progressOnScreen = 500 * time.Millisecond
	progressInFile   = 10 * time.Second
)

// progress shows how far a simulation has come.
type progress struct {
	out         io.Writer
	terminal    bool
	began, last time.Time
	total       int
	shown       bool
}

func newProgress(out io.Writer, total int) *progress {
	file, ok := out.(*os.File)
	return &progress{out: out, terminal: ok && term.IsTerminal(int(file.Fd())), began: time.Now(), total: total}
}

func (p *progress) show(submitted, ended int, at time.Duration) {
	now := time.Now()
	pause, begin, end := progressInFile, "", "\n"
	if p.terminal {
		pause, begin, end = progressOnScreen, "\r", " "
	}
	if now.Sub(p.began) < progressAfter || now.Sub(p.last) < pause {
		return
	}
	p.last, p.shown = now, true
	_, _ = fmt.Fprintf(p.out, begin+"simulated %.1f days: %d of %d jobs submitted, %d ended"+end, at.Hours()/24, submitted, p.total, ended)
}

// clear ends the line.
func (p *progress) clear() {
	if p.shown && p.terminal {
		_, _ = fmt.Fprintln(p.out)
	}
}
