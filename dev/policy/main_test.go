package main

import (
	"os"
	"path/filepath"
	"testing"

	"samovar/robot/body"
	"samovar/robot/policy"
	"samovar/robot/safety"
)

// walker is a trial with Unitree's LSTM.
func walker(t *testing.T) *trial {
	t.Helper()
	data := os.Getenv("SAMOVAR_DATA")
	if data == "" {
		t.Skip("SAMOVAR_DATA names no folder with robot/policies and robot/g1")
	}
	if _, err := body.Find("../.."); err != nil {
		t.Skip(err)
	}
	robot := filepath.Join(data, "robot")
	return &trial{
		model: filepath.Join(robot, "g1", "g1_29dof.xml"), networks: filepath.Join(robot, "policies", "unitree_rl_gym_g1"),
		manifest: "../../robot/policy/testdata/unitree_rl_gym_g1.yaml", seed: 1, rate: 250, log: t.Output(),
	}
}

// TestWalk lets G1 stand by balance, then mark time and walk by the policy, pushed once.
func TestWalk(t *testing.T) {
	w := walker(t)
	w.lead, w.after, w.seconds, w.command, w.push, w.every = 0.5, 1, 5, policy.Velocity{Ahead: 0.5}, 3, 3
	r, err := run(w)
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

// TestStop presses the button while the robot walks: another controller of the same
// policy is the stance.
func TestStop(t *testing.T) {
	w := walker(t)
	w.stop, w.seconds, w.stance, w.command.Ahead = 1.7, 4, "policy", 0.5
	r, err := run(w)
	if err != nil {
		t.Fatal(err)
	}
	if r.fell > 0 || r.report.Mode != safety.Standing || r.report.Reason != "the button" {
		t.Errorf("fell at %g s: %s; %s; %+v", r.fell, r.why, r.stop, r.report)
	}
}
