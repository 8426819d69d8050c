package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"samovar/robot/body"
	"samovar/robot/mcap"
	"samovar/robot/mechanism"
	"samovar/robot/ros"
)

// Replay reads ticks from a recording, to the last bit. It belongs to one goroutine.
type Replay struct {
	from    *mcap.Reader
	info    *body.Info
	epoch   uint64
	pending *mcap.Message // that has been looked at but belongs to the next tick

	topics   map[string]func([]byte) error // those that are read
	joints   ros.JointState
	units    []ros.Imu
	state    ros.BodyState
	commands ros.JointCommand
	frames   ros.TFMessage
}

// Open reads what body was recorded.
func Open(r io.Reader) (*Replay, error) {
	from, err := mcap.NewReader(r)
	if err != nil {
		return nil, err
	}
	p := &Replay{from: from}
	if err := p.open(); err != nil {
		from.Close()
		return nil, fmt.Errorf("replay a recording: %w", err)
	}
	return p, nil
}

// open reads to the first message, before which the metadata are.
func (p *Replay) open() error {
	first, err := p.from.Next()
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, mcap.ErrCut) {
		return err
	}
	told, ok := p.from.Metadata[bodyMetadata]
	if !ok {
		return errors.New("it does not say which body was recorded: only recordings of this program can be replayed, others be shown")
	}
	p.info = &body.Info{}
	d := json.NewDecoder(bytes.NewReader([]byte(told["info"])))
	if err := d.Decode(p.info); err != nil {
		return fmt.Errorf("what the body says of itself: %w", err)
	}
	if err := p.info.Check(); err != nil {
		return fmt.Errorf("what the body says of itself: %w", err)
	}
	if p.epoch, err = strconv.ParseUint(told["epoch"], 10, 64); err != nil {
		return fmt.Errorf("when the recording began: %w", err)
	}
	p.pending = first
	p.units = make([]ros.Imu, len(p.info.Units))
	p.topics = map[string]func([]byte) error{
		"/joint_states":   func(b []byte) error { return ros.Decode(b, &p.joints) },
		"/body_state":     func(b []byte) error { return ros.Decode(b, &p.state) },
		"/joint_commands": func(b []byte) error { return ros.Decode(b, &p.commands) },
		"/tf":             func(b []byte) error { return ros.Decode(b, &p.frames) },
	}
	for k, topic := range unitTopics(p.info) {
		p.topics[topic] = func(b []byte) error { return ros.Decode(b, &p.units[k]) }
	}
	return nil
}

// Info is what the recorded body said of itself.
func (p *Replay) Info() *body.Info { return p.info }

// About is what whoever recorded has told of it.
func (p *Replay) About() map[string]string { return p.from.Metadata[aboutMetadata] }

// Close gives back what the replay holds. What lies beneath is not closed.
func (p *Replay) Close() { p.from.Close() }

// Next fills in the sensors of the next tick and the command that answered them, and
// reports whether there was one. At the end it returns io.EOF, of a recording that was
// cut off an error with mcap.ErrCut within.
func (p *Replay) Next(s *body.Sensors, c *body.Command) (commanded bool, err error) {
	for {
		topic, err := p.step()
		if err != nil {
			return false, err
		}
		if topic == "/body_state" { // is the last of what is sensed
			break
		}
	}
	if err := p.sensors(s); err != nil {
		return false, fmt.Errorf("replay a recording: tick %d: %w", p.state.Sequence, err)
	}
	for { // everything until the next tick begins
		m, err := p.peek()
		if err != nil || m.Channel.Topic == "/joint_states" {
			break // an error comes again
		}
		topic, err := p.step()
		if err != nil {
			return false, err
		}
		commanded = commanded || topic == "/joint_commands"
	}
	if !commanded {
		return false, nil
	}
	if err := p.command(c); err != nil {
		return false, fmt.Errorf("replay a recording: tick %d: %w", p.state.Sequence, err)
	}
	return true, nil
}

// Place fills in the configuration of a model at this tick: its joints as they were
// sensed, its base where the newest frames have it, which come less often. It reports
// whether there have been any.
func (p *Replay) Place(m *mechanism.Model, q []float64) (bool, error) {
	if len(p.frames.Transforms) == 0 {
		return false, nil
	}
	for i := range p.info.Joints {
		k, err := m.Joint(p.info.Joints[i].Name)
		if err != nil {
			return false, fmt.Errorf("place a replayed robot: %w", err)
		}
		q[m.Joints[k].Q] = p.joints.Position[i]
	}
	for i := range m.Joints {
		j := &m.Joints[i]
		for k := range p.frames.Transforms {
			f := &p.frames.Transforms[k]
			if j.Kind != mechanism.Free || f.Header.FrameID != world || f.ChildFrameID != m.Bodies[j.Body].Name {
				continue
			}
			t, r := f.Transform.Translation, f.Transform.Rotation
			copy(q[j.Q:], []float64{t.X, t.Y, t.Z, r.W, r.X, r.Y, r.Z})
		}
	}
	return true, nil
}

