package model

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"fairlead.dev/fairlead/pkg/simulation/trace"
)

var generators = map[string]func(Config) (*trace.Trace, error){"hep": HEP, "lublin": Lublin}

func facility(jobs int, load float64) Config {
	return Config{Jobs: jobs, Seed: 7, Cores: 5_000_000, Load: load, Largest: 512_000,
		Queues: []Queue{{Name: "usatlas/usatlas", Share: 3}, {Name: "osg/main", Share: 1}}}
}

func generate(t *testing.T, generator string, c Config) *trace.Trace {
	t.Helper()
	tr, err := generators[generator](c)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestTheSameSeedGivesTheSameJobs(t *testing.T) {
	for name := range generators {
		text := func(seed uint64) string {
			c := facility(500, 0.9)
			c.Seed = seed
			var out bytes.Buffer
			if err := generate(t, name, c).WriteJSONLines(&out); err != nil {
				t.Fatal(err)
			}
			return out.String()
		}
		if first, again := text(1), text(1); first != again || first == text(2) {
			t.Errorf("%s: the seed does not decide the jobs", name)
		}
	}
}

func TestLoadIsMet(t *testing.T) {
	for name := range generators {
		for _, load := range []float64{0.7, 0.9, 1.1} {
			tr := generate(t, name, facility(20_000, load))
			if got := tr.Load(5_000_000); math.Abs(got/load-1) > 0.05 {
				t.Errorf("%s: offered load %.3f, want %.3f", name, got, load)
			}
			if len(tr.Jobs) != 20_000 || tr.Problems.Total() != 0 {
				t.Errorf("%s: %d jobs, %v", name, len(tr.Jobs), tr.Problems.List)
			}
			for i, j := range tr.Jobs {
				if j.Run <= 0 || j.Limit <= 0 || tr.Shapes[j.Shape].Cores > 512_000 || i > 0 && j.Submit < tr.Jobs[i-1].Submit {
					t.Fatalf("%s: job %d is %+v", name, i, j)
				}
			}
		}
	}
}

// part is the fraction of jobs of which something is true.
func part(tr *trace.Trace, is func(*trace.Job) bool) float64 {
	n := 0
	for i := range tr.Jobs {
		if is(&tr.Jobs[i]) {
			n++
		}
	}
	return float64(n) / float64(len(tr.Jobs))
}

func between(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s: %.3f, want from %g to %g", what, got, low, high)
	}
}

func TestHEPLooksLikeAFacility(t *testing.T) {
	tr := generate(t, "hep", facility(60_000, 0.9))
	between(t, "jobs of 8 cores", part(tr, func(j *trace.Job) bool { return tr.Shapes[j.Shape].Cores == 8000 }), 0.2, 0.3)
	between(t, "jobs of 1 core with 8 GB", part(tr, func(j *trace.Job) bool {
		return tr.Shapes[j.Shape].PodSets[0].Requests[1].Amount == 8<<30
	}), 0.03, 0.08)
	between(t, "jobs of usatlas", part(tr, func(j *trace.Job) bool { return tr.Queues[j.Queue] == "usatlas/usatlas" }), 0.7, 0.8)
	between(t, "limits that are too short", part(tr, func(j *trace.Job) bool { return j.Limit < j.Run }), 0.005, 0.1)
	between(t, "limits of more than twice the run time", part(tr, func(j *trace.Job) bool { return j.Limit > 2*j.Run }), 0.4, 0.95)
	analysis := func(j *trace.Job) bool { return strings.Contains(tr.Users[j.User], "user-") }
	at := func(from, to int) float64 {
		return part(tr, func(j *trace.Job) bool {
			hour := int(j.Submit.Hours()) % 24
			return analysis(j) && hour >= from && hour < to
		})
	}
	between(t, "analysis in the afternoon, per analysis at night", at(12, 18)/at(0, 6), 2, 20)
	between(t, "the busiest user's part of analysis", part(tr, func(j *trace.Job) bool { return tr.Users[j.User] == "usatlas/user-01" })/part(tr, analysis), 0.12, 0.3)
}

