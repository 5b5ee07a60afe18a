package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/sandbox"
)

// readyWithin bounds the time from a manager's start until it is ready.
const readyWithin = 45 * time.Second

// managerConfig is what managers are started with. Two may contend for the
// Lease; its times are short, so that a run sees many changes of leader. The
// rest depends on the seed: odd ones have fair sharing, every third reports
// PodsReady (with a timeout that never comes, since nodes are closed at the
// end), and two of four delete what has ended soon after.
func managerConfig(seed uint64) map[string]any {
	config := map[string]any{
		"apiVersion":     "config.fairlead.dev/v1beta1",
		"kind":           "Configuration",
		"leaderElection": map[string]any{"leaderElect": true, "leaseDuration": "5s", "renewDeadline": "4s", "retryPeriod": "500ms"},
		"fairSharing":    map[string]any{"enable": fair(seed)},
		"integrations":   map[string]any{"frameworks": []string{"batch/job"}},
	}
	if seed%3 == 0 {
		config["waitForPodsReady"] = map[string]any{"timeout": "2h"}
	}
	if seed%4 >= 2 {
		config["objectRetentionPolicies"] = map[string]any{"workloads": map[string]any{"afterFinished": "5s"}}
	}
	return config
}

func fair(seed uint64) bool { return seed%2 == 1 }

func writeConfig(path string, config map[string]any) error {
	data, err := yaml.Marshal(config)
	if err != nil {
		return fmt.Errorf("encode the manager's configuration: %w", err)
	}
	return os.WriteFile(path, data, 0o600)
}

// managers are the sandbox's manager and, now and then, a rival.
type managers struct {
	cluster *sandbox.Cluster
	dir     string
	seed    uint64
	log     *journal

	rival   *exec.Cmd
	ended   chan struct{} // closed when the rival has ended
	healthy string        // address of the rival's health
}

// startRival starts one more manager on ports of its own.
func (m *managers) startRival(ctx context.Context) error {
	config := managerConfig(m.seed)
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	m.healthy = fmt.Sprintf("127.0.0.1:%d", ports[0])
	config["health"] = map[string]any{"healthProbeBindAddress": m.healthy}
	config["metrics"] = map[string]any{"bindAddress": fmt.Sprintf("127.0.0.1:%d", ports[1])}
	path := filepath.Join(m.dir, "rival.yaml")
	if err := writeConfig(path, config); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(m.dir, "rival.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	if m.rival, err = m.cluster.ManagerCommand(path); err != nil {
		return err
	}
	m.rival.Stdout, m.rival.Stderr = log, log
	if err := m.rival.Start(); err != nil {
		m.rival = nil
		return err
	}
	m.ended = make(chan struct{})
	go func(c *exec.Cmd, ended chan struct{}) {
		_ = c.Wait() // its log says how it ended
		close(ended)
	}(m.rival, m.ended)
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, readyWithin, true, func(ctx context.Context) (bool, error) {
		select {
		case <-m.ended:
			m.rival = nil
			return false, errors.New("the rival has ended; rival.log says why")
		default:
			return isReady(ctx, m.healthy), nil
		}
	})
}

func isReady(ctx context.Context, address string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// stopRival ends the rival with a signal.
func (m *managers) stopRival(signal syscall.Signal) {
	if m.rival == nil {
		return
	}
	_ = m.rival.Process.Signal(signal)
	select {
	case <-m.ended:
	case <-time.After(20 * time.Second):
		m.log.fault("the rival did not end within 20 s of signal %s", signal)
		_ = m.rival.Process.Kill()
		<-m.ended
	}
	m.rival = nil
}

// start starts the sandbox's manager.
func (m *managers) start(ctx context.Context) error {
	began := time.Now()
	err := m.cluster.StartManager(ctx)
	if took := time.Since(began); err == nil && took > readyWithin {
		return fmt.Errorf("ready only after %s", took)
	}
	return err
}

// supervise starts the sandbox's manager again whenever it has ended, as a
// kubelet would: one that loses its lease ends.
func (m *managers) supervise(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(500 * time.Millisecond):
		}
		processes, err := m.cluster.Processes()
		if _, alive := processes["manager"]; err != nil || alive || ctx.Err() != nil {
			continue
		}
		m.log.write(entry{Actor: "kubelet", Act: "start a manager that had ended by itself"}, false)
		if err := m.start(ctx); err != nil && ctx.Err() == nil {
			m.log.fault("start the manager again: %v", err)
		}
	}
}

