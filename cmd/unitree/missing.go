//go:build !cyclone

package main

import "errors"

// newBus says what this build lacks.
func newBus(uint32, string, bool, bool) (bus, error) {
	return nil, errors.New("this program was built without Cyclone DDS: `make unitree` builds ./bin/unitree (it needs a C compiler, and Debian's cyclonedds-dev and cyclonedds-tools)")
}
