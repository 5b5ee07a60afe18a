package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
)

// Versions are the releases that the nested module pins, each with its "v".
type Versions struct {
	Kubernetes string // kube-apiserver, kube-controller-manager, kube-scheduler, kubectl
	Etcd       string
	Kwok       string // kwok and kwokctl
}

// versionModules maps the module that stands for a program to its field.
func (v *Versions) field(module string) *string {
	switch module {
	case "k8s.io/kubernetes":
		return &v.Kubernetes
	case "go.etcd.io/etcd/server/v3":
		return &v.Etcd
	case "sigs.k8s.io/kwok":
		return &v.Kwok
	}
	return nil
}

// ReadVersions reads the pinned releases from source/sandbox/go.mod.
func ReadVersions(source string) (Versions, error) {
	path := filepath.Join(source, "sandbox", "go.mod")
	data, err := os.ReadFile(path)
	if err != nil {
		return Versions{}, fmt.Errorf("read the sandbox's pinned versions: %w", err)
	}
	var v Versions
	for line := range strings.Lines(string(data)) {
		words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(words) < 2 {
			continue
		}
		if field := v.field(words[0]); field != nil {
			*field = words[1]
		}
	}
	for name, got := range map[string]string{"k8s.io/kubernetes": v.Kubernetes, "go.etcd.io/etcd/server/v3": v.Etcd, "sigs.k8s.io/kwok": v.Kwok} {
		if got == "" {
			return Versions{}, fmt.Errorf("%s requires no %s; restore its require line", path, name)
		}
	}
	return v, nil
}

// cacheKey names the directory of one build: the versions for people, and a
// hash over everything that decides the bytes of the programs (the nested
// module's files, the Go release, the platform, the link flags).
func cacheKey(source string, v Versions) (string, error) {
	root := filepath.Join(source, "sandbox")
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.Type().IsRegular() && (strings.HasSuffix(name, ".go") || name == "go.mod" || name == "go.sum") {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("list the sources of the sandbox's programs: %w", err)
	}
	sort.Strings(files)
	sum := sha256.New()
	fmt.Fprintln(sum, runtime.Version(), runtime.GOOS, runtime.GOARCH, linkFlags(v))
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("hash the sources of the sandbox's programs: %w", err)
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return "", fmt.Errorf("hash the sources of the sandbox's programs: %w", err)
		}
		fmt.Fprintf(sum, "%s %x\n", filepath.ToSlash(rel), sha256.Sum256(data))
	}
	return fmt.Sprintf("kubernetes-%s_etcd-%s_kwok-%s_%s", v.Kubernetes, v.Etcd, v.Kwok,
		hex.EncodeToString(sum.Sum(nil))[:12]), nil
}

// linkFlags strips the programs and stamps the Kubernetes release into them:
// clients refuse to parse the version of a server that was linked without.
func linkFlags(v Versions) string {
	numbers := strings.SplitN(strings.TrimPrefix(v.Kubernetes, "v"), ".", 3)
	for len(numbers) < 2 {
		numbers = append(numbers, "0")
	}
	flags := []string{"-s", "-w"}
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags = append(flags,
			"-X", pkg+".gitVersion="+v.Kubernetes,
			"-X", pkg+".gitMajor="+numbers[0],
			"-X", pkg+".gitMinor="+numbers[1],
			"-X", pkg+".gitTreeState=clean")
	}
	return strings.Join(flags, " ")
}
