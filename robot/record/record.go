// Package record shows what a robot does to the tools of the trade: what it senses, is
// told and thinks becomes messages of ROS 2, in an MCAP file, for Foxglove, or both. A
// control loop that is recorded never waits and allocates nothing: what cannot be kept
// up with is left out and counted. It refuses a recording that has not what a replay
// needs. Start with [Recorder] and [Replay].
//
// Topics, with what they hold:
//
//	/joint_states        sensor_msgs/JointState      each tick, exact
//	/imu, /imu/NAME      sensor_msgs/Imu             each tick, exact
//	/body_state          samovar_msgs/BodyState      each tick, exact: the rest of the sensors
//	/joint_commands      samovar_msgs/JointCommand   each tick, exact
//	/tf, /tf_static      tf2_msgs/TFMessage          Scene times a second, and once
//	/balance             samovar_msgs/Balance        likewise, what the controller thinks
//	/wrench/FOOT         geometry_msgs/WrenchStamped likewise, what is felt
//	/centre_of_mass, /capture_point, /centre_of_pressure  geometry_msgs/PointStamped, likewise
//	/support_polygon     geometry_msgs/PolygonStamped  likewise, float32
//	/robot, /forces      visualization_msgs/MarkerArray  once, and likewise
//	/diagnostics         diagnostic_msgs/DiagnosticArray  each second and when it changes
//	/rosout              rcl_interfaces/Log
//	/beat                samovar_msgs/Beat
//	/NAME                std_msgs/String             what Text is given
//
// Exact is every bit of a float64. Foxglove's 3D, Plot, Diagnostics, Log, State
// Transitions and Raw Messages panels show all of these without a file beside it.
package record

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"samovar/robot/balance"
	"samovar/robot/body"
	"samovar/robot/estimate"
	"samovar/robot/mechanism"
	"samovar/robot/safety"
)

// Sink is where messages go. One goroutine calls it.
type Sink interface {
	// Describe adds named values about the recording.
	Describe(name string, values map[string]string) error
	// Channel declares a channel, before its first message. Numbers are 1, 2, …
	Channel(id uint16, c Channel) error
	// Message takes a message of a channel at a time in ns. It keeps no data.
	Message(id uint16, at uint64, data []byte) error
	// Close ends what Close of a Recorder ends; what lies beneath stays open.
	Close() error
}

// Channel is a topic and what its messages are.
type Channel struct {
	Topic      string
	Type       string // "sensor_msgs/msg/Imu"
	Definition string // as ros.Definition returns it
	Latched    bool   // said once: whoever comes later needs it, too
}

// Config says what is recorded.
type Config struct {
	Info *body.Info
	// Model of the body, for frames and shapes; nil: there are none. Feet are the bodies
	// with soles, the left one first; empty: no forces and no support polygon.
	Model *mechanism.Model
	Feet  [2]string
	// Epoch is the start of the body's clock; zero: times are the body's own, from 0, and
	// two runs that are the same are recorded as the same.
	Epoch time.Time
	Scene int // frames, forces and points a second: 50
	Room  int // ticks that wait: 512
	// Wait makes Tick wait for room instead of leaving a tick out: for a body in lockstep,
	// whose time stands still meanwhile.
	Wait bool
	// About is told to whoever reads the recording: seed, song, command line.
	About map[string]string
	Sinks []Sink
}

func (c *Config) fill() {
	if c.Scene == 0 {
		c.Scene = 50
	}
	if c.Room == 0 {
		c.Room = 512
	}
}

// Tick is what is known at one tick. What is not known is nil.
type Tick struct {
	Sensors  *body.Sensors
	Command  *body.Command    // that answered them
	State    *mechanism.State // where the robot is thought to be
	Contacts *[2]estimate.Contact
	View     *balance.View
	Report   *safety.Report
}

// Beat is a beat of the music.
type Beat struct {
	Number     int
	Downbeat   bool
	Tempo      float64 // beats a minute
	Confidence float64
}

// Level is how much a line of the log matters.
type Level uint8

// The levels.
const (
	Info Level = iota
	Warn
	Error
)

// Recorder takes what happens and hands it to the sinks, in a goroutine of its own.
// Any goroutine may call its methods; but for Close none of them allocates, and none
// waits unless Config.Wait says so.
type Recorder struct {
	config  Config
	free    chan *entry // that can be filled
	full    chan *entry // that are to be written, in order
	dropped atomic.Uint64
	scribe  *scribe

	mu     sync.RWMutex // is held while an entry is handed over
	closed bool
	done   chan struct{}
}

// New begins to record.
func New(c Config) (*Recorder, error) {
	c.fill()
	if c.Info == nil {
		return nil, errors.New("record a robot: its body does not say what it is")
	}
	s, err := newScribe(&c)
	if err != nil {
		return nil, fmt.Errorf("record a robot: %w", err)
	}
	r := &Recorder{config: c, scribe: s, free: make(chan *entry, c.Room), full: make(chan *entry, c.Room), done: make(chan struct{})}
	for range c.Room {
		r.free <- newEntry(&c)
	}
	go r.run()
	return r, nil
}

// run writes entries until Close.
func (r *Recorder) run() {
	defer close(r.done)
	for e := range r.full {
		r.scribe.write(e)
		r.free <- e
	}
}

// take returns an entry to fill, or nil if there is none or it is over. The one who got
// one hands it to give.
func (r *Recorder) take() *entry {
	r.mu.RLock()
	if r.closed {
		r.mu.RUnlock()
		return nil
	}
	if r.config.Wait {
		return <-r.free
	}
	select {
	case e := <-r.free:
		return e
	default:
		r.dropped.Add(1)
		r.mu.RUnlock()
		return nil
	}
}

func (r *Recorder) give(e *entry) {
	r.full <- e // has room for all that there are
	r.mu.RUnlock()
}

// Tick records a tick. It copies all that it is given.
func (r *Recorder) Tick(t Tick) {
	e := r.take()
	if e == nil {
		return
	}
	e.fill(&t)
	r.give(e)
}

// Beat records a beat at a time on the body's clock.
func (r *Recorder) Beat(at time.Duration, b Beat) {
	if e := r.take(); e != nil {
		e.kind, e.at, e.beat = beats, at, b
		r.give(e)
	}
}

// Text records a text on a topic of its own, "/move" for instance, at a time on the
// body's clock.
func (r *Recorder) Text(at time.Duration, topic, text string) {
	if e := r.take(); e != nil {
		e.kind, e.at, e.topic, e.text = texts, at, topic, text
		r.give(e)
	}
}

// Log records a line of the log at a time on the body's clock.
func (r *Recorder) Log(at time.Duration, l Level, text string) {
	if e := r.take(); e != nil {
		e.kind, e.at, e.level, e.text = lines, at, l, text
		r.give(e)
	}
}

// Dropped is how many ticks, beats, texts and lines have been left out so far.
func (r *Recorder) Dropped() uint64 { return r.dropped.Load() }

// Close writes what waits, says how much was left out, and ends the sinks. It reports
// what could not be written.
func (r *Recorder) Close() error {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	r.mu.Unlock()
	if first {
		close(r.full)
	}
	<-r.done
	if first {
		r.scribe.end(r.dropped.Load())
	}
	return r.scribe.err
}
