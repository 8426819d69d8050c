package main

import (
	"os"
	"path/filepath"
	"testing"

	"samovar/robot/body"
	"samovar/robot/policy"
)

// TestWalk lets G1 mark time and walk by Unitree's LSTM.
func TestWalk(t *testing.T) {
	data := os.Getenv("SAMOVAR_DATA")
	if data == "" {
		t.Skip("SAMOVAR_DATA names no folder with robot/policies and robot/g1")
	}
	if _, err := body.Find("../.."); err != nil {
		t.Skip(err)
	}
	robot := filepath.Join(data, "robot")
	r, err := run(&trial{
		model: filepath.Join(robot, "g1", "g1_29dof.xml"), networks: filepath.Join(robot, "policies", "unitree_rl_gym_g1"),
		manifest: "../../robot/policy/testdata/unitree_rl_gym_g1.yaml",
		seed:     1, seconds: 5, rate: 250, command: policy.Velocity{Ahead: 0.5}, after: 1, push: 3, every: 3, log: t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.fell > 0 || r.stop != "" {
		t.Fatalf("it fell at %g s: %s; %s", r.fell, r.why, r.stop)
	}
	if n := r.truth.Counts; n.Position+n.Velocity+n.Torque+n.Beyond+n.Fast+n.Self > 0 {
		t.Errorf("beyond limits: %+v", n)
	}
	if r.steps < 8 || r.truth.Drift < 1 || r.truth.Drift > 3 {
		t.Errorf("%d steps and %.2f m in 4 s at 0.5 m/s", r.steps, r.truth.Drift)
	}
}
