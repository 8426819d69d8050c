package foxglove

import (
	"encoding/binary"
	"encoding/json"
)

// protocols are the names of the protocol that are spoken, by preference.
var protocols = []string{"foxglove.sdk.v1", "foxglove.websocket.v1"}

// Opcodes of binary frames.
const (
	opMessage = 1
	opTime    = 2
)

// Levels of a status.
const (
	levelWarning = 1
	levelError   = 2
)

// frame is a message before it has a subscription.
type frame struct {
	at   uint64
	data []byte
}

// append appends the frame as a subscription gets it.
func (f *frame) append(dst []byte, subscription uint32) []byte {
	dst = append(dst, opMessage)
	dst = binary.LittleEndian.AppendUint32(dst, subscription)
	dst = binary.LittleEndian.AppendUint64(dst, f.at)
	return append(dst, f.data...)
}

// encode is JSON of what cannot fail to be.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers of our own types
	}
	return text
}

// info is the first thing that a client hears.
func (s *Server) info() []byte {
	return encode(struct {
		Op           string            `json:"op"`
		Name         string            `json:"name"`
		Capabilities []string          `json:"capabilities"`
		Metadata     map[string]string `json:"metadata,omitempty"`
		Session      string            `json:"sessionId,omitempty"`
	}{"serverInfo", s.config.Name, []string{"time"}, s.config.Metadata, s.config.Session})
}

// advertised is a channel as clients hear of it.
type advertised struct {
	ID             uint32 `json:"id"`
	Topic          string `json:"topic"`
	Encoding       string `json:"encoding"`
	SchemaName     string `json:"schemaName"`
	Schema         string `json:"schema"`
	SchemaEncoding string `json:"schemaEncoding,omitempty"`
}

// advertise tells of channels, of which the first has the given number.
func advertise(all []channel, first uint32) []byte {
	list := make([]advertised, len(all))
	for i, c := range all {
		list[i] = advertised{first + uint32(i), c.Topic, c.Encoding, c.SchemaName, c.Schema, c.SchemaEncoding}
	}
	return encode(struct {
		Op       string       `json:"op"`
		Channels []advertised `json:"channels"`
	}{"advertise", list})
}

// status tells a client what is wrong.
func status(level int, message string) []byte {
	return encode(struct {
		Op      string `json:"op"`
		Level   int    `json:"level"`
		Message string `json:"message"`
	}{"status", level, message})
}

// request is what a client asks for.
type request struct {
	Op            string `json:"op"`
	Subscriptions []struct {
		ID      uint32 `json:"id"`
		Channel uint32 `json:"channelId"`
	} `json:"subscriptions"`
	SubscriptionIDs []uint32 `json:"subscriptionIds"`
}
