package kernel

import (
	"fmt"
	"math"
)

// Blocks of a product. A block of B stays in the third-level cache, one of A
// in the second, and a panel of B's block in the first.
const (
	blockK = 384  // even; part of the numerics: see Gemm
	blockM = 96   // a multiple of every tile's rows
	blockN = 1536 // a multiple of every tile's columns

	bandK     = 64         // rows of B that are packed at a time; divides blockK
	fetchK    = 5 * blockK // so many of a row, of 32, are fetched at a time: 240 KB
	cacheLine = 16         // elements
)

// tile is the number of rows and columns of C that one call of a micro-kernel
// makes.
type tile struct{ m, n int }

// Scratch is the memory of one [Gemm] or [MulPanels] at a time. The zero value
// is ready; it grows as needed. One goroutine may use it at a time.
type Scratch struct {
	a, b []float32        // packed operands
	edge [12 * 32]float32 // a tile that is partly outside the result
	call panelCall
}

// Gemm sets C (m×n) to op(A)·op(B), or adds it with accumulate:
//
//	for i, j: C[i][j] (+)= Σ_k op(A)[i][k]·op(B)[k][j]
//
// ld is the distance of two rows in elements. A is m×k, or k×m with transA;
// B is k×n, or n×k with transB. C may not overlap A or B.
//
// Each element is the sum of blocks of 384 along k, added in ascending order
// (to C's old value first, with accumulate); each block is a chain of FMAs in
// ascending k that starts at zero. So the bits depend neither on m and n, nor
// on where a caller splits them, nor on the implementation.
func Gemm(c []float32, ldc int, a []float32, lda int, transA bool, b []float32, ldb int, transB bool, m, n, k int, accumulate bool, scratch *Scratch) {
	product{c, ldc, operand{a, lda, !transA}, operand{b, ldb, transB}, nil, m, n, k, accumulate, false}.run("Gemm", 0, scratch)
}

// GemmBF16 is [Gemm] on operands that are rounded to BF16 first, halves to
// even, of denormals the sign alone. Elements 2i and 2i+1 of a chain (zero where k is odd) are taken as
// VDPBF16PS takes them: 2i+1 first, both by FMA, denormal operands and results
// flushed to zero. Blocks are added as in Gemm.
func GemmBF16(c []float32, ldc int, a []float32, lda int, transA bool, b []float32, ldb int, transB bool, m, n, k int, accumulate bool, scratch *Scratch) {
	product{c, ldc, operand{a, lda, !transA}, operand{b, ldb, transB}, nil, m, n, k, accumulate, true}.run("GemmBF16", 0, scratch)
}

// operand is A seen as rows i, or B seen as columns j, of elements along k.
type operand struct {
	data   []float32
	ld     int
	alongK bool // neighbours in memory are neighbours in k
}

func (o *operand) check(op, name string, n, k int) {
	rows, columns := k, n
	if o.alongK {
		rows, columns = n, k
	}
	checkMatrix(op, name, len(o.data), o.ld, rows, columns)
}

func checkMatrix(op, name string, size, ld, rows, columns int) {
	if rows < 0 || columns < 0 || ld < columns || rows > 0 && columns > 0 && (rows-1)*ld+columns > size {
		panic(fmt.Sprintf("kernel: %s: %s is %d×%d with stride %d in %d elements", op, name, rows, columns, ld, size))
	}
}

// Right is the right operand of products: op(B) of k×n, packed once, for several
// left operands. [Right.Multiply] gives the bits of [Gemm] or, with bf16, of [GemmBF16].
// The zero value is of no size.
type Right struct {
	panels []float32
	n, k   int
	bf16   bool
}

// RightColumns divides every column at which [Right.Multiply] may begin.
func RightColumns() int { return gemmTile().n }

// Reset gives r a size. What it holds is then arbitrary until it is packed; its
// memory grows as needed.
func (r *Right) Reset(n, k int, bf16 bool) {
	size := r.columns(n) * words(k, bf16)
	if cap(r.panels) < size {
		r.panels = make([]float32, size)
	}
	*r = Right{r.panels[:size], n, k, bf16}
}

