package measure

import (
	"math"
	"slices"
	"time"
)

// Quantiles describes a set of durations, in seconds.
type Quantiles struct {
	Count  int     `json:"count"`
	Median float64 `json:"median"`
	P95    float64 `json:"p95"`
	P99    float64 `json:"p99"`
	Max    float64 `json:"max"`
}

// QuantilesOf describes the durations by nearest rank: each figure is one that
// occurred. Of none, all figures are zero.
func QuantilesOf(durations []time.Duration) Quantiles {
	if len(durations) == 0 {
		return Quantiles{}
	}
	sorted := slices.Clone(durations)
	slices.Sort(sorted)
	rank := func(q float64) float64 {
		i := int(math.Ceil(q*float64(len(sorted)))) - 1
		return sorted[max(0, i)].Seconds()
	}
	return Quantiles{Count: len(sorted), Median: rank(0.5), P95: rank(0.95), P99: rank(0.99), Max: rank(1)}
}

// Median is the middle value; of an even number the mean of the two in the
// middle, of none NaN.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}
