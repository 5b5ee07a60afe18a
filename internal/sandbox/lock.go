package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// fileLock is an advisory lock that the kernel lets go of when its holder
// dies, however it dies. The file stays; it names the last holder's PID.
type fileLock struct{ file *os.File }

// tryLock takes the lock at path or returns an error that wraps errLocked and
// names the holder.
func tryLock(path string) (*fileLock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the lock file: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err != nil {
		holder := lockHolder(path)
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s is %w%s", path, errLocked, holder)
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// The note is for people; a failure to write it harms nobody.
	if file.Truncate(0) == nil {
		_, _ = file.WriteAt([]byte(fmt.Sprintf("%d\n", os.Getpid())), 0)
	}
	return &fileLock{file: file}, nil
}

// waitForLock takes the lock at path, waiting while another process holds it.
// waiting is called once, when it has to wait.
func waitForLock(ctx context.Context, path string, waiting func(holder string)) (*fileLock, error) {
	told := false
	for {
		lock, err := tryLock(path)
		if err == nil || !errors.Is(err, errLocked) {
			return lock, err
		}
		if !told {
			waiting(lockHolder(path))
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for %s: %w", path, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// lockHolder returns " (process N)" from the note in a lock file, or "".
func lockHolder(path string) string {
	note, err := os.ReadFile(path)
	pid := strings.TrimSpace(string(note))
	if err != nil || pid == "" {
		return ""
	}
	return " (process " + pid + ")"
}

// release lets go of the lock.
func (l *fileLock) release() { _ = l.file.Close() }
