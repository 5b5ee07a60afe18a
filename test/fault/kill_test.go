package fault

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"fairlead.dev/fairlead/internal/demo/load"
	"fairlead.dev/fairlead/internal/demo/observer"
	"fairlead.dev/fairlead/internal/demo/run"
	"fairlead.dev/fairlead/internal/sandbox"
)

// TestKilledManagerLosesNothing kills the manager at seeded random moments of
// the demo's load, starts it again and lets the observer judge: no Job lost,
// none started twice, no group over what the rules allow.
func TestKilledManagerLosesNothing(t *testing.T) {
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	source, err := sandbox.FindSource()
	if err != nil {
		t.Fatal(err)
	}
	demo := filepath.Join(source, "bin", "demo")
	if _, err := os.Stat(demo); err != nil {
		t.Fatalf("%v; `make build` builds it", err)
	}
	cluster, err := sandbox.Up(ctx, sandbox.Options{
		Name:   fmt.Sprintf("fault-%d", os.Getpid()),
		Nodes:  []sandbox.NodeGroup{{Count: 5, CPU: "20", Memory: "64Gi"}},
		Output: t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			keepLog(t, cluster.ManagerLog, filepath.Join(source, "out", "fault", "manager.log"))
		}
		if err := cluster.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	first, count := setting(t, "FAIRLEAD_FAULT_FIRST", 1), setting(t, "FAIRLEAD_FAULT_SEEDS", 3)
	var table []string
	for seed := first; seed < first+count; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			r := &round{seed: seed, cluster: cluster, demo: demo, dir: filepath.Join(source, "out", "fault", fmt.Sprintf("seed-%03d", seed))}
			table = append(table, r.play(ctx, t))
		})
	}
	t.Logf("seed  Jobs  killed after, ready again within                                                  took  verdict\n%s", join(table))
}

// round is one seed.
type round struct {
	seed    int
	cluster *sandbox.Cluster
	demo    string
	dir     string
}

// moment is when to kill: after a number of Jobs had started, and a little.
type moment struct {
	starts int
	then   time.Duration
	// down is how long the manager stays away.
	down time.Duration
}

// moments draws one or two moments from the seed. At least one Job of jobs
// has yet to start at each.
func moments(seed, jobs int) []moment {
	random := rand.New(rand.NewPCG(uint64(seed), 0xfa17)) // seeded: the same seed kills at the same moments
	list := make([]moment, 1+random.IntN(2))
	for i := range list {
		list[i] = moment{
			starts: random.IntN(jobs),
			then:   time.Duration(random.IntN(200)) * time.Millisecond,
			down:   time.Duration(random.IntN(800)) * time.Millisecond,
		}
	}
	slices.SortFunc(list, func(a, b moment) int { return a.starts - b.starts })
	return list
}

// site is a fifth of the demo's, with names of the seed's own.
func (r *round) site() load.Site {
	prefix := fmt.Sprintf("fault-%03d-", r.seed)
	site := load.DemoSite()
	site.Prefix = prefix
	for i := range site.Groups {
		site.Groups[i].Namespace = prefix + site.Groups[i].Namespace
		site.Groups[i].Nominal /= 5
	}
	return site
}

// play runs the load of one seed and returns its line of the table.
func (r *round) play(ctx context.Context, t *testing.T) string {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	admin, err := r.cluster.RESTConfig()
	if err != nil {
		t.Fatal(err)
	}
	site, acts, jobs := r.site(), load.Compressed(), 0
	for _, act := range acts {
		for _, b := range act.Batches {
			jobs += b.Count
		}
	}
	progress := make(chan int, 1) // the newest number of started Jobs
	stage := &run.Stage{
		Admin: admin, Site: site, Rules: site.Rules(), Acts: acts, Dir: r.dir, Observer: r.demo, Deadline: 2 * time.Minute,
		Watch: func(loads []observer.Load) { announce(progress, loads) },
	}
	kills := make(chan string, 1)
	go func() { kills <- r.kill(ctx, t, moments(r.seed, jobs), progress) }()
	began := time.Now()
	verdict, err := stage.Perform(ctx)
	took := time.Since(began)
	if err != nil {
		t.Error(err)
	}
	cancelIfStuck := time.AfterFunc(30*time.Second, cancel)
	killed := <-kills
	cancelIfStuck.Stop()
	if err := site.Remove(context.WithoutCancel(ctx), admin); err != nil {
		t.Error(err)
	}
	summary := "none"
	if verdict != nil {
		summary = verdict.Summary
		if !verdict.Pass {
			t.Errorf("seed %d: %s; the recording is in %s", r.seed, verdict.Summary, r.dir)
			_, _ = verdict.WriteText(t.Output())
		}
	}
	return fmt.Sprintf("%4d  %4d  %-74s  %6.1f s  %s", r.seed, jobs, killed, took.Seconds(), summary)
}

// announce puts the number of started Jobs where the killer finds it, in
// place of an older one.
func announce(progress chan int, loads []observer.Load) {
	started := 0
	for _, l := range loads {
		started += l.ActiveJobs + l.DoneJobs
	}
	select {
	case <-progress:
	default:
	}
	progress <- started
}

// kill waits for each moment, kills the manager, starts it again, and tells
// what it did.
func (r *round) kill(ctx context.Context, t *testing.T, list []moment, progress <-chan int) string {
	did := ""
	for _, m := range list {
		started := -1
		for started < m.starts {
			select {
			case started = <-progress:
			case <-ctx.Done():
				t.Errorf("seed %d: the manager was not killed after %d starts: the load ended first", r.seed, m.starts)
				return did
			}
		}
		pause(ctx, m.then)
		if err := r.cluster.KillManager(ctx); err != nil {
			t.Error(err)
			return did
		}
		pause(ctx, m.down)
		began := time.Now()
		if err := r.cluster.StartManager(ctx); err != nil {
			t.Error(err)
			return did
		}
		did += fmt.Sprintf("%2d starts +%3d ms: ready in %.1f s; ", started, m.then.Milliseconds(), time.Since(began).Seconds())
	}
	return did
}

// pause lets the drawn time pass.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// setting reads a positive number from the environment.
func setting(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 {
		t.Fatalf("%s=%q is not a positive number", name, text)
	}
	return number
}

// keepLog copies the manager's log beside the recordings.
func keepLog(t *testing.T, from, to string) {
	in, err := os.Open(from)
	if err != nil {
		t.Log(err)
		return
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Log(err)
		return
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		t.Log(err)
		return
	}
	t.Logf("the manager's log is in %s", to)
}

func join(lines []string) string {
	text := ""
	for _, line := range lines {
		text += line + "\n"
	}
	return text
}
