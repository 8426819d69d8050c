// Package humanoid is a humanoid robot of our own: 1.3 m, 35 kg, 29 joints, of
// capsules and boxes. It is nobody's product and refuses nothing. Start with [Own];
// [Joints] are the names and the order that Unitree's G1 has, so that motions
// made for one fit the other.
package humanoid

import (
	"math"

	"samovar/robot/mechanism"
)

// Joints are the names of the 29 joints in the order of coordinates and motors.
var Joints = [29]string{
	"left_hip_pitch_joint", "left_hip_roll_joint", "left_hip_yaw_joint", "left_knee_joint", "left_ankle_pitch_joint", "left_ankle_roll_joint",
	"right_hip_pitch_joint", "right_hip_roll_joint", "right_hip_yaw_joint", "right_knee_joint", "right_ankle_pitch_joint", "right_ankle_roll_joint",
	"waist_yaw_joint", "waist_roll_joint", "waist_pitch_joint",
	"left_shoulder_pitch_joint", "left_shoulder_roll_joint", "left_shoulder_yaw_joint", "left_elbow_joint", "left_wrist_roll_joint", "left_wrist_pitch_joint", "left_wrist_yaw_joint",
	"right_shoulder_pitch_joint", "right_shoulder_roll_joint", "right_shoulder_yaw_joint", "right_elbow_joint", "right_wrist_roll_joint", "right_wrist_pitch_joint", "right_wrist_yaw_joint",
}

// Lengths in metres of a body of height 1.3 m. Legs, ankles, feet and the height
// of the shoulders have a human's proportions (Winter, Biomechanics and Motor
// Control of Human Movement, 4th edition, figure 4.1): 0.039, 0.246, 0.245, 0.152
// and 0.818 of the height. Arms are a tenth shorter than a human's 0.44: what
// they throw off balance grows with the square of their length.
const (
	ankle    = 0.05 // axes above the sole
	shank    = 0.32
	thigh    = 0.32
	hip      = 0.08 // pelvis frame above the hips' axes
	hipWidth = 0.10 // hip from the middle
	heel     = 0.06 // sole behind the ankle
	toe      = 0.13 // sole before it
	sole     = 0.08 // its width
	waist    = 0.04 // roll and pitch axes above the pelvis frame
	shoulder = 0.25 // above those
	reach    = 0.16 // shoulder from the middle
	upperArm = 0.21
	forearm  = 0.19 // elbow to the wrist's last axis
)

// drive is a motor with its gear.
type drive struct {
	torque   float64 // Nm, greatest
	speed    float64 // rad/s, greatest
	armature float64 // kg·m², rotor times the square of the ratio
	friction float64 // Nm
	damping  float64 // Nm·s/rad
}

// The drives. Torques are two to three times what the hardest posture asks for,
// standing on one leg included, so that a dance has as much again for accelerations:
//   - large: a knee bent by 90° carries 35 kg at 0.16 m to 0.32 m, 55 to 110 Nm;
//   - medium: a whole foot's load at the tip of the toes, 343 N · 0.13 m = 45 Nm;
//     the trunk, 14 kg at 0.2 m leaning by 30°, 14 Nm;
//   - lateral: the same load at the edge of the sole, 343 N · 0.04 m = 14 Nm;
//   - small: an arm of 2.8 kg stretched out, 0.25 m to its centre, 7 Nm, and as much
//     again for 40 rad/s²;
//   - wrist: a hand of 0.4 kg at 0.06 m, 0.2 Nm, with a gear for a light load.
//
// Speeds let the swing leg step in 0.3 s and an arm turn by half a circle in as
// much. Rotors, friction and damping are chosen, of the size that makers of such
// drives publish; none was measured.
var (
	large   = drive{torque: 130, speed: 20, armature: 0.020, friction: 0.3, damping: 0.10}
	medium  = drive{torque: 60, speed: 30, armature: 0.010, friction: 0.2, damping: 0.05}
	lateral = drive{torque: 40, speed: 30, armature: 0.008, friction: 0.2, damping: 0.05}
	small   = drive{torque: 25, speed: 35, armature: 0.004, friction: 0.1, damping: 0.03}
	wrist   = drive{torque: 5, speed: 20, armature: 0.002, friction: 0.05, damping: 0.02}
)

