package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"samovar/robot/body"
	"samovar/robot/ros"
	"samovar/robot/safety"
)

// scribe makes messages of entries. It belongs to the recorder's goroutine.
type scribe struct {
	config *Config
	epoch  uint64 // ns
	sinks  []Sink // those that have not failed
	err    error
	buffer []byte

	channels uint16            // how many there are
	named    map[string]uint16 // channels of topics that Text named
	ticks    uint64
	every    uint64  // ticks between two scenes
	figure   *figure // nil: without a model

	joints    said[ros.JointState]
	units     []said[ros.Imu]
	state     said[ros.BodyState]
	commands  said[ros.JointCommand]
	balance   said[ros.Balance]
	beats     said[ros.Beat]
	log       said[ros.Log]
	diagnosis said[ros.DiagnosticArray]

	report safety.Report // that was told last
	told   uint64        // when, ns; 0: never
	now    uint64        // of the newest entry
}

// said is a message that is filled again and again, with its channel.
type said[M ros.Message] struct {
	channel uint16
	message M
}

// Names of metadata.
const (
	bodyMetadata  = "samovar.body"
	aboutMetadata = "samovar.about"
	endMetadata   = "samovar.end"
)

func newScribe(c *Config) (*scribe, error) {
	s := &scribe{config: c, sinks: append([]Sink(nil), c.Sinks...), named: map[string]uint16{}}
	if !c.Epoch.IsZero() {
		s.epoch = uint64(c.Epoch.UnixNano())
	}
	s.every = uint64(max(1, c.Info.Rate/c.Scene))
	text, err := json.Marshal(c.Info)
	if err != nil {
		return nil, err
	}
	s.describe(bodyMetadata, map[string]string{"info": string(text), "epoch": strconv.FormatUint(s.epoch, 10)})
	if len(c.About) > 0 {
		s.describe(aboutMetadata, c.About)
	}
	s.open()
	if c.Model != nil {
		if s.figure, err = newFigure(s); err != nil {
			return nil, err
		}
	}
	return s, s.err
}

// open declares the channels that every recording has.
func (s *scribe) open() {
	i := s.config.Info
	names := make([]string, len(i.Joints))
	for k := range i.Joints {
		names[k] = i.Joints[k].Name
	}
	n := len(names)
	declare(s, &s.joints, "/joint_states", false)
	s.joints.message = ros.JointState{Name: names, Position: make([]float64, n), Velocity: make([]float64, n), Effort: make([]float64, n)}
	s.units = make([]said[ros.Imu], len(i.Units))
	for k, topic := range unitTopics(i) {
		declare(s, &s.units[k], topic, false)
		s.units[k].message.Header.FrameID = unitFrame(&i.Units[k])
	}
	declare(s, &s.state, "/body_state", false)
	s.state.message.Temperature = make([]float64, n)
	declare(s, &s.commands, "/joint_commands", false)
	s.commands.message = ros.JointCommand{
		Name: names, Position: make([]float64, n), Velocity: make([]float64, n), Effort: make([]float64, n), Kp: make([]float64, n), Kd: make([]float64, n),
	}
	declare(s, &s.balance, "/balance", false)
	s.balance.message.Header.FrameID = world
	declare(s, &s.beats, "/beat", false)
	declare(s, &s.log, "/rosout", false)
	s.log.message.Name = "samovar"
	declare(s, &s.diagnosis, "/diagnostics", false)
}

// declare opens the channel of a message.
func declare[M ros.Message](s *scribe, to *said[M], topic string, latched bool) {
	to.channel = s.channel(topic, to.message, latched)
}

// channel declares a channel to all sinks.
func (s *scribe) channel(topic string, m ros.Message, latched bool) uint16 {
	s.channels++
	c := Channel{Topic: topic, Type: m.MessageType(), Definition: ros.Definition(m), Latched: latched}
	s.each(func(k Sink) error { return k.Channel(s.channels, c) })
	return s.channels
}

// each does something with every sink; one that fails is left alone from then on.
func (s *scribe) each(f func(Sink) error) {
	for i := 0; i < len(s.sinks); i++ {
		if err := f(s.sinks[i]); err != nil {
			s.err = errors.Join(s.err, err)
			s.sinks = append(s.sinks[:i], s.sinks[i+1:]...)
			i--
		}
	}
}

func (s *scribe) describe(name string, values map[string]string) {
	s.each(func(k Sink) error { return k.Describe(name, values) })
}

// say hands a message to all sinks.
func (s *scribe) say(channel uint16, at uint64, m ros.Message) {
	s.buffer = ros.Append(s.buffer[:0], m)
	for i := 0; i < len(s.sinks); i++ {
		if err := s.sinks[i].Message(channel, at, s.buffer); err != nil {
			s.err = errors.Join(s.err, err)
			s.sinks = append(s.sinks[:i], s.sinks[i+1:]...)
			i--
		}
	}
}

// at is a time of the body's clock since the epoch.
func (s *scribe) at(t time.Duration) uint64 { return s.epoch + uint64(max(0, t)) }

// write makes messages of an entry.
func (s *scribe) write(e *entry) {
	if e.kind == ticks {
		s.now = s.at(e.sensors.Time)
		s.tick(e)
		return
	}
	at := s.at(e.at)
	switch e.kind {
	case beats:
		s.beats.message = ros.Beat{
			Header: ros.Header{Stamp: ros.At(at)}, Number: uint32(e.beat.Number), Downbeat: e.beat.Downbeat, Tempo: e.beat.Tempo, Confidence: e.beat.Confidence,
		}
		s.say(s.beats.channel, at, &s.beats.message)
	case texts:
		topic := "/" + clean(strings.TrimPrefix(e.topic, "/"))
		id, ok := s.named[topic]
		if !ok {
			id = s.channel(topic, ros.String{}, false)
			s.named[topic] = id
		}
		s.say(id, at, &ros.String{Data: e.text})
	case lines:
		s.line(at, e.level, e.text)
	}
}

