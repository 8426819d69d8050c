package onnx

import (
	"fmt"
	"math"

	"samovar/robot/policy/network"
)

// call is a node whose operation is being added. After the first error, which
// stays, it answers with what does no harm.
type call struct {
	*builder
	node *node
	err  error
}

func (c *call) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// keep notes an error, and makes a value of a tensor.
func (c *call) keep(t *network.Tensor, err error) []*value {
	if err != nil {
		c.fail("%w", err)
	}
	if c.err != nil {
		return nil
	}
	return []*value{{tensor: t}}
}

// has reports whether an input is given.
func (c *call) has(i int) bool { return i < len(c.node.in) && c.node.in[i] != "" }

// none stands for a tensor where there was an error.
var none = (&network.Builder{}).Scalar(0)

// in returns an input.
func (c *call) in(i int) *network.Tensor {
	if !c.has(i) {
		c.fail("input %d is missing", i)
		return none
	}
	t, err := c.tensor(c.node.in[i])
	if err != nil {
		c.fail("%w", err)
		return none
	}
	return t
}

// optional returns an input or nil.
func (c *call) optional(i int) *network.Tensor {
	if !c.has(i) {
		return nil
	}
	return c.in(i)
}

// ints returns an input of integers that are known.
func (c *call) ints(i int) []int {
	var v *value
	if c.has(i) {
		v = c.values[c.node.in[i]]
	}
	if v == nil || v.ints == nil {
		c.fail("input %d is no list of constant integers", i)
		return nil
	}
	return c.small(v.ints)
}

// small returns integers; extents and indices are of that size, and an end that
// stands for "all" may be larger.
func (c *call) small(all []int64) []int {
	out := make([]int, len(all))
	for i, x := range all {
		out[i] = int(min(max(x, -1<<30), 1<<30))
	}
	return out
}

// The kinds of attributes (AttributeProto.AttributeType).
const (
	aFloat  = 1
	aInt    = 2
	aText   = 3
	aTensor = 4
	aFloats = 6
	aInts   = 7
	aTexts  = 8
)

// attribute finds an attribute of a kind, or nil.
func (c *call) attribute(name string, kind int64) *attribute {
	for _, a := range c.node.attributes {
		if a.name != name {
			continue
		}
		if a.used = true; a.kind != kind && a.kind != 0 {
			c.fail("attribute %q is of kind %d", name, a.kind)
		}
		return a
	}
	return nil
}

func (c *call) float(name string, otherwise float64) float64 {
	if a := c.attribute(name, aFloat); a != nil {
		return a.float
	}
	return otherwise
}

func (c *call) int(name string, otherwise int) int {
	if a := c.attribute(name, aInt); a != nil {
		return c.small([]int64{a.number})[0]
	}
	return otherwise
}

// list returns an attribute that is a list of integers, or that input if there is one.
func (c *call) list(name string, input int) ([]int, bool) {
	if a := c.attribute(name, aInts); a != nil {
		return c.small(a.ints), true
	}
	if c.has(input) {
		return c.ints(input), true
	}
	return nil, false
}

// only refuses an attribute that has another value than the one that is known.
func (c *call) only(name string, known int) {
	if v := c.int(name, known); v != known {
		c.fail("attribute %s = %d: only %d is known here", name, v, known)
	}
}

// number returns a single constant number, or otherwise where it is missing.
func (c *call) number(i int, otherwise float64) float64 {
	if !c.has(i) {
		return otherwise
	}
	if k := c.in(i).Constant(); len(k) == 1 {
		return float64(k[0])
	}
	c.fail("input %d is no constant number", i)
	return otherwise
}

// operators adds the operation of each operator (onnx.ai/onnx/operators).
var operators = map[string]func(*call) []*value{
	"Add": combine(network.Add), "Sub": combine(network.Sub), "Mul": combine(network.Mul), "Div": combine(network.Div),
	"Max": combine(network.Max), "Min": combine(network.Min), "Pow": combine(network.Pow),
	"Relu": apply(network.Relu), "Sigmoid": apply(network.Sigmoid), "Tanh": apply(network.Tanh), "Softsign": apply(network.Softsign),
	"Mish": apply(network.Mish), "Softplus": apply(network.Softplus(1, math.Inf(1))),
	"Exp": apply(network.Wide(math.Exp)), "Log": apply(network.Wide(math.Log)), "Sqrt": apply(network.Wide(math.Sqrt)),
	"Sin": apply(network.Wide(math.Sin)), "Cos": apply(network.Wide(math.Cos)), "Erf": apply(network.Wide(math.Erf)),
	"Neg": apply(func(x float32) float32 { return -x }), "Abs": apply(func(x float32) float32 { return max(x, -x) }),
	"Reciprocal": apply(func(x float32) float32 { return 1 / x }),
	"Greater":    compare(func(x, y float32) bool { return x > y }), "GreaterOrEqual": compare(func(x, y float32) bool { return x >= y }),
	"Less": compare(func(x, y float32) bool { return x < y }), "LessOrEqual": compare(func(x, y float32) bool { return x <= y }), "Where": where,
	"Elu":       func(c *call) []*value { return apply(network.Elu(c.float("alpha", 1), 1, 1))(c) },
	"LeakyRelu": func(c *call) []*value { return apply(network.LeakyRelu(c.float("alpha", 0.01)))(c) },
	"Selu":      selu, "Clip": clip, "Gelu": gelu, "HardSigmoid": hardSigmoid, "HardSwish": apply(hardSwish),
	"Swish": swish,
	"Gemm":  gemm, "MatMul": matmul, "ReduceMean": reduceMean, "LayerNormalization": layerNormalization,
	"LSTM": lstm, "GRU": gru,
	"Identity": identity, "Dropout": dropout, "Cast": cast, "Constant": constant,
	"Reshape": reshape, "Flatten": flatten, "Squeeze": squeeze, "Unsqueeze": unsqueeze, "Transpose": transpose,
	"Concat": concat, "Split": split, "Slice": slice, "Gather": gather, "Expand": expand, "Shape": shape,
}

