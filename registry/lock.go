package registry

import (
	"context"
	"errors"
	"os"
	"time"
)

// errLocked says that another holder has the lock.
var errLocked = errors.New("locked")

// lockFile creates the file at path if need be and takes an advisory lock on
// it, which ends with release or with the process. waiting, if set, is called
// once when somebody else has the lock.
func lockFile(ctx context.Context, path string, exclusive bool, waiting func()) (release func(), err error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		release, err = tryLock(path, exclusive)
		if !errors.Is(err, errLocked) {
			return release, err
		}
		if waiting != nil {
			waiting()
			waiting = nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// tryLock is lockFile without waiting: errLocked when somebody else has it.
func tryLock(path string, exclusive bool) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := flock(f, exclusive); err != nil {
		f.Close()
		return nil, err
	}
	// The holder before us may have removed the file: then a third would lock
	// a new file of that name while we hold the old one.
	mine, err := f.Stat()
	if err == nil {
		now, statErr := os.Stat(path)
		if statErr != nil || !os.SameFile(mine, now) {
			err = errLocked
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
