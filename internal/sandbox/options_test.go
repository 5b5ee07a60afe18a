package sandbox

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOptionsAreRefusedByName(t *testing.T) {
	tests := []struct {
		name    string
		options Options
		want    string // part of the message
	}{
		{"upper case", Options{Name: "Lab"}, `name "Lab": use 1 to 40 lower-case letters`},
		{"path in the name", Options{Name: "../x"}, `name "../x"`},
		{"too long", Options{Name: strings.Repeat("x", 41)}, "1 to 40"},
		{"dash at the end", Options{Name: "lab-"}, `name "lab-"`},
		{"port", Options{Port: 70000}, "port 70000 is not between 1 and 65535"},
		{"negative port", Options{Port: -1}, "port -1"},
		{"cpu", Options{Nodes: []NodeGroup{{CPU: "lots"}}}, `node capacity cpu="lots"`},
		{"negative memory", Options{Nodes: []NodeGroup{{Memory: "-1Gi"}}}, `memory="-1Gi" is negative`},
		{"count", Options{Nodes: []NodeGroup{{Count: -3}}}, "-3 nodes: use 0 to 5000"},
		{"prefix", Options{Nodes: []NodeGroup{{Prefix: "Node_"}}}, `node prefix "Node_"`},
		{"label", Options{Nodes: []NodeGroup{{Labels: map[string]string{"a b": "c"}}}}, "node label a b=c"},
		{"resource", Options{Nodes: []NodeGroup{{Resources: map[string]string{"gpu": "x"}}}}, `node capacity gpu="x"`},
		{"kubeconfig", Options{Kubeconfig: "/does/not/exist/kc"}, "/does/not/exist/kc: its directory does not exist"},
		{"manager config", Options{ManagerConfig: "/does/not/exist.yaml"}, "/does/not/exist.yaml"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.options.complete()
			if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want ErrInvalid with %q", err, tt.want)
			}
		})
	}
}

func TestAllFaultsOfOptionsAreToldAtOnce(t *testing.T) {
	_, err := Options{Name: "Lab", Port: -1, Nodes: []NodeGroup{{CPU: "x", Memory: "y"}}}.complete()
	for _, want := range []string{`name "Lab"`, "port -1", `cpu="x"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestOptionDefaults(t *testing.T) {
	got, err := Options{Nodes: []NodeGroup{{Count: 1}}, WithoutManifests: true, Kubeconfig: "kc"}.complete()
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "lab" || !got.WithoutManager || got.Output == nil || !filepath.IsAbs(got.Kubeconfig) {
		t.Errorf("got %+v", got)
	}
	group := got.Nodes[0]
	if group.Prefix != "node" || group.CPU != "128" || group.Memory != "512Gi" || group.Pods != 1000 {
		t.Errorf("got %+v", group)
	}
}

func TestKubeconfigOfOthersIsNotOverwritten(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for path, refused := range map[string]bool{
		"":                                     false,
		filepath.Join(dir, "new"):              false,
		write("empty", ""):                     false,
		write("ours", kubeconfigHeader+"x: y"): false,
		write("mine", "apiVersion: v1\n"):      true,
	} {
		err := checkKubeconfigTarget(path, dir)
		if refused != (err != nil) {
			t.Errorf("%s: got %v", path, err)
		}
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%v does not name %s", err, path)
		}
	}
}
