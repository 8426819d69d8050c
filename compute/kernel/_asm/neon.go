package main

import (
	"fmt"
	"log"
	"strings"
)

// instruction is one of Advanced SIMD: its code with all registers 0, and how the
// destination and the operands are arranged.
type instruction struct {
	code uint32
	d, n string
}

// instructions are named as in the Arm Architecture Reference Manual (DDI 0487),
// section C7.2, which has the codes; where there is more than one, the arrangement of the
// destination follows. Go's assembler lacks most of them, so all are written as words.
var instructions = map[string]instruction{
	"ADD":      {0x4ea08400, "4S", "4S"},
	"ADDP":     {0x4ea0bc00, "4S", "4S"},
	"AND":      {0x4e201c00, "16B", "16B"},
	"BIC":      {0x4e601c00, "16B", "16B"},
	"BIF":      {0x6ee01c00, "16B", "16B"},
	"BIT":      {0x6ea01c00, "16B", "16B"},
	"BSL":      {0x6e601c00, "16B", "16B"},
	"CMEQ0":    {0x4ea09800, "4S", "4S"}, // CMEQ with zero
	"EOR":      {0x6e201c00, "16B", "16B"},
	"FADD":     {0x4e20d400, "4S", "4S"},
	"FADDP":    {0x6e20d400, "4S", "4S"},
	"FCMEQ":    {0x4e20e400, "4S", "4S"},
	"FCMGT":    {0x6ea0e400, "4S", "4S"},
	"FCVTL":    {0x0e217800, "4S", "4H"},
	"FCVTL2":   {0x4e217800, "4S", "8H"},
	"FCVTN":    {0x0e216800, "4H", "4S"},
	"FCVTN2":   {0x4e216800, "8H", "4S"},
	"FCVTZS":   {0x4ea1b800, "4S", "4S"},
	"FDIV":     {0x6e20fc00, "4S", "4S"},
	"FMAX":     {0x4e20f400, "4S", "4S"},
	"FMIN":     {0x4ea0f400, "4S", "4S"},
	"FMLA":     {0x4e20cc00, "4S", "4S"},
	"FMLS":     {0x4ea0cc00, "4S", "4S"},
	"FMUL":     {0x6e20dc00, "4S", "4S"},
	"FNEG":     {0x6ea0f800, "4S", "4S"},
	"FRINTN":   {0x4e218800, "4S", "4S"},
	"FSQRT":    {0x6ea1f800, "4S", "4S"},
	"FSUB":     {0x4ea0d400, "4S", "4S"},
	"ORR":      {0x4ea01c00, "16B", "16B"},
	"SADALP":   {0x4e606800, "4S", "8H"},
	"SCVTF":    {0x4e21d800, "4S", "4S"},
	"SDOT":     {0x4e809400, "4S", "16B"},
	"SHLL":     {0x2e613800, "4S", "4H"},
	"SHLL2":    {0x6e613800, "4S", "8H"},
	"SMLAL":    {0x0e208000, "8H", "8B"},
	"SMLAL2":   {0x4e208000, "8H", "16B"},
	"SMULL":    {0x0e20c000, "8H", "8B"},
	"SMULL2":   {0x4e20c000, "8H", "16B"},
	"SUB":      {0x6ea08400, "4S", "4S"},
	"TBL":      {0x4e000000, "16B", "16B"},
	"UMAX":     {0x6ea06400, "4S", "4S"},
	"USMMLA":   {0x4e80ac00, "4S", "16B"},
	"UZP1":     {0x4e801800, "4S", "4S"},
	"UZP1.16B": {0x4e001800, "16B", "16B"},
	"UZP1.8H":  {0x4e401800, "8H", "8H"},
	"UZP2":     {0x4e805800, "4S", "4S"},
	"ZIP1":     {0x4e803800, "4S", "4S"},
	"ZIP1.2D":  {0x4ec03800, "2D", "2D"},
	"ZIP2":     {0x4e807800, "4S", "4S"},
	"ZIP2.2D":  {0x4ec07800, "2D", "2D"},
}

// v writes an instruction on the registers d, n and, if it takes one, m.
func (a *asm) v(name string, d, n int, m ...int) {
	of, ok := instructions[name]
	if !ok {
		log.Fatalf("there is no %s", name)
	}
	code, operands := of.code|uint32(n)<<5|uint32(d), fmt.Sprintf("V%d.%s, V%d.%s", d, of.d, n, of.n)
	for _, r := range m {
		code |= uint32(r) << 16
		operands += fmt.Sprintf(", V%d.%s", r, of.n)
	}
	mnemonic, _, _ := strings.Cut(name, ".")
	switch mnemonic {
	case "SHLL", "SHLL2":
		operands += ", #16"
	case "CMEQ0":
		mnemonic, operands = "CMEQ", operands+", #0"
	case "TBL":
		operands = fmt.Sprintf("V%d.16B, {V%d.16B}, V%d.16B", d, n, m[0])
	}
	a.word(code, "%s %s", mnemonic, operands)
}

