//go:build !linux

package score

import "time"

// thread measures time that passes, which is more than its processor time.
type thread struct{ began time.Time }

func pin() thread { return thread{time.Now()} }

func (thread) release() {}

func (t thread) seconds() float64 { return time.Since(t.began).Seconds() }
