package forecast

import (
	"slices"
	"time"
)

// History is what finished workloads tell of run times: as a part of the limit,
// for those of each LocalQueue, of each namespace, and of all. What is asked
// for is answered by the first of these that has enough, as the templates of
// Smith, Foster and Taylor, "Predicting Application Run Times Using Historical
// Information" (JSSPP 1998), go from what is alike to what is general. (To ask
// those of the same limit first made estimates worse: docs/estimates.md.)
type History struct {
	by map[group]*recent
}

// group is a LocalQueue, a namespace, or everybody.
type group struct{ namespace, queue string }

// groups of a workload, from what is most alike to what is general.
func groups(namespace, queue string) []group { return []group{{namespace, queue}, {namespace, ""}, {}} }

// enough is how many finished workloads make a group known; kept is how many of
// the last ones count.
const (
	enough = 20
	kept   = 500
)

// recent is a ring of the last values.
type recent struct {
	values []float64
	next   int
	sorted []float64 // nil if values have changed since
}

// NewHistory returns one that knows nothing.
func NewHistory() *History { return &History{by: map[group]*recent{}} }

// Add notes a finished workload of a LocalQueue; one without limit tells
// nothing.
func (h *History) Add(namespace, queue string, limit, run time.Duration) {
	if limit <= 0 || run < 0 {
		return
	}
	for _, g := range groups(namespace, queue) {
		r := h.by[g]
		if r == nil {
			r = &recent{}
			h.by[g] = r
		}
		if fraction := float64(run) / float64(limit); len(r.values) < kept {
			r.values = append(r.values, fraction)
		} else {
			r.values[r.next] = fraction
			r.next = (r.next + 1) % kept
		}
		r.sorted = nil
	}
}

// fractions are the known parts of limits for workloads of a LocalQueue, sorted,
// and of which group they are; nil if too little is known.
func (h *History) fractions(namespace, queue string) ([]float64, group) {
	if h == nil {
		return nil, group{}
	}
	for _, g := range groups(namespace, queue) {
		r := h.by[g]
		if r == nil || len(r.values) < enough {
			continue
		}
		if r.sorted == nil {
			r.sorted = slices.Clone(r.values)
			slices.Sort(r.sorted)
		}
		return r.sorted, g
	}
	return nil, group{}
}

// Known is how many finished workloads tell of a LocalQueue's run times, and in
// words of whom they are. 0: too few are known, and any part of the limit is
// taken for equally likely.
func (h *History) Known(namespace, queue string) (n int, of string) {
	known, g := h.fractions(namespace, queue)
	switch {
	case known == nil:
		return 0, ""
	case g.queue != "":
		of = "LocalQueue " + g.queue
	case g.namespace != "":
		of = "namespace " + g.namespace
	default:
		of = "all queues"
	}
	return len(known), of
}

// draw is one future: for each workload a number that says which of its possible
// run times it has.
type draw struct{ key uint64 }

func newDraw(seed, sample uint64) *draw { return &draw{mix(seed ^ mix(sample+1))} }

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// of is uniform in [0, 1), the same for the same attempt of a workload whatever
// else happens.
func (d *draw) of(uid string, attempt int) float64 {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(uid) {
		h = (h ^ uint64(uid[i])) * 1099511628211
	}
	return float64(mix(d.key^h^uint64(attempt)<<56)>>11) / (1 << 53)
}

// few is how many finished workloads must have run for longer than one that runs
// to be all that is believed of how long it will.
const few = 5

// fraction draws a part of the limit, given that more than the part past is
// over, by u, uniform in [0, 1): one of those known, which are sorted, that are
// longer. If these are fewer than few, those that are wanting may run for any
// part of what is left. false: nothing known is longer, and the limit is over.
func fraction(known []float64, past, u float64) (float64, bool) {
	at, found := slices.BinarySearch(known, past)
	for found && at < len(known) && known[at] == past {
		at++
	}
	longer, wanting := len(known)-at, 0
	if past < 1 {
		wanting = max(0, few-longer)
	}
	if longer+wanting == 0 {
		return 0, false
	}
	if u *= float64(longer + wanting); u < float64(longer) {
		return known[at+int(u)], true
	}
	return past + (1-past)*(u-float64(longer))/float64(wanting), true
}
