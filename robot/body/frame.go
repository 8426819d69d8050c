package body

import (
	"samovar/robot/wire"
)

// Payloads. Sensors are the battery's charge, then of each inertial unit its
// orientation (w, x, y, z), angular velocity and acceleration, then of each joint
// position, velocity, torque and temperature. A command is position, velocity, kp,
// kd and torque of each joint. All are float64; flags of sensors are the status; the
// sequence of a command is that of the sensors that it answers.
const (
	unitSize     = 10 * 8
	measuredSize = 4 * 8
	driveSize    = 5 * 8
)

func (i *Info) sensorsSize() int { return 8 + unitSize*len(i.Units) + measuredSize*len(i.Joints) }

func (i *Info) commandSize() int { return driveSize * len(i.Joints) }

func (s *Sensors) header() wire.Header {
	return wire.Header{Kind: wire.Sensors, Flags: uint8(s.Status), Sequence: s.Sequence, Time: int64(s.Time)}
}

func (s *Sensors) append(dst []byte) []byte {
	dst = wire.Floats(dst, s.Battery)
	for i := range s.Units {
		u := &s.Units[i]
		dst = wire.Floats(dst, u.Orientation[:]...)
		dst = wire.Floats(dst, u.Angular[:]...)
		dst = wire.Floats(dst, u.Acceleration[:]...)
	}
	for i := range s.Joints {
		m := &s.Joints[i]
		dst = wire.Floats(dst, m.Position, m.Velocity, m.Torque, m.Temperature)
	}
	return dst
}

// read takes a payload of sensorsSize bytes; s has room for all of it.
func (s *Sensors) read(h wire.Header, payload []byte) {
	s.Sequence, s.Time, s.Status = h.Sequence, duration(h.Time), Status(h.Flags)
	payload = wire.Take(payload, &s.Battery)
	for i := range s.Units {
		u := &s.Units[i]
		o, w, a := &u.Orientation, &u.Angular, &u.Acceleration
		payload = wire.Take(payload, &o[0], &o[1], &o[2], &o[3], &w[0], &w[1], &w[2], &a[0], &a[1], &a[2])
	}
	for i := range s.Joints {
		m := &s.Joints[i]
		payload = wire.Take(payload, &m.Position, &m.Velocity, &m.Torque, &m.Temperature)
	}
}

func (c *Command) append(dst []byte) []byte {
	for i := range c.Joints {
		d := &c.Joints[i]
		dst = wire.Floats(dst, d.Position, d.Velocity, d.Kp, d.Kd, d.Torque)
	}
	return dst
}

// read takes a payload of commandSize bytes; c has room for all of it.
func (c *Command) read(payload []byte) {
	for i := range c.Joints {
		d := &c.Joints[i]
		payload = wire.Take(payload, &d.Position, &d.Velocity, &d.Kp, &d.Kd, &d.Torque)
	}
}
