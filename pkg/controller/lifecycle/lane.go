package lifecycle

import (
	"sync"

	"fairlead.dev/fairlead/pkg/controller/ledger"
)

// Unhurried writes are bounded more than all writes together, since a burst of
// new jobs would fill the API server with creations of Workloads, and what was
// admitted first would wait behind them. While some workload waits for quota a
// creation only makes one more that waits, and few are made at once: the pods
// of those that were admitted are still to be made, bound and started by others.
// Where nobody waits a creation is what a start waits for. (Measured with J1 and
// J2 of test/performance; docs/performance.md.)
const (
	narrow = 8
	wide   = 40
)

// unhurried says whether the write neither starts nor stops anything.
func (w *Write) unhurried() bool {
	switch w.Purpose {
	case Create, Explain, Finish, Discard, Retain:
		return true
	}
	return false
}

// lane bounds the unhurried writes that are under way. Who finds it full is
// noted and told to come again, instead of keeping a worker waiting whom others
// need.
type lane struct {
	mu    sync.Mutex
	under int
	// line are those who came when it was full, the first first; noted are they.
	line  []ledger.Key
	noted map[ledger.Key]struct{}
}

// enter takes one of so many places, or has the workload noted if there is none.
func (l *lane) enter(key ledger.Key, places int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.under < places {
		l.under++
		return true
	}
	if _, already := l.noted[key]; !already {
		if l.noted == nil {
			l.noted = map[ledger.Key]struct{}{}
		}
		l.noted[key] = struct{}{}
		l.line = append(l.line, key)
	}
	return false
}

func (l *lane) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.under--
}

// next returns who was noted first, if there is a place. He has to be asked to
// come again, and whoever has come has to ask for the next: the place may be
// taken, or not be needed any more.
func (l *lane) next(places int) (ledger.Key, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.under >= places || len(l.line) == 0 {
		return ledger.Key{}, false
	}
	first := l.line[0]
	l.line = l.line[1:]
	delete(l.noted, first)
	return first, true
}
