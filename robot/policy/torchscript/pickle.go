package torchscript

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// What a pickle may hold beside nil, bool, int64, float64 and string.
type (
	list   struct{ items []any }
	tuple  []any
	dict   struct{ object }
	mark   struct{}
	global string // module and name
	// object is an instance of a class of the archive's code.
	object struct {
		class      string
		names      []string // of its attributes, in order
		attributes map[string]any
	}
)

func (o *object) set(name string, v any) {
	if o.attributes == nil {
		o.attributes = map[string]any{}
	}
	if _, ok := o.attributes[name]; !ok {
		o.names = append(o.names, name)
	}
	o.attributes[name] = v
}

// unpickler is the machine of pickles (Lib/pickletools.py of Python), with what
// torch.jit.save uses: it makes plain values, and calls nothing.
type unpickler struct {
	archive *archive
	folder  string // of the storages
	rest    []byte
	stack   []any
	memo    map[uint32]any
}

// pickle reads a pickle of the archive, whose tensors are in a folder.
func (a *archive) pickle(name, folder string) (any, error) {
	text, err := a.read(name)
	if err != nil {
		return nil, err
	}
	u := &unpickler{archive: a, folder: folder, rest: text, memo: map[uint32]any{}}
	v, err := u.run()
	if err != nil {
		return nil, fmt.Errorf("%s, at byte %d: %w", name, len(text)-len(u.rest), err)
	}
	return v, nil
}

func (u *unpickler) run() (any, error) {
	for {
		op, err := u.bytes(1)
		if err != nil {
			return nil, err
		}
		if op[0] == '.' {
			return u.pop()
		}
		if err := u.step(op[0]); err != nil {
			return nil, err
		}
	}
}

func (u *unpickler) bytes(n int) ([]byte, error) {
	if n < 0 || n > len(u.rest) {
		return nil, fmt.Errorf("it is cut off")
	}
	b := u.rest[:n]
	u.rest = u.rest[n:]
	return b, nil
}

// number reads n bytes as an unsigned integer.
func (u *unpickler) number(n int) (uint32, error) {
	b, err := u.bytes(n)
	if err != nil {
		return 0, err
	}
	var v [4]byte
	copy(v[:], b)
	return binary.LittleEndian.Uint32(v[:]), nil
}

func (u *unpickler) line() (string, error) {
	i := bytes.IndexByte(u.rest, '\n')
	if i < 0 {
		return "", fmt.Errorf("it is cut off")
	}
	s := string(u.rest[:i])
	u.rest = u.rest[i+1:]
	return s, nil
}

func (u *unpickler) push(v any) error {
	u.stack = append(u.stack, v)
	return nil
}

func (u *unpickler) pop() (any, error) {
	if len(u.stack) == 0 {
		return nil, fmt.Errorf("a value is missing")
	}
	v := u.stack[len(u.stack)-1]
	u.stack = u.stack[:len(u.stack)-1]
	return v, nil
}

// marked takes what lies above the last mark.
func (u *unpickler) marked() ([]any, error) {
	for i := len(u.stack) - 1; i >= 0; i-- {
		if _, ok := u.stack[i].(mark); ok {
			all := append([]any(nil), u.stack[i+1:]...)
			u.stack = u.stack[:i]
			return all, nil
		}
	}
	return nil, fmt.Errorf("a mark is missing")
}

// step runs one instruction.
func (u *unpickler) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		if v, err := u.number(1); err != nil || v != 2 {
			return fmt.Errorf("protocol %d: only 2 is known here", v)
		}
		return nil
	case 'N':
		return u.push(nil)
	case 0x88, 0x89: // NEWTRUE, NEWFALSE
		return u.push(op == 0x88)
	case '(':
		return u.push(mark{})
	case ')':
		return u.push(tuple(nil))
	case ']':
		return u.push(&list{})
	case '}':
		return u.push(&dict{})
	case 'K', 'M', 'J', 0x8a, 'G':
		return u.numeral(op)
	case 'X': // BINUNICODE
		n, err := u.number(4)
		if err != nil {
			return err
		}
		b, err := u.bytes(int(n))
		if err != nil {
			return err
		}
		return u.push(string(b))
	case 'c': // GLOBAL
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		if err != nil {
			return err
		}
		return u.push(global(module + "." + name))
	case 'q', 'r', 'h', 'j':
		return u.remember(op)
	case 't', 'e', 'u', 'a', 's', 0x85, 0x86, 0x87:
		return u.collect(op)
	case 'Q', 'R', 0x81, 'b':
		return u.make(op)
	}
	return fmt.Errorf("instruction %#x is not known here", op)
}

// numeral reads a number: BININT1, BININT2, BININT, LONG1, BINFLOAT.
func (u *unpickler) numeral(op byte) error {
	switch op {
	case 'K', 'M':
		v, err := u.number(map[byte]int{'K': 1, 'M': 2}[op])
		if err != nil {
			return err
		}
		return u.push(int64(v))
	case 'J':
		v, err := u.number(4)
		if err != nil {
			return err
		}
		return u.push(int64(int32(v)))
	case 0x8a:
		n, err := u.number(1)
		if err != nil {
			return err
		}
		b, err := u.bytes(int(n))
		if err != nil || n > 8 {
			return fmt.Errorf("an integer of %d bytes", n)
		}
		v := uint64(0)
		for i, x := range b {
			v |= uint64(x) << (8 * i)
		}
		if n > 0 && n < 8 && b[n-1] >= 0x80 {
			v |= math.MaxUint64 << (8 * n)
		}
		return u.push(int64(v))
	}
	b, err := u.bytes(8)
	if err != nil {
		return err
	}
	return u.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
}