// peek returns the message that step will read.
func (p *Replay) peek() (*mcap.Message, error) {
	if p.pending == nil {
		m, err := p.from.Next()
		if err != nil {
			return nil, err
		}
		p.pending = m
	}
	return p.pending, nil
}

// step reads a message and returns its topic.
func (p *Replay) step() (string, error) {
	m, err := p.peek()
	if err != nil {
		return "", err
	}
	p.pending = nil
	if read, ok := p.topics[m.Channel.Topic]; ok {
		if err := read(m.Data); err != nil {
			return "", fmt.Errorf("replay a recording: topic %s: %w", m.Channel.Topic, err)
		}
	}
	return m.Channel.Topic, nil
}

// sensors puts together what the messages of a tick hold.
func (p *Replay) sensors(s *body.Sensors) error {
	n, j := len(p.info.Joints), &p.joints
	at := p.state.Header.Stamp
	if len(j.Position) != n || len(j.Velocity) != n || len(j.Effort) != n || len(p.state.Temperature) != n || j.Header.Stamp != at {
		return fmt.Errorf("not all of %d joints are there", n)
	}
	if at.Ns() < p.epoch {
		return errors.New("it is before the recording's beginning")
	}
	fit(&s.Joints, n)
	fit(&s.Units, len(p.units))
	s.Sequence, s.Time = p.state.Sequence, time.Duration(at.Ns()-p.epoch)
	s.Status, s.Battery = body.Status(p.state.Status), p.state.Battery
	for i := range s.Joints {
		s.Joints[i] = body.Measured{Position: j.Position[i], Velocity: j.Velocity[i], Torque: j.Effort[i], Temperature: p.state.Temperature[i]}
	}
	for i := range p.units {
		u := &p.units[i]
		if u.Header.Stamp != at {
			return fmt.Errorf("inertial unit %d is not there", i)
		}
		s.Units[i] = body.Inertial{
			Orientation:  mechanism.Quaternion{u.Orientation.W, u.Orientation.X, u.Orientation.Y, u.Orientation.Z},
			Angular:      mechanism.Vector{u.AngularVelocity.X, u.AngularVelocity.Y, u.AngularVelocity.Z},
			Acceleration: mechanism.Vector{u.LinearAcceleration.X, u.LinearAcceleration.Y, u.LinearAcceleration.Z},
		}
	}
	return nil
}

// command takes the newest command.
func (p *Replay) command(c *body.Command) error {
	n, m := len(p.info.Joints), &p.commands
	if len(m.Position) != n || len(m.Velocity) != n || len(m.Effort) != n || len(m.Kp) != n || len(m.Kd) != n || m.Sequence != p.state.Sequence {
		return fmt.Errorf("a command that is not for %d joints in this tick", n)
	}
	fit(&c.Joints, n)
	for i := range c.Joints {
		c.Joints[i] = body.Drive{Position: m.Position[i], Velocity: m.Velocity[i], Kp: m.Kp[i], Kd: m.Kd[i], Torque: m.Effort[i]}
	}
	return nil
}

// fit makes a slice as long as it must be.
func fit[T any](s *[]T, n int) {
	if len(*s) != n {
		*s = make([]T, n)
	}
}

// Show hands a recording's messages to sinks when it is their time: speed times as fast
// as they were recorded, 0: at once. Messages that are of no ROS are left out, so that
// recordings of other robots can be shown, too. It closes no sink.
func Show(ctx context.Context, r io.Reader, speed float64, sinks ...Sink) error {
	from, err := mcap.NewReader(r)
	if err != nil {
		return err
	}
	defer from.Close()
	ids := map[*mcap.Channel]uint16{}
	var pace pace
	for {
		m, err := from.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		c := m.Channel
		if c.Encoding != ros.Encoding || c.Schema == nil || c.Schema.Encoding != ros.DefinitionEncoding {
			continue
		}
		id, known := ids[c]
		if !known {
			id = uint16(len(ids) + 1)
			ids[c] = id
		}
		if err := pace.wait(ctx, m.Logged, speed); err != nil {
			return err
		}
		for _, s := range sinks {
			if !known {
				latched := c.Topic == "/tf_static" || c.Topic == "/robot"
				if err := s.Channel(id, Channel{Topic: c.Topic, Type: c.Schema.Name, Definition: string(c.Schema.Data), Latched: latched}); err != nil {
					return err
				}
			}
			if err := s.Message(id, m.Logged, m.Data); err != nil {
				return err
			}
		}
	}
}

// pace lets time pass as it did.
type pace struct {
	began time.Time
	first uint64 // time of the first message
}

// wait waits until it is time for a message.
func (p *pace) wait(ctx context.Context, at uint64, speed float64) error {
	if p.began.IsZero() {
		p.began, p.first = time.Now(), at
	}
	if speed <= 0 || at <= p.first {
		return ctx.Err()
	}
	until := time.Until(p.began.Add(time.Duration(float64(at-p.first) / speed)))
	if until <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(until)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