// Own returns the robot, standing on a floor. Frames of all bodies are parallel
// when all joints are at 0: legs stretched, upper arms down, forearms ahead. The
// axes of each hip meet in one point and so do those of each ankle, which gives
// the leg's inverse kinematics a closed form (Pieper 1968). Every joint has a motor
// whose control is a torque, and sensors of position, velocity and torque; pelvis
// and torso have an inertial unit each. Key "stand" is a stance with bent knees.
func Own() *mechanism.Model {
	b := &builder{m: &mechanism.Model{
		Name: "samovar", Gravity: mechanism.Vector{0, 0, -9.81}, Timestep: 0.002,
		Bodies: []mechanism.Body{{Name: "world", Parent: -1, Orientation: mechanism.Quaternion{1}}},
	}}
	b.shape("floor", 0, 0, mechanism.Plane, at(0, 0, 0), at(0, 0, 0.05), true)
	pelvis := b.body("pelvis", 0, at(0, 0, ankle+shank+thigh+hip))
	b.m.Joints = append(b.m.Joints, mechanism.Joint{Name: "floating_base_joint", Body: pelvis, Kind: mechanism.Free, Axis: mechanism.Vector{0, 0, 1}})
	b.shape("pelvis", pelvis, 4.2, mechanism.Box, at(0, 0, -0.03), at(0.07, 0.09, 0.05), true)
	b.site("imu_in_pelvis", pelvis, at(-0.04, 0, -0.02))
	b.leg("left_", pelvis, 1)
	b.leg("right_", pelvis, -1)
	torso := b.trunk(pelvis)
	b.arm("left_", torso, 1)
	b.arm("right_", torso, -1)
	b.finish()
	return b.m
}

func at(x, y, z float64) mechanism.Vector { return mechanism.Vector{x, y, z} }

// leg adds the six bodies of a leg; side is 1 for the left one, −1 for the right.
func (b *builder) leg(name string, pelvis int, side float64) {
	link := b.body(name+"hip_pitch_link", pelvis, at(0, side*0.06, -hip))
	b.hinge(name+"hip_pitch_joint", link, pitch, -2.4, 1.8, large)
	b.shape(name+"hip_pitch", link, 1.2, mechanism.Cylinder, at(0, 0, 0), at(0.045, 0.035, 0), false).along(pitch)

	link = b.body(name+"hip_roll_link", link, at(0, side*(hipWidth-0.06), 0))
	b.hinge(name+"hip_roll_joint", link, roll, mirror(side, -0.5, 2), mirror(side, 2, -0.5), large)
	b.shape(name+"hip_roll", link, 1.4, mechanism.Cylinder, at(-0.02, 0, 0), at(0.045, 0.04, 0), false).along(roll)

	upper := b.body(name+"hip_yaw_link", link, at(0, 0, 0))
	b.hinge(name+"hip_yaw_joint", upper, yaw, -2, 2, medium)
	b.rod(name+"thigh", upper, 2.6, at(0, 0, -0.08), at(0, 0, -0.26), 0.055, true)
	b.exclude(pelvis, upper)

	lower := b.body(name+"knee_link", upper, at(0, 0, -thigh))
	b.hinge(name+"knee_joint", lower, pitch, -0.05, 2.5, large)
	b.rod(name+"shank", lower, 2, at(0, 0, -0.05), at(0, 0, -0.24), 0.045, true)

	link = b.body(name+"ankle_pitch_link", lower, at(0, 0, -shank))
	b.hinge(name+"ankle_pitch_joint", link, pitch, -0.9, 0.6, medium)
	b.shape(name+"ankle", link, 0.1, mechanism.Sphere, at(0, 0, 0), at(0.025, 0, 0), false)

	foot := b.body(name+"ankle_roll_link", link, at(0, 0, 0))
	b.hinge(name+"ankle_roll_joint", foot, roll, -0.35, 0.35, lateral)
	b.shape(name+"foot", foot, 0.7, mechanism.Box, at((toe-heel)/2, 0, 0.01-ankle), at((toe+heel)/2, sole/2, 0.01), true)
	b.site(name+"foot", foot, at(0, 0, -ankle))
	b.exclude(lower, foot)
}

