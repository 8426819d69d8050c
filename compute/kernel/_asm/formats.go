package main

import (
	"fmt"
	"slices"
	"strings"
)

// format is what kernels must know of a quantised format; see strips.go in
// package kernel for how its panels are laid out.
type format struct {
	name   string
	bits   int    // of a code
	block  int    // columns: 32 or 256
	sub    int    // columns under one scale
	minima bool   // each scale has one
	bf16   bool   // scales are BF16, not F16
	levels []int8 // what codes stand for, where that is a table
}

var formats = []format{
	{name: "Q8_0", bits: 8, block: 32, sub: 32},
	{name: "Q4_0", bits: 4, block: 32, sub: 32},
	{name: "Q4_1", bits: 4, block: 32, sub: 32, minima: true},
	{name: "Q5_0", bits: 5, block: 32, sub: 32},
	{name: "Q5_1", bits: 5, block: 32, sub: 32, minima: true},
	{name: "IQ4_NL", bits: 4, block: 32, sub: 32, levels: nonLinear},
	{name: "MXFP4", bits: 4, block: 32, sub: 32, levels: e2m1, bf16: true},
	{name: "Q2_K", bits: 2, block: 256, sub: 16, minima: true},
	{name: "Q3_K", bits: 3, block: 256, sub: 16},
	{name: "Q4_K", bits: 4, block: 256, sub: 32, minima: true},
	{name: "Q5_K", bits: 5, block: 256, sub: 32, minima: true},
	{name: "Q6_K", bits: 6, block: 256, sub: 16},
	{name: "IQ4_XS", bits: 4, block: 256, sub: 32, levels: nonLinear},
}

// nonLinear and e2m1 are those of package kernel.
var (
	nonLinear = []int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}
	e2m1      = []int8{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}
)

// rowsVNNI are the numbers of rows that quantised kernels for AVX-512 take.
var rowsVNNI = []int{1, 2, 4, 8}

// kernelName names the kernel of a format for some rows.
func kernelName(format, level string, rows int) string {
	return fmt.Sprintf("mul%s%sx%d", strings.ReplaceAll(format, "_", ""), level, rows)
}

// part is some bits of every code: so many, which are those from bit at on. They
// begin so many vectors of 64 bytes behind the codes.
type part struct{ bits, at, vector int }

func (f format) parts() []part {
	switch f.bits {
	case 3:
		return []part{{2, 0, 0}, {1, 2, 2}}
	case 5:
		return []part{{4, 0, 0}, {1, 4, 4}}
	case 6:
		return []part{{4, 0, 0}, {2, 4, 4}}
	}
	return []part{{f.bits, 0, 0}}
}

// of says where a part lies of columns 4g to 4g+3: in which vector, and how far
// up from where it belongs in a code (negative: down).
func (p part) of(g int) (vector, shift int) {
	return p.vector + g%p.bits, p.bits*(g/p.bits) - p.at
}

// mask covers a part in every byte of codes.
func (p part) mask() uint32 { return (1<<p.bits - 1) << p.at * 0x01010101 }

func (p part) maskName() string { return fmt.Sprintf("mask%02x", byte(p.mask())) }

// largest returns the largest byte that is multiplied: a code, or how far a level
// is above the least.
func (f format) largest() int {
	if f.levels != nil {
		return int(slices.Max(f.levels)) - int(slices.Min(f.levels))
	}
	return 1<<f.bits - 1
}

// table names the levels.
func (f format) table() string {
	if f.bf16 {
		return "e2m1"
	}
	return "nonLinear"
}

// bytes returns the levels above the least, as 4-byte words twice over.
func (f format) bytes() (words []uint32) {
	for i := range 8 {
		var word uint32
		for j := range 4 {
			level := int(f.levels[(4*i+j)%16]) - int(slices.Min(f.levels))
			word |= uint32(level) << (8 * j)
		}
		words = append(words, word)
	}
	return words
}

// head returns the bytes of the d, and dmin, of a block of 256.
func (f format) head() int {
	if f.block == 32 {
		return 0
	}
	return 32 * f.lines()
}

// lines returns 2 where scales come with minima.
func (f format) lines() int {
	if f.minima {
		return 2
	}
	return 1
}

// scaleAt returns where in a strip the scales, or minima, of its columns
// s·sub and on lie.
func (f format) scaleAt(s int, minima bool) int {
	size, under := 32, 1
	if f.block == 256 {
		size, under = 16, 32/f.sub
	}
	if minima {
		s += under
	}
	return size * s
}

// codesAt returns where in a strip the codes lie, and the size of the strip.
func (f format) codesAt() (at, size int) {
	at = f.scaleAt(0, true) * f.lines()
	return at, at + 64*f.bits
}

// constants defines what the kernels of panels read.
func constants(a *asm) {
	defined := map[string]bool{}
	define := func(name string, words ...uint32) {
		if !defined[name] {
			defined[name] = true
			a.constants(name, words...)
		}
	}
	a.constant("ones", 0x00010001, 8)
	a.constant("mask000f", 0x000f000f, 8)
	a.constant("mask00ff", 0x00ff00ff, 8)
	for _, f := range formats {
		for _, p := range f.parts() {
			define(p.maskName(), slices.Repeat([]uint32{p.mask()}, 8)...)
		}
		if f.levels != nil {
			define(f.table(), f.bytes()...)
		}
	}
}

// kernelSet is what kernels there are for a level: for which numbers of rows, of F32 and
// of each quantised format. F32 may be another level's.
type kernelSet struct {
	level, f32         string
	rowsF32, quantized []int
}

var (
	setsAMD64 = []kernelSet{{"AVX2", "AVX2", rowsAVX2, rowsAVX2}, {"AVX512", "AVX512", rowsAVX512, rowsVNNI}}
	setsARM64 = []kernelSet{{"NEON", "NEON", rowsDot, rowsNEON}, {"Dot", "NEON", rowsDot, rowsDot}, {"I8MM", "NEON", rowsDot, rowsDot}}
)

// of returns a format's level and rows.
func (s kernelSet) of(f format) (level string, rows []int) {
	if f.name == "F32" {
		return s.f32, s.rowsF32
	}
	return s.level, s.quantized
}

// declarations writes the Go side: a declaration for each kernel of panels, and
// the table of all of them.
func declarations(a *asm, sets []kernelSet) {
	all := append([]format{{name: "F32"}}, formats...)
	var names []string
	for _, s := range sets {
		names = append(names, s.level)
	}
	a.p("\n// panelKernels are, of each format, the kernels for %s, by falling rows.", strings.Join(names, ", "))
	a.p("var panelKernels = [...][%d][]panelKernel{", len(sets))
	for _, f := range all {
		a.p("%s: {", f.name)
		for _, s := range sets {
			level, rows := s.of(f)
			a.i("{")
			for _, r := range slices.Backward(rows) {
				a.i("{%d, %s},", r, kernelName(f.name, level, r))
			}
			a.i("},")
		}
		a.p("},")
	}
	a.p("}")
	declared := map[string]bool{}
	for _, f := range all {
		for _, s := range sets {
			level, rows := s.of(f)
			for _, r := range rows {
				name := kernelName(f.name, level, r)
				if !declared[name] {
					a.p("\n//go:noescape\nfunc %s(call *panelCall)", name)
				}
				declared[name] = true
			}
		}
	}
}
