package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeCheckout makes a checkout with a nested module, and puts a go command
// first on PATH that takes 0.3 s, counts its builds in the file builds and
// makes what -o asks for.
func fakeCheckout(t *testing.T) (source, builds string) {
	t.Helper()
	source = t.TempDir()
	builds = filepath.Join(t.TempDir(), "builds")
	write := func(path, text string, mode os.FileMode) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(source, "go.mod"), "module fairlead.dev/fairlead\n", 0o644)
	write(filepath.Join(source, "sandbox", "go.mod"), "module x\n\nrequire (\n\tgo.etcd.io/etcd/server/v3 v3.6.8\n\tk8s.io/kubernetes v1.36.3\n)\nrequire sigs.k8s.io/kwok v0.8.0\n", 0o644)
	write(filepath.Join(source, "sandbox", "controlplane", "main.go"), "package main\n", 0o644)
	bin := t.TempDir()
	write(filepath.Join(bin, "go"), `#!/bin/sh
case "$1" in
list) printf '.\n.\n.\n' ;;
build)
	echo one >>`+builds+`
	echo k8s.io/some/package >&2
	[ -z "$FAKE_GO_FAILS" ] || { echo "main.go:1:1: it is broken" >&2; exit 1; }
	sleep 0.3
	while [ "$1" != -o ]; do shift; done
	printf '#!/bin/sh\n' >"$2/controlplane"; chmod +x "$2/controlplane" ;;
esac
`, 0o755)
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(SourceEnv, source)
	return source, builds
}

func countLines(t *testing.T, path string) int {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.Count(string(data), "\n")
}

func TestConcurrentBuildsBuildOnce(t *testing.T) {
	_, builds := fakeCheckout(t)
	var wait sync.WaitGroup
	dirs := make([]string, 4)
	for i := range dirs {
		wait.Go(func() {
			dir, err := Assets(t.Context(), nil)
			if err != nil {
				t.Error(err)
			}
			dirs[i] = dir
		})
	}
	wait.Wait()
	if n := countLines(t, builds); n != 1 {
		t.Errorf("built %d times", n)
	}
	for _, dir := range dirs {
		if dir != dirs[0] {
			t.Errorf("got %s and %s", dir, dirs[0])
		}
	}
	for _, name := range controlPlaneLinks {
		if info, err := os.Stat(filepath.Join(dirs[0], name)); err != nil || info.Mode()&0o111 == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(dirs[0]), ".*"))
	if len(left) > 0 {
		t.Errorf("the build leaves %v", left)
	}
}

func TestFailedBuildTellsWhyAndLeavesNothing(t *testing.T) {
	_, builds := fakeCheckout(t)
	t.Setenv("FAKE_GO_FAILS", "1")
	var out bytes.Buffer
	_, err := Assets(t.Context(), &out)
	if err == nil || !strings.Contains(err.Error(), "main.go:1:1: it is broken") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(out.String(), "controlplane: failed") {
		t.Errorf("progress does not tell of the failure:\n%s", out.String())
	}
	t.Setenv("FAKE_GO_FAILS", "")
	if _, err := Assets(t.Context(), nil); err != nil {
		t.Errorf("after the repair: %v", err)
	}
	if n := countLines(t, builds); n != 2 {
		t.Errorf("built %d times", n)
	}
}

func TestInterruptedBuildIsCleanedUp(t *testing.T) {
	fakeCheckout(t)
	cache, err := openCache(os.Getenv(SourceEnv))
	if err != nil {
		t.Fatal(err)
	}
	leftover := filepath.Join(cache.dir, ".controlplane-123")
	if err := os.MkdirAll(leftover, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Assets(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if isDir(leftover) {
		t.Error("the leftover of a killed build is still there")
	}
}

func TestCacheKeyFollowsItsInputs(t *testing.T) {
	source, _ := fakeCheckout(t)
	key := func() string {
		t.Helper()
		cache, err := openCache(source)
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Base(cache.dir)
	}
	first := key()
	if !strings.HasPrefix(first, "kubernetes-v1.36.3_etcd-v3.6.8_kwok-v0.8.0_") {
		t.Errorf("key %s does not name the versions", first)
	}
	if again := key(); again != first {
		t.Errorf("the same inputs give %s and %s", first, again)
	}
	if err := os.WriteFile(filepath.Join(source, "sandbox", "README.md"), []byte("words"), 0o644); err != nil {
		t.Fatal(err)
	}
	if key() != first {
		t.Error("a README changes the key")
	}
	if err := os.WriteFile(filepath.Join(source, "sandbox", "go.sum"), []byte("sum"), 0o644); err != nil {
		t.Fatal(err)
	}
	if key() == first {
		t.Error("go.sum does not change the key")
	}
}

func TestSourceIsFoundOrAskedFor(t *testing.T) {
	source, _ := fakeCheckout(t)
	if got, err := FindSource(); err != nil || got != source {
		t.Errorf("got %s, %v", got, err)
	}
	t.Setenv(SourceEnv, t.TempDir())
	if _, err := FindSource(); !errors.Is(err, ErrNoSource) || !strings.Contains(err.Error(), SourceEnv) {
		t.Errorf("got %v", err)
	}
	t.Setenv(SourceEnv, "")
	deep := filepath.Join(source, "a", "b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(deep)
	if got, err := FindSource(); err != nil || !sameDir(t, got, source) {
		t.Errorf("from a directory below: got %s, %v", got, err)
	}
	t.Chdir(t.TempDir())
	if _, err := FindSource(); !errors.Is(err, ErrNoSource) || !strings.Contains(err.Error(), "set "+SourceEnv) {
		t.Errorf("outside of a checkout: got %v", err)
	}
}

func sameDir(t *testing.T, a, b string) bool {
	t.Helper()
	first, err1 := os.Stat(a)
	second, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(first, second)
}

func TestProgressCountsPackagesAndKeepsMessages(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	p.what, p.began = "controlplane", time.Now()
	if got := p.state(); got != "controlplane: fetching modules, 0s" {
		t.Errorf("got %q", got)
	}
	p.total(3)
	// Writes need not end at lines.
	for _, piece := range []string{"k8s.io/a\nk8s.", "io/b\ngo: downloading k8s.io/c v1\n# k8s.io/d\nd.go:1:2: bad\n"} {
		if _, err := fmt.Fprint(p, piece); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.state(); got != "controlplane: 2 of at most 3 packages compiled, 0s" {
		t.Errorf("got %q", got)
	}
	if got := p.tail(); got != "go: downloading k8s.io/c v1\n# k8s.io/d\nd.go:1:2: bad" {
		t.Errorf("got %q", got)
	}
	p.draw()
	if got := out.String(); got != "sandbox: controlplane: 2 of at most 3 packages compiled, 0s\n" {
		t.Errorf("off a terminal draw prints %q", got)
	}
}

func TestLinkFlagsStampTheVersion(t *testing.T) {
	flags := linkFlags(Versions{Kubernetes: "v1.36.3"})
	for _, want := range []string{"-s -w", "version.gitVersion=v1.36.3", "version.gitMajor=1 ", "version.gitMinor=36 "} {
		if !strings.Contains(flags, want) {
			t.Errorf("%q lacks %q", flags, want)
		}
	}
}
