package body

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"samovar/robot/wire"
)

// Recorder is a body whose sensors and commands are written down, as the frames
// that a link would carry: the welcome, then sensors and commands in the order in
// which they passed.
type Recorder struct {
	Body
	mu  sync.Mutex
	to  io.Writer
	out []byte
	in  []byte
	err error
	at  wire.Header
}

// NewRecorder writes down what passes between b and its controller.
func NewRecorder(b Body, w io.Writer) (*Recorder, error) {
	r := &Recorder{Body: b, to: w}
	text, err := json.Marshal(b.Info())
	if err != nil {
		return nil, fmt.Errorf("record a body: %w", err)
	}
	r.write(wire.Header{Kind: wire.Welcome}, text)
	return r, r.err
}

func (r *Recorder) write(h wire.Header, payload []byte) {
	if r.err != nil {
		return
	}
	r.out = wire.Append(r.out[:0], h, payload)
	if _, err := r.to.Write(r.out); err != nil {
		r.err = fmt.Errorf("record a body: %w", err)
	}
}

// Receive writes down what it receives, missed ticks too. A recording that
// cannot be written does not keep the robot from its sensors; Close reports it.
func (r *Recorder) Receive(s *Sensors) error {
	err := r.Body.Receive(s)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.in = s.append(r.in[:0])
		r.at = s.header()
		r.write(r.at, r.in)
	case errors.Is(err, ErrStale):
		r.write(wire.Header{Kind: wire.Missed, Sequence: r.at.Sequence, Time: r.at.Time}, nil)
	}
	return err
}

// Send writes down the command, and sends it.
func (r *Recorder) Send(c *Command) error {
	err := r.Body.Send(c)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.in = c.append(r.in[:0])
		r.write(wire.Header{Kind: wire.Command, Sequence: r.at.Sequence, Time: r.at.Time}, r.in)
	}
	return err
}

// Close closes the body, and reports what could not be written.
func (r *Recorder) Close() error { return errors.Join(r.Body.Close(), r.err) }

// Recorded is a body that senses what a recording says, whatever it is told, and
// keeps what it is told.
type Recorded struct {
	info   *Info
	from   *wire.Reader
	mu     sync.Mutex
	at     time.Duration
	closed bool

	// Recorded commands, as far as the recording has been read, and those that
	// were sent.
	Then, Now []Sent
}

// Sent is a command with the time of the sensors before it.
type Sent struct {
	Time    time.Duration
	Command Command
}

// Replay reads a recording, whose sensors Receive then gives one by one; at its
// end Receive returns io.EOF.
func Replay(r io.Reader) (*Recorded, error) {
	from := wire.NewReader(r)
	from.ExpectText(wire.Welcome)
	_, payload, err := from.Next()
	if err != nil {
		return nil, fmt.Errorf("read a recording: %w", err)
	}
	info, err := parseInfo(payload)
	if err != nil {
		return nil, fmt.Errorf("read a recording: %w", err)
	}
	from.Refuse(wire.Welcome)
	from.Expect(wire.Sensors, info.sensorsSize())
	from.Expect(wire.Missed, 0)
	from.Expect(wire.Command, info.commandSize())
	return &Recorded{info: info, from: from}, nil
}

// Info says what the recorded body was.
func (r *Recorded) Info() *Info { return r.info }

// Receive gives the next sensors of the recording.
func (r *Recorded) Receive(s *Sensors) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.closed {
		h, payload, err := r.from.Next()
		switch {
		case err == io.EOF:
			return err
		case err != nil:
			return fmt.Errorf("read a recording: %w", err)
		case h.Kind == wire.Missed:
			return ErrStale
		case h.Kind == wire.Command:
			c := r.info.NewCommand()
			c.read(payload)
			r.Then = append(r.Then, Sent{r.at, *c})
			continue
		}
		n := r.info.NewSensors()
		n.read(h, payload)
		n.CopyTo(s)
		r.at = s.Time
		return nil
	}
	return ErrLost
}

// Send keeps a command.
func (r *Recorded) Send(c *Command) error {
	if err := c.Check(len(r.info.Joints)); err != nil {
		return fmt.Errorf("send a command: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrLost
	}
	r.Now = append(r.Now, Sent{r.at, Command{append([]Drive(nil), c.Joints...)}})
	return nil
}

// Close ends the replay.
func (r *Recorded) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return nil
}
