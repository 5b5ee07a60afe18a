package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"fairlead.dev/fairlead/internal/policies/release"
)

// TestReleaseRefuses: what is wrong with a command line is said before any
// cluster is asked.
func TestReleaseRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"without --all":       {"release"},
		"give a time above 0": {"release", "--all", "--timeout", "0s"},
		"--kubeconfig FILE":   {"release", "--all", "--kubeconfig", filepath.Join(t.TempDir(), "none")},
		"unknown command":     {"release", "job"},
	} {
		root := newRootCommand()
		root.SetArgs(args)
		root.SetOut(&bytes.Buffer{})
		root.SetErr(&bytes.Buffer{})
		if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %q", args, err, want)
		}
	}
}

func TestConfirm(t *testing.T) {
	for answer, ok := range map[string]bool{"yes\n": true, " yes \n": true, "y\n": false, "no\n": false, "\n": false, "": false} {
		err := confirm(t.Context(), strings.NewReader(answer), &bytes.Buffer{})
		if (err == nil) != ok {
			t.Errorf("%q: got %v", answer, err)
		}
		if err != nil && !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("%q: unclear: %v", answer, err)
		}
	}
}

func TestConfirmNeedsATerminal(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = read.Close(); _ = write.Close() })
	if _, err := write.WriteString("yes\n"); err != nil {
		t.Fatal(err)
	}
	if err := confirm(t.Context(), read, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "add --yes") {
		t.Errorf("got %v", err)
	}
}

func TestConfirmEndsWithTheContext(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = read.Close(); _ = write.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := confirm(ctx, struct{ *os.File }{read}, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPrintSummaryShortensLists(t *testing.T) {
	var held []types.NamespacedName
	for range 12 {
		held = append(held, types.NamespacedName{Namespace: "ns", Name: "job"})
	}
	var out bytes.Buffer
	printSummary(&out, &release.Plan{}, release.Summary{Started: 3, Held: held}, release.Options{})
	if got := strings.Count(out.String(), "ns/job"); got != 10 || !strings.Contains(out.String(), "and 2 more") || !strings.Contains(out.String(), "3 Jobs started") {
		t.Errorf("%d names in:\n%s", got, out.String())
	}
}
