package template

import (
	"fmt"
	"slices"
	"strconv"
)

const (
	maxSource = 256 << 10 // bytes of a template; the longest in use have some 30 KiB
	maxDepth  = 100       // of nested expressions and blocks
)

// parser turns tokens into statements by recursive descent, with the grammar
// and precedence of Jinja 3.
type parser struct {
	tokens []token
	at     int
	depth  int
	loops  int // for blocks around
}

func parse(src string) ([]stmt, error) {
	if len(src) > maxSource {
		return nil, fmt.Errorf("%d bytes: at most %d are expected", len(src), maxSource)
	}
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := parser{tokens: tokens}
	body, _, err := p.body()
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", p.peek().line, err)
	}
	return body, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != end {
		p.at++
	}
	return t
}

// is says whether the next token is this operator or name.
func (p *parser) is(k kind, text string) bool {
	t := p.peek()
	return t.kind == k && t.text == text
}

// accept skips the next token if it is this operator or name.
func (p *parser) accept(k kind, text string) bool {
	if p.is(k, text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(k kind, text string) error {
	if !p.accept(k, text) {
		return fmt.Errorf("%q is expected instead of %s", text, p.peek())
	}
	return nil
}

func (p *parser) name() (string, error) {
	if t := p.next(); t.kind == name {
		return t.text, nil
	} else {
		return "", fmt.Errorf("a name is expected instead of %s", t)
	}
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxDepth {
		return fmt.Errorf("nested more than %d deep", maxDepth)
	}
	return nil
}

// body reads statements up to a block whose name is one of ends, and returns
// that name; the parser stands behind it.
func (p *parser) body(ends ...string) ([]stmt, string, error) {
	if err := p.enter(); err != nil {
		return nil, "", err
	}
	defer func() { p.depth-- }()
	var out []stmt
	for {
		t := p.next()
		switch t.kind {
		case end:
			if len(ends) > 0 {
				return nil, "", fmt.Errorf("%q is missing", ends[len(ends)-1])
			}
			return out, "", nil
		case literal:
			out = append(out, &print{line: t.line, value: constant{text{s: t.text}}})
		case printBegin:
			e, err := p.tuple()
			if err != nil {
				return nil, "", err
			}
			if err := p.expect(printEnd, "}}"); err != nil {
				return nil, "", err
			}
			out = append(out, &print{line: t.line, value: e})
		case blockBegin:
			word, err := p.name()
			if err != nil {
				return nil, "", err
			}
			if slices.Contains(ends, word) {
				return out, word, nil
			}
			s, err := p.block(word, t.line)
			if err != nil {
				return nil, "", err
			}
			out = append(out, s)
		default:
			return nil, "", fmt.Errorf("unexpected %s", t)
		}
	}
}

// block reads the statement that begins with word.
func (p *parser) block(word string, line int) (stmt, error) {
	switch word {
	case "if":
		return p.ifBlock(line)
	case "for":
		return p.forBlock(line)
	case "set":
		return p.setBlock(line)
	case "macro":
		return p.macroBlock(line)
	case "filter":
		return p.filterBlock(line)
	case "break", "continue":
		if p.loops == 0 {
			return nil, fmt.Errorf("%s outside a loop", word)
		}
		return &jump{line: line, stop: word == "break"}, p.expect(blockEnd, "%}")
	case "generation": // Hugging Face's mark around what an assistant says
		if err := p.expect(blockEnd, "%}"); err != nil {
			return nil, err
		}
		body, _, err := p.body("endgeneration")
		if err != nil {
			return nil, err
		}
		return &group{line: line, body: body}, p.expect(blockEnd, "%}")
	}
	return nil, fmt.Errorf("the block %q is not known", word)
}

func (p *parser) ifBlock(line int) (stmt, error) {
	s := &branch{line: line}
	for {
		cond, err := p.tuple()
		if err != nil {
			return nil, err
		}
		if err := p.expect(blockEnd, "%}"); err != nil {
			return nil, err
		}
		body, word, err := p.body("elif", "else", "endif")
		if err != nil {
			return nil, err
		}
		s.conds, s.bodies = append(s.conds, cond), append(s.bodies, body)
		if word == "elif" {
			continue
		}
		if word == "else" {
			if err := p.expect(blockEnd, "%}"); err != nil {
				return nil, err
			}
			if body, _, err = p.body("endif"); err != nil {
				return nil, err
			}
			s.bodies = append(s.bodies, body)
		}
		return s, p.expect(blockEnd, "%}")
	}
}

func (p *parser) forBlock(line int) (stmt, error) {
	s := &loop{line: line}
	for {
		n, err := p.name()
		if err != nil {
			return nil, err
		}
		s.names = append(s.names, n)
		if !p.accept(operator, ",") {
			break
		}
	}
	if err := p.expect(name, "in"); err != nil {
		return nil, err
	}
	var err error
	if s.over, err = p.or(); err != nil {
		return nil, err
	}
	if p.accept(name, "if") {
		if s.only, err = p.expr(); err != nil {
			return nil, err
		}
	}
	if err := p.expect(blockEnd, "%}"); err != nil {
		return nil, err
	}
	p.loops++
	body, word, err := p.body("else", "endfor")
	p.loops--
	if err != nil {
		return nil, err
	}
	s.body = body
	if word == "else" {
		if err := p.expect(blockEnd, "%}"); err != nil {
			return nil, err
		}
		if s.empty, _, err = p.body("endfor"); err != nil {
			return nil, err
		}
	}
	return s, p.expect(blockEnd, "%}")
}

func (p *parser) setBlock(line int) (stmt, error) {
	s := &assign{line: line}
	for {
		n, err := p.name()
		if err != nil {
			return nil, err
		}
		s.names = append(s.names, n)
		if p.accept(operator, ".") {
			if s.field, err = p.name(); err != nil {
				return nil, err
			}
			break
		}
		if !p.accept(operator, ",") {
			break
		}
	}
	var err error
	if p.accept(operator, "=") {
		if s.value, err = p.tuple(); err != nil {
			return nil, err
		}
		return s, p.expect(blockEnd, "%}")
	}
	if err := p.expect(blockEnd, "%}"); err != nil {
		return nil, err
	}
	if s.body, _, err = p.body("endset"); err != nil {
		return nil, err
	}
	return s, p.expect(blockEnd, "%}")
}

func (p *parser) macroBlock(line int) (stmt, error) {
	s := &macro{line: line}
	var err error
	if s.name, err = p.name(); err != nil {
		return nil, err
	}
	if err := p.expect(operator, "("); err != nil {
		return nil, err
	}
	for !p.accept(operator, ")") {
		if len(s.params) > 0 {
			if err := p.expect(operator, ","); err != nil {
				return nil, err
			}
		}
		n, err := p.name()
		if err != nil {
			return nil, err
		}
		var missing expr
		if p.accept(operator, "=") {
			if missing, err = p.expr(); err != nil {
				return nil, err
			}
		}
		s.params, s.missing = append(s.params, n), append(s.missing, missing)
	}
	if err := p.expect(blockEnd, "%}"); err != nil {
		return nil, err
	}
	loops := p.loops
	p.loops = 0
	s.body, _, err = p.body("endmacro")
	p.loops = loops
	if err != nil {
		return nil, err
	}
	return s, p.expect(blockEnd, "%}")
}

func (p *parser) filterBlock(line int) (stmt, error) {
	s := &filtered{line: line}
	n, err := p.name()
	if err != nil {
		return nil, err
	}
	if s.by, err = p.filter(&variable{name: bodyName}, n); err != nil {
		return nil, err
	}
	for p.is(operator, "|") {
		if s.by, err = p.suffix(s.by, true); err != nil {
			return nil, err
		}
	}
	if err := p.expect(blockEnd, "%}"); err != nil {
		return nil, err
	}
	if s.body, _, err = p.body("endfilter"); err != nil {
		return nil, err
	}
	return s, p.expect(blockEnd, "%}")
}

// tuple reads an expression, or several with commas as one list.
func (p *parser) tuple() (expr, error) {
	first, err := p.expr()
	if err != nil || !p.is(operator, ",") {
		return first, err
	}
	items := []expr{first}
	for p.accept(operator, ",") {
		if t := p.peek(); t.kind == printEnd || t.kind == blockEnd || p.is(operator, ")") {
			break
		}
		e, err := p.expr()
		if err != nil {
			return nil, err
		}
		items = append(items, e)
	}
	return &listOf{items: items, tuple: true}, nil
}

// expr reads a condition: a if b else c, or what binds closer.
func (p *parser) expr() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	e, err := p.or()
	for err == nil && p.accept(name, "if") {
		c := &choice{then: e}
		if c.cond, err = p.or(); err != nil {
			return nil, err
		}
		if p.accept(name, "else") {
			if c.other, err = p.expr(); err != nil {
				return nil, err
			}
		}
		e = c
	}
	return e, err
}

func (p *parser) or() (expr, error) {
	left, err := p.and()
	for err == nil && p.accept(name, "or") {
		b := &logic{left: left, or: true}
		b.right, err = p.and()
		left = b
	}
	return left, err
}

func (p *parser) and() (expr, error) {
	left, err := p.not()
	for err == nil && p.accept(name, "and") {
		b := &logic{left: left}
		b.right, err = p.not()
		left = b
	}
	return left, err
}

func (p *parser) not() (expr, error) {
	if !p.accept(name, "not") {
		return p.compare()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	e, err := p.not()
	return &negation{of: e}, err
}

var comparisons = []string{"==", "!=", "<", "<=", ">", ">="}

func (p *parser) compare() (expr, error) {
	first, err := p.binary(0)
	if err != nil {
		return nil, err
	}
	c := &comparison{first: first}
	for {
		t := p.peek()
		op := ""
		switch {
		case t.kind == operator && slices.Contains(comparisons, t.text):
			op = t.text
		case t.kind == name && t.text == "in":
			op = "in"
		case t.kind == name && t.text == "not" && p.tokens[p.at+1].kind == name && p.tokens[p.at+1].text == "in":
			op = "not in"
			p.at++
		}
		if op == "" {
			break
		}
		p.at++
		e, err := p.binary(0)
		if err != nil {
			return nil, err
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, e)
	}
	if len(c.ops) == 0 {
		return first, nil
	}
	return c, nil
}

// levels are the binary operators, the loosest first.
var levels = [][]string{{"+", "-"}, {"~"}, {"*", "/", "//", "%"}, {"**"}}

func (p *parser) binary(level int) (expr, error) {
	if level == len(levels) {
		return p.unary(true)
	}
	left, err := p.binary(level + 1)
	for err == nil {
		t := p.peek()
		if t.kind != operator || !slices.Contains(levels[level], t.text) {
			break
		}
		p.at++
		b := &arithmetic{op: t.text, left: left}
		b.right, err = p.binary(level + 1)
		left = b
	}
	return left, err
}

// unary reads a sign or a primary, with what follows it: attributes, indices,
// calls, filters and tests.
func (p *parser) unary(filters bool) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var e expr
	var err error
	if t := p.peek(); t.kind == operator && (t.text == "-" || t.text == "+") {
		p.at++
		e, err = p.unary(false)
		e = &sign{minus: t.text == "-", of: e}
	} else {
		e, err = p.primary()
	}
	for err == nil {
		var more expr
		if more, err = p.suffix(e, filters); more == nil {
			break
		}
		e = more
	}
	return e, err
}

// suffix reads one thing that may follow e; nil if nothing does.
func (p *parser) suffix(e expr, filters bool) (expr, error) {
	switch {
	case p.accept(operator, "."):
		t := p.next()
		if t.kind == integer {
			n, err := strconv.ParseInt(t.text, 10, 32)
			return &index{of: e, at: constant{n}}, err
		}
		if t.kind != name {
			return nil, fmt.Errorf("a name is expected instead of %s", t)
		}
		return &attribute{of: e, name: t.text}, nil
	case p.accept(operator, "["):
		return p.subscript(e)
	case p.is(operator, "("):
		a, err := p.arguments()
		return &call{of: e, args: a}, err
	case filters && p.accept(operator, "|"):
		n, err := p.name()
		if err != nil {
			return nil, err
		}
		return p.filter(e, n)
	case filters && p.accept(name, "is"):
		return p.test(e)
	}
	return nil, nil
}

// filter reads the arguments of a filter on e. One that is not known is an
// error only where it is reached, as in Jinja.
func (p *parser) filter(e expr, name string) (expr, error) {
	out := &filter{of: e, name: name, f: builtinFilters[name]}
	var err error
	if p.is(operator, "(") {
		out.args, err = p.arguments()
	}
	return out, err
}

func (p *parser) test(e expr) (expr, error) {
	out := &test{of: e, not: p.accept(name, "not")}
	t := p.next()
	if t.kind != name && !slices.Contains(comparisons, t.text) {
		return nil, fmt.Errorf("a test is expected instead of %s", t)
	}
	out.name, out.f = t.text, builtinTests[t.text]
	var err error
	switch t := p.peek(); {
	case p.is(operator, "("):
		out.args, err = p.arguments()
	case t.kind == quoted || t.kind == integer || t.kind == decimal || p.is(operator, "[") || p.is(operator, "{") ||
		t.kind == name && !slices.Contains([]string{"else", "or", "and", "is", "if", "not", "in"}, t.text):
		var arg expr
		if arg, err = p.primary(); err != nil {
			return nil, err
		}
		for err == nil {
			var more expr
			if more, err = p.suffix(arg, false); more == nil {
				break
			}
			arg = more
		}
		out.args.plain = []expr{arg}
	}
	return out, err
}

// subscript reads what follows [: an index or a slice.
func (p *parser) subscript(e expr) (expr, error) {
	var parts [3]expr
	n := 0
	for ; n < 3; n++ {
		if !p.is(operator, ":") && !p.is(operator, "]") {
			var err error
			if parts[n], err = p.expr(); err != nil {
				return nil, err
			}
		}
		if !p.accept(operator, ":") {
			break
		}
	}
	if err := p.expect(operator, "]"); err != nil {
		return nil, err
	}
	if n > 0 {
		return &slice{of: e, start: parts[0], stop: parts[1], step: parts[2]}, nil
	}
	if parts[0] == nil {
		return nil, fmt.Errorf("an index is expected instead of %q", "]")
	}
	return &index{of: e, at: parts[0]}, nil
}

// arguments reads (a, b, c=d).
func (p *parser) arguments() (arguments, error) {
	var a arguments
	if err := p.expect(operator, "("); err != nil {
		return a, err
	}
	for i := 0; !p.accept(operator, ")"); i++ {
		if i > 0 {
			if err := p.expect(operator, ","); err != nil {
				return a, err
			}
			if p.accept(operator, ")") {
				break
			}
		}
		key := ""
		if t := p.tokens[min(p.at+1, len(p.tokens)-1)]; p.peek().kind == name && t.kind == operator && t.text == "=" {
			key = p.next().text
			p.at++
		}
		e, err := p.expr()
		if err != nil {
			return a, err
		}
		if key == "" {
			if len(a.keys) > 0 {
				return a, fmt.Errorf("a plain argument follows a named one")
			}
			a.plain = append(a.plain, e)
		} else {
			a.keys, a.named = append(a.keys, key), append(a.named, e)
		}
	}
	return a, nil
}

func (p *parser) primary() (expr, error) {
	t := p.next()
	switch t.kind {
	case name:
		switch t.text {
		case "true", "True":
			return constant{true}, nil
		case "false", "False":
			return constant{false}, nil
		case "none", "None":
			return constant{nil}, nil
		}
		return &variable{name: t.text}, nil
	case quoted:
		s := t.text
		for p.peek().kind == quoted {
			s += p.next().text
		}
		return constant{text{s: s}}, nil
	case integer:
		n, err := strconv.ParseInt(t.text, 10, 64)
		return constant{n}, err
	case decimal:
		x, err := strconv.ParseFloat(t.text, 64)
		return constant{x}, err
	case operator:
		switch t.text {
		case "(":
			if p.accept(operator, ")") {
				return &listOf{tuple: true}, nil
			}
			e, err := p.tuple()
			if err != nil {
				return nil, err
			}
			return e, p.expect(operator, ")")
		case "[":
			return p.list()
		case "{":
			return p.dict()
		}
	}
	return nil, fmt.Errorf("a value is expected instead of %s", t)
}

func (p *parser) list() (expr, error) {
	out := &listOf{}
	for !p.accept(operator, "]") {
		if len(out.items) > 0 {
			if err := p.expect(operator, ","); err != nil {
				return nil, err
			}
			if p.accept(operator, "]") {
				break
			}
		}
		e, err := p.expr()
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, e)
	}
	return out, nil
}

func (p *parser) dict() (expr, error) {
	out := &dictOf{}
	for !p.accept(operator, "}") {
		if len(out.keys) > 0 {
			if err := p.expect(operator, ","); err != nil {
				return nil, err
			}
			if p.accept(operator, "}") {
				break
			}
		}
		k, err := p.expr()
		if err != nil {
			return nil, err
		}
		if err := p.expect(operator, ":"); err != nil {
			return nil, err
		}
		v, err := p.expr()
		if err != nil {
			return nil, err
		}
		out.keys, out.values = append(out.keys, k), append(out.values, v)
	}
	return out, nil
}
