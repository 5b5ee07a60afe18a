package live

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// Screen shows frames and messages. One goroutine uses it.
type Screen struct {
	out      io.Writer
	terminal bool
	colour   bool
	// size tells the terminal's width and height.
	size func() (width, height int, err error)

	drawn    int // lines of the table that stand above the cursor
	act      string
	lastLine time.Duration
}

// lineEvery is how often a line is written where there is no terminal.
const lineEvery = 2 * time.Second

// NewScreen shows on out: a table if it is a terminal that can move its
// cursor, lines otherwise. NO_COLOR is honoured.
func NewScreen(out *os.File) *Screen {
	fd := int(out.Fd())
	return &Screen{
		out:      out,
		terminal: term.IsTerminal(fd) && os.Getenv("TERM") != "dumb",
		colour:   os.Getenv("NO_COLOR") == "",
		size:     func() (int, int, error) { return term.GetSize(fd) },
	}
}

// Write prints text above the table, so that a Screen can stand where an
// io.Writer for progress is wanted.
func (s *Screen) Write(text []byte) (int, error) {
	s.clear()
	return s.out.Write(text)
}

// Say prints one line that stays.
func (s *Screen) Say(format string, args ...any) {
	s.clear()
	_, _ = fmt.Fprintf(s.out, format+"\n", args...)
}

// Show shows a frame: on a terminal in place of the frame before it.
func (s *Screen) Show(f Frame) {
	if !s.terminal {
		s.line(f)
		return
	}
	width, height, err := s.size()
	if err != nil || width < 20 {
		width, height = 80, 24
	}
	lines := f.Table(width, s.colour)
	if len(lines) >= height {
		lines = lines[:max(1, height-1)]
	}
	var text strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&text, "\x1b[%dA\r", s.drawn)
	}
	for _, line := range lines {
		text.WriteString(line + "\x1b[K\n")
	}
	if s.drawn > len(lines) {
		text.WriteString("\x1b[J")
	}
	s.drawn = len(lines)
	_, _ = io.WriteString(s.out, text.String())
}

// Keep leaves the table that stands on the terminal where it is.
func (s *Screen) Keep() { s.drawn = 0 }

// clear takes the table away so that text can be printed in its place.
func (s *Screen) clear() {
	if s.drawn > 0 {
		_, _ = fmt.Fprintf(s.out, "\x1b[%dA\r\x1b[J", s.drawn)
		s.drawn = 0
	}
}

// line prints an act's title when it begins and a line every few seconds.
func (s *Screen) line(f Frame) {
	switch {
	case f.Act != s.act:
		s.act = f.Act
		_, _ = fmt.Fprintf(s.out, "%s\n  %s\n", f.Act, f.Look)
		if f.Edit != "" {
			_, _ = fmt.Fprintf(s.out, "  $ %s\n", f.Edit)
		}
	case f.Elapsed-s.lastLine < lineEvery:
		return
	}
	s.lastLine = f.Elapsed
	_, _ = fmt.Fprintln(s.out, f.Line())
}
