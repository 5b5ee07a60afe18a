package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheCommandLine(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("apiVersion: config.fairlead.dev/v1beta1\nkind: Configuration\nnonsense: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	for name, c := range map[string]struct {
		args []string
		out  string
		want string
	}{
		"the version":           {[]string{"--version"}, "fairlead manager unknown", ""},
		"help":                  {[]string{"--help"}, "", ""},
		"an unknown flag":       {[]string{"--nonsense"}, "", "--help lists the flags"},
		"an argument":           {[]string{"run"}, "", `unexpected argument "run"`},
		"no configuration file": {[]string{"--config", "/nowhere"}, "", "/nowhere does not exist"},
		"a bad configuration":   {[]string{"--config", bad}, "", `unknown field "nonsense"`},
		"the policies":          {[]string{"policies"}, "fairlead-suspend-queued-jobs", ""},
		"older policies":        {[]string{"policies", "--validating-only"}, "fairlead-queued-jobs", ""},
		"policies of nothing":   {[]string{"policies", "all"}, "", `unexpected argument "all"`},
		"policies, bad config":  {[]string{"policies", "--config", bad}, "", `unknown field "nonsense"`},
		"no cluster":            {nil, "", "give --kubeconfig FILE"},
		"no kubeconfig":         {[]string{"--kubeconfig", "/nowhere"}, "", "/nowhere"},
	} {
		var stdout, stderr strings.Builder
		err := run(c.args, &stdout, &stderr)
		if c.want == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(stdout.String(), c.out) {
			t.Errorf("%s: printed %q", name, stdout.String())
		}
	}
}
