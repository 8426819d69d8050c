package main

import (
	"os"
	"path/filepath"
	"testing"

	"samovar/robot/body"
	"samovar/robot/policy"
	"samovar/robot/safety"
	"samovar/robot/score"
)

// walker is a trial with Unitree's LSTM.
func walker(t *testing.T) trial {
	t.Helper()
	data := os.Getenv("SAMOVAR_DATA")
	if data == "" {
		t.Skip("SAMOVAR_DATA names no folder with robot/policies and robot/g1")
	}
	path, err := body.Find("../..")
	if err != nil {
		t.Skip(err)
	}
	robot := filepath.Join(data, "robot")
	return trial{
		Trial:    score.Trial{Program: path, Model: filepath.Join(robot, "g1", "g1_29dof.xml"), Seed: 1, Rate: 250},
		networks: filepath.Join(robot, "policies", "unitree_rl_gym_g1"), manifest: "../../robot/policy/testdata/unitree_rl_gym_g1.yaml",
	}
}

// TestWalk lets G1 stand by balance, then mark time and walk by the policy, pushed once.
func TestWalk(t *testing.T) {
	w := walker(t)
	w.Lead, w.After, w.Seconds, w.Command, w.Push, w.Every = 0.5, 1, 5, policy.Velocity{Ahead: 0.5}, 3, 3
	r, err := run(w)
	if err != nil {
		t.Fatal(err)
	}
	if r.Fell || r.Stopped != "" {
		t.Fatalf("it fell at %g s: %s; %s", r.Seconds, r.Why, r.Stopped)
	}
	if n := r.Counts; n.Position+n.Velocity+n.Torque+n.Beyond+n.Fast+n.Self > 0 {
		t.Errorf("beyond limits: %+v", n)
	}
	if r.Steps < 8 || r.Drift < 1 || r.Drift > 3 {
		t.Errorf("%d steps and %.2f m in 4 s at 0.5 m/s", r.Steps, r.Drift)
	}
}

// TestStop presses the button while the robot walks: another controller of the same
// policy is the stance.
func TestStop(t *testing.T) {
	w := walker(t)
	w.Stop, w.Seconds, w.Stance, w.Command.Ahead = 1.7, 4, true, 0.5
	r, err := run(w)
	if err != nil {
		t.Fatal(err)
	}
	if r.Fell || r.Report.Mode != safety.Standing || r.Report.Reason != "the button" {
		t.Errorf("fell at %g s: %s; %s; %+v", r.Seconds, r.Why, r.Stopped, r.Report)
	}
}