// killer ends managers, gently or not, and starts them again.
type killer struct {
	*actor
	*managers
}

func (k *killer) play(ctx context.Context, mean time.Duration) {
	k.run(ctx, mean, []way{{5, k.kill}, {2, k.terminate}, {6, k.contend}, {3, k.endRival}})
}

// note is act for what is done to processes: every error is a fault.
func (k *killer) note(ctx context.Context, what string, do func(context.Context) error) {
	k.number++
	err := do(ctx)
	if ctx.Err() != nil {
		return
	}
	e := entry{Actor: k.name, Number: k.number, Act: what}
	if err != nil {
		e.Answer = err.Error()
		k.journal.fault("%s: %v", what, err)
	}
	k.journal.write(e, err != nil)
}

func (k *killer) kill(ctx context.Context) {
	k.again(ctx, "SIGKILL the manager", k.cluster.KillManager)
}

func (k *killer) terminate(ctx context.Context) {
	k.again(ctx, "SIGTERM the manager", k.cluster.StopManager)
}

func (k *killer) again(ctx context.Context, what string, end func(context.Context) error) {
	k.note(ctx, what, func(ctx context.Context) error {
		if err := end(ctx); !errors.Is(err, sandbox.ErrNoManager) {
			return err
		}
		return nil // it had lost its lease and ended: start it again
	})
	k.pause(ctx, time.Second)
	k.note(context.WithoutCancel(ctx), "start the manager", k.start)
}

func (k *killer) contend(ctx context.Context) {
	if k.rival == nil {
		k.note(ctx, "start a rival", k.startRival)
	}
}

func (k *killer) endRival(ctx context.Context) {
	if k.rival == nil {
		return
	}
	signal := pick(k.actor, []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM})
	k.note(ctx, "end the rival with "+signal.String(), func(context.Context) error {
		k.stopRival(signal)
		return nil
	})
}

// operator cordons nodes and deletes pods.
type operator struct{ *actor }

func (o *operator) play(ctx context.Context, mean time.Duration) {
	o.run(ctx, mean, []way{{3, o.cordon}, {3, o.deletePods}})
}

func (o *operator) cordon(ctx context.Context) {
	name := fmt.Sprintf("%s-%d", pick(o.actor, nodeKinds), o.random.IntN(2))
	_ = o.act(ctx, "cordon for a while", name, may, func(ctx context.Context) error { return cordon(ctx, o.client, name, true) })
	o.pause(ctx, time.Second)
	_ = o.act(context.WithoutCancel(ctx), "uncordon", name, may, func(ctx context.Context) error { return cordon(ctx, o.client, name, false) })
}

func cordon(ctx context.Context, c client.Client, node string, closed bool) error {
	object := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node}}
	patch := client.RawPatch("application/merge-patch+json", fmt.Appendf(nil, `{"spec":{"unschedulable":%t}}`, closed))
	return c.Patch(ctx, object, patch)
}

// deletePods deletes a part of a tenant's pods, as a node that fails would.
func (o *operator) deletePods(ctx context.Context) {
	namespace, share := pick(o.actor, tenants), o.between(5, 30)
	_ = o.act(ctx, "delete some pods", namespace, may, func(ctx context.Context) error {
		list := &corev1.PodList{}
		if err := o.client.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return err
		}
		for i := range list.Items {
			if i*share%100 < share {
				if err := o.client.Delete(ctx, &list.Items[i]); client.IgnoreNotFound(err) != nil {
					return err
				}
			}
		}
		return nil
	})
}