// The class probabilities of Lublin and Feitelson's model show in its jobs.
func TestLublinLooksLikeTheModel(t *testing.T) {
	c := facility(60_000, 0.9)
	c.Largest = 128_000 // the size that the parameters are for
	tr := generate(t, "lublin", c)
	cores := func(j *trace.Job) int64 { return tr.Shapes[j.Shape].Cores / 1000 }
	between(t, "serial jobs", part(tr, func(j *trace.Job) bool { return cores(j) == 1 }), 0.154, 0.293)
	between(t, "powers of two among parallel jobs", part(tr, func(j *trace.Job) bool { n := cores(j); return n > 1 && n&(n-1) == 0 })/
		part(tr, func(j *trace.Job) bool { return cores(j) > 1 }), 0.74, 1)
	between(t, "jobs of more than 64 cores", part(tr, func(j *trace.Job) bool { return cores(j) > 64 }), 0.001, 0.05)
	between(t, "jobs of at most a minute", part(tr, func(j *trace.Job) bool { return j.Run <= time.Minute }), 0.5, 0.8)
	between(t, "jobs beyond e^12 s", part(tr, func(j *trace.Job) bool { return j.Run.Seconds() > math.Exp(12)+1 }), 0, 0)
	hours := [24]float64{}
	for _, j := range tr.Jobs {
		hours[int(j.Submit.Hours())%24]++
	}
	between(t, "arrivals at 14 h per arrivals at 4 h", hours[14]/hours[4], 2, 50)
}

func TestDistributions(t *testing.T) {
	r := NewRandom(1, 1)
	const n = 200_000
	mean := func(draw func() float64) float64 {
		sum := 0.0
		for range n {
			sum += draw()
		}
		return sum / n
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.02*math.Abs(want)+0.01 {
			t.Errorf("%s: %.4f, want %.4f", what, got, want)
		}
	}
	near("mean of uniform", mean(r.Float), 0.5)
	near("mean of normal", mean(r.Normal), 0)
	near("variance of normal", mean(func() float64 { x := r.Normal(); return x * x }), 1)
	near("mean of exponential", mean(r.Exponential), 1)
	near("mean of gamma(6.57, 0.823)", mean(func() float64 { return r.Gamma(6.57, 0.823) }), 6.57*0.823)
	near("mean of gamma(0.5, 2)", mean(func() float64 { return r.Gamma(0.5, 2) }), 1)
	below := func(x, shape, scale float64) float64 {
		return mean(func() float64 {
			if r.Gamma(shape, scale) < x {
				return 1
			}
			return 0
		})
	}
	near("P(gamma(6.1271, 5.274) < 30)", below(30, 6.1271, 5.274), gammaCDF(30, 6.1271, 5.274))
	near("P(gamma(2, 1) < 3)", gammaCDF(3, 2, 1), 1-4*math.Exp(-3))
	near("P(gamma(2, 1) < 1)", gammaCDF(1, 2, 1), 1-2*math.Exp(-1))
	near("P(gamma < 0)", gammaCDF(0, 2, 1), 0)
	near("choice by weight", mean(func() float64 { return float64(r.Choose([]float64{1, 0, 3})) }), 1.5)
	if a, b := NewRandom(1, 1).Uint64(), NewRandom(1, 2).Uint64(); a == b {
		t.Error("two streams of a seed are the same")
	}
}

func TestFaultyConfigurations(t *testing.T) {
	for want, spoil := range map[string]func(*Config){
		"0 jobs":             func(c *Config) { c.Jobs = 0 },
		"no LocalQueue":      func(c *Config) { c.Queues = nil },
		"no cpu quota":       func(c *Config) { c.Cores = 0 },
		"give a number abov": func(c *Config) { c.Load = math.NaN() },
		"the largest job":    func(c *Config) { c.Largest = 500 },
		"must not be negati": func(c *Config) { c.Queues[0].Share = -1 },
	} {
		for name, make := range generators {
			c := facility(10, 0.9)
			spoil(&c)
			if _, err := make(c); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %q", name, err, want)
			}
		}
	}
}
