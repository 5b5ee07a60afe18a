package drive

import (
	"container/heap"
	"context"
	"sync"
	"time"
)

// agenda runs tasks at their due times, at most a given number at once. Tasks
// may add tasks. When more are due than can run, the earlier due goes first,
// whatever it is: a paced load whose submissions wait for the ends of what runs
// falls behind its pace by more than the server is behind.
//
//	add --> heap by due time --due--> one of n workers --> do
type agenda struct {
	mu    sync.Mutex
	tasks taskHeap
	added int
	// wake tells the dispatcher that something was added.
	wake chan struct{}
	// finished is closed when nothing more is to be done.
	finished     chan struct{}
	finishedOnce sync.Once
}

// task is one thing to do; order breaks ties of due times.
type task struct {
	due   time.Time
	order int
	do    func(context.Context) error
}

// taskHeap is a container/heap of tasks, the earliest due first.
type taskHeap []*task

func (h taskHeap) Len() int { return len(h) }

func (h taskHeap) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].order < h[j].order
}

func (h taskHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push is for container/heap alone.
func (h *taskHeap) Push(t any) { *h = append(*h, t.(*task)) }

// Pop is for container/heap alone.
func (h *taskHeap) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return t
}

func newAgenda() *agenda {
	return &agenda{wake: make(chan struct{}, 1), finished: make(chan struct{})}
}

// add has something done when it is due.
func (a *agenda) add(due time.Time, do func(context.Context) error) {
	a.mu.Lock()
	heap.Push(&a.tasks, &task{due: due, order: a.added, do: do})
	a.added++
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// finish makes run return once the tasks at hand are done.
func (a *agenda) finish() { a.finishedOnce.Do(func() { close(a.finished) }) }

// run works on the agenda until finish is called, a task fails or ctx ends. It
// returns the first failure.
func (a *agenda) run(ctx context.Context, workers int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ready := make(chan *task)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for t := range ready {
				if ctx.Err() != nil {
					continue
				}
				if err := t.do(ctx); err != nil {
					cancel(err)
				}
			}
		})
	}
	a.dispatch(ctx, ready)
	close(ready)
	group.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// dispatch hands tasks to workers as they fall due.
func (a *agenda) dispatch(ctx context.Context, ready chan<- *task) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next, wait := a.next(time.Now())
		if next == nil {
			timer.Reset(wait)
			select {
			case <-a.wake:
			case <-timer.C:
			case <-a.finished:
				return
			case <-ctx.Done():
				return
			}
			continue
		}
		select {
		case ready <- next:
		case <-a.finished:
			return
		case <-ctx.Done():
			return
		}
	}
}

// next takes the task to do now, or says how long there is none.
func (a *agenda) next(now time.Time) (*task, time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tasks.Len() == 0 {
		return nil, time.Hour
	}
	if until := a.tasks[0].due.Sub(now); until > 0 {
		return nil, until
	}
	return heap.Pop(&a.tasks).(*task), 0
}
