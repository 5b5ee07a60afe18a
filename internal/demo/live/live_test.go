package live

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"fairlead.dev/fairlead/internal/demo/observer"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func act3() Frame {
	return Frame{
		Elapsed: 41200 * time.Millisecond, Act: "Act 3: usatlas comes back", Look: "As osg's Jobs end, their cores go to usatlas.",
		Rows: []Row{
			{Group: "usatlas", Running: 37, Quota: 60, Share: 60, Waiting: 113, Done: 40},
			{Group: "osg", Running: 63, Quota: 40, Share: 40, Waiting: 50, Done: 57},
		},
		Total: 100, Done: 97, Submitted: 360,
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (rewrite with -update and review):\n%s\nwant:\n%s", name, got, want)
	}
}

func TestTable(t *testing.T) {
	golden(t, "wide.golden", strings.Join(act3().Table(120, false), "\n")+"\n")
	golden(t, "narrow.golden", strings.Join(act3().Table(50, false), "\n")+"\n")
	golden(t, "colour.golden", strings.Join(act3().Table(120, true), "\n")+"\n")
	for _, width := range []int{20, 50, 95, 120} {
		for _, line := range act3().Table(width, false) {
			if utf8.RuneCountInString(line) > width {
				t.Errorf("a line of %d columns on a terminal of %d: %q", utf8.RuneCountInString(line), width, line)
			}
		}
	}
}

// An administrator's edit is shown under its act, on a terminal and in a log.
func TestEditIsShown(t *testing.T) {
	frame := act3()
	frame.Edit = "kubectl patch clusterqueue usatlas"
	var out bytes.Buffer
	(&Screen{out: &out}).Show(frame)
	for where, text := range map[string]string{"table": strings.Join(frame.Table(100, false), "\n"), "log": out.String()} {
		if !strings.Contains(text, "  $ kubectl patch clusterqueue usatlas") {
			t.Errorf("the %s does not show the edit:\n%s", where, text)
		}
	}
}

func TestScreenRedrawsInPlace(t *testing.T) {
	var out bytes.Buffer
	screen := &Screen{out: &out, terminal: true, size: func() (int, int, error) { return 100, 30, nil }}
	screen.Show(act3())
	if strings.Contains(out.String(), "A\r") {
		t.Errorf("the first frame moves the cursor: %q", out.String())
	}
	height := len(act3().Table(100, false))
	out.Reset()
	screen.Show(act3())
	if !strings.HasPrefix(out.String(), "\x1b[7A\r") || height != 7 {
		t.Errorf("the second frame of %d lines starts with %q; want the cursor 7 lines up", height, out.String()[:6])
	}
	out.Reset()
	screen.Say("hello")
	if out.String() != "\x1b[7A\r\x1b[Jhello\n" {
		t.Errorf("text over a table: %q; want the table cleared first", out.String())
	}
}

func TestPlainLines(t *testing.T) {
	var out bytes.Buffer
	screen := &Screen{out: &out}
	frame := act3()
	for range 50 { // 5 s of frames
		screen.Show(frame)
		frame.Elapsed += 100 * time.Millisecond
	}
	golden(t, "plain.golden", out.String())
}

// A line that is still being written is read once it is whole.
func TestFollowWaitsForWholeLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recording.jsonl")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	follower, err := Follow(path)
	if err != nil {
		t.Fatal(err)
	}
	defer follower.Close()
	var seen []int64
	read := func() {
		t.Helper()
		if err := follower.Next(func(r observer.Record) { seen = append(seen, r.Seq) }); err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []string{"{\"seq\":1,\"ki", "nd\":\"job\"}\n{\"seq\":2}\n{", "\"seq\":3}\n"} {
		if _, err := file.WriteString(part); err != nil {
			t.Fatal(err)
		}
		read()
	}
	if len(seen) != 3 || seen[0] != 1 || seen[2] != 3 {
		t.Errorf("read %v; want 1 2 3", seen)
	}
	if _, err := file.WriteString("junk\n"); err != nil {
		t.Fatal(err)
	}
	if err := follower.Next(func(observer.Record) {}); err == nil {
		t.Error("a damaged line is no error")
	}
}
