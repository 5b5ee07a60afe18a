package drive

import (
	"context"
	"sync"
)

// gate lets items start while their cores fit under a limit, in the order of
// their coming: what the floor does about a load that is bound by its quota. A
// nil gate lets everybody start at once.
type gate struct {
	mu   sync.Mutex
	free int64
	// waiting are those turned away, the oldest first; nobody passes them.
	waiting []waitingStart
}

type waitingStart struct {
	cores int64
	start func(context.Context) error
	later func(func(context.Context) error)
}

func newGate(cores int64) *gate { return &gate{free: cores} }

// enter runs start at once if the cores are free. Otherwise it keeps it, and
// passes it to later when they are.
func (g *gate) enter(ctx context.Context, cores int64, start func(context.Context) error, later func(func(context.Context) error)) error {
	if g == nil {
		return start(ctx)
	}
	g.mu.Lock()
	if len(g.waiting) > 0 || g.free < cores {
		g.waiting = append(g.waiting, waitingStart{cores: cores, start: start, later: later})
		g.mu.Unlock()
		return nil
	}
	g.free -= cores
	g.mu.Unlock()
	return start(ctx)
}

// leave gives cores back and starts whoever can start now.
func (g *gate) leave(cores int64) {
	if g == nil {
		return
	}
	g.mu.Lock()
	g.free += cores
	var startable []waitingStart
	for len(g.waiting) > 0 && g.waiting[0].cores <= g.free {
		g.free -= g.waiting[0].cores
		startable = append(startable, g.waiting[0])
		g.waiting = g.waiting[1:]
	}
	g.mu.Unlock()
	for _, w := range startable {
		w.later(w.start)
	}
}
