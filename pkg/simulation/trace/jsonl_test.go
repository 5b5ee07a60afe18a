package trace

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestJSONLines(t *testing.T) {
	text := `{"submit":5,"run":60,"limit":120,"queue":"osg/main","user":"ann","cores":2.5,"memoryBytes":1e9,"pods":3,"priority":7}

{"submit":6,"run":1.5,"queue":"gpu","cores":0,"gpus":1}
{"submit":6,"queue":"osg","cores":1}
{"submit":6,"run":-3,"queue":"osg","cores":1}
{"submit":6,"run":3,"queue":"osg","cores":-1}
{"submit":6,"run":3,"cores":1}
{"submit":6,"run":3,"queue":"osg","cores":1,"colour":"red"}
{"submit":6,"run":3,"queue":"osg","cores":1} {}
{"submit":6,"run":3,"queue":"osg","cores":1e30}
{"submit":2,"run":3,"queue":"osg","cores":1}
`
	tr, err := ReadJSONLines(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, p := range tr.Problems.List {
		kinds = append(kinds, string(p.Kind))
	}
	want := "run time unknown, negative time, no processors, broken line, broken line, broken line, too large to be counted, out of order"
	if got := strings.Join(kinds, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(tr.Jobs) != 3 || tr.Jobs[0].Line != 11 || tr.Jobs[1].Priority != 7 || tr.Shapes[tr.Jobs[1].Shape].Cores != 7500 || tr.Jobs[2].Run != 1500*time.Millisecond {
		t.Errorf("got %+v", tr.Jobs)
	}
	var out bytes.Buffer
	if err := tr.WriteJSONLines(&out); err != nil {
		t.Fatal(err)
	}
	again, err := ReadJSONLines(&out)
	if err != nil {
		t.Fatal(err)
	}
	for i := range again.Jobs {
		a, b := again.Jobs[i], tr.Jobs[i]
		if a.Submit != b.Submit || a.Run != b.Run || a.Limit != b.Limit || a.Priority != b.Priority || again.Queues[a.Queue] != tr.Queues[b.Queue] ||
			again.Users[a.User] != tr.Users[b.User] || !reflect.DeepEqual(again.Shapes[a.Shape], tr.Shapes[b.Shape]) {
			t.Errorf("written and read again: %+v, was %+v", a, b)
		}
	}
}

func TestScaling(t *testing.T) {
	tr, err := ReadSWF(strings.NewReader(smallSWF), ByGroup)
	if err != nil {
		t.Fatal(err)
	}
	// 4 x 100 + 2 x 60 core-seconds in 20 s on 10 cores.
	if got := tr.Load(10_000); got != 2.6 {
		t.Errorf("load %g, want 2.6", got)
	}
	if !tr.ScaleTo(1.3, 10_000) || tr.Jobs[1].Submit != 20*time.Second || tr.Jobs[2].Submit != 40*time.Second || tr.Load(10_000) != 1.3 {
		t.Errorf("scaled to %g: %+v", tr.Load(10_000), tr.Jobs)
	}
	tr.Limit(1)
	if len(tr.Jobs) != 1 || tr.ScaleTo(1, 1000) {
		t.Error("one job has no load that could be scaled")
	}
}
