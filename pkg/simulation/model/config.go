package model

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"fairlead.dev/fairlead/pkg/simulation/trace"
)

// Config says what to make.
type Config struct {
	// Jobs is how many, at least 1.
	Jobs int
	Seed uint64
	// Queues are where jobs go, and in which proportions of work.
	Queues []Queue
	// Cores of the whole facility, in thousandths.
	Cores int64
	// Load is the work offered per core between the first and the last
	// submission: 1 is as much as the cores can do.
	Load float64
	// Largest is the size of the largest job, in thousandths of a core.
	Largest int64
}

// Queue is a queue that jobs are submitted to.
type Queue struct {
	// Name is NAMESPACE/NAME of a LocalQueue.
	Name string
	// Share is in proportion to the work that its users submit.
	Share float64
}

// group is what users of a queue are named after.
func (q *Queue) group() string {
	namespace, name, ok := strings.Cut(q.Name, "/")
	if !ok || namespace == name {
		return namespace
	}
	return q.Name
}

// Validate says what is wrong with the configuration, and what to do.
func (c *Config) Validate() error {
	switch {
	case c.Jobs < 1 || c.Jobs > 100_000_000:
		return fmt.Errorf("%d jobs: ask for 1 to 100,000,000", c.Jobs)
	case len(c.Queues) == 0:
		return errors.New("there is no LocalQueue to submit jobs to: the queue set needs at least one")
	case c.Cores <= 0:
		return errors.New("the queues have no cpu quota: give a ClusterQueue or Cohort nominalQuota of cpu")
	case !(c.Load > 0) || c.Load > 1000:
		return fmt.Errorf("load %g: give a number above 0, for example 0.9", c.Load)
	case c.Largest < 1000:
		return fmt.Errorf("the largest job may have %d thousandths of a core: no job of one core fits any queue", c.Largest)
	}
	for _, q := range c.Queues {
		if !(q.Share >= 0) {
			return fmt.Errorf("queue %s: share %g must not be negative", q.Name, q.Share)
		}
	}
	return nil
}

// span is how long the submissions last, so that the work of the jobs offers
// the load.
func (c *Config) span(coreSeconds float64) time.Duration {
	return time.Duration(coreSeconds / (float64(c.Cores) / 1000 * c.Load) * float64(time.Second))
}

// limits are run-time limits that people ask for, in hours.
var limits = []float64{1, 2, 4, 8, 12, 24, 48, 72, 96}

// limit is what a user asks for who knows the run time more or less: most ask
// for the queue's longest or for a round number far above it (the ratio of run
// time to request is about uniform: Mu'alem and Feitelson, IEEE TPDS 12(6),
// 2001), a few for less than the job needs.
func (r *Random) limit(run time.Duration) time.Duration {
	switch u := r.Float(); {
	case u < 0.15:
		return time.Duration(limits[len(limits)-1] * float64(time.Hour))
	case u < 0.18:
		return trace.Whole(time.Duration(float64(run)*r.Between(0.5, 1))) + time.Second
	}
	hours := run.Hours() / r.Between(0.05, 1)
	at := min(sort.SearchFloat64s(limits, hours), len(limits)-1)
	return max(time.Duration(limits[at]*float64(time.Hour)), run)
}
