package score

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// thread is the thread that a trial runs on, whose processor time is measured.
type thread struct{}

// pin keeps the goroutine on its thread until release.
func pin() thread {
	runtime.LockOSThread()
	return thread{}
}

func (thread) release() { runtime.UnlockOSThread() }

// seconds is the processor time that the thread has taken.
func (thread) seconds() float64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return float64(t.Sec) + float64(t.Nsec)/1e9
}
