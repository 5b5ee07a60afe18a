package job

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"pgregory.net/rapid"
)

var (
	keys   = []string{"a", "b", "example.com/c"}
	values = []string{"x", "y"}
)

func drawSelector(t *rapid.T, name string) map[string]string {
	drawn := rapid.MapOf(rapid.SampledFrom(keys), rapid.SampledFrom(values)).Draw(t, name)
	if len(drawn) == 0 {
		return nil
	}
	return drawn
}

func drawTolerations(t *rapid.T, name string) []Toleration {
	var list []Toleration
	for _, key := range rapid.SliceOfNDistinct(rapid.SampledFrom(keys), 0, 2, rapid.ID[string]).Draw(t, name) {
		list = append(list, Toleration{Key: key, Operator: corev1.TolerationOpExists})
	}
	return list
}

func TestWithdrawUndoesInject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before := &corev1.PodSpec{NodeSelector: drawSelector(t, "own"), Tolerations: drawTolerations(t, "own tolerations")}
		start := PodSetStart{Name: "main", NodeSelector: drawSelector(t, "flavor"), Tolerations: drawTolerations(t, "flavor tolerations")}
		after := before.DeepCopy()
		added, conflict := Inject(after, start)
		for key, value := range start.NodeSelector {
			if own, has := before.NodeSelector[key]; has && own != value {
				if conflict == nil {
					t.Fatalf("%s=%s was injected over %s", key, value, own)
				}
				return
			}
		}
		if conflict != nil {
			t.Fatalf("conflict without contradiction: %s", conflict.Message)
		}
		for key, value := range start.NodeSelector {
			if after.NodeSelector[key] != value {
				t.Fatalf("%s=%s is missing after injection", key, value)
			}
		}
		Withdraw(after, added)
		if !equality.Semantic.DeepEqual(before, after) {
			t.Fatalf("not as it was: %v, then %v", before, after)
		}
	})
}

func TestWithdrawLeavesWhatOthersChanged(t *testing.T) {
	spec := &corev1.PodSpec{}
	added, _ := Inject(spec, PodSetStart{Name: "main", NodeSelector: map[string]string{"a": "x"}})
	spec.NodeSelector["a"] = "theirs"
	Withdraw(spec, added)
	if spec.NodeSelector["a"] != "theirs" {
		t.Errorf("somebody else's label was taken away: %v", spec.NodeSelector)
	}
}

func TestConflictNamesBothSides(t *testing.T) {
	spec := &corev1.PodSpec{NodeSelector: map[string]string{"a": "x"}}
	_, conflict := Inject(spec, PodSetStart{Name: "main", NodeSelector: map[string]string{"a": "y"}})
	if conflict == nil || !strings.Contains(conflict.Message, "a=x") || !strings.Contains(conflict.Message, "a=y") {
		t.Errorf("conflict is %v", conflict)
	}
}

func TestUnreadableInjectionRestoresNothing(t *testing.T) {
	for _, annotation := range []string{"", "{", "[]", `"text"`} {
		in := ParseInjection(annotation)
		if in == nil || in.Workload != "" || len(in.PodSets) != 0 {
			t.Errorf("%q became %+v", annotation, in)
		}
	}
}
