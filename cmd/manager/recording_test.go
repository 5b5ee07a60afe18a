package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"k8s.io/apimachinery/pkg/api/resource"

	configv1beta1 "fairlead.dev/fairlead/apis/config/v1beta1"
	"fairlead.dev/fairlead/pkg/admission"
	"fairlead.dev/fairlead/pkg/simulation/record"
)

func recordingTo(path string, size *resource.Quantity) *configv1beta1.Configuration {
	c := &configv1beta1.Configuration{Recording: &configv1beta1.Recording{Path: path, MaxSize: size}}
	configv1beta1.SetDefaults(c)
	return c
}

// Each start of the manager has a recording of its own, from the first event
// on; the last one is kept.
func TestEachStartIsRecorded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recording.jsonl")
	for _, name := range []string{"first", "second", "third"} {
		engine, done, err := newEngine(recordingTo(path, nil), logr.Discard())
		if err != nil {
			t.Fatal(err)
		}
		engine.Step(1, admission.SetNamespace{Name: name})
		engine.Step(2, admission.Decide{})
		done()
	}
	for file, want := range map[string]string{path: "third", path + ".1": "second"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := record.Replay(bytes.NewReader(data), nil); err != nil || s.Events != 2 || !strings.Contains(string(data), want) {
			t.Errorf("%s: %v, %+v", file, err, s)
		}
	}
}

func TestAFullRecordingIsToldOnce(t *testing.T) {
	size := resource.MustParse("1Ki")
	var lines []string
	log := funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})
	engine, done, err := newEngine(recordingTo(filepath.Join(t.TempDir(), "r"), &size), log)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		engine.Step(int64(i), admission.SetNamespace{Name: "ns"})
	}
	done()
	if text := strings.Join(lines, "\n"); strings.Count(text, record.ErrFull.Error()) != 1 {
		t.Errorf("told: %s", text)
	}
}

func TestAPlaceThatCannotBeWritten(t *testing.T) {
	if _, _, err := newEngine(recordingTo(filepath.Join(t.TempDir(), "no", "where"), nil), logr.Discard()); err == nil || !strings.Contains(err.Error(), "recording.path") {
		t.Errorf("got %v", err)
	}
}
