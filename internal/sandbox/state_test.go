package sandbox

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestStateSurvivesTheDisk(t *testing.T) {
	want := &state{
		Name: "lab", ID: "X", Phase: PhaseRunning, Created: time.Unix(1700000000, 0).UTC(), Nodes: 3, Source: "/src",
		Ports:        ports{APIServer: 1, Etcd: 2, ManagerMetrics: 8},
		ControlPlane: []Process{{Name: "etcd", PID: 7, StartTicks: 1 << 60, BootID: "b"}},
		Manager:      &Process{Name: "manager", PID: 9}, Kubeconfig: "/kc", KubeconfigHash: "h",
		Programs: Programs{ControlPlane: "/a", Kwok: "/b"}, ManagerBinary: "/m", KeeperBinary: "/k", home: t.TempDir(),
	}
	if err := want.save(); err != nil {
		t.Fatal(err)
	}
	got, err := loadState(want.home, "lab")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	if info, err := os.Stat(want.file()); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("state.json is readable for others: %v, %v", info.Mode(), err)
	}
	left, _ := filepath.Glob(filepath.Join(want.dir(), ".*"))
	if len(left) > 0 {
		t.Errorf("save leaves %v", left)
	}
}

func TestDamagedStateSaysWhatToDo(t *testing.T) {
	home := t.TempDir()
	if _, err := loadState(home, "lab"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a state: got %v", err)
	}
	s := &state{Name: "lab", home: home}
	if err := s.save(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.file(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := loadState(home, "lab")
	for _, want := range []string{s.file(), "is damaged", markEnv, "remove " + s.dir()} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not contain %q", err, want)
		}
	}
}

func TestHome(t *testing.T) {
	t.Setenv(HomeEnv, "")
	t.Setenv("HOME", "/h")
	t.Setenv("XDG_STATE_HOME", "")
	check := func(want string) {
		t.Helper()
		if got, err := Home(); err != nil || got != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	check("/h/.local/state/fairlead/sandbox")
	t.Setenv("XDG_STATE_HOME", "/x")
	check("/x/fairlead/sandbox")
	t.Setenv(HomeEnv, "/y")
	check("/y")
}

func TestLockNamesItsHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lab.lock")
	lock, err := tryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tryLock(path)
	if !errors.Is(err, errLocked) || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("got %v, want errLocked with PID %d", err, os.Getpid())
	}
	if _, err := lockSandbox(t.Context(), filepath.Dir(path), "lab"); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	lock.release()
	again, err := tryLock(path)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	again.release()
}

func TestPortsAreFreeAndDistinct(t *testing.T) {
	reserved := map[int]bool{}
	for range 20 {
		chosen, err := choosePorts(0, reserved)
		if err != nil {
			t.Fatal(err)
		}
		chosen.each(func(name string, port *int) {
			if reserved[*port] {
				t.Errorf("%s got port %d, which is taken", name, *port)
			}
			if *port < firstPort || *port >= lastPort {
				t.Errorf("%s got port %d", name, *port)
			}
			reserved[*port] = true
		})
	}
}

func TestBusyPortIsNamed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	port := listener.Addr().(*net.TCPAddr).Port
	_, err = choosePorts(port, nil)
	if !errors.Is(err, ErrPortBusy) || !strings.Contains(err.Error(), strconv.Itoa(port)) {
		t.Errorf("got %v, want ErrPortBusy with %d", err, port)
	}
}

func TestConditionOfWhatIsDead(t *testing.T) {
	alive := mustIdentify(t, sleeper(t).Process.Pid)
	dead := alive
	dead.StartTicks++
	tests := []struct {
		name    string
		phase   Phase
		servers []Process
		want    Condition
	}{
		{"all alive", PhaseRunning, []Process{alive}, Running},
		{"some alive", PhaseRunning, []Process{alive, dead}, Partial},
		{"none alive", PhaseRunning, []Process{dead}, Stopped},
		{"up was killed early", PhaseStarting, nil, Stopped},
		{"up was killed late", PhaseStarting, []Process{alive}, Partial},
		{"failed", PhaseFailed, nil, Stopped},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &state{Name: "lab", ID: "none", Phase: tt.phase, ControlPlane: tt.servers, home: t.TempDir()}
			if got := s.condition(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	s := &state{Name: "lab", Phase: PhaseStarting, home: t.TempDir()}
	lock, err := tryLock(lockPath(s.home, s.Name))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.release()
	if got := s.condition(); got != Starting {
		t.Errorf("while `up` holds its lock: got %s", got)
	}
}