// line writes a line of the log.
func (s *scribe) line(at uint64, l Level, text string) {
	m := &s.log.message
	m.Stamp, m.Level, m.Msg = ros.At(at), [...]uint8{ros.LogInfo, ros.LogWarn, ros.LogError}[min(l, Error)], text
	s.say(s.log.channel, at, m)
}

// tick writes a tick: what a replay needs in an order on which it relies, first what is
// sensed, with the body's state at last, then what is commanded.
func (s *scribe) tick(e *entry) {
	stamp := ros.At(s.now)
	s.sensed(e, stamp)
	if e.commanded {
		m := &s.commands.message
		m.Header.Stamp, m.Sequence = stamp, e.sensors.Sequence
		for i, d := range e.command.Joints {
			m.Position[i], m.Velocity[i], m.Effort[i], m.Kp[i], m.Kd[i] = d.Position, d.Velocity, d.Torque, d.Kp, d.Kd
		}
		s.say(s.commands.channel, s.now, m)
	}
	if s.ticks%s.every == 0 {
		if e.thought {
			s.thought(e, stamp)
		}
		if s.figure != nil && e.placed {
			s.figure.write(s, e, stamp)
		}
	}
	if e.judged {
		s.judged(&e.report, stamp)
	}
	s.ticks++
}

// sensed writes what the body senses.
func (s *scribe) sensed(e *entry, stamp ros.Time) {
	j, b := &s.joints.message, &s.state.message
	j.Header.Stamp, b.Header.Stamp = stamp, stamp
	for i := range e.sensors.Joints {
		m := &e.sensors.Joints[i]
		j.Position[i], j.Velocity[i], j.Effort[i], b.Temperature[i] = m.Position, m.Velocity, m.Torque, m.Temperature
	}
	s.say(s.joints.channel, s.now, j)
	for i := range e.sensors.Units {
		u, m := &e.sensors.Units[i], &s.units[i].message
		m.Header.Stamp = stamp
		m.Orientation = quaternion(u.Orientation)
		m.AngularVelocity, m.LinearAcceleration = vector(u.Angular), vector(u.Acceleration)
		s.say(s.units[i].channel, s.now, m)
	}
	b.Sequence, b.Status, b.Battery = e.sensors.Sequence, uint8(e.sensors.Status), e.sensors.Battery
	s.say(s.state.channel, s.now, b)
}

// thought writes what the controller thinks.
func (s *scribe) thought(e *entry, stamp ros.Time) {
	v, m := &e.view, &s.balance.message
	m.Header.Stamp = stamp
	m.Phase, m.Foot, m.Catching = v.Phase.String(), uint8(v.Foot), v.Catching
	m.Centre, m.Capture, m.Wanted, m.Pressure, m.Landing = point(v.Centre), point(v.Capture), point(v.Wanted), point(v.Pressure), point(v.Landing)
	for i := range v.Forces {
		m.Forces[i] = vector(v.Forces[i])
	}
	s.say(s.balance.channel, s.now, m)
}

// judged writes what the supervisor says, when it is something else and each second.
func (s *scribe) judged(r *safety.Report, stamp ros.Time) {
	other := r.Mode != s.report.Mode || r.Reason != s.report.Reason
	if s.ticks > 0 && !other && s.now-s.told < 1e9 {
		return
	}
	text := r.Mode.String()
	if r.Reason != "" {
		text += ": " + r.Reason
	}
	if other {
		level := Warn
		if r.Mode == safety.Running {
			level = Info
		}
		s.line(s.now, level, "the robot is "+text)
	}
	s.report, s.told = *r, s.now
	m, c := &s.diagnosis.message, &r.Counts
	m.Header.Stamp = stamp
	m.Status = append(m.Status[:0], ros.DiagnosticStatus{
		Level: [...]ros.Octet{ros.OK, ros.Warn, ros.Error, ros.Error}[r.Mode], Name: "supervisor", Message: text, HardwareID: s.config.Info.Model,
		Values: []ros.KeyValue{
			count("ticks", c.Ticks), count("clamped", c.Clamped), count("refused", c.Refused), count("missing", c.Missing), count("stale", c.Stale), count("faulty", c.Faulty),
		},
	})
	s.say(s.diagnosis.channel, s.now, m)
}

func count(name string, n uint64) ros.KeyValue {
	return ros.KeyValue{Key: name, Value: strconv.FormatUint(n, 10)}
}

// end says how much was left out, and ends the sinks.
func (s *scribe) end(dropped uint64) {
	if dropped > 0 {
		s.line(s.now, Warn, fmt.Sprintf("%d ticks and events were left out of the recording: it could not keep up", dropped))
	}
	s.describe(endMetadata, map[string]string{"dropped": strconv.FormatUint(dropped, 10)})
	s.each(Sink.Close)
}

// clean makes a name of what ROS allows in one.
func clean(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '_', r == '/':
			return r
		}
		return '_'
	}, name)
}

// unitTopics are the topics of the inertial units: the first is the robot's.
func unitTopics(i *body.Info) []string {
	topics := make([]string, len(i.Units))
	seen := map[string]bool{}
	for k := range i.Units {
		topics[k] = "/imu"
		if k > 0 {
			topics[k] += "/" + clean(i.Units[k].Name)
		}
		if seen[topics[k]] || strings.HasSuffix(topics[k], "/") {
			topics[k] += "_" + strconv.Itoa(k)
		}
		seen[topics[k]] = true
	}
	return topics
}