// word writes an instruction as its code.
func (a *asm) word(code uint32, format string, args ...any) {
	a.i("WORD $%#08x // %s", code, fmt.Sprintf(format, args...))
}

// byElement are the instructions whose last operand is one element of a register: a
// float32, or four bytes.
var byElement = map[string]instruction{
	"FMLA":  {0x4f801000, "4S", "S"},
	"FMUL":  {0x4f809000, "4S", "S"},
	"SDOT":  {0x4f80e000, "4S", "4B"},
	"USDOT": {0x4f80f000, "4S", "4B"},
}

// element writes an instruction on d, n and element i, 0 to 3, of m.
func (a *asm) element(name string, d, n, m, i int) {
	of, ok := byElement[name]
	if !ok {
		log.Fatalf("there is no %s by element", name)
	}
	whole := "4S"
	if of.n == "4B" {
		whole = "16B"
	}
	a.word(of.code|uint32(i&1)<<21|uint32(m)<<16|uint32(i>>1)<<11|uint32(n)<<5|uint32(d),
		"%s V%d.%s, V%d.%s, V%d.%s[%d]", name, d, of.d, n, whole, m, of.n, i)
}

// shifts are by a number of bits; elements are of so many.
var shifts = map[string]struct {
	code        uint32
	bits        int
	right       bool
	arrangement string
}{
	"SHL.16B":  {0x4f005400, 8, false, "16B"},
	"SHL":      {0x4f005400, 32, false, "4S"},
	"SSHR":     {0x4f000400, 32, true, "4S"},
	"USHR.16B": {0x6f000400, 8, true, "16B"},
	"USHR":     {0x6f000400, 32, true, "4S"},
}

func (a *asm) shift(name string, d, n, by int) {
	of, ok := shifts[name]
	if !ok {
		log.Fatalf("there is no %s", name)
	}
	code := of.bits + by
	if of.right {
		code = 2*of.bits - by
	}
	mnemonic, _, _ := strings.Cut(name, ".")
	a.word(of.code|uint32(code)<<16|uint32(n)<<5|uint32(d),
		"%s V%d.%s, V%d.%s, #%d", mnemonic, d, of.arrangement, n, of.arrangement, by)
}

// widen writes SXTL or SXTL2, which is SSHLL by 0: bytes to 16 bits, or these to 32.
func (a *asm) widen(d, n, bits int, upper bool) {
	code, from, to, name := uint32(0x0f00a400|bits<<16), map[int]string{8: "8B", 16: "4H"}[bits], map[int]string{8: "8H", 16: "4S"}[bits], "SXTL"
	if upper {
		code, from, name = code|1<<30, map[int]string{8: "16B", 16: "8H"}[bits], "SXTL2"
	}
	a.word(code|uint32(n)<<5|uint32(d), "%s V%d.%s, V%d.%s", name, d, to, n, from)
}

// spreadElement writes DUP: element i of n in every one of d.
func (a *asm) spreadElement(d, n, i int) {
	a.word(0x4e040400|uint32(i)<<19|uint32(n)<<5|uint32(d), "DUP V%d.4S, V%d.S[%d]", d, n, i)
}

// clear sets a register to zero.
func (a *asm) clear(d int) { a.v("EOR", d, d, d) }

// loadQ and storeQ move whole registers, two at a time where they follow each other.
func (a *asm) loadQ(base string, at int, regs ...int) {
	for len(regs) > 1 {
		a.i("FLDPQ %d(%s), (F%d, F%d)", at, base, regs[0], regs[1])
		regs, at = regs[2:], at+32
	}
	for _, r := range regs {
		a.i("FMOVQ %d(%s), F%d", at, base, r)
	}
}

func (a *asm) storeQ(base string, at int, regs ...int) {
	for len(regs) > 1 {
		a.i("FSTPQ (F%d, F%d), %d(%s)", regs[0], regs[1], at, base)
		regs, at = regs[2:], at+32
	}
	for _, r := range regs {
		a.i("FMOVQ F%d, %d(%s)", r, at, base)
	}
}

// from returns n registers from r on.
func from(r, n int) (regs []int) {
	for i := range n {
		regs = append(regs, r+i)
	}
	return regs
}
