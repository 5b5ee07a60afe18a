package lifecycle

import (
	"context"
	"sync"
	"time"

	"fairlead.dev/fairlead/pkg/controller/ledger"
)

// Verdicts are written off the hot path: each after verdictDelay, at most
// verdictRate a second less what else is written, and verdictLeast always.
const (
	verdictDelay = 1500 * time.Millisecond
	verdictRate  = 50
	verdictLeast = 2
	// verdictAgain is the least time between two verdicts for one workload.
	verdictAgain = 5 * time.Second
)

// pacer holds verdicts until they are due. All wait equally long, so that a
// list in order of arrival is in order of time: one timer serves all.
type pacer struct {
	emit  func(ledger.Key, verdict)
	worth func(ledger.Key, verdict) bool

	mu     sync.Mutex
	queue  []paced // by due
	latest map[ledger.Key]latest
	// others are the other writes since the last tick.
	others int
}

type paced struct {
	key ledger.Key
	due time.Time
}

// latest is the newest verdict for a workload; it is taken out when written.
type latest struct {
	verdict verdict
	queued  bool
	added   time.Time
	written time.Time
}

func newPacer(emit func(ledger.Key, verdict), worth func(ledger.Key, verdict) bool) *pacer {
	return &pacer{emit: emit, worth: worth, latest: map[ledger.Key]latest{}}
}

// add notes a verdict; a newer one for the same workload replaces it.
func (p *pacer) add(key ledger.Key, v verdict, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.latest[key]
	l.verdict, l.added = v, now
	if !l.queued {
		l.queued = true
		p.queue = append(p.queue, paced{key: key, due: now.Add(verdictDelay)})
	}
	p.latest[key] = l
}

// drop forgets the verdict of a workload that is admitted.
func (p *pacer) drop(key ledger.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.latest, key)
}

// knowsAny says whether there is a workload that waits.
func (p *pacer) knowsAny() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.latest) > 0
}

// wrote notes a write that was no verdict.
func (p *pacer) wrote() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.others++
}

// run emits verdicts as they fall due, at the rate of the moment.
func (p *pacer) run(ctx context.Context) {
	const tick = 100 * time.Millisecond
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var tokens float64
	var busy float64 // other writes a second, those of some time ago counting less
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			busy += float64(p.takeOthers()) - busy*tick.Seconds()
			rate := max(verdictRate-busy, verdictLeast)
			tokens = min(tokens, 1) + rate*tick.Seconds() // nothing is saved for later
			for tokens >= 1 && p.emitNext(now) {
				tokens--
			}
		}
	}
}

func (p *pacer) takeOthers() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.others
	p.others = 0
	return n
}

// emitNext emits the first due verdict that is worth it; false if none is.
func (p *pacer) emitNext(now time.Time) bool {
	for {
		key, v, ok := p.pop(now)
		if !ok {
			return false
		}
		if p.worth(key, v) {
			p.emit(key, v)
			return true
		}
	}
}

func (p *pacer) pop(now time.Time) (ledger.Key, verdict, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) > 0 && !p.queue[0].due.After(now) {
		first := p.queue[0]
		p.queue = p.queue[1:]
		l, known := p.latest[first.key]
		if !known || !l.queued {
			continue
		}
		if again := l.written.Add(verdictAgain); again.After(now) {
			p.requeue(first.key, again)
			continue
		}
		l.queued, l.written = false, now
		p.latest[first.key] = l
		return first.key, l.verdict, true
	}
	return ledger.Key{}, verdict{}, false
}

// requeue puts a workload back, in its place by time.
func (p *pacer) requeue(key ledger.Key, due time.Time) {
	at := len(p.queue)
	for at > 0 && p.queue[at-1].due.After(due) {
		at--
	}
	p.queue = append(p.queue, paced{})
	copy(p.queue[at+1:], p.queue[at:])
	p.queue[at] = paced{key: key, due: due}
}

// forget drops what is remembered of a workload that was gone at some time.
// What was added since then is about one that has come meanwhile: it was
// created and judged while somebody still looked at the time before.
func (p *pacer) forget(key ledger.Key, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l, known := p.latest[key]; known && !l.added.After(at) {
		delete(p.latest, key)
	}
}
