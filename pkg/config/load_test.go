package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheDefaults(t *testing.T) {
	c, err := Load("")
	if err != nil {
		t.Fatal(err)
	}
	if !*c.LeaderElection.LeaderElect || *c.ClientConnection.QPS != 0 || c.Controller.GroupKindConcurrency["Workload.fairlead.dev"] != 96 {
		t.Errorf("defaults are %+v", c)
	}
}

func TestFaultsAreNamed(t *testing.T) {
	const head = "apiVersion: config.fairlead.dev/v1beta1\nkind: Configuration\n"
	for name, c := range map[string]struct {
		content string
		want    []string
	}{
		"empty":              {"", []string{"empty", "apiVersion: config.fairlead.dev/v1beta1"}},
		"no YAML":            {"{", []string{"did not find expected"}},
		"unknown field":      {head + "leaderElektion: {}\n", []string{`unknown field "leaderElektion"`}},
		"unknown deep field": {head + "metrics: {bindAdress: ':1'}\n", []string{`unknown field "metrics.bindAdress"`}},
		"given twice":        {head + "metrics: {}\nmetrics: {}\n", []string{`"metrics" already set`}},
		"another type":       {head + "controller: many\n", []string{"controller"}},
		"several":            {head + "controller: {groupKindConcurrency: {a: b}}\nfairSharing: {enable: 7}\n", []string{"controller.groupKindConcurrency.a: ", "fairSharing.enable: "}},
		"no apiVersion":      {"kind: Configuration\n", []string{"apiVersion or kind is missing", "begin with"}},
		"another version":    {"apiVersion: config.fairlead.dev/v1\nkind: Configuration\n", []string{"apiVersion", "config.fairlead.dev/v1beta1"}},
		"a bad duration":     {head + "leaderElection: {leaseDuration: soon}\n", []string{"leaderElection.leaseDuration: ", "soon"}},
		"two faults at once": {head + "metrics: {bindAddress: nowhere}\nhealth: {healthProbeBindAddress: '1.2.3.4'}\n",
			[]string{"2 fault(s)", "metrics.bindAddress", "health.healthProbeBindAddress", "HOST:PORT"}},
		"transformations": {head + "resources:\n  excludeResourcePrefixes: [example.com/]\n  quotaCheckStrategy: Sometimes\n" +
			"  transformations: [{input: example.com/gpu, strategy: Keep, outputs: {b: '-1'}}, {input: pods}, {input: x, outputs: {z: banana}}]\n",
			[]string{"resources.transformations[2].outputs.z: quantities must match"}},
		"transformations, readable": {head + "resources:\n  excludeResourcePrefixes: [example.com/]\n  quotaCheckStrategy: Sometimes\n" +
			"  transformations: [{input: example.com/gpu, strategy: Keep, outputs: {b: '-1'}}, {input: pods}]\n",
			[]string{"5 fault(s)", `resources.quotaCheckStrategy: Unsupported value: "Sometimes"`, `supported values: "BlockUndeclared", "IgnoreUndeclared"`,
				`resources.transformations[0].strategy: Unsupported value: "Keep"`, "resources.transformations[0].outputs[b]", "0 or a positive quantity",
				`is left out by resources.excludeResourcePrefixes[0] ("example.com/")`, "resources.transformations[1].input", "one for each pod"}},
		"a recording to nowhere": {head + "recording: {maxSize: '-1'}\n", []string{"2 fault(s)", "recording.path", "name the file", "recording.maxSize", "must be positive"}},
		"times in a wrong order": {head + "leaderElection: {renewDeadline: 1m}\n", []string{"leaderElection.leaseDuration", "renewDeadline"}},
	} {
		path := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		for _, words := range append(c.want, path) {
			if !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %v does not say %q", name, err, words)
			}
		}
	}
}

func TestAFileThatIsNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.yaml")
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path+" does not exist") {
		t.Errorf("got %v", err)
	}
}

func TestAGoodFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	content := "apiVersion: config.fairlead.dev/v1beta1\nkind: Configuration\ncontroller: {groupKindConcurrency: {Workload.fairlead.dev: 4}}\nfairSharing: {enable: false}\n"
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.Controller.GroupKindConcurrency["Workload.fairlead.dev"] != 4 || *c.FairSharing.Enable {
		t.Errorf("read as %+v", c)
	}
}
