package record

import (
	"io"

	"samovar/robot/foxglove"
	"samovar/robot/mcap"
	"samovar/robot/ros"
)

// file is an MCAP file as a sink.
type file struct {
	to      *mcap.Writer
	schemas map[string]uint16 // by the name of the message
}

// File begins an MCAP file. A process that is killed loses the last second.
func File(w io.Writer) (Sink, error) {
	to, err := mcap.NewWriter(w, mcap.Options{Profile: "ros2"})
	if err != nil {
		return nil, err
	}
	return &file{to, map[string]uint16{}}, nil
}

// Describe adds metadata.
func (f *file) Describe(name string, values map[string]string) error {
	return f.to.Metadata(name, values)
}

// Channel adds a channel, whose number is the same because both count from 1.
func (f *file) Channel(_ uint16, c Channel) error {
	schema, ok := f.schemas[c.Type]
	if !ok {
		var err error
		if schema, err = f.to.AddSchema(mcap.Schema{Name: c.Type, Encoding: ros.DefinitionEncoding, Data: []byte(c.Definition)}); err != nil {
			return err
		}
		f.schemas[c.Type] = schema
	}
	// The profile wants this key; empty, whoever plays the file to ROS has its own.
	_, err := f.to.AddChannel(c.Topic, ros.Encoding, schema, map[string]string{"offered_qos_profiles": ""})
	return err
}

// Message adds a message.
func (f *file) Message(id uint16, at uint64, data []byte) error { return f.to.Write(id, at, data) }

// Close writes the summary.
func (f *file) Close() error { return f.to.Close() }

// live is a server as a sink.
type live struct {
	to       *foxglove.Server
	channels map[uint16]advertised
	told     uint64 // the time that clients know, ns
}

// advertised is a channel with its number at the server.
type advertised struct {
	channel Channel
	id      uint32
}

// Live shows messages to the clients of a server, which other sinks may use, too, and
// which whoever made it closes. What is declared again is the same channel, so that a
// recording can be shown again and again.
func Live(s *foxglove.Server) Sink { return &live{to: s, channels: map[uint16]advertised{}} }

// Describe does nothing: clients hear of a server's metadata when they come.
func (l *live) Describe(string, map[string]string) error { return nil }

// Channel advertises a channel.
func (l *live) Channel(id uint16, c Channel) error {
	if l.channels[id].channel == c {
		return nil
	}
	k, err := l.to.Add(foxglove.Channel{
		Topic: c.Topic, Encoding: ros.Encoding, SchemaName: c.Type, SchemaEncoding: ros.DefinitionEncoding, Schema: c.Definition, Latched: c.Latched,
	})
	l.channels[id] = advertised{c, k}
	return err
}

// hands is how often clients are told the time, ns.
const hands = 20_000_000

// Message sends a message, and what time it is.
func (l *live) Message(id uint16, at uint64, data []byte) error {
	if at >= l.told+hands || at < l.told {
		l.to.Time(at)
		l.told = at
	}
	l.to.Send(l.channels[id].id, at, data)
	return nil
}

// Close does nothing.
func (l *live) Close() error { return nil }
