package browser

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fairlead/internal/demo/observer"
	"fairlead.dev/fairlead/internal/demo/report"
)

// probe is a page that shows the report in a frame and writes down, as JSON,
// what came of it.
const probe = `<!doctype html><body style="margin:0"><pre id="found"></pre>
<iframe id="frame" src="report.html" style="width:1000px;height:4000px;border:0"></iframe>
<script>
document.getElementById("frame").onload = function () {
  const page = this.contentDocument, view = this.contentWindow;
  const seen = e => { const b = e.getBoundingClientRect(), s = view.getComputedStyle(e);
    return b.width > 0 && b.height > 0 && b.right <= 1000 && s.visibility === "visible" && Number(s.opacity) > 0; };
  document.getElementById("found").textContent = JSON.stringify({
    title: page.title,
    verdict: seen(page.querySelector(".verdict")) ? page.querySelector(".verdict").innerText : "",
    charts: [...page.querySelectorAll("svg")].map(e => ({ seen: seen(e), width: e.getBoundingClientRect().width, height: e.getBoundingClientRect().height,
      shapes: e.querySelectorAll("path, polygon, polyline, rect, line").length,
      outside: [...e.querySelectorAll("text")].filter(t => { const a = t.getBoundingClientRect(), b = e.getBoundingClientRect();
        return a.left < b.left - 1 || a.right > b.right + 1; }).map(t => t.textContent) })),
    rules: [...page.querySelectorAll("td.mark")].filter(seen).length,
    numbers: [...page.querySelectorAll("td.n")].filter(seen).map(e => e.innerText),
    fetched: view.performance.getEntriesByType("resource").map(e => e.name),
  });
};
</script>`

type found struct {
	Title, Verdict string
	Charts         []struct {
		Seen          bool
		Width, Height float64
		Shapes        int
		Outside       []string
	}
	Rules            int
	Numbers, Fetched []string
}

func TestReport(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "report.html")
	if given := os.Getenv("FAIRLEAD_REPORT"); given != "" {
		copyFile(t, given, page)
	} else {
		writeReport(t, dir)
	}
	if err := os.WriteFile(filepath.Join(dir, "probe.html"), []byte(probe), 0o644); err != nil {
		t.Fatal(err)
	}
	dom, console := chromium(t, dir, "--dump-dom", "file://"+filepath.Join(dir, "probe.html"))
	if strings.Contains(console, "CONSOLE") {
		t.Errorf("the browser complains:\n%s", console)
	}
	text := regexp.MustCompile(`(?s)<pre id="found">(.*?)</pre>`).FindSubmatch(dom)
	var f found
	if text == nil || json.Unmarshal([]byte(html.UnescapeString(string(text[1]))), &f) != nil {
		t.Fatalf("the report did not load: %.500s\n%s", dom, console)
	}
	if !strings.HasPrefix(f.Verdict, "PASS: all") || !strings.Contains(f.Title, "wlcg") {
		t.Errorf("title %q, verdict %q", f.Title, f.Verdict)
	}
	if len(f.Fetched) > 0 {
		t.Errorf("the report fetches %q", f.Fetched)
	}
	if f.Rules < 10 || len(f.Numbers) < 20 {
		t.Errorf("%d rules and %d numbers are to be seen", f.Rules, len(f.Numbers))
	}
	for _, number := range f.Numbers {
		if number == "" || strings.Contains(number, "NaN") {
			t.Errorf("a number reads %q", number)
		}
	}
	if len(f.Charts) != 4 {
		t.Fatalf("%d charts, want 4", len(f.Charts))
	}
	for i, chart := range f.Charts {
		if !chart.Seen || chart.Width < 600 || chart.Height < 150 || chart.Shapes < 10 || len(chart.Outside) > 0 {
			t.Errorf("chart %d: %+v", i, chart)
		}
	}
	painted(t, dir, page)
}

// painted looks at the pixels of the page: the groups' colours must be there.
func painted(t *testing.T, dir, page string) {
	t.Helper()
	picture := filepath.Join(dir, "page.png")
	chromium(t, dir, "--window-size=1000,1600", "--screenshot="+picture, "file://"+page)
	data, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	if out := os.Getenv("FAIRLEAD_SCREENSHOT"); out != "" {
		copyFile(t, picture, out)
	}
	image, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for x := range image.Bounds().Dx() {
		for y := range image.Bounds().Dy() {
			r, g, b, _ := image.At(x, y).RGBA()
			switch r, g, b := r>>8, g>>8, b>>8; {
			case b > 150 && r < 110:
				counts["usatlas"]++
			case r > 200 && g > 140 && g < 210 && b < 130:
				counts["osg"]++
			case g > 100 && r < 60 && b < 90:
				counts["the verdict"]++
			}
		}
	}
	for what, least := range map[string]int{"usatlas": 10_000, "osg": 10_000, "the verdict": 2_000} {
		if counts[what] < least {
			t.Errorf("%d pixels of %s, want at least %d", counts[what], what, least)
		}
	}
}

// chromium runs the browser once, without network, and returns what it prints
// and what it complains of.
func chromium(t *testing.T, dir string, args ...string) (out []byte, console string) {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("no Chromium on the PATH: `make chromium` installs it")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, program, append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
		"--user-data-dir=" + filepath.Join(dir, "profile"), "--allow-file-access-from-files",
		"--proxy-server=127.0.0.1:9", "--enable-logging=stderr", "--virtual-time-budget=5000",
	}, args...)...)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	out, err = command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, complaints.String())
	}
	return out, complaints.String()
}

// writeReport judges the real recording that the observer's tests keep, and
// draws its report.
func writeReport(t *testing.T, dir string) {
	t.Helper()
	from := filepath.Join("..", "..", "internal", "demo", "observer", "testdata", "demo")
	copyFile(t, filepath.Join(from, "rules.json"), filepath.Join(dir, "rules.json"))
	for _, name := range []string{"recording.jsonl", "manifest.jsonl"} {
		unzip(t, filepath.Join(from, name+".gz"), filepath.Join(dir, name))
	}
	rules, err := observer.LoadRules(filepath.Join(dir, "rules.json"))
	if err != nil {
		t.Fatal(err)
	}
	recording, err := observer.LoadRecording(filepath.Join(dir, "recording.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := observer.LoadManifest(filepath.Join(dir, "manifest.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	verdict, err := json.Marshal(observer.Judge(rules, recording, manifest))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "verdict.json"), verdict, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func unzip(t *testing.T, from, to string) {
	t.Helper()
	if err := func() error {
		file, err := os.Open(from)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		zip, err := gzip.NewReader(file)
		if err != nil {
			return err
		}
		data, err := io.ReadAll(zip)
		if err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		return os.WriteFile(to, data, 0o644)
	}(); err != nil {
		t.Fatal(err)
	}
}
