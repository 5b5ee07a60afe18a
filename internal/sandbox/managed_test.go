package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
)

// TestManagerLifecycle installs Fairlead's real manifests and drives a stand-in
// for the manager.
func TestManagerLifecycle(t *testing.T) {
	home := ownHome(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	options := Options{Name: "managed", ManagerBinary: self, FairleadBinary: cli(t), Nodes: []NodeGroup{{Count: 1}}}

	t.Setenv(standInEnv, "broken")
	_, err = Up(t.Context(), options)
	if err == nil || !strings.Contains(err.Error(), "stand-in: configuration refused") || !strings.Contains(err.Error(), "logs are in") {
		t.Errorf("a manager that does not start: got %v", err)
	}
	if left := processesOf(t, home); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}

	t.Setenv(standInEnv, "works")
	cluster := mustUp(t, options) // over the remains of the failed one
	checkIdentity(t, cluster)
	eventually(t, "the keeper renews the token", func(context.Context) error {
		log, err := os.ReadFile(filepath.Join(cluster.Dir, "keeper.log"))
		if err != nil || !bytes.Contains(log, []byte("token renewed until")) {
			return fmt.Errorf("its log is %q, %w", log, err)
		}
		return nil
	})
	pid := func() int {
		t.Helper()
		alive, err := cluster.Processes()
		if err != nil {
			t.Fatal(err)
		}
		return alive["manager"].PID
	}
	first := pid()
	if first == 0 {
		t.Fatal("the manager has no PID")
	}
	if err := cluster.KillManager(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, "managed"); pid() != 0 || got.Manager != "stopped" || got.Condition != Running {
		t.Errorf("after the kill: PID %d, %+v", pid(), got)
	}
	if err := cluster.StopManager(t.Context()); !errors.Is(err, ErrNoManager) {
		t.Errorf("stopping a dead manager: got %v", err)
	}
	if err := cluster.StartManager(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := pid()
	if second == 0 || second == first {
		t.Errorf("PIDs %d and %d", first, second)
	}
	if err := cluster.StartManager(t.Context()); err == nil || !strings.Contains(err.Error(), "runs already") {
		t.Errorf("starting a second one: got %v", err)
	}
	reopened, err := Open("managed")
	if err != nil {
		t.Fatal(err)
	}
	if err := reopened.RestartManager(t.Context()); err != nil {
		t.Fatal(err)
	}
	if pid() == second {
		t.Error("the restart kept the process")
	}
	checkIdentity(t, cluster)
	if got := statusOf(t, "managed"); got.Manager != "ready" || got.Nodes != 1 {
		t.Errorf("got %+v", got)
	}
	if err := cluster.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := processesOf(t, home); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
}

// checkIdentity asks the stand-in as whom the API server knows it.
func checkIdentity(t *testing.T, cluster *Cluster) {
	t.Helper()
	response, err := http.Get("http://" + cluster.ManagerHealth + "/whoami")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	var user authenticationv1.UserInfo
	if err = errors.Join(err, json.Unmarshal(body, &user)); err != nil || user.Username != "system:serviceaccount:fairlead-system:fairlead-manager" {
		t.Errorf("the manager acts as %s, %v", body, err)
	}
}

// TestRealManager starts the manager of this checkout with the configuration
// that it ships, as `up` does without further options.
func TestRealManager(t *testing.T) {
	ownHome(t)
	manager := filepath.Join(t.TempDir(), "manager")
	if err := buildProgram("./cmd/manager", manager); err != nil {
		t.Fatal(err)
	}
	cluster := mustUp(t, Options{Name: "real", ManagerBinary: manager, FairleadBinary: cli(t), Nodes: []NodeGroup{{Count: 1}}})
	if err := cluster.ManagerReady(t.Context()); err != nil {
		t.Error(err)
	}
	if got := statusOf(t, "real"); got.Condition != Running || got.Manager != "ready" {
		t.Errorf("got %+v", got)
	}
	log, err := os.ReadFile(cluster.AuditLog)
	if err != nil || !bytes.Contains(log, []byte(`"username":"system:serviceaccount:fairlead-system:fairlead-manager"`)) {
		t.Errorf("the audit log does not know the manager, %v", err)
	}
}
