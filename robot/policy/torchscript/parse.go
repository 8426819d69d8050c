package torchscript

import (
	"fmt"
	"math"
	"strconv"
)

// The code of a file, as far as it is known here.
type (
	file struct {
		classes   map[string]*class
		functions map[string]*function
	}
	class struct {
		buffers   []string
		constants map[string]expr
		methods   map[string]*function
	}
	function struct {
		name     string
		names    []string // of the parameters
		defaults []expr   // nil: there is none
		body     []statement
	}

	// statement is one of assign, branch, yields and bare.
	statement any
	assign    struct {
		to    []string
		tuple bool
		value expr
	}
	branch struct {
		condition       expr
		then, otherwise []statement
	}
	yields struct{ value expr } // return
	bare   struct{ value expr }

	// expr is one of literal, name, attribute, calling, indexing and sequence.
	expr      any
	literal   struct{ value any }
	name      string
	attribute struct {
		of   expr
		name string
	}
	calling struct {
		f     expr
		args  []expr
		names []string // "" for those that have none
	}
	indexing struct{ of, at expr }
	sequence struct {
		items []expr
		tuple bool
	}
)

// deepest is how deep brackets and blocks lie in each other.
const deepest = 64

type parser struct {
	tokens []token
	depth  int
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("line %d: %s", p.tokens[0].line, fmt.Sprintf(format, args...))
}

// is reports whether the next token is a symbol or word.
func (p *parser) is(text string) bool {
	t := &p.tokens[0]
	return (t.kind == symbol || t.kind == word) && t.text == text
}

