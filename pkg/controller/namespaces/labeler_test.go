package namespaces

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"fairlead.dev/fairlead/apis/v1beta1"
	"fairlead.dev/fairlead/pkg/controller/ledger"
)

func namespace(labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "osg", UID: "uid", ResourceVersion: "1", Labels: labels}}
}

func TestLabelPatch(t *testing.T) {
	const (
		set  = `[{"op":"test","path":"/metadata/uid","value":"uid"},{"op":"test","path":"/metadata/labels/fairlead.dev~1default-queue","value":null},{"op":"add","path":"/metadata/labels/fairlead.dev~1default-queue","value":"default"}]`
		drop = `[{"op":"test","path":"/metadata/uid","value":"uid"},{"op":"test","path":"/metadata/labels/fairlead.dev~1default-queue","value":"default"},{"op":"remove","path":"/metadata/labels/fairlead.dev~1default-queue","value":null}]`
	)
	for name, c := range map[string]struct {
		labels map[string]string
		exists bool
		want   string
	}{
		"the queue has come":                   {map[string]string{"a": "b"}, true, set},
		"it is there and known":                {map[string]string{v1beta1.DefaultQueueLabel: "default"}, true, ""},
		"it has gone":                          {map[string]string{v1beta1.DefaultQueueLabel: "default"}, false, drop},
		"there never was one":                  {map[string]string{"a": "b"}, false, ""},
		"an administrator chose another":       {map[string]string{v1beta1.DefaultQueueLabel: "batch"}, true, ""},
		"an administrator wants none":          {map[string]string{v1beta1.DefaultQueueLabel: ""}, true, ""},
		"another was chosen, default has gone": {map[string]string{v1beta1.DefaultQueueLabel: "batch"}, false, ""},
	} {
		if got := string(labelPatch(namespace(c.labels), c.exists)); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestSelection(t *testing.T) {
	known := ledger.NewBook[*corev1.Namespace](nil)
	s, err := NewSelection(&metav1.LabelSelector{MatchLabels: map[string]string{"batch": "yes"}}, known)
	if err != nil {
		t.Fatal(err)
	}
	if s.Managed("osg") || s.Selects(nil) {
		t.Error("a namespace that nobody knows is managed")
	}
	known.See(ledger.Key{Name: "osg"}, namespace(map[string]string{"batch": "yes"}))
	known.See(ledger.Key{Name: "other"}, namespace(nil))
	if !s.Managed("osg") || s.Managed("other") {
		t.Error("the selector is not followed")
	}
	if _, err := NewSelection(&metav1.LabelSelector{MatchLabels: map[string]string{"batch": "not a label!"}}, known); err == nil {
		t.Error("an impossible selector is taken")
	}
}
