package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The messages of onnx.proto, as far as they are known here: fields that only
// describe are skipped, others that are not known are refused.
type (
	model struct {
		graph graph
		opset int64
	}
	graph struct {
		nodes     []node
		constants []tensor
		ins, outs []port
	}
	node struct {
		name, kind string
		in, out    []string
		attributes []*attribute
	}
	attribute struct {
		name   string
		kind   int64
		float  float64
		number int64
		text   string
		tensor *tensor
		floats []float64
		ints   []int64
		texts  []string
		used   bool
	}
	// tensor is a constant: floats or ints.
	tensor struct {
		name   string
		shape  []int
		kind   int64
		floats []float32
		ints   []int64
	}
	// port is an input or output of a graph. An axis of −1 is not said.
	port struct {
		name  string
		kind  int64
		shape []int
	}
)

// Kinds of elements (TensorProto.DataType).
const (
	float32s = 1
	int32s   = 6
	int64s   = 7
	float64s = 11
)

var kinds = map[int64]string{
	1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string", 9: "bool", 10: "float16", 11: "float64", 16: "bfloat16",
}

func kindName(k int64) string {
	if s := kinds[k]; s != "" {
		return s
	}
	return fmt.Sprintf("kind %d", k)
}

func unknown(what string, x *field) error {
	return fmt.Errorf("field %d of %s is not known here", x.number, what)
}

// parse reads a model.
func parse(data []byte) (*model, error) {
	m, graphs := &model{}, 0
	err := fields(data, func(x *field) error {
		switch x.number {
		case 1, 2, 3, 4, 5, 6, 14: // versions and descriptions
			return nil
		case 7:
			graphs++
			return m.graph.parse(x)
		case 8:
			return m.version(x)
		}
		return unknown("the model", x)
	})
	if err == nil && graphs != 1 {
		err = fmt.Errorf("%d graphs instead of one: it is no ONNX file", graphs)
	}
	return m, err
}

// version reads which version of which set of operators is used.
func (m *model) version(x *field) error {
	var domain string
	var version int64
	if err := x.want(many); err != nil {
		return err
	}
	err := fields(x.bytes, func(x *field) error {
		switch x.number {
		case 1:
			return x.text(&domain)
		case 2:
			version = int64(x.value)
			return x.want(varint)
		}
		return unknown("a set of operators", x)
	})
	if domain == "" || domain == "ai.onnx" {
		m.opset = version
	}
	return err
}

func (g *graph) parse(x *field) error {
	if err := x.want(many); err != nil {
		return err
	}
	return fields(x.bytes, func(x *field) error {
		switch x.number {
		case 1:
			var n node
			err := n.parse(x)
			g.nodes = append(g.nodes, n)
			return err
		case 5:
			var t tensor
			err := t.parse(x)
			g.constants = append(g.constants, t)
			return err
		case 11, 12:
			var p port
			err := p.parse(x)
			if x.number == 11 {
				g.ins = append(g.ins, p)
			} else {
				g.outs = append(g.outs, p)
			}
			return err
		case 2, 10, 13, 16: // name, descriptions, shapes that are computed anew
			return nil
		}
		return unknown("the graph", x)
	})
}

func (n *node) parse(x *field) error {
	if err := x.want(many); err != nil {
		return err
	}
	domain := ""
	err := fields(x.bytes, func(x *field) error {
		switch x.number {
		case 1:
			return x.texts(&n.in)
		case 2:
			return x.texts(&n.out)
		case 3:
			return x.text(&n.name)
		case 4:
			return x.text(&n.kind)
		case 5:
			a := &attribute{}
			n.attributes = append(n.attributes, a)
			return a.parse(x)
		case 7:
			return x.text(&domain)
		case 6, 8, 9: // descriptions
			return nil
		}
		return unknown("a node", x)
	})
	if err == nil && domain != "" && domain != "ai.onnx" {
		err = fmt.Errorf("operator %s of the set %q is not known here", n.kind, domain)
	}
	return err
}

func (a *attribute) parse(x *field) error {
	if err := x.want(many); err != nil {
		return err
	}
	return fields(x.bytes, func(x *field) error {
		switch x.number {
		case 1:
			return x.text(&a.name)
		case 2:
			a.float = float64(math.Float32frombits(uint32(x.value)))
			return x.want(four)
		case 3:
			a.number = int64(x.value)
			return x.want(varint)
		case 4:
			return x.text(&a.text)
		case 5:
			a.tensor = &tensor{}
			return a.tensor.parse(x)
		case 7:
			return x.floats(func(v float32) { a.floats = append(a.floats, float64(v)) })
		case 8:
			return x.integers(&a.ints)
		case 9:
			return x.texts(&a.texts)
		case 13: // description
			return nil
		case 20:
			a.kind = int64(x.value)
			return x.want(varint)
		}
		return unknown("an attribute", x)
	})
}