// columns is n rounded up to whole panels.
func (r *Right) columns(n int) int {
	width := gemmTile().n
	return (n + width - 1) / width * width
}

// block returns the panels of rows [k, k+kb) from column j on. Blocks of rows follow
// each other, in each the panels, as [pack] makes them.
func (r *Right) block(j, k, kb int) []float32 {
	return r.panels[r.columns(r.n)*words(k, r.bf16)+j*words(kb, r.bf16):]
}

// Pieces is how many pieces [Right.Pack] makes of a matrix, with transB as there.
func (r *Right) Pieces(transB bool) int {
	if r.n == 0 {
		return 0
	}
	if transB {
		return r.columns(r.n) / gemmTile().n
	}
	return (r.k + bandK - 1) / bandK
}

// Pack packs a piece of op(B), with ld and transB as in [Gemm]: rows of B that follow
// each other. Goroutines may pack different pieces at the same time.
func (r *Right) Pack(b []float32, ld int, transB bool, piece int) {
	o := operand{b, ld, transB}
	o.check("Right", "B", r.n, r.k)
	if piece < 0 || piece >= r.Pieces(transB) {
		panic(fmt.Sprintf("kernel: Right: piece %d of %d", piece, r.Pieces(transB)))
	}
	width := gemmTile().n
	if !transB {
		k := piece * bandK
		first := k / blockK * blockK
		panels, kb := r.block(0, first, min(blockK, r.k-first)), min(blockK, r.k-first)
		o.pack(panels, 0, r.n, first, kb, k-first, min(bandK, r.k-k), width, r.bf16)
		return
	}
	j := piece * width
	n := min(width, r.n-j)
	for k := 0; k < r.k; k += blockK {
		if k%fetchK == 0 {
			o.fetch(j, n, k, min(fetchK, r.k-k))
		}
		kb := min(blockK, r.k-k)
		o.pack(r.block(j, k, kb), j, n, k, kb, 0, kb, width, r.bf16)
	}
}

// Multiply sets columns [from, to) of C (m×n) to op(A)·op(B), or adds it, as
// [Gemm] does. from is a multiple of [RightColumns].
func (r *Right) Multiply(c []float32, ldc int, a []float32, lda int, transA bool, m, from, to int, accumulate bool, scratch *Scratch) {
	p := product{c: c, ldc: ldc, a: operand{a, lda, !transA}, right: r, m: m, n: to, k: r.k, accumulate: accumulate, bf16: r.bf16}
	if from < 0 || to > r.n || from%gemmTile().n != 0 {
		panic(fmt.Sprintf("kernel: Right: columns %d to %d of %d", from, to, r.n))
	}
	p.run("Right", from, scratch)
}

// product is op(A)·op(B) with the columns of op(B) up to n; right holds them if it
// is there, else b.
type product struct {
	c          []float32
	ldc        int
	a, b       operand
	right      *Right
	m, n, k    int
	accumulate bool
	bf16       bool
}

// run makes the columns from `from` on.
func (p product) run(op string, from int, s *Scratch) {
	p.a.check(op, "A", p.m, p.k)
	if p.right == nil {
		p.b.check(op, "B", p.n, p.k)
	}
	checkMatrix(op, "C", len(p.c), p.ldc, p.m, p.n)
	if p.k == 0 && !p.accumulate {
		for i := range p.m {
			clear(p.c[i*p.ldc:][from:max(from, p.n)])
		}
	}
	if s == nil {
		s = new(Scratch)
	}
	t := gemmTile()
	for j := from; j < p.n; j += blockN {
		nb := min(blockN, p.n-j)
		for k := 0; k < p.k; k += blockK {
			kb := min(blockK, p.k-k)
			b := p.columns(s, t, j, nb, k, kb)
			for i := 0; i < p.m; i += blockM {
				mb := min(blockM, p.m-i)
				s.a = packed(s.a, &p.a, i, mb, k, kb, t.m, p.bf16)
				p.block(s, b, t, i, mb, j, nb, kb, p.accumulate || k > 0)
			}
		}
	}
}

