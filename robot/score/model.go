package score

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"samovar/robot/humanoid"
	"samovar/robot/mechanism"
)

// needs is what a model must have to be a robot.
const needs = `a robot has two legs of six joints, each with an actuator, whose names say hip_pitch, hip_roll, hip_yaw, knee, ankle_pitch and ankle_roll, and which end in bodies whose names say "left" or "right" and "foot" or "ankle_roll"`

// standing is how far joints of legs are bent when a robot begins, rad.
var standing = []struct {
	word string // part of their names
	at   float64
}{{"hip_pitch", -0.3}, {"knee", 0.6}, {"ankle_pitch", -0.3}}

// Standing are the body's arguments for a robot that begins as it can stand.
func Standing(model string) []string {
	if model == "own" {
		return nil
	}
	var start []string
	for _, j := range standing {
		start = append(start, fmt.Sprintf("%s=%g", j.word, j.at))
	}
	return []string{"--start", strings.Join(start, ",")}
}

// readModel returns a robot: own, or that of an MJCF file.
func readModel(name string) (*mechanism.Model, error) {
	if name == "own" {
		return humanoid.Own(), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return mechanism.Read(f)
}

// readMeshes returns the corners of a model's meshes by their names: of those that are STL
// files, where the model's file says they are.
func readMeshes(path string, m *mechanism.Model) (map[string][]mechanism.Vector, error) {
	all := map[string][]mechanism.Vector{}
	for i := range m.Meshes {
		mesh := &m.Meshes[i]
		name := filepath.Join(filepath.Dir(path), m.MeshDir, mesh.File)
		if !strings.EqualFold(filepath.Ext(name), ".stl") {
			slog.Warn("not an STL file: parts of this form are not kept from touching others", "mesh", mesh.File)
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("the form of mesh %q: %w", mesh.Name, err)
		}
		all[mesh.Name], err = mesh.ReadSTL(f)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("the form of mesh %q: %w", mesh.Name, err)
		}
	}
	return all, nil
}

// limbs finds the feet of a model, and says what it lacks to be a robot, and, if need be, to
// stand.
func limbs(m *mechanism.Model, stands bool) (feet [2]string, err error) {
	if len(m.Actuators) == 0 {
		return feet, errors.New("no joint has an actuator")
	}
	if feet, err = feetOf(m); err != nil {
		return feet, err
	}
	for _, j := range standing {
		if stands && !slices.ContainsFunc(m.Joints, func(k mechanism.Joint) bool { return strings.Contains(k.Name, j.word) }) {
			return feet, fmt.Errorf("no joint of the model has %q in its name", j.word)
		}
	}
	return feet, nil
}

// feetOf returns the names of a robot's bodies with soles, the left one first: those with
// a side and "foot" or "ankle_roll" in their names, and a joint.
func feetOf(m *mechanism.Model) (feet [2]string, err error) {
	for k, side := range [2]string{"left", "right"} {
		for i := range m.Bodies {
			name := strings.ToLower(m.Bodies[i].Name)
			jointed := slices.ContainsFunc(m.Joints, func(j mechanism.Joint) bool { return j.Body == i })
			if jointed && strings.Contains(name, side) && (strings.Contains(name, "ankle_roll") || strings.Contains(name, "foot")) {
				feet[k] = m.Bodies[i].Name
			}
		}
		if feet[k] == "" {
			return feet, fmt.Errorf(`the robot has no body whose name says %q and "foot" or "ankle_roll"`, side)
		}
	}
	return feet, nil
}
