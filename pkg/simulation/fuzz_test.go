package simulation

import (
	"bytes"
	"strings"
	"testing"

	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// fuzzTrace reads any bytes as a trace and simulates what it accepts on 64 cores:
// every line is a job, a comment or a fault that is told with its line, and
// every job ends or is told never to fit.
func fuzzTrace(t *testing.T, data []byte, tr *trace.Trace, err error) {
	if err != nil {
		return // that no line can be used is told, too
	}
	lines := int32(bytes.Count(data, []byte("\n")) + 1)
	for _, p := range tr.Problems.List {
		if p.Line < 1 || p.Line > lines || p.Detail == "" {
			t.Errorf("of %d lines: %+v", lines, p)
		}
	}
	if n := len(tr.Jobs) + tr.Problems.LeftOut(); n > int(lines) {
		t.Errorf("%d jobs and faults in %d lines", n, lines)
	}
	for i, j := range tr.Jobs {
		if j.Submit < 0 || j.Run < 0 || j.Limit < 0 || j.Line < 1 || j.Line > lines || i > 0 && j.Submit < tr.Jobs[i-1].Submit {
			t.Fatalf("job %d: %+v", i, j)
		}
	}
	c := newSite(queue{name: "q", cores: 64}).config(tr)
	for i := range c.Queues {
		c.Queues[i].Name = "q"
	}
	r, err := Run(c)
	if err != nil {
		t.Fatalf("it cannot be simulated: %v", err)
	}
	if r.Submitted != len(tr.Jobs) || r.Ended+r.Refused != r.Submitted || r.Refused != r.Problems.Counts[trace.NeverFits] {
		t.Errorf("of %d jobs %d ended, %d never fit", r.Submitted, r.Ended, r.Refused)
	}
	r.Summarize()
}

func FuzzSWF(f *testing.F) {
	good := "1 0 5 100 4 -1 2048 -1 -1 -1 1 7 3 -1 1 2 -1 -1\n"
	for _, seed := range []string{
		good, "; MaxProcs: 64\n; MaxNodes: x\n" + good, strings.Repeat(good, 40),
		good + "2 -5 -1 60 1 -1 -1 2 3600 -1 1 8 3 -1 2 1 -1 -1\n",                 // submitted before the beginning
		good + "2 5 -1 -60 1 -1 -1 2 3600 -1 1 8 3 -1 2 1 -1 -1\n",                 // runs backwards
		good + "2 5 -1 60 0 -1 -1 0 3600 -1 1 8 3 -1 2 1 -1 -1\n",                  // no processors
		good + "2 5 -1 60 1 -1 -1 1000 3600 -1 1 8 3 -1 2 1 -1 -1\n",               // larger than the machine
		good + "2 5 -1 60 1 -1 -1 9e99 1e300 -1 1 8 3 -1 2 1 -1 -1\n",              // larger than any
		"1 50 5 100 4 -1 -1 -1 -1 -1 1 7 3 -1 1 2 -1 -1\n" + good,                  // out of order
		good + "2 5 -1 60\n\x00\xff\n1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18", // broken lines, no newline at the end
		"\r\n" + strings.ReplaceAll(good, "\n", "\r\n"), "1\t0\t5\t1e-9\t1\t-1\t-1\t1\t1e-300\t-1\t1\t7\t3\t-1\t1\t2\t-1\t-1\n", "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tr, err := trace.ReadSWF(bytes.NewReader(data), trace.ByGroup)
		fuzzTrace(t, data, tr, err)
	})
}

func FuzzJSONLines(f *testing.F) {
	good := `{"submit":0,"run":3600,"limit":7200,"queue":"osg/osg","user":"ann","cores":8,"memoryBytes":1.6e10,"pods":1,"priority":0}` + "\n"
	for _, seed := range []string{
		good, strings.Repeat(good, 40), good + `{"submit":-1,"run":1,"queue":"q","cores":1}`, good + `{"submit":1,"run":-1,"queue":"q","cores":1}`,
		good + `{"submit":1,"run":1,"queue":"q","cores":0}`, good + `{"submit":1,"run":1,"queue":"q","cores":1e18}`, good + `{"submit":1,"run":1,"queue":"q","cores":1,"pods":2147483647}`,
		`{"submit":9,"run":1,"queue":"q","cores":0.001}` + "\n" + good, good + `{"submit":`, good + "[]\nnull\n\"x\"\n", `{"submit":1,"run":1,"queue":"a/b/c","gpus":3,"priority":-2147483648}`, "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tr, err := trace.ReadJSONLines(bytes.NewReader(data))
		fuzzTrace(t, data, tr, err)
	})
}