// columns returns the packed columns j… of the rows k… of op(B).
func (p *product) columns(s *Scratch, t tile, j, nb, k, kb int) []float32 {
	if p.right != nil {
		return p.right.block(j, k, kb)
	}
	s.b = packed(s.b, &p.b, j, nb, k, kb, t.n, p.bf16)
	return s.b
}

// block makes rows i… and columns j… of C from the packed operands.
func (p *product) block(s *Scratch, right []float32, t tile, i, mb, j, nb, kb int, add bool) {
	kb = words(kb, p.bf16)
	for jj := 0; jj < nb; jj += t.n {
		b, at := right[jj*kb:], i*p.ldc+j+jj
		columns := min(t.n, nb-jj)
		if columns == t.n {
			micro(mb, s.a, b, p.c[at:], p.ldc, kb, add, p.bf16)
			continue
		}
		for ii := 0; ii < mb; ii += t.m {
			rows := min(t.m, mb-ii)
			micro(rows, s.a[ii*kb:], b, s.edge[:], t.n, kb, false, p.bf16)
			for r := range rows {
				c := p.c[at+(ii+r)*p.ldc:][:columns]
				if add {
					addGeneric(c, s.edge[r*t.n:][:columns])
				} else {
					copy(c, s.edge[r*t.n:])
				}
			}
		}
	}
}

// words is how many words of a row or column a packed block of kb has along k.
func words(kb int, bf16 bool) int {
	switch {
	case bf16 && pairsBF16():
		return (kb + 1) / 2
	case bf16:
		return kb + kb&1
	}
	return kb
}

// packed is pack of a whole block into memory that grows as needed.
func packed(dst []float32, o *operand, i, n, k, kb, width int, bf16 bool) []float32 {
	size := (n + width - 1) / width * width * words(kb, bf16)
	if cap(dst) < size {
		dst = make([]float32, size)
	}
	dst = dst[:size]
	if o.alongK {
		o.pack(dst, i, n, k, kb, 0, kb, width, bf16)
		return dst
	}
	for from := 0; from < kb; from += bandK {
		o.pack(dst, i, n, k, kb, from, min(bandK, kb-from), width, bf16)
	}
	return dst
}

// pack copies rows i… (for B: columns) of an operand into panels of width elements for
// each k, the last one filled with zeros: of the block k… of kb the part of kn elements
// from `from` on. For BF16 the elements are rounded and the two of a pair exchanged, in
// the order in which they are added; or they are stored as pairs, of which each is a word
// (see packBF16).
func (o *operand) pack(dst []float32, i, n, k, kb, from, kn, width int, bf16 bool) {
	if !o.alongK {
		o.fetch(i, n, k+from, kn)
	}
	kp := words(kb, bf16)
	for w := 0; w < n; w += width {
		panel := dst[w*kp+width*words(from, bf16):][:width*words(kn, bf16)]
		if bf16 {
			packBF16(panel, o, i+w, min(width, n-w), k+from, kn, width)
		} else {
			packPanel(panel, o, i+w, min(width, n-w), k+from, kn, width)
		}
	}
}

// fetch reads part of an operand into the cache, row after row as it lies in memory: the
// processor foresees that, and not the many short pieces of rows that panels are made of.
//
//go:noinline
func (o *operand) fetch(i, n, k, kb int) (x uint32) {
	row, rows, from, columns := k, kb, i, n
	if o.alongK {
		row, rows, from, columns = i, n, k, kb
	}
	if columns == o.ld {
		rows, columns = 1, rows*columns
	}
	for r := range rows {
		line := o.data[(row+r)*o.ld+from:][:columns]
		for i := 0; i < len(line); i += cacheLine {
			x ^= math.Float32bits(line[i])
		}
	}
	return x
}
