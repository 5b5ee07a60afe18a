package drive

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAgendaGoesByDueTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgenda()
		var done []string
		start := time.Now()
		mark := func(name string) func(context.Context) error {
			return func(context.Context) error {
				done = append(done, name)
				if name == "last" {
					a.finish()
				}
				return nil
			}
		}
		a.add(start, mark("first"))
		a.add(start, func(context.Context) error {
			done = append(done, "second")
			a.add(start.Add(1500*time.Microsecond), mark("second, on"))
			a.add(start.Add(time.Minute), mark("last"))
			// Everything that waits is due before this task ends.
			time.Sleep(time.Second)
			return nil
		})
		a.add(start.Add(time.Millisecond), mark("third"))
		a.add(start.Add(2*time.Millisecond), mark("fourth"))
		a.add(start.Add(30*time.Second), mark("late"))
		if err := a.run(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		// One task may be on its way to the worker when a follow-up comes.
		want := []string{"first", "second", "third", "second, on", "fourth", "late", "last"}
		if !slices.Equal(done, want) {
			t.Errorf("done in order %q, want %q", done, want)
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("took %s, want 1m0s", took)
		}
	})
}

func TestAgendaKeepsToItsConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAgenda()
		var now, most, done atomic.Int64
		var mu sync.Mutex
		start := time.Now()
		for range 20 {
			a.add(start, func(context.Context) error {
				mu.Lock()
				most.Store(max(most.Load(), now.Add(1)))
				mu.Unlock()
				time.Sleep(time.Second)
				now.Add(-1)
				if done.Add(1) == 20 {
					a.finish()
				}
				return nil
			})
		}
		if err := a.run(t.Context(), 4); err != nil {
			t.Fatal(err)
		}
		if most.Load() != 4 || time.Since(start) != 5*time.Second {
			t.Errorf("%d at once for %s, want 4 for 5s", most.Load(), time.Since(start))
		}
	})
}

func TestAgendaStopsAtTheFirstFailure(t *testing.T) {
	broken := errors.New("broken")
	a := newAgenda()
	var after atomic.Int64
	a.add(time.Now(), func(context.Context) error { return broken })
	for range 100 {
		a.add(time.Now().Add(time.Hour), func(context.Context) error { after.Add(1); return nil })
	}
	if err := a.run(t.Context(), 2); !errors.Is(err, broken) {
		t.Errorf("got %v, want the task's error", err)
	}
	if after.Load() != 0 {
		t.Errorf("%d tasks ran after the failure", after.Load())
	}
}