// trunk adds the waist, and the torso with its head.
func (b *builder) trunk(pelvis int) int {
	link := b.body("waist_yaw_link", pelvis, at(0, 0, 0))
	b.hinge("waist_yaw_joint", link, yaw, -2, 2, medium)
	b.shape("waist_yaw", link, 0.3, mechanism.Cylinder, at(0, 0, 0.02), at(0.04, 0.02, 0), false)

	link = b.body("waist_roll_link", link, at(0, 0, waist))
	b.hinge("waist_roll_joint", link, roll, -0.5, 0.5, medium)
	b.shape("waist_roll", link, 0.2, mechanism.Sphere, at(0, 0, 0), at(0.03, 0, 0), false)

	torso := b.body("torso_link", link, at(0, 0, 0))
	b.hinge("waist_pitch_joint", torso, pitch, -0.5, 0.8, medium)
	b.shape("chest", torso, 7.3, mechanism.Box, at(0, 0, 0.17), at(0.07, 0.09, 0.11), true)
	b.rod("neck", torso, 0.2, at(0, 0, 0.28), at(0, 0, 0.33), 0.03, false)
	b.shape("head", torso, 1.2, mechanism.Sphere, at(0.01, 0, 0.41), at(0.075, 0, 0), true)
	b.site("imu_in_torso", torso, at(-0.03, 0, 0.12))
	b.site("head", torso, at(0.085, 0, 0.42))
	b.exclude(pelvis, torso)
	return torso
}

// arm adds the seven bodies of an arm.
func (b *builder) arm(name string, torso int, side float64) {
	link := b.body(name+"shoulder_pitch_link", torso, at(0, side*0.11, shoulder))
	b.hinge(name+"shoulder_pitch_joint", link, pitch, -3, 2.2, small)
	b.shape(name+"shoulder_pitch", link, 0.7, mechanism.Cylinder, at(0, side*0.02, 0), at(0.035, 0.025, 0), false).along(pitch)

	link = b.body(name+"shoulder_roll_link", link, at(0, side*(reach-0.11), 0))
	b.hinge(name+"shoulder_roll_joint", link, roll, mirror(side, -1.3, 2.4), mirror(side, 2.4, -1.3), small)
	b.shape(name+"shoulder_roll", link, 0.6, mechanism.Sphere, at(0, 0, 0), at(0.04, 0, 0), false)

	upper := b.body(name+"shoulder_yaw_link", link, at(0, 0, 0))
	b.hinge(name+"shoulder_yaw_joint", upper, yaw, -2.4, 2.4, small)
	b.rod(name+"upper_arm", upper, 0.6, at(0, 0, -0.06), at(0, 0, -0.18), 0.035, true)

	lower := b.body(name+"elbow_link", upper, at(0, 0, -upperArm))
	b.hinge(name+"elbow_joint", lower, pitch, -1, 1.7, small)
	b.rod(name+"forearm", lower, 0.4, at(0.02, 0, 0), at(0.09, 0, 0), 0.03, true)

	link = b.body(name+"wrist_roll_link", lower, at(0.1, 0, 0))
	b.hinge(name+"wrist_roll_joint", link, roll, -1.9, 1.9, small)
	b.shape(name+"wrist_roll", link, 0.1, mechanism.Sphere, at(0.02, 0, 0), at(0.025, 0, 0), false)

	link = b.body(name+"wrist_pitch_link", link, at(0.05, 0, 0))
	b.hinge(name+"wrist_pitch_joint", link, pitch, -1.4, 1.4, wrist)
	b.shape(name+"wrist_pitch", link, 0.2, mechanism.Sphere, at(0.01, 0, 0), at(0.028, 0, 0), false)

	hand := b.body(name+"wrist_yaw_link", link, at(forearm-0.15, 0, 0))
	b.hinge(name+"wrist_yaw_joint", hand, yaw, -1.4, 1.4, wrist)
	b.rod(name+"hand", hand, 0.2, at(0.04, 0, 0), at(0.09, 0, 0), 0.03, true)
	b.site(name+"hand", hand, at(0.12, 0, 0))
	b.exclude(lower, hand)
}

// stance returns the configuration of key "stand": thighs and shanks lean by
// 0.25 rad, soles flat on the floor, arms a little away from the body.
func stance() []float64 {
	const lean = 0.25
	q := []float64{0, 0, ankle + (shank+thigh)*math.Cos(lean) + hip, 1, 0, 0, 0}
	leg := []float64{-lean, 0, 0, 2 * lean, -lean, 0}
	q = append(q, leg...)
	q = append(q, leg...)
	q = append(q, 0, 0, 0)
	q = append(q, 0.2, 0.2, 0, 1, 0, 0, 0)
	return append(q, 0.2, -0.2, 0, 1, 0, 0, 0)
}
