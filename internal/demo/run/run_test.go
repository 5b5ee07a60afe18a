package run

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"fairlead.dev/fairlead/internal/demo/observer"
)

// standIn makes a program that stands in for the observer.
func standIn(t *testing.T, script string) (program, dir string) {
	t.Helper()
	dir = t.TempDir()
	program = filepath.Join(dir, "observer.sh")
	text := fmt.Sprintf("#!/bin/sh\ncd %s\n%s\n", dir, script)
	if err := os.WriteFile(program, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return program, dir
}

func TestTheVerdictIsTheObservers(t *testing.T) {
	for name, tt := range map[string]struct {
		script string
		pass   bool
		says   string
	}{
		"a pass":                     {`echo watching; cat; echo '{"pass":true}' >verdict.json`, true, ""},
		"a fail":                     {`echo watching; cat; echo '{"pass":false}' >verdict.json; exit 1`, false, ""},
		"a pass, but status 1":       {`echo watching; cat; echo '{"pass":true}' >verdict.json; exit 1`, false, "ended with"},
		"a fail, but status 0":       {`echo watching; cat; echo '{"pass":false}' >verdict.json`, false, "ended with"},
		"no verdict":                 {`echo watching; cat`, false, "left no verdict"},
		"gone before it was asked":   {`echo watching; exit 3`, false, "exit status 3"},
		"half a verdict":             {`echo watching; cat; echo '{"pass":tr' >verdict.json`, false, "reading the verdict"},
		"it says more than one word": {`echo connecting; echo watching; echo more; cat; echo '{"pass":true}' >verdict.json`, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			program, dir := standIn(t, tt.script)
			if err := os.WriteFile(filepath.Join(dir, VerdictFile), []byte(`{"pass":true}`), 0o644); err != nil {
				t.Fatal(err)
			}
			w, err := startObserver(t.Context(), program, dir)
			if err != nil {
				t.Fatal(err)
			}
			defer w.abandon()
			verdict, err := w.verdict()
			switch {
			case tt.says == "" && err != nil:
				t.Errorf("error %v", err)
			case tt.says == "" && verdict.Pass != tt.pass:
				t.Errorf("pass %t, want %t", verdict.Pass, tt.pass)
			case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("error %v; want one that says %q", err, tt.says)
			}
		})
	}
}

func TestAnObserverThatDoesNotStart(t *testing.T) {
	program, dir := standIn(t, "exit 2")
	if _, err := startObserver(t.Context(), program, dir); err == nil || !strings.Contains(err.Error(), "exit status 2") {
		t.Errorf("error %v; want one with the status", err)
	}
	if _, err := startObserver(t.Context(), filepath.Join(dir, "missing"), dir); err == nil || !strings.Contains(err.Error(), "make bin/demo") {
		t.Errorf("error %v; want one that says how to build it", err)
	}
}

// The file that is suggested must not lend more cores than there are, at any
// point while it is applied.
func TestReshare(t *testing.T) {
	if total := reshare().Rules().Total(); total != 100*observer.Core {
		t.Errorf("%s cores in all, want 100", total)
	}
	path := filepath.Join(t.TempDir(), "reshare.yaml")
	if err := reshareFile(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, document := range strings.Split(string(data), "---\n")[1:] {
		var object struct {
			Kind     string
			Metadata struct{ Name string }
		}
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		order = append(order, object.Kind+" "+object.Metadata.Name)
	}
	if got := strings.Join(order, ", "); got != "ClusterQueue usatlas, ClusterQueue usatlas-gangs, ClusterQueue osg, Cohort wlcg, Cohort usatlas" {
		t.Errorf("objects: %s; want the queues, then the cohorts", got)
	}
}

func TestDemoRules(t *testing.T) {
	rules := DemoRules()
	if err := rules.Validate(); err != nil {
		t.Fatal(err)
	}
	if rules.Split.Tolerance != 0.05 || len(rules.Expect) != 3 || len(rules.Gangs) != 1 || len(rules.Reclaims) != 1 {
		t.Errorf("split %+v, expectations %+v; want 5 %%, three expectations, a gang and a reclaim", rules.Split, rules.Expect)
	}
}
