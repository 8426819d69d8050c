//go:build !mujoco

package main

import "errors"

// newPhysics says what this build lacks.
func newPhysics(*plan) (physics, error) {
	return nil, errors.New("this program was built without MuJoCo: `make robot` fetches it and builds ./bin/body (it needs pip and a C compiler)")
}
