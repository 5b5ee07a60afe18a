package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"fairlead.dev/fairlead/internal/oracle"
	"fairlead.dev/fairlead/internal/sandbox"
	"fairlead.dev/fairlead/pkg/controller"
)

const (
	// restWithin bounds the time from the last act until the state is as the
	// oracle has it; it includes a change of leader and a backoff.
	restWithin = 2 * time.Minute
	// endWithin bounds the time until every Job has ended after all have been
	// given what they need. A Job that could not be started waits a minute.
	endWithin = 3 * time.Minute
	// calm is how often in a row, a second apart, the state must be found in
	// order to be at rest.
	calm = 3
)

// TestChaos lets everybody do what they like, and then looks whether the state
// is what the rules make of it, nothing is stuck and nothing has leaked.
func TestChaos(t *testing.T) {
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	r := &round{T: t, seed: uint64(setting(t, "CHAOS_SEED", 1)), length: time.Duration(setting(t, "CHAOS_SECONDS", 30)) * time.Second}
	r.options = oracle.Options{FairSharing: fair(r.seed), Preemption: true}
	r.open(ctx)
	defer r.report()
	for _, part := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"begin", r.begin}, {"chaos", r.chaos}, {"repair", r.repair}, {"rest", r.rest}, {"end", r.end}, {"empty", r.empty}, {"judge", r.judge},
	} {
		began := time.Now()
		err := part.do(ctx)
		t.Logf("%-6s %5.1f s", part.name, time.Since(began).Seconds())
		if err != nil {
			r.journal.fault("%s: %v", part.name, err)
			break
		}
	}
}

// round is one run.
type round struct {
	*testing.T
	seed    uint64
	length  time.Duration
	dir     string
	options oracle.Options

	cluster  *sandbox.Cluster
	admin    client.Client
	journal  *journal
	recorder *recorder
	managers *managers
	gauge    *gauge
	fresh    vitals
	acts     int // since the manager that is there at the end was started
	notes    []string
}

func (r *round) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// open brings a cluster up.
func (r *round) open(ctx context.Context) {
	source, err := sandbox.FindSource()
	if err != nil {
		r.Fatal(err)
	}
	r.dir = filepath.Join(source, "out", "chaos", fmt.Sprintf("seed-%d", r.seed))
	if err := errors.Join(os.RemoveAll(r.dir), os.MkdirAll(r.dir, 0o755)); err != nil {
		r.Fatal(err)
	}
	actions, err := os.Create(filepath.Join(r.dir, "actions.jsonl"))
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = actions.Close() })
	r.journal = &journal{t: r.T, began: time.Now(), out: actions, counts: map[string]int{}, refused: map[string]int{}}
	config := filepath.Join(r.dir, "manager.yaml")
	if err := writeConfig(config, managerConfig(r.seed)); err != nil {
		r.Fatal(err)
	}
	r.cluster, err = sandbox.Up(ctx, sandbox.Options{
		Name: fmt.Sprintf("chaos-%d", os.Getpid()), Nodes: nodeGroups(), ManagerConfig: config, Output: r.Output(),
	})
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() {
		for name, from := range map[string]string{"manager.log": r.cluster.ManagerLog, "audit.log": r.cluster.AuditLog} {
			if r.Failed() || name == "manager.log" {
				keep(r.T, from, filepath.Join(r.dir, name))
			}
		}
		if err := r.cluster.Down(context.Background()); err != nil {
			r.Error(err)
		}
	})
}

// begin makes the site and notes what an idle manager uses.
func (r *round) begin(ctx context.Context) error {
	config, err := r.cluster.RESTConfig()
	if err != nil {
		return err
	}
	scheme := controller.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return err
	}
	if r.admin, err = client.New(config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	if err := install(ctx, r.admin, config); err != nil {
		return err
	}
	if r.recorder, err = record(ctx, config, r.admin); err != nil {
		return err
	}
	if r.gauge, err = newGauge(ctx, r.admin, r.cluster.ManagerMetrics); err != nil {
		return err
	}
	r.managers = &managers{cluster: r.cluster, dir: r.dir, seed: r.seed, log: r.journal}
	r.fresh, err = r.gauge.measure(ctx)
	return err
}

// chaos has everybody act. Managers are killed for two thirds of the time; the
// last one has to live through the rest, so that it could show a leak.
func (r *round) chaos(ctx context.Context) error {
	config, err := r.cluster.RESTConfig()
	if err != nil {
		return err
	}
	acting, cancel := context.WithTimeout(ctx, r.length)
	defer cancel()
	killing, spare := context.WithTimeout(acting, r.length*2/3)
	defer spare()
	var actors sync.WaitGroup
	for _, namespace := range tenants {
		c, err := as(config, r.admin, userOf(namespace))
		if err != nil {
			return err
		}
		user := &tenant{actor: newActor(r.seed, userOf(namespace), c, r.journal), namespace: namespace}
		actors.Go(func() { user.play(acting, 400*time.Millisecond) })
	}
	c, err := as(config, r.admin, adminUser)
	if err != nil {
		return err
	}
	administrator := &administrator{newActor(r.seed, adminUser, c, r.journal)}
	actors.Go(func() { administrator.play(acting, 500*time.Millisecond) })
	builder := &builder{actor: newActor(r.seed, "builder", r.admin, r.journal)}
	actors.Go(func() { builder.play(acting, 2000*time.Millisecond) })
	operator := &operator{newActor(r.seed, "operator", r.admin, r.journal)}
	actors.Go(func() { operator.play(acting, 4*time.Second) })
	killer := &killer{newActor(r.seed, "killer", r.admin, r.journal), r.managers}
	actors.Go(func() {
		killer.play(killing, min(12*time.Second, r.length/6))
		r.managers.stopRival(syscall.SIGTERM)
		r.acts = -r.journal.total()
		r.managers.supervise(acting)
	})
	actors.Wait()
	r.acts += r.journal.total()
	go r.managers.supervise(ctx)
	return ctx.Err()
}