func (p *parser) next() token {
	t := p.tokens[0]
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

// skip takes a symbol or word if it comes next.
func (p *parser) skip(text string) bool {
	if p.is(text) {
		p.next()
		return true
	}
	return false
}

func (p *parser) want(text string) error {
	if !p.skip(text) {
		return p.errorf("%.40q instead of %q", p.tokens[0].text, text)
	}
	return nil
}

func (p *parser) kind(k kind, what string) (string, error) {
	if p.tokens[0].kind != k {
		return "", p.errorf("%.40q where %s is expected", p.tokens[0].text, what)
	}
	return p.next().text, nil
}

// parse reads a file of code.
func parse(code string) (*file, error) {
	tokens, err := lex(code)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	f := &file{map[string]*class{}, map[string]*function{}}
	for p.tokens[0].kind != end {
		switch {
		case p.skip("class"):
			name, err := p.kind(word, "a class's name")
			if err != nil {
				return nil, err
			}
			if f.classes[name], err = p.class(); err != nil {
				return nil, err
			}
		case p.skip("def"):
			fn, err := p.function()
			if err != nil {
				return nil, err
			}
			f.functions[fn.name] = fn
		default:
			return nil, p.errorf("%.40q where a class or function is expected", p.tokens[0].text)
		}
	}
	return f, nil
}

// block reads indented lines.
func (p *parser) block(line func() error) error {
	if err := p.want(":"); err != nil {
		return err
	}
	if _, err := p.kind(newline, "a new line"); err != nil {
		return err
	}
	if _, err := p.kind(indent, "a block"); err != nil {
		return err
	}
	if p.depth++; p.depth > deepest {
		return p.errorf("blocks deeper than %d", deepest)
	}
	for p.tokens[0].kind != dedent {
		if p.tokens[0].kind == end {
			return p.errorf("the code is cut off")
		}
		if err := line(); err != nil {
			return err
		}
	}
	p.depth--
	p.next()
	return nil
}

func (p *parser) class() (*class, error) {
	c := &class{constants: map[string]expr{}, methods: map[string]*function{}}
	if p.skip("(") {
		if !p.skip("Module") {
			return nil, p.errorf("a class that is a %.40q: only modules are known here", p.tokens[0].text)
		}
		if err := p.want(")"); err != nil {
			return nil, err
		}
	}
	err := p.block(func() error {
		if p.skip("pass") {
			_, err := p.kind(newline, "a new line")
			return err
		}
		if p.skip("def") {
			f, err := p.function()
			if err == nil {
				c.methods[f.name] = f
			}
			return err
		}
		return p.member(c)
	})
	return c, err
}

// member reads a line of a class that is no method: "name : type", "name :
// Final[type] = value", or a list of names.
func (p *parser) member(c *class) error {
	word, err := p.kind(word, "a member's name")
	if err != nil {
		return err
	}
	if p.skip("[") { // __annotations__["0"]
		if _, err := p.kind(quoted, "a member's name"); err != nil {
			return err
		}
		if err := p.want("]"); err != nil {
			return err
		}
	}
	if p.skip(":") {
		if _, err := p.expression(); err != nil { // a type
			return err
		}
	}
	if p.skip("=") {
		value, err := p.expression()
		if err != nil {
			return err
		}
		c.constants[word] = value
		if s, ok := value.(*sequence); ok && word == "__buffers__" {
			for _, item := range s.items {
				if l, ok := item.(*literal); ok {
					name, _ := l.value.(string)
					c.buffers = append(c.buffers, name)
				}
			}
		}
	}
	_, err = p.kind(newline, "a new line")
	return err
}

func (p *parser) function() (*function, error) {
	f := &function{}
	var err error
	if f.name, err = p.kind(word, "a function's name"); err != nil {
		return nil, err
	}
	if err := p.want("("); err != nil {
		return nil, err
	}
	for !p.skip(")") {
		name, err := p.kind(word, "a parameter")
		if err != nil {
			return nil, err
		}
		var otherwise expr
		if p.skip(":") {
			if _, err := p.expression(); err != nil { // a type
				return nil, err
			}
		}
		if p.skip("=") {
			if otherwise, err = p.expression(); err != nil {
				return nil, err
			}
		}
		f.names, f.defaults = append(f.names, name), append(f.defaults, otherwise)
		if !p.skip(",") && !p.is(")") {
			return nil, p.errorf("%.40q in a list of parameters", p.tokens[0].text)
		}
	}
	if p.skip("->") {
		if _, err := p.expression(); err != nil { // a type
			return nil, err
		}
	}
	f.body, err = p.statements()
	return f, err
}

func (p *parser) statements() ([]statement, error) {
	var all []statement
	err := p.block(func() error {
		s, err := p.statement()
		if s != nil {
			all = append(all, s)
		}
		return err
	})
	return all, err
}

func (p *parser) statement() (statement, error) {
	switch {
	case p.skip("if"):
		b := &branch{}
		var err error
		if b.condition, err = p.expression(); err != nil {
			return nil, err
		}
		if b.then, err = p.statements(); err != nil {
			return nil, err
		}
		if p.skip("else") {
			b.otherwise, err = p.statements()
		}
		return b, err
	case p.is("for"), p.is("while"), p.is("with"), p.is("assert"), p.is("raise"):
		return nil, p.errorf("a statement %q is not known here", p.tokens[0].text)
	}
	s, err := p.simple()
	if err != nil {
		return nil, err
	}
	_, err = p.kind(newline, "a new line")
	return s, err
}

// simple reads a statement of one line.
func (p *parser) simple() (statement, error) {
	switch {
	case p.skip("pass"):
		return nil, nil
	case p.skip("return"):
		if p.tokens[0].kind == newline {
			return &yields{&literal{nil}}, nil
		}
		value, err := p.tuple()
		return &yields{value}, err
	}
	value, err := p.tuple()
	if err != nil {
		return nil, err
	}
	if p.skip(":") {
		if _, err := p.expression(); err != nil { // a type
			return nil, err
		}
		if !p.is("=") {
			return nil, p.errorf("%.40q instead of \"=\"", p.tokens[0].text)
		}
	}
	if !p.skip("=") {
		return &bare{value}, nil
	}
	a := &assign{}
	targets := []expr{value}
	if s, ok := value.(*sequence); ok && s.tuple {
		targets, a.tuple = s.items, true
	}
	for _, t := range targets {
		n, ok := t.(name)
		if !ok {
			return nil, p.errorf("an assignment to something else than a name is not known here")
		}
		a.to = append(a.to, string(n))
	}
	a.value, err = p.tuple()
	return a, err
}

// tuple reads an expression, or several with commas.
func (p *parser) tuple() (expr, error) {
	first, err := p.expression()
	if err != nil || !p.is(",") {
		return first, err
	}
	s := &sequence{[]expr{first}, true}
	for p.skip(",") {
		if k := p.tokens[0]; k.kind == newline || p.is("=") || p.is(")") {
			break
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		s.items = append(s.items, e)
	}
	return s, nil
}

func (p *parser) expression() (expr, error) {
	if p.depth++; p.depth > 2*deepest {
		return nil, p.errorf("an expression too deep")
	}
	defer func() { p.depth-- }()
	e, err := p.primary()
	for err == nil {
		switch {
		case p.skip("."):
			var n string
			n, err = p.kind(word, "a name")
			e = &attribute{e, n}
		case p.skip("("):
			e, err = p.arguments(e)
		case p.skip("["):
			var at expr
			if at, err = p.tuple(); err == nil {
				err = p.want("]")
			}
			e = &indexing{e, at}
		default:
			return e, nil
		}
	}
	return nil, err
}

func (p *parser) arguments(f expr) (expr, error) {
	c := &calling{f: f}
	for !p.skip(")") {
		named := ""
		if len(p.tokens) > 1 && p.tokens[0].kind == word && p.tokens[1].kind == symbol && p.tokens[1].text == "=" {
			named = p.next().text
			p.next()
		}
		e, err := p.expression()
		if err != nil {
			return nil, err
		}
		c.args, c.names = append(c.args, e), append(c.names, named)
		if !p.skip(",") && !p.is(")") {
			return nil, p.errorf("%.40q in a list of arguments", p.tokens[0].text)
		}
	}
	return c, nil
}

func (p *parser) primary() (expr, error) {
	switch {
	case p.skip("("):
		if p.skip(")") {
			return &sequence{nil, true}, nil
		}
		e, err := p.tuple()
		if err != nil {
			return nil, err
		}
		return e, p.want(")")
	case p.skip("["):
		s := &sequence{}
		for !p.skip("]") {
			e, err := p.expression()
			if err != nil {
				return nil, err
			}
			if s.items = append(s.items, e); !p.skip(",") && !p.is("]") {
				return nil, p.errorf("%.40q in a list", p.tokens[0].text)
			}
		}
		return s, nil
	case p.skip("-"):
		e, err := p.primary()
		if l, ok := e.(*literal); ok && err == nil {
			switch v := l.value.(type) {
			case int64:
				return &literal{-v}, nil
			case float64:
				return &literal{-v}, nil
			}
		}
		return nil, p.errorf("a minus before something else than a number")
	}
	switch t := p.next(); t.kind {
	case quoted:
		return &literal{t.text}, nil
	case numeral:
		if i, err := strconv.ParseInt(t.text, 10, 64); err == nil {
			return &literal{i}, nil
		}
		v, err := strconv.ParseFloat(t.text, 64)
		if err != nil {
			return nil, fmt.Errorf("line %d: %.40q is no number", t.line, t.text)
		}
		return &literal{v}, nil
	case word:
		if v, ok := literals[t.text]; ok {
			return &literal{v}, nil
		}
		return name(t.text), nil
	default:
		return nil, fmt.Errorf("line %d: %.40q where an expression is expected", t.line, t.text)
	}
}

var literals = map[string]any{"None": nil, "True": true, "False": false, "inf": math.Inf(1), "nan": math.NaN()}
