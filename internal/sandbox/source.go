package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// SourceEnv names the environment variable that points at a checkout of
// Fairlead, for programs that run outside of one.
const SourceEnv = "FAIRLEAD_SOURCE"

// ErrNoSource says that no checkout of Fairlead was found. The sandbox needs
// one: it builds its programs from sandbox/ and installs config/.
var ErrNoSource = errors.New("no checkout of Fairlead found")

// modulePath is the first line by which a checkout is recognised.
const modulePath = "fairlead.dev/fairlead"

// FindSource returns the root of the Fairlead checkout to build from: the
// directory in FAIRLEAD_SOURCE, else the one around the running executable
// (bin/fairlead lies in it), else the one around the working directory.
// The error is or wraps ErrNoSource.
func FindSource() (string, error) {
	if dir := os.Getenv(SourceEnv); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("resolve %s=%s: %w", SourceEnv, dir, err)
		}
		if !isSource(abs) {
			return "", fmt.Errorf("%s=%s: %w there (no go.mod of module %s); point it at the root of a clone", SourceEnv, dir, ErrNoSource, modulePath)
		}
		return abs, nil
	}
	var tried []string
	if exe, err := os.Executable(); err == nil {
		if resolved, err := filepath.EvalSymlinks(exe); err == nil {
			exe = resolved
		}
		tried = append(tried, filepath.Dir(exe))
	}
	if cwd, err := os.Getwd(); err == nil {
		tried = append(tried, cwd)
	}
	for _, start := range tried {
		for dir := start; ; dir = filepath.Dir(dir) {
			if isSource(dir) {
				return dir, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return "", fmt.Errorf("%w in or above %s; run inside a clone, or set %s to its root",
		ErrNoSource, strings.Join(tried, " or "), SourceEnv)
}

// isSource reports whether dir is the root of the main module and has the
// nested module beside it.
func isSource(dir string) bool {
	file, err := os.Open(filepath.Join(dir, "go.mod"))
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	if !lines.Scan() || strings.TrimSpace(lines.Text()) != "module "+modulePath {
		return false
	}
	_, err = os.Stat(filepath.Join(dir, "sandbox", "go.mod"))
	return err == nil
}
