package torchscript

import (
	"fmt"
	"math"
	"slices"

	"samovar/robot/policy/network"
)

// operation is a call of one of PyTorch's operations. After the first error, which
// stays, it answers with what does no harm.
type operation struct {
	*scope
	args  []any
	named map[string]any
	taken int // arguments that were looked at
	err   error
}

func (c *operation) fail(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// none stands for a tensor where there was an error.
var none = (&network.Builder{}).Scalar(0)

// get returns an argument by place or name, and whether it is there.
func (c *operation) get(i int, name string) (any, bool) {
	c.taken = max(c.taken, i+1)
	if i >= 0 && i < len(c.args) {
		return c.args[i], true
	}
	v, ok := c.named[name]
	delete(c.named, name)
	return v, ok
}

// tensor returns an argument that is a tensor.
func (c *operation) tensor(i int) *network.Tensor {
	v, _ := c.get(i, "")
	t, ok := v.(*network.Tensor)
	if !ok {
		c.fail("argument %d is %s instead of a tensor of float32", i, describe(v))
		return none
	}
	return t
}

// optional returns a tensor, or nil for None.
func (c *operation) optional(i int) *network.Tensor {
	if v, _ := c.get(i, ""); v == nil {
		return nil
	}
	return c.tensor(i)
}

// number returns a tensor or makes one of a number.
func (c *operation) number(i int) *network.Tensor {
	v, _ := c.get(i, "")
	if x, ok := numeric(v); ok {
		return c.b.Scalar(x)
	}
	return c.tensor(i)
}

func numeric(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}

func (c *operation) float(i int, name string, otherwise float64) float64 {
	v, ok := c.get(i, name)
	if !ok || v == nil {
		return otherwise
	}
	x, ok := numeric(v)
	if !ok {
		c.fail("argument %d is %s instead of a number", i, describe(v))
	}
	return x
}

func (c *operation) int(i int, name string, otherwise int) int {
	v, ok := c.get(i, name)
	if !ok || v == nil {
		return otherwise
	}
	x, ok := v.(int64)
	if !ok {
		c.fail("argument %d is %s instead of an integer", i, describe(v))
	}
	return int(min(max(x, -1<<30), 1<<30))
}

func (c *operation) bool(i int, otherwise bool) bool {
	v, ok := c.get(i, "")
	if !ok {
		return otherwise
	}
	x, ok := v.(bool)
	if !ok {
		c.fail("argument %d is %s instead of True or False", i, describe(v))
	}
	return x
}

// ints returns a list of integers.
func (c *operation) ints(i int) []int {
	v, _ := c.get(i, "")
	items, ok := members(v)
	out := make([]int, len(items))
	for k := range items {
		n, isInt := items[k].(int64)
		if ok = ok && isInt && n >= -1 && n < 1<<30; ok {
			out[k] = int(n)
		}
	}
	if !ok {
		c.fail("argument %d is %s instead of integers", i, describe(v))
		return nil
	}
	return out
}

// tensors returns a list of tensors.
func (c *operation) tensors(i int) []*network.Tensor {
	v, _ := c.get(i, "")
	items, ok := members(v)
	var all []*network.Tensor
	for _, item := range items {
		if s, isStored := item.(*stored); isStored {
			made, err := c.scope.tensor(s)
			if err != nil {
				c.fail("%w", err)
				return nil
			}
			item = made
		}
		t, isTensor := item.(*network.Tensor)
		ok = ok && isTensor
		all = append(all, t)
	}
	if !ok {
		c.fail("argument %d is %s instead of tensors of float32", i, describe(v))
		return nil
	}
	return all
}

// must notes an error of the builder, whose errors are of sizes.
func (c *operation) must(t *network.Tensor, err error) *network.Tensor {
	if err != nil {
		c.fail("%w: %w", errSize, err)
	}
	if c.err != nil {
		return none
	}
	return t
}

// operations adds each operation, with the arguments that it has in PyTorch.
var operations map[string]func(*operation) any

func init() {
	operations = map[string]func(*operation) any{
		"torch.linear": linear, "torch.addmm": addmm, "torch.matmul": matmul, "torch.mm": matmul,
		"torch.t": transposed, "torch.numpy_T": transposed, "torch.transpose": swap,
		"torch.add": sum(1), "torch.sub": sum(-1), "torch.mul": pair(network.Mul), "torch.div": pair(network.Div),
		"torch.pow": pair(network.Pow), "torch.maximum": pair(network.Max), "torch.minimum": pair(network.Min),
		"torch.layer_norm": layerNorm, "torch.lstm": lstm, "torch.gru": gru,
		"torch.cat": cat, "torch.unsqueeze": unsqueeze, "torch.squeeze": squeeze, "torch.slice": slice, "torch.select": choose,
		"torch.view": view, "torch.reshape": view, "torch.flatten": flatten, "torch.copy_": copyTo,
		"torch.detach": same, "torch.contiguous": same, "torch.alias": same, "torch.dropout": dropout, "torch.clone": clone,
		"torch.zeros": zeros, "torch.size": size, "torch.dim": dim, "torch.len": length, "torch.list": first, "ops.prim.NumToTensor": first,
		"torch.format": describeAll, "ops.prim.RaiseException": raise, "ops.prim.dtype": constantly(int64(6)), "ops.prim.device": constantly("cpu"),
		"torch.eq": compare(func(a, b any) bool { return equal(a, b) }), "torch.ne": compare(func(a, b any) bool { return !equal(a, b) }),
		"torch.gt": order(func(a, b float64) bool { return a > b }), "torch.lt": order(func(a, b float64) bool { return a < b }),
		"torch.ge": order(func(a, b float64) bool { return a >= b }), "torch.le": order(func(a, b float64) bool { return a <= b }),
		"torch.__is__": compare(func(a, b any) bool { return a == nil && b == nil }), "torch.__isnot__": compare(func(a, b any) bool { return a != nil || b != nil }),
		"torch.__not__": not, "torch.__and__": logic(func(a, b bool) bool { return a && b }), "torch.__or__": logic(func(a, b bool) bool { return a || b }),
		"torch.__contains__": contains, "int": first, "float": first, "bool": first, "getattr": attributeOf,
	}
	for name, f := range functions {
		operations["torch."+name] = func(c *operation) any { return c.must(c.b.Map(c.tensor(0), f(c))) }
		operations["torch."+name+"_"] = func(c *operation) any { // in place
			x := c.tensor(0)
			y := c.must(c.b.Map(x, f(c)))
			if c.err == nil {
				if err := c.assign(x, y); err != nil {
					c.fail("%w", err)
				}
			}
			return x
		}
	}
}

// functions are those of one number, with their further arguments.
var functions = map[string]func(*operation) func(float32) float32{
	"relu": simply(network.Relu), "tanh": simply(network.Tanh), "sigmoid": simply(network.Sigmoid), "silu": simply(network.Silu),
	"mish": simply(network.Mish), "exp": simply(network.Wide(math.Exp)), "log": simply(network.Wide(math.Log)), "sqrt": simply(network.Wide(math.Sqrt)),
	"sin": simply(network.Wide(math.Sin)), "cos": simply(network.Wide(math.Cos)), "erf": simply(network.Wide(math.Erf)),
	"neg": simply(func(x float32) float32 { return -x }), "abs": simply(func(x float32) float32 { return max(x, -x) }),
	"square": simply(func(x float32) float32 { return x * x }), "reciprocal": simply(func(x float32) float32 { return 1 / x }),
	"relu6": simply(network.Clip(0, 6)), "selu": simply(network.Elu(network.SeluAlpha, network.SeluScale, 1)),
	"elu": func(c *operation) func(float32) float32 {
		return network.Elu(c.float(1, "alpha", 1), c.float(2, "scale", 1), c.float(3, "input_scale", 1))
	},
	"leaky_relu": func(c *operation) func(float32) float32 { return network.LeakyRelu(c.float(1, "negative_slope", 0.01)) },
	"softplus": func(c *operation) func(float32) float32 {
		return network.Softplus(c.float(1, "beta", 1), c.float(2, "threshold", 20))
	},
	"hardtanh": func(c *operation) func(float32) float32 {
		return network.Clip(c.float(1, "min_val", -1), c.float(2, "max_val", 1))
	},
	"clamp": func(c *operation) func(float32) float32 {
		return network.Clip(c.float(1, "min", math.Inf(-1)), c.float(2, "max", math.Inf(1)))
	},
	"gelu": func(c *operation) func(float32) float32 {
		if v, ok := c.get(-1, "approximate"); ok && v == any("tanh") {
			return network.GeluTanh
		} else if ok && v != any("none") {
			c.fail("approximation %s is not known here", describe(v))
		}
		return network.Gelu
	},
}

func simply(f func(float32) float32) func(*operation) func(float32) float32 {
	return func(*operation) func(float32) float32 { return f }
}

func constantly(v any) func(*operation) any {
	return func(c *operation) any { c.get(0, ""); return v }
}

// sum is x + sign·alpha·y, of tensors or numbers.
func sum(sign float64) func(*operation) any {
	return func(c *operation) any {
		alpha := sign * c.float(2, "alpha", 1)
		x, _ := c.get(0, "")
		y, _ := c.get(1, "")
		if a, ok := x.(int64); ok {
			if b, ok := y.(int64); ok && a > -1<<40 && a < 1<<40 && b > -1<<40 && b < 1<<40 {
				return a + int64(sign)*b
			}
		}
		if a, ok := numeric(x); ok {
			if b, ok := numeric(y); ok {
				return a + sign*b
			}
		}
		right := c.number(1)
		switch alpha {
		case 1:
			return c.must(c.b.Combine(c.number(0), right, network.Add))
		case -1:
			return c.must(c.b.Combine(c.number(0), right, network.Sub))
		}
		right = c.must(c.b.Combine(right, c.b.Scalar(alpha), network.Mul))
		return c.must(c.b.Combine(c.number(0), right, network.Add))
	}
}

func pair(f func(x, y float32) float32) func(*operation) any {
	return func(c *operation) any { return c.must(c.b.Combine(c.number(0), c.number(1), f)) }
}

// equal compares what is known before a run. Lists may contain themselves: those in
// others are not looked into any deeper than shapes need.
func equal(a, b any) bool { return equalTo(a, b, 2) }

func equalTo(a, b any, depth int) bool {
	if x, ok := numeric(a); ok {
		y, also := numeric(b)
		return also && x == y
	}
	if x, ok := members(a); ok {
		y, also := members(b)
		return also && depth > 0 && slices.EqualFunc(x, y, func(a, b any) bool { return equalTo(a, b, depth-1) })
	}
	switch a.(type) {
	case string, bool, nil:
		return a == b
	}
	return false
}

func compare(f func(a, b any) bool) func(*operation) any {
	return func(c *operation) any {
		a, _ := c.get(0, "")
		b, _ := c.get(1, "")
		return f(a, b)
	}
}

func order(f func(a, b float64) bool) func(*operation) any {
	return func(c *operation) any { return f(c.float(0, "", math.NaN()), c.float(1, "", math.NaN())) }
}

func logic(f func(a, b bool) bool) func(*operation) any {
	return func(c *operation) any { return f(c.bool(0, false), c.bool(1, false)) }
}

func not(c *operation) any { return !c.bool(0, false) }

func contains(c *operation) any {
	all, _ := c.get(0, "")
	v, _ := c.get(1, "")
	items, _ := members(all)
	return slices.ContainsFunc(items, func(item any) bool { return equal(item, v) })
}

// first is the argument itself, where it is a number or a list.
func first(c *operation) any {
	v, _ := c.get(0, "")
	if _, ok := v.(*network.Tensor); ok {
		c.fail("%s becomes a number or a list", describe(v))
	}
	return v
}

func describeAll(c *operation) any {
	text := ""
	for i := range c.args {
		v, _ := c.get(i, "")
		if s, ok := v.(string); ok {
			text += s + " "
		} else {
			text += describe(v) + " "
		}
		text = text[:min(len(text), 200)]
	}
	return text
}

// raise is where the file's own code finds a size that does not fit.
func raise(c *operation) any {
	v, _ := c.get(0, "")
	c.get(1, "")
	c.fail("%w: %.200v", errSize, v)
	return nil
}

func attributeOf(c *operation) any {
	v, _ := c.get(0, "")
	name, _ := c.get(1, "")
	s, ok := name.(string)
	if !ok {
		c.fail("an attribute without a name")
		return nil
	}
	a, err := c.scope.get(v, s)
	if err != nil {
		c.fail("%w", err)
	}
	return a
}