func apply(f func(float32) float32) func(*call) []*value {
	return func(c *call) []*value { return c.keep(c.Map(c.in(0), f)) }
}

func combine(f func(x, y float32) float32) func(*call) []*value {
	return func(c *call) []*value {
		t := c.in(0)
		for i := 1; c.err == nil && i < max(2, len(c.node.in)); i++ {
			var err error
			if t, err = c.Combine(t, c.in(i), f); err != nil {
				c.fail("%w", err)
			}
		}
		return c.keep(t, nil)
	}
}

// compare makes truth values, which only Where takes.
func compare(f func(x, y float32) bool) func(*call) []*value {
	return func(c *call) []*value {
		made := combine(network.Truth(f))(c)
		if c.err != nil {
			return nil
		}
		return []*value{{truth: made[0].tensor}}
	}
}

func where(c *call) []*value {
	y, z := c.in(1), c.in(2)
	if v := c.values[c.node.in[0]]; v != nil && v.truth != nil && c.err == nil {
		return c.keep(c.Choose(v.truth, y, z))
	}
	c.fail("input 0 is no comparison")
	return nil
}

func selu(c *call) []*value {
	return apply(network.Elu(c.float("alpha", network.SeluAlpha), c.float("gamma", network.SeluScale), 1))(c)
}

func clip(c *call) []*value {
	low, high := c.number(1, math.Inf(-1)), c.number(2, math.Inf(1))
	if c.opset < 11 {
		low, high = c.float("min", low), c.float("max", high)
	}
	return apply(network.Clip(low, high))(c)
}

func gelu(c *call) []*value {
	if a := c.attribute("approximate", aText); a != nil && a.text == "tanh" {
		return apply(network.GeluTanh)(c)
	} else if a != nil && a.text != "none" {
		c.fail("approximation %q is not known here", a.text)
	}
	return apply(network.Gelu)(c)
}

func swish(c *call) []*value {
	alpha := c.float("alpha", 1)
	return apply(network.Wide(func(x float64) float64 { return x / (1 + math.Exp(-alpha*x)) }))(c)
}

func hardSigmoid(c *call) []*value {
	alpha, beta := c.float("alpha", 0.2), c.float("beta", 0.5)
	return apply(network.Wide(func(x float64) float64 { return min(1, max(0, alpha*x+beta)) }))(c)
}

func hardSwish(x float32) float32 { return x * min(1, max(0, x/6+0.5)) }

func identity(c *call) []*value {
	if c.has(0) {
		if v := c.values[c.node.in[0]]; v != nil {
			return []*value{v}
		}
	}
	return c.keep(c.in(0), nil)
}

func dropout(c *call) []*value {
	c.float("ratio", 0.5)
	if c.has(2) {
		c.fail("it is in training")
	}
	return c.keep(c.in(0), nil)
}

// cast makes float32 of integers that float32 holds exactly.
func cast(c *call) []*value {
	c.only("saturate", 1)
	to := int64(c.int("to", 0))
	v := &value{}
	if c.has(0) && c.values[c.node.in[0]] != nil {
		v = c.values[c.node.in[0]]
	}
	switch {
	case v.truth != nil && to == float32s:
		return []*value{{tensor: v.truth}}
	case v.tensor != nil && to == float32s, v.ints != nil && to == int64s:
		return []*value{v}
	case v.ints != nil && to == float32s:
		data := make([]float32, len(v.ints))
		for i, x := range v.ints {
			if data[i] = float32(x); x < -1<<24 || x > 1<<24 {
				c.fail("%d is not exact in float32", x)
			}
		}
		return c.keep(c.Constant(v.shape, data))
	}
	c.fail("to %s is not exact, or not known here", kindName(to))
	return nil
}

func constant(c *call) []*value {
	t := &tensor{}
	if a := c.attribute("value", aTensor); a != nil && a.tensor != nil {
		t = a.tensor
	} else if a := c.attribute("value_float", aFloat); a != nil {
		t = &tensor{kind: float32s, floats: []float32{float32(a.float)}}
	} else if a := c.attribute("value_int", aInt); a != nil {
		t = &tensor{kind: int64s, ints: []int64{a.number}}
	} else if a := c.attribute("value_ints", aInts); a != nil {
		t = &tensor{kind: int64s, ints: a.ints, shape: []int{len(a.ints)}}
	} else if a := c.attribute("value_floats", aFloats); a != nil {
		t = &tensor{kind: float32s, shape: []int{len(a.floats)}}
		for _, x := range a.floats {
			t.floats = append(t.floats, float32(x))
		}
	} else {
		c.fail("its value is of a kind that is not known here")
		return nil
	}
	v, err := c.builder.constant(t)
	if err != nil {
		c.fail("%w", err)
	}
	return []*value{v}
}
