package job

import (
	"errors"
	"strings"
	"testing"
)

// fakeClasses has a class for each entry; "default!" of pods is the global default.
type fakeClasses struct{ workload, pod map[string]int32 }

func (f fakeClasses) WorkloadPriorityClass(name string) (int32, bool) {
	v, ok := f.workload[name]
	return v, ok
}
func (f fakeClasses) PriorityClass(name string) (int32, bool) { v, ok := f.pod[name]; return v, ok }
func (f fakeClasses) GlobalDefault() (string, int32, bool) {
	v, ok := f.pod["default!"]
	return "default!", v, ok
}

func TestResolvePriority(t *testing.T) {
	all := fakeClasses{workload: map[string]int32{"gold": 9, "default": 5}, pod: map[string]int32{"node-critical": 7, "default!": 3}}
	onlyPods := fakeClasses{pod: all.pod}
	for name, c := range map[string]struct {
		state   State
		classes fakeClasses
		value   int32
		class   string
	}{
		"by label":             {State{PriorityClass: "gold", PodPriorityClass: "node-critical"}, all, 9, "WorkloadPriorityClass/gold"},
		"default class":        {State{PodPriorityClass: "node-critical"}, all, 5, "WorkloadPriorityClass/default"},
		"of the pods":          {State{PodPriorityClass: "node-critical"}, onlyPods, 7, "PriorityClass/node-critical"},
		"global default":       {State{}, onlyPods, 3, "PriorityClass/default!"},
		"nothing says a thing": {State{}, fakeClasses{}, 0, ""},
	} {
		got, err := ResolvePriority(c.state, c.classes)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		class := ""
		if got.Class != nil {
			class = string(got.Class.Kind) + "/" + got.Class.Name
		}
		if got.Value != c.value || class != c.class {
			t.Errorf("%s: got %d from %q", name, got.Value, class)
		}
	}
}

func TestMissingClassIsNamed(t *testing.T) {
	for _, state := range []State{{PriorityClass: "ghost"}, {PodPriorityClass: "ghost"}} {
		_, err := ResolvePriority(state, fakeClasses{})
		var missing *MissingClass
		if !errors.As(err, &missing) || !strings.Contains(err.Error(), `"ghost"`) || !strings.Contains(err.Error(), "create it") {
			t.Errorf("%+v: %v", state, err)
		}
	}
}
