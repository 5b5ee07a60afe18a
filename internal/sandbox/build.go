package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// controlPlaneLinks are the names under which the one control-plane binary is
// called (see sandbox/controlplane).
var controlPlaneLinks = []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kubectl"}

// product is one directory of the cache: what is compiled together.
type product struct {
	name     string   // directory under the cache key
	packages []string // arguments of go build
	links    []string // symbolic links to the first binary
}

var (
	controlPlaneProduct = product{name: "controlplane", packages: []string{"./controlplane"}, links: controlPlaneLinks}
	kwokProduct         = product{name: "kwok", packages: []string{"sigs.k8s.io/kwok/cmd/kwok", "sigs.k8s.io/kwok/cmd/kwokctl"}}
)

// Programs are the absolute paths of the built binaries.
type Programs struct {
	// ControlPlane is a directory with kube-apiserver, etcd, kubectl,
	// kube-controller-manager and kube-scheduler.
	ControlPlane string
	// Kwok is a directory with kwok and kwokctl.
	Kwok string
}

// Kubectl returns the path of the built kubectl.
func (p Programs) Kubectl() string { return filepath.Join(p.ControlPlane, "kubectl") }

// Assets returns a directory that holds kube-apiserver, etcd and kubectl, for
// envtest's KUBEBUILDER_ASSETS. The first call on a machine compiles them
// (some minutes) and reports to progress, which may be nil; later calls find
// them in the cache. Safe to call from several processes at once.
// The error says what failed and what to do; it wraps ErrNoSource when there
// is no checkout to build from.
func Assets(ctx context.Context, progress io.Writer) (string, error) {
	source, err := FindSource()
	if err != nil {
		return "", err
	}
	cache, err := openCache(source)
	if err != nil {
		return "", err
	}
	return cache.ensure(ctx, controlPlaneProduct, newProgress(progress))
}

// Binaries is Assets for a whole cluster: it compiles kwok and kwokctl too.
func Binaries(ctx context.Context, progress io.Writer) (Programs, error) {
	source, err := FindSource()
	if err != nil {
		return Programs{}, err
	}
	cache, err := openCache(source)
	if err != nil {
		return Programs{}, err
	}
	report := newProgress(progress)
	var p Programs
	if p.ControlPlane, err = cache.ensure(ctx, controlPlaneProduct, report); err != nil {
		return Programs{}, err
	}
	if p.Kwok, err = cache.ensure(ctx, kwokProduct, report); err != nil {
		return Programs{}, err
	}
	return p, nil
}

// cache is the directory of one cache key.
type cache struct {
	source   string // root of the checkout
	dir      string // <user cache>/fairlead/sandbox/<key>
	versions Versions
}

// openCache names the cache directory for the checkout at source; it creates
// nothing.
func openCache(source string) (cache, error) {
	versions, err := ReadVersions(source)
	if err != nil {
		return cache{}, err
	}
	key, err := cacheKey(source, versions)
	if err != nil {
		return cache{}, err
	}
	base, err := os.UserCacheDir() // XDG_CACHE_HOME, else ~/.cache
	if err != nil {
		return cache{}, fmt.Errorf("find the cache directory: %w; set XDG_CACHE_HOME", err)
	}
	return cache{source: source, dir: filepath.Join(base, "fairlead", "sandbox", key), versions: versions}, nil
}

// ensure returns the directory of a product, building it if it is not there.
// A finished directory appears by one rename, so that whoever sees it sees all
// of it; builders of the same key take turns on a lock file.
func (c cache) ensure(ctx context.Context, p product, report *progress) (string, error) {
	final := filepath.Join(c.dir, p.name)
	if isDir(final) {
		return final, nil
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return "", fmt.Errorf("make the cache directory: %w", err)
	}
	lock, err := waitForLock(ctx, filepath.Join(c.dir, p.name+".lock"), func(holder string) {
		report.line("another process%s is building the same programs; waiting for it", holder)
	})
	if err != nil {
		return "", err
	}
	defer lock.release()
	if isDir(final) { // the other process has finished it
		return final, nil
	}
	// Holding the lock, every leftover of a killed build is garbage.
	leftovers, _ := filepath.Glob(filepath.Join(c.dir, "."+p.name+"-*"))
	for _, dir := range leftovers {
		if err := os.RemoveAll(dir); err != nil {
			return "", fmt.Errorf("remove what an interrupted build left: %w", err)
		}
	}
	temp, err := os.MkdirTemp(c.dir, "."+p.name+"-*")
	if err != nil {
		return "", fmt.Errorf("make a build directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }()
	if err := c.build(ctx, p, temp, report); err != nil {
		return "", err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return "", fmt.Errorf("open the built programs to other users: %w", err)
	}
	if err := os.Rename(temp, final); err != nil {
		return "", fmt.Errorf("put the built programs into the cache: %w", err)
	}
	return final, nil
}

// build compiles the packages of p into dir and adds its links.
func (c cache) build(ctx context.Context, p product, dir string, report *progress) (err error) {
	if _, err := exec.LookPath("go"); err != nil {
		return fmt.Errorf("the sandbox builds its programs with the go command, which is not on PATH: %w", err)
	}
	report.line("building %s of Kubernetes %s, etcd %s, kwok %s into %s (once; minutes on a small machine)",
		p.name, c.versions.Kubernetes, c.versions.Etcd, c.versions.Kwok, c.dir)
	stop := report.start(p.name)
	defer func() { stop(err) }()
	total, err := c.countPackages(ctx, p, report)
	if err != nil {
		return err
	}
	report.total(total)
	args := append([]string{"build", "-v", "-ldflags", linkFlags(c.versions), "-o", dir + string(filepath.Separator)}, p.packages...)
	if err := c.goCommand(ctx, args, nil, report); err != nil {
		return err
	}
	for _, name := range p.links {
		if err := os.Symlink(filepath.Base(p.packages[0]), filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("link %s: %w", name, err)
		}
	}
	return nil
}

// countPackages downloads what is missing and returns how many packages the
// product is made of: the upper bound of what go build will compile.
func (c cache) countPackages(ctx context.Context, p product, report *progress) (int, error) {
	var out strings.Builder
	args := append([]string{"list", "-deps", "-f", "."}, p.packages...)
	if err := c.goCommand(ctx, args, &out, report); err != nil {
		return 0, err
	}
	return strings.Count(out.String(), "\n"), nil
}

// goCommand runs the go command in the nested module. Each line of its
// standard error goes to report; the last lines come back in the error.
func (c cache) goCommand(ctx context.Context, args []string, stdout io.Writer, report *progress) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(c.source, "sandbox")
	// No C compiler is needed, and none of the caller's own build settings apply.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false -mod=readonly", "GOWORK=off")
	cmd.Stdout = stdout
	cmd.Stderr = report
	// Ctrl-C must end the compilers too, not only the go command; and the go
	// command ends with us even when we are killed. The kernel takes the death of
	// the thread that started it for ours, so this goroutine keeps its thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("building the sandbox's programs was interrupted (start again to go on where it stopped): %w", ctx.Err())
		}
		return fmt.Errorf("go %s in %s: %w\n%s", args[0], cmd.Dir, err, report.tail())
	}
	return nil
}

// isDir reports whether path is a directory; other errors count as no.
func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// errLocked says that another process holds a lock.
var errLocked = errors.New("locked by another process")
