package measure

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestReadProcessSeesItself(t *testing.T) {
	before, err := ReadProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// Touch 64 MiB and spend processor time until the kernel has counted it.
	block := make([]byte, 64<<20)
	for {
		for i := range block {
			block[i]++
		}
		after, err := ReadProcess(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after.CPU > before.CPU+0.05 {
			if after.Peak < before.Peak || after.Peak < 64<<20 {
				t.Errorf("peak is %d bytes after touching 64 MiB, %d before", after.Peak, before.Peak)
			}
			break
		}
	}
	if err := ResetOwnPeak(); err != nil {
		t.Fatal(err)
	}
}

func TestReadProcessThatEnded(t *testing.T) {
	cmd := exec.Command("true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := cmd.Process.Pid
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadProcess(pid); !errors.Is(err, ErrGone) {
		t.Errorf("got %v, want ErrGone", err)
	}
}

func TestReadProcessWithBracketsInItsName(t *testing.T) {
	root := t.TempDir()
	t.Cleanup(func(old string) func() { return func() { procRoot = old } }(procRoot))
	procRoot = root
	dir := filepath.Join(root, "7")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "stat"), "7 (a ) b) S 1 1 1 0 -1 0 0 0 0 0 150 50 9 9 20 0 1 0 4242 0 0\n")
	write(t, filepath.Join(dir, "status"), "Name:\ta ) b\nVmPeak:\t 9 kB\nVmHWM:\t    2048 kB\n")
	got, err := ReadProcess(7)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Process{PID: 7, CPU: 2, Peak: 2048 * 1024, Started: 4242}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestARestartSpoilsTheFigures(t *testing.T) {
	before := Processes{"manager": {PID: 5, CPU: 1, Started: 10}}
	after := Processes{"manager": {PID: 6, CPU: 2, Started: 20}}
	if _, err := after.Since(before, []string{"manager"}); err == nil || !strings.Contains(err.Error(), "manager restarted") {
		t.Errorf("got %v, want a complaint that manager restarted", err)
	}
	after["manager"] = Process{PID: 5, CPU: 4, Peak: 9, Started: 10}
	got, err := after.Since(before, []string{"manager"})
	if err != nil {
		t.Fatal(err)
	}
	if want := []Use{{Name: "manager", CPU: 3, Peak: 9}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

const sampleMetrics = `# HELP apiserver_request_total [STABLE] Counter of apiserver requests.
# TYPE apiserver_request_total counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="batch",resource="jobs",scope="resource",subresource="",verb="PATCH",version="v1"} 1000
apiserver_request_total{code="201",component="apiserver",dry_run="",group="batch",resource="jobs",scope="namespace",subresource="",verb="POST",version="v1"} 1e+03
apiserver_request_total{code="200",component="apiserver",dry_run="",group="batch",resource="jobs",scope="resource",subresource="status",verb="PUT",version="v1"} 3
apiserver_request_total{code="409",component="apiserver",dry_run="",group="batch",resource="jobs",scope="resource",subresource="status",verb="PUT",version="v1"} 2
apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="",scope="",subresource="/metrics",verb="GET",version=""} 5
apiserver_requests_other_total{code="200"} 8
`

func TestParseRequests(t *testing.T) {
	got, err := parseRequests([]byte(sampleMetrics))
	if err != nil {
		t.Fatal(err)
	}
	want := Requests{
		{Verb: "PATCH", Resource: "jobs", Code: "200"}:                      1000,
		{Verb: "POST", Resource: "jobs", Code: "201"}:                       1000,
		{Verb: "PUT", Resource: "jobs", Subresource: "status", Code: "200"}: 3,
		{Verb: "PUT", Resource: "jobs", Subresource: "status", Code: "409"}: 2,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if n := got.Count("PUT", "jobs/status"); n != 5 {
		t.Errorf("%d status PUTs, want 5", n)
	}
	delta := got.Since(Requests{{Verb: "PATCH", Resource: "jobs", Code: "200"}: 990})
	if n := delta.Count("PATCH", "jobs"); n != 10 {
		t.Errorf("%d patches since, want 10", n)
	}
	if n := delta.Writes(); n != 1015 {
		t.Errorf("%d writes since, want 1015", n)
	}
	var order []string
	for _, c := range got.Counts() {
		order = append(order, c.Verb+" "+c.Path()+" "+c.Code)
	}
	if want := []string{"PATCH jobs 200", "POST jobs 201", "PUT jobs/status 200", "PUT jobs/status 409"}; !reflect.DeepEqual(order, want) {
		t.Errorf("listed as %v, want %v", order, want)
	}
}

func TestQuantilesAreNearestRank(t *testing.T) {
	var durations []time.Duration
	for i := 100; i >= 1; i-- {
		durations = append(durations, time.Duration(i)*time.Second)
	}
	if got, want := QuantilesOf(durations), (Quantiles{Count: 100, Median: 50, P95: 95, P99: 99, Max: 100}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := QuantilesOf(nil); got != (Quantiles{}) {
		t.Errorf("of none: %+v", got)
	}
	if got := Median([]float64{4, 1, 3, 2}); got != 2.5 {
		t.Errorf("median of four is %g, want 2.5", got)
	}
}

func TestMachineKnowsItself(t *testing.T) {
	m := ReadMachine(context.Background())
	if m.Cores < 1 || m.Memory < 1<<20 || !strings.HasPrefix(m.Go, "go") || m.Kernel == "unknown" {
		t.Errorf("facts are missing: %+v", m)
	}
	busy, err := BusySeconds()
	if err != nil || busy <= 0 {
		t.Errorf("the machine was busy for %g s (%v)", busy, err)
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWaitIdle(t *testing.T) {
	resting := exec.Command("sleep", "60")
	if err := resting.Start(); err != nil {
		t.Fatal(err)
	}
	pids := map[string]int{"sleep": resting.Process.Pid}
	err := WaitIdle(t.Context(), pids, 0.1, time.Hour)
	if err := resting.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = resting.Wait()
	if err != nil {
		t.Errorf("a sleeping process is not at rest: %v", err)
	}
	if err := WaitIdle(t.Context(), pids, 0.1, time.Hour); !errors.Is(err, ErrGone) {
		t.Errorf("got %v, want ErrGone", err)
	}
	// Nothing uses less than nothing: only the limit ends this.
	if err := WaitIdle(t.Context(), map[string]int{"self": os.Getpid()}, 0, time.Millisecond); err != nil {
		t.Error(err)
	}
}
