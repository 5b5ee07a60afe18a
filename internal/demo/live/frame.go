package live

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Frame is what there is to show at one instant.
type Frame struct {
	// Elapsed is the time since the load began.
	Elapsed time.Duration
	// Act is its number and title, Look the sentence on what to look for.
	Act, Look string
	// Edit is the command of the administrator's edit, if there is one.
	Edit string
	Rows []Row
	// Total is all quota, in cores. Done and Submitted count Jobs.
	Total           float64
	Done, Submitted int
}

// Row is one group.
type Row struct {
	Group string
	// Running, Quota and Share are in cores: what its pods use, what it owns,
	// and what fair sharing gives it for what it wants now.
	Running, Quota, Share float64
	Waiting, Done         int
}

// barCells is the width of the bars.
const barCells = 40

// colours are the groups' colours on a terminal, as in the report.
var colours = []string{"\x1b[38;5;32m", "\x1b[38;5;208m", "\x1b[38;5;36m", "\x1b[38;5;170m"}

const (
	bold  = "\x1b[1m"
	faint = "\x1b[2m"
	plain = "\x1b[0m"
)

// Table renders the frame as lines of at most width columns.
func (f Frame) Table(width int, colour bool) []string {
	paint := func(code, text string) string {
		if !colour || text == "" {
			return text
		}
		return code + text + plain
	}
	lines := []string{
		paint(bold, clip(fmt.Sprintf("%5.1f s   %s", f.Elapsed.Seconds(), f.Act), width)),
	}
	for _, line := range wrap(f.Look, width-10) {
		lines = append(lines, paint(faint, clip("          "+line, width)))
	}
	if f.Edit != "" {
		lines = append(lines, clip("          $ "+f.Edit, width))
	}
	lines = append(lines, "",
		clip(fmt.Sprintf("  %-10s %7s %6s %7s %8s %6s", "group", "running", "quota", "share", "waiting", "done"), width))
	var running float64
	for i, r := range f.Rows {
		running += r.Running
		figures := fmt.Sprintf("  %-10s %7.0f %6.0f %7.1f %8d %6d", clip(r.Group, 10), r.Running, r.Quota, r.Share, r.Waiting, r.Done)
		line := clip(figures, width)
		if room := width - utf8.RuneCountInString(figures) - 2; room >= barCells {
			line += "  " + paint(colours[i%len(colours)], r.bar(f.Total))
		}
		lines = append(lines, line)
	}
	rest := fmt.Sprintf("  %-10s %7.0f %6.0f %7s %8s %6d of %d Jobs", "all", running, f.Total, "", "", f.Done, f.Submitted)
	return append(lines, paint(faint, clip(rest, width)))
}

// bar draws the running cores on a scale of all quota, with a mark where the
// group's own quota ends.
func (r Row) bar(total float64) string {
	if total <= 0 {
		return ""
	}
	full := cells(r.Running, total)
	own := cells(r.Quota, total) - 1
	var bar strings.Builder
	for i := range barCells {
		switch {
		case i == own && i < full:
			bar.WriteRune('▓')
		case i == own:
			bar.WriteRune('|')
		case i < full:
			bar.WriteRune('█')
		default:
			bar.WriteRune('·')
		}
	}
	return bar.String()
}

func cells(cores, total float64) int { return min(barCells, int(cores/total*barCells+0.5)) }

// Line renders the frame as one line of plain text.
func (f Frame) Line() string {
	var groups []string
	for _, r := range f.Rows {
		groups = append(groups, fmt.Sprintf("%s %3.0f running (quota %.0f, share %.1f), %d waiting, %d done",
			r.Group, r.Running, r.Quota, r.Share, r.Waiting, r.Done))
	}
	return fmt.Sprintf("%6.1f s  %s", f.Elapsed.Seconds(), strings.Join(groups, " | "))
}

// clip cuts text to width columns.
func clip(text string, width int) string {
	if width <= 0 || utf8.RuneCountInString(text) <= width {
		return text
	}
	runes := []rune(text)
	if width == 1 {
		return "…"
	}
	return string(runes[:width-1]) + "…"
}

// wrap breaks text between words into lines of at most width columns; a longer
// word stands alone.
func wrap(text string, width int) []string {
	var lines []string
	for _, word := range strings.Fields(text) {
		last := len(lines) - 1
		if last >= 0 && utf8.RuneCountInString(lines[last])+1+utf8.RuneCountInString(word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}