func (r *round) repair(ctx context.Context) error {
	if err := repair(ctx, r.admin); err != nil {
		return err
	}
	if err := wave(ctx, r.admin, newActor(r.seed, "wave", r.admin, r.journal)); err != nil {
		return err
	}
	return noRunningPods(ctx, r.admin)
}

// rest waits until the state is what the oracle makes of the same objects.
func (r *round) rest(ctx context.Context) error {
	var found []string
	inOrder := 0
	for deadline := time.Now().Add(restWithin); time.Now().Before(deadline); {
		s, err := listAll(ctx, r.admin)
		if err != nil {
			return err
		}
		if found, err = s.differences(r.options); err != nil {
			return err
		}
		if inOrder++; len(found) > 0 {
			inOrder = 0
		}
		if inOrder == calm {
			reserving, waiting := 0, 0
			for _, wl := range s.live() {
				if waiting++; admission(wl) != nil {
					reserving, waiting = reserving+1, waiting-1
				}
			}
			r.note("at rest: %d Workloads hold quota, %d wait, %d have ended", reserving, waiting, len(s.workloads.Items)-reserving-waiting)
			if reserving == 0 || waiting == 0 {
				return fmt.Errorf("the state at rest says little: %d Workloads hold quota and %d wait", reserving, waiting)
			}
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	for _, d := range found {
		r.journal.fault("not at rest after %s: %s", restWithin, d)
	}
	return nil
}

// end releases everybody and waits until every Job has ended.
func (r *round) end(ctx context.Context) error {
	if err := release(ctx, r.admin); err != nil {
		return err
	}
	var left []string
	began := time.Now()
	for deadline := began.Add(endWithin); time.Now().Before(deadline); {
		now, err := unfinished(ctx, r.admin)
		if err != nil {
			return err
		}
		if len(now) == 0 {
			r.note("every Job had ended %.0f s after all was released; the last: %q", time.Since(began).Seconds(), left[:min(len(left), 3)])
			return nil
		}
		left = now
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	for _, job := range left {
		r.journal.fault("stuck: %s", job)
	}
	return nil
}

// empty takes everything away and looks what is left.
func (r *round) empty(ctx context.Context) error {
	if err := empty(ctx, r.admin); err != nil {
		return err
	}
	// Kept connections end in their own time.
	var idle vitals
	var err, grown error
	for deadline := time.Now().Add(150 * time.Second); time.Now().Before(deadline); {
		if idle, err = r.gauge.measure(ctx); err != nil {
			return err
		}
		if grown = leaked(r.fresh, idle, r.acts); grown == nil {
			break
		}
	}
	r.note("the manager when new: %s; idle again after the last %d acts: %s", r.fresh, r.acts, idle)
	return errors.Join(grown, dismantle(ctx, r.admin))
}

// judge goes through what was recorded.
func (r *round) judge(context.Context) error {
	j := newJudge(r.options)
	history := r.recorder.history()
	j.hear(history)
	for _, f := range append(j.faults, r.recorder.faults...) {
		r.journal.fault("%s", f)
	}
	r.note("judged %d changes: %d admissions (%d by rules that had just changed), %d starts of Jobs", len(history), j.checked, j.late, j.starts)
	if j.checked == 0 || j.starts == 0 {
		return errors.New("nothing was admitted or started: the judge has nothing to say")
	}
	summary, faults, err := audit(r.cluster.AuditLog)
	for _, f := range faults {
		r.journal.fault("%s", f)
	}
	r.note("audit log: %s", summary)
	for _, name := range []string{r.cluster.ManagerLog, filepath.Join(r.dir, "rival.log")} {
		log, err := os.ReadFile(name)
		if err != nil {
			continue // there was no rival
		}
		if at := bytes.Index(log, []byte("panic")); at >= 0 {
			r.journal.fault("a manager has panicked: %.400s", log[at:])
		}
	}
	return err
}

func (r *round) report() {
	r.Logf("seed %d, fair sharing %t: %d acts\n%s", r.seed, r.options.FairSharing, r.journal.total(), r.journal.table())
	for _, note := range r.notes {
		r.Log(note)
	}
	for _, f := range r.journal.faults {
		r.Error(f)
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

// keep copies a log beside the journal.
func keep(t *testing.T, from, to string) {
	in, err := os.Open(from)
	if err != nil {
		t.Log(err)
		return
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(to)
	if err != nil {
		t.Log(err)
		return
	}
	defer func() { _ = out.Close() }()
	if _, err := io.Copy(out, in); err != nil {
		t.Log(err)
	}
}