// floats calls f with one or, packed, many.
func (x *field) floats(f func(float32)) error {
	if x.kind == four {
		f(math.Float32frombits(uint32(x.value)))
		return nil
	}
	if len(x.bytes)%4 != 0 {
		return errCut
	}
	for b := x.bytes; len(b) > 0; b = b[4:] {
		f(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return x.want(many)
}

func (t *tensor) parse(x *field) error {
	if err := x.want(many); err != nil {
		return err
	}
	var shape []int64
	var raw []byte
	err := fields(x.bytes, func(x *field) error {
		switch x.number {
		case 1:
			return x.integers(&shape)
		case 2:
			t.kind = int64(x.value)
			return x.want(varint)
		case 4:
			return x.floats(func(v float32) { t.floats = append(t.floats, v) })
		case 5, 7:
			return x.integers(&t.ints)
		case 8:
			return x.text(&t.name)
		case 9:
			raw = x.bytes
			return x.want(many)
		case 12, 16: // descriptions
			return nil
		case 13, 14:
			if x.number == 14 && x.value == 0 {
				return nil
			}
			return fmt.Errorf("tensor %q lies in another file: export the network into one", t.name)
		}
		return unknown("a tensor", x)
	})
	if err != nil {
		return err
	}
	return t.fill(shape, raw)
}

// fill checks a tensor's numbers against its shape.
func (t *tensor) fill(shape []int64, raw []byte) error {
	n := 1
	for _, s := range shape {
		if s < 0 || s > 1<<24 || n*int(s) > 1<<26 || len(shape) > 8 {
			return fmt.Errorf("tensor %q has shape %v", t.name, shape)
		}
		n *= int(s)
		t.shape = append(t.shape, int(s))
	}
	switch size := len(raw); {
	case raw == nil:
	case t.kind == float32s && size == 4*n:
		t.floats = make([]float32, n)
		for i := range t.floats {
			t.floats[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	case t.kind == int64s && size == 8*n:
		for ; len(raw) > 0; raw = raw[8:] {
			t.ints = append(t.ints, int64(binary.LittleEndian.Uint64(raw)))
		}
	case t.kind == int32s && size == 4*n:
		for ; len(raw) > 0; raw = raw[4:] {
			t.ints = append(t.ints, int64(int32(binary.LittleEndian.Uint32(raw))))
		}
	case t.kind == float32s || t.kind == int64s || t.kind == int32s:
		return fmt.Errorf("tensor %q of shape %v has %d bytes", t.name, shape, size)
	}
	switch {
	case t.kind == float32s && len(t.floats) == n, (t.kind == int64s || t.kind == int32s) && len(t.ints) == n:
		return nil
	case t.kind != float32s && t.kind != int64s && t.kind != int32s:
		return fmt.Errorf("tensor %q is of %s: only float32 and integers are known here", t.name, kindName(t.kind))
	}
	return fmt.Errorf("tensor %q of shape %v has %d numbers", t.name, shape, len(t.floats)+len(t.ints))
}

func (p *port) parse(x *field) error {
	if err := x.want(many); err != nil {
		return err
	}
	return fields(x.bytes, func(x *field) error {
		switch x.number {
		case 1:
			return x.text(&p.name)
		case 2:
			return p.parseType(x)
		case 3, 4: // descriptions
			return nil
		}
		return unknown("an input or output", x)
	})
}

func (p *port) parseType(x *field) error {
	return fields(x.bytes, func(x *field) error {
		switch x.number {
		case 1:
			return fields(x.bytes, func(x *field) error {
				switch x.number {
				case 1:
					p.kind = int64(x.value)
					return x.want(varint)
				case 2:
					return fields(x.bytes, p.axis)
				}
				return unknown("a tensor's type", x)
			})
		case 6: // description
			return nil
		}
		return fmt.Errorf("%q is no tensor", p.name)
	})
}

func (p *port) axis(x *field) error {
	if x.number != 1 || x.kind != many || len(p.shape) == 8 {
		return unknown("a shape", x)
	}
	extent := -1
	err := fields(x.bytes, func(x *field) error {
		if x.number == 1 && x.kind == varint && x.value > 0 && x.value < 1<<24 {
			extent = int(x.value)
		}
		return nil
	})
	p.shape = append(p.shape, extent)
	return err
}
