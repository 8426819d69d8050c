// Package ros holds the messages of ROS 2 that tools of robotics read, as Go structs,
// with their definitions and their encoding on the wire. It speaks to no ROS node, and
// refuses data that are damaged or that are not of the message. Start with [Message],
// [Append] and [Decode].
//
// Definitions are those of ROS 2 Jazzy; messages of package samovar_msgs are our own.
// Quaternions of ROS are (x, y, z, w).
package ros

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// Message is a struct whose fields are those of a message in ROS: the names are theirs
// with capitals instead of underscores, kinds are Go's. Nested structs are messages,
// too; slices are sequences without a bound.
type Message interface {
	// MessageType is the name in ROS, "std_msgs/msg/Header" for instance.
	MessageType() string
}

// Octet is what ROS calls byte. On the wire it is a uint8.
type Octet uint8

// Encodings as MCAP and Foxglove call them.
const (
	Encoding           = "cdr"
	DefinitionEncoding = "ros2msg"
)

// Definition returns the text that defines a message and all that it consists of, as
// ROS concatenates it.
func Definition(m Message) string {
	var all strings.Builder
	queue := []reflect.Type{reflect.TypeOf(m)}
	for i := 0; i < len(queue); i++ {
		t := queue[i]
		if i > 0 {
			fmt.Fprintf(&all, "%s\nMSG: %s\n", strings.Repeat("=", 80), short(t))
		}
		for k := range t.NumField() {
			f := t.Field(k)
			fmt.Fprintf(&all, "%s %s\n", typeName(f.Type), fieldName(f.Name))
			queue = enqueue(queue, f.Type)
		}
	}
	return all.String()
}

// enqueue adds the message in a field's type, unless it is there.
func enqueue(queue []reflect.Type, t reflect.Type) []reflect.Type {
	for t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return queue
	}
	for _, q := range queue {
		if q == t {
			return queue
		}
	}
	return append(queue, t)
}

// typeName is what ROS calls a type.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct:
		return short(t)
	case reflect.Slice:
		return typeName(t.Elem()) + "[]"
	case reflect.Array:
		return fmt.Sprintf("%s[%d]", typeName(t.Elem()), t.Len())
	}
	if t == reflect.TypeFor[Octet]() {
		return "byte"
	}
	return t.Kind().String()
}

// short is the name of a message in definitions, without "msg".
func short(t reflect.Type) string {
	name := reflect.Zero(t).Interface().(Message).MessageType()
	return strings.Replace(name, "/msg/", "/", 1)
}

// fieldName is what ROS calls a field: FrameID is frame_id.
func fieldName(name string) string {
	var out []rune
	all := []rune(name)
	for i, r := range all {
		begins := i > 0 && unicode.IsUpper(r) &&
			(!unicode.IsUpper(all[i-1]) || i+1 < len(all) && unicode.IsLower(all[i+1]))
		if begins {
			out = append(out, '_')
		}
		out = append(out, unicode.ToLower(r))
	}
	return string(out)
}
