package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrintPolicies(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.yaml")
	text := "apiVersion: config.fairlead.dev/v1beta1\nkind: Configuration\nintegrations: {labelAliases: [kueue.x-k8s.io]}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args             []string
		mutates, aliased bool
	}{
		{[]string{"policies"}, true, false},
		{[]string{"policies", "--config", file}, true, true},
		{[]string{"policies", "--config", file, "--validating-only"}, false, true},
	} {
		var out, complaints bytes.Buffer
		if err := run(c.args, &out, &complaints); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "kind: MutatingAdmissionPolicy\n"); got != c.mutates {
			t.Errorf("%v: mutating policies %v", c.args, got)
		}
		if got := strings.Contains(out.String(), "name: fairlead-queued-jobs-kueue.x-k8s.io\n"); got != c.aliased {
			t.Errorf("%v: policies of the alias %v", c.args, got)
		}
		if !strings.Contains(out.String(), "name: fairlead-quotas\n") || complaints.Len() > 0 {
			t.Errorf("%v: %s", c.args, complaints.String())
		}
	}
}

func TestPrintPoliciesRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"does not exist":          {"policies", "--config", "/nowhere/config.yaml"},
		"unexpected argument":     {"policies", "all"},
		"manager policies --help": {"policies", "--validating"},
	} {
		var out, complaints bytes.Buffer
		if err := run(args, &out, &complaints); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v", args, err)
		}
		if out.Len() > 0 {
			t.Errorf("%v: wrote %q", args, out.String())
		}
	}
}
