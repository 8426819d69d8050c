package registry

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// flock takes a lock on the open file, which ends when it is closed.
func flock(f *os.File, exclusive bool) error {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if exclusive {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errLocked
	}
	return err
}

// syncDir does nothing: NTFS journals names.
func syncDir(string) error { return nil }

// links returns 2, so that files are copied in: FileInfo does not say how many
// names a file has here.
func links(fs.FileInfo) int { return 2 }

// mustCopy says whether a rename failed for a reason that a copy gets around.
func mustCopy(err error) bool {
	return errors.Is(err, windows.ERROR_NOT_SAME_DEVICE) || errors.Is(err, fs.ErrPermission)
}

func isReadOnly(err error) bool { return errors.Is(err, windows.ERROR_WRITE_PROTECT) }

func isFull(err error) bool { return errors.Is(err, windows.ERROR_DISK_FULL) }
