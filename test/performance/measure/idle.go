package measure

import (
	"context"
	"fmt"
	"time"
)

// idleSample is how long use is looked at before it is judged.
const idleSample = 500 * time.Millisecond

// WaitIdle returns when the processes together use less than share of one
// core, and in any case after limit. The error says that one of them is gone or
// that ctx has ended.
func WaitIdle(ctx context.Context, pids map[string]int, share float64, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(idleSample)
	defer tick.Stop()
	last, lastAt, err := totalCPU(pids)
	for err == nil {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the cluster to come to rest: %w", ctx.Err())
		case <-tick.C:
		}
		var now float64
		var at time.Time
		if now, at, err = totalCPU(pids); err != nil {
			break
		}
		if (now-last)/at.Sub(lastAt).Seconds() < share || at.After(deadline) {
			return nil
		}
		last, lastAt = now, at
	}
	return fmt.Errorf("wait for the cluster to come to rest: %w", err)
}

func totalCPU(pids map[string]int) (seconds float64, at time.Time, err error) {
	all, err := ReadProcesses(pids)
	if err != nil {
		return 0, time.Time{}, err
	}
	for _, p := range all {
		seconds += p.CPU
	}
	return seconds, time.Now(), nil
}
