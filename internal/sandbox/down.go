package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Down ends and removes the named sandbox, however far its Up had come: every
// recorded process that is still the same one, every process that carries the
// sandbox's mark, the kubeconfig it wrote and its state directory.
// The error wraps ErrNotFound when there is nothing to remove and ErrBusy
// while another process is at work on it.
func Down(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	home, err := Home()
	if err != nil {
		return err
	}
	return down(ctx, home, name)
}

func down(ctx context.Context, home, name string) error {
	dir := filepath.Join(home, name)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %q; nothing to remove (`fairlead sandbox list` shows what there is)", ErrNotFound, name)
	}
	lock, err := lockSandbox(ctx, home, name)
	if err != nil {
		return err
	}
	defer lock.release()
	s, err := loadState(home, name)
	if errors.Is(err, fs.ErrNotExist) {
		// An Up that was killed before its first write had started nothing.
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove the state of sandbox %q: %w", name, err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	return remove(ctx, s)
}

// remove ends every process of a sandbox and removes its files; the state goes
// last, so that an interrupted removal can be repeated.
func remove(ctx context.Context, s *state) error {
	if err := endAll(ctx, s); err != nil {
		return err
	}
	if err := s.removeKubeconfig(); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.dir())
	if err != nil {
		return fmt.Errorf("remove the state of sandbox %q: %w", s.Name, err)
	}
	for _, entry := range entries {
		if entry.Name() == filepath.Base(s.file()) {
			continue
		}
		if err := os.RemoveAll(s.path(entry.Name())); err != nil {
			return fmt.Errorf("remove the state of sandbox %q: %w", s.Name, err)
		}
	}
	if err := os.RemoveAll(s.dir()); err != nil {
		return fmt.Errorf("remove the state of sandbox %q: %w", s.Name, err)
	}
	return nil
}

// endAll ends the manager and the keeper gently and the rest at once: what the
// servers hold is about to be deleted. It looks for marked processes until
// there are none, because a kwokctl that is being ended may start one more.
func endAll(ctx context.Context, s *state) error {
	var gentle []Process
	for _, p := range []*Process{s.Manager, s.Keeper} {
		if p != nil {
			gentle = append(gentle, *p)
		}
	}
	const grace = 5 * time.Second
	if err := end(ctx, gentle, grace); err != nil {
		return fmt.Errorf("end sandbox %q: %w", s.Name, err)
	}
	if err := end(ctx, s.ControlPlane, 0); err != nil {
		return fmt.Errorf("end sandbox %q: %w", s.Name, err)
	}
	for {
		rest, err := marked(s.ID)
		if err != nil {
			return fmt.Errorf("end sandbox %q: %w", s.Name, err)
		}
		if len(rest) == 0 {
			return nil
		}
		if err := end(ctx, rest, 0); err != nil {
			return fmt.Errorf("end sandbox %q: %w", s.Name, err)
		}
	}
}