// remember runs BINPUT, LONG_BINPUT, BINGET and LONG_BINGET.
func (u *unpickler) remember(op byte) error {
	k, err := u.number(map[byte]int{'q': 1, 'h': 1, 'r': 4, 'j': 4}[op])
	if err != nil {
		return err
	}
	if op == 'h' || op == 'j' {
		v, ok := u.memo[k]
		if !ok {
			return fmt.Errorf("value %d is used before it is made", k)
		}
		return u.push(v)
	}
	if len(u.stack) == 0 {
		return fmt.Errorf("a value is missing")
	}
	u.memo[k] = u.stack[len(u.stack)-1]
	return nil
}

// collect runs TUPLE, TUPLE1 to 3, APPEND, APPENDS, SETITEM and SETITEMS.
func (u *unpickler) collect(op byte) error {
	var all []any
	var err error
	switch op {
	case 't', 'e', 'u':
		all, err = u.marked()
	default:
		n := map[byte]int{'a': 1, 's': 2, 0x85: 1, 0x86: 2, 0x87: 3}[op]
		if len(u.stack) < n {
			return fmt.Errorf("a value is missing")
		}
		all = append(all, u.stack[len(u.stack)-n:]...)
		u.stack = u.stack[:len(u.stack)-n]
	}
	if err != nil {
		return err
	}
	if op == 't' || op >= 0x85 {
		return u.push(tuple(all))
	}
	if len(u.stack) == 0 {
		return fmt.Errorf("a value is missing")
	}
	switch to := u.stack[len(u.stack)-1].(type) {
	case *list:
		if op == 'e' || op == 'a' {
			to.items = append(to.items, all...)
			return nil
		}
	case *dict:
		for i := 0; i+1 < len(all) && len(all)%2 == 0; i += 2 {
			name, ok := all[i].(string)
			if !ok {
				return fmt.Errorf("a key of a dictionary that is no text")
			}
			to.set(name, all[i+1])
		}
		if op == 'u' || op == 's' {
			return nil
		}
	}
	return fmt.Errorf("values are put into something else than a list or a dictionary")
}

// make runs BINPERSID, REDUCE, NEWOBJ and BUILD, as far as they make tensors,
// objects of the archive's classes, and lists.
func (u *unpickler) make(op byte) error {
	args, err := u.pop()
	if err != nil {
		return err
	}
	if op == 'Q' {
		return u.storage(args)
	}
	what, err := u.pop()
	if err != nil {
		return err
	}
	switch op {
	case 0x81:
		class, ok := what.(global)
		if !ok {
			return fmt.Errorf("an object of no class")
		}
		return u.push(&object{class: string(class)})
	case 'b':
		o, ok := what.(*object)
		d, also := args.(*dict)
		if !ok || !also {
			return fmt.Errorf("the state of something else than a module")
		}
		for _, name := range d.names {
			o.set(name, d.attributes[name])
		}
		return u.push(o)
	}
	list, ok := args.(tuple)
	f, also := what.(global)
	if !ok || !also {
		return fmt.Errorf("a call of something else than a function")
	}
	switch f {
	case "torch._utils._rebuild_tensor_v2":
		return u.tensor(list)
	case "collections.OrderedDict":
		if len(list) == 0 {
			return u.push(&dict{})
		}
	case "torch.jit._pickle.restore_type_tag", "torch.jit._pickle.build_tensorlist", "torch.jit._pickle.build_intlist",
		"torch.jit._pickle.build_doublelist", "torch.jit._pickle.build_boollist":
		if len(list) > 0 {
			return u.push(list[0])
		}
	}
	return fmt.Errorf("it calls %.80s, which is not known here", string(f))
}

// storage makes a storage of ("storage", kind, key, device, numbers).
func (u *unpickler) storage(id any) error {
	t, _ := id.(tuple)
	if len(t) == 5 && t[0] == any("storage") {
		kind, ok1 := t[1].(global)
		key, ok2 := t[2].(string)
		n, ok3 := t[4].(int64)
		if ok1 && ok2 && ok3 && n >= 0 && n < 1<<40 && len(kind) > 6 && kind[:6] == "torch." {
			return u.push(&stored{kind: string(kind[6:]), record: u.folder + "/" + key, numbers: int(n), archive: u.archive})
		}
	}
	return fmt.Errorf("a persistent value that is no storage")
}

// tensor makes a tensor of (storage, offset, shape, strides, requires_grad, hooks).
func (u *unpickler) tensor(args tuple) error {
	if len(args) < 4 {
		return fmt.Errorf("a tensor of %d arguments", len(args))
	}
	s, ok1 := args[0].(*stored)
	offset, ok2 := args[1].(int64)
	shape, ok3 := integers(args[2])
	stride, ok4 := integers(args[3])
	if !ok1 || !ok2 || !ok3 || !ok4 || len(shape) != len(stride) || len(shape) > 8 || offset < 0 || offset > int64(s.numbers) {
		return fmt.Errorf("a tensor that is none")
	}
	t := *s
	t.offset, t.shape, t.stride = int(offset), shape, stride
	return u.push(&t)
}

func integers(v any) ([]int, bool) {
	t, ok := v.(tuple)
	out := make([]int, len(t))
	for i := range t {
		n, isInt := t[i].(int64)
		if !isInt || n < 0 || n > 1<<40 {
			return nil, false
		}
		out[i] = int(n)
	}
	return out, ok
}
