package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// journal keeps what the actors did, one JSON line an act, and collects what
// must not happen.
type journal struct {
	t     *testing.T
	began time.Time

	mu      sync.Mutex
	out     io.Writer
	counts  map[string]int
	refused map[string]int
	faults  []string
}

// entry is one act.
type entry struct {
	Seconds float64 `json:"t"`
	Actor   string  `json:"actor"`
	Number  int     `json:"n"`
	Act     string  `json:"act"`
	Object  string  `json:"object,omitempty"`
	Answer  string  `json:"answer,omitempty"`
}

func (j *journal) write(e entry, refused bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	e.Seconds = time.Since(j.began).Round(time.Millisecond).Seconds()
	j.counts[e.Act]++
	if refused {
		j.refused[e.Act]++
	}
	_ = json.NewEncoder(j.out).Encode(e)
}

// fault notes something that must not happen. The run goes on; it has failed.
func (j *journal) fault(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	j.faults = append(j.faults, text)
	_ = json.NewEncoder(j.out).Encode(entry{Seconds: time.Since(j.began).Seconds(), Actor: "judge", Act: "fault", Answer: text})
}

func (j *journal) total() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	sum := 0
	for _, n := range j.counts {
		sum += n
	}
	return sum
}

func (j *journal) table() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var lines []string
	for act, n := range j.counts {
		line := fmt.Sprintf("%6d  %s", n, act)
		if r := j.refused[act]; r > 0 {
			line += fmt.Sprintf(" (%d refused or too late)", r)
		}
		lines = append(lines, line)
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[8:], b[8:]) })
	return strings.Join(lines, "\n")
}

// actor does one thing after another. What it does depends on its own source
// of randomness and on what it did before, on nothing that others do.
type actor struct {
	name    string
	random  *rand.Rand
	client  client.Client
	journal *journal
	number  int
}

func newActor(seed uint64, name string, c client.Client, j *journal) *actor {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(name))
	return &actor{name: name, random: rand.New(rand.NewPCG(seed, sum.Sum64())), client: c, journal: j}
}

// outcome is what may come of an act.
type outcome int

const (
	// may: done, or refused by a policy, or too late because of what others did.
	may outcome = iota
	// mustNot: the server has to refuse it.
	mustNot
)

// act does one thing and notes it.
func (a *actor) act(ctx context.Context, what, object string, expected outcome, do func(context.Context) error) error {
	a.number++
	e := entry{Actor: a.name, Number: a.number, Act: what, Object: object}
	limited, cancel := context.WithTimeout(ctx, time.Minute)
	err := do(limited)
	cancel()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		e.Answer = err.Error()
	}
	a.journal.write(e, err != nil)
	switch {
	case err == nil && expected == mustNot:
		a.journal.fault("%s %d: %s of %s should have been refused", a.name, a.number, what, object)
	case err != nil && !understood(err):
		a.journal.fault("%s %d: %s of %s: %v", a.name, a.number, what, object, err)
	}
	return err
}

// understood says whether an error is an answer that may come in chaos: the
// object has changed or gone, or a rule does not allow the act now. What RBAC
// refuses, and what the server fails at, is none.
func understood(err error) bool {
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err), apierrors.IsAlreadyExists(err), apierrors.IsInvalid(err):
		return true
	case apierrors.IsForbidden(err):
		return strings.Contains(err.Error(), "ValidatingAdmissionPolicy") || beingTerminated(err.Error())
	}
	return false
}

func beingTerminated(message string) bool {
	return strings.Contains(message, "because it is being terminated")
}

// chance is true with the given probability in percent.
func (a *actor) chance(percent int) bool { return a.random.IntN(100) < percent }

// between draws a number from low to high, both included.
func (a *actor) between(low, high int) int { return low + a.random.IntN(high-low+1) }

// pause waits for a drawn time of the given mean.
func (a *actor) pause(ctx context.Context, mean time.Duration) bool {
	wait := min(time.Duration(a.random.ExpFloat64()*float64(mean)), 5*mean)
	select {
	case <-ctx.Done():
		return false
	case <-time.After(wait):
		return true
	}
}

func pick[T any](a *actor, from []T) T { return from[a.random.IntN(len(from))] }

// way is something that an actor may do, and how often in comparison.
type way struct {
	weight int
	do     func(context.Context)
}

// choose does one of the ways.
func (a *actor) choose(ctx context.Context, ways []way) {
	sum := 0
	for _, w := range ways {
		sum += w.weight
	}
	at := a.random.IntN(sum)
	for _, w := range ways {
		if at -= w.weight; at < 0 {
			w.do(ctx)
			return
		}
	}
}

// act out the ways until the time is over.
func (a *actor) run(ctx context.Context, mean time.Duration, ways []way) {
	for a.pause(ctx, mean) {
		a.choose(ctx, ways)
	}
}

// edit changes an object as one with a form at hand does: read, change, write.
func edit[T client.Object](ctx context.Context, c client.Client, obj T, change func(T)) error {
	if err := c.Get(ctx, client.ObjectKeyFromObject(obj), obj); err != nil {
		return err
	}
	change(obj)
	return c.Update(ctx, obj)
}
