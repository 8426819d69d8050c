package kernel

import "fmt"

// PageKeys is the number of keys in a page of [Scores].
const PageKeys = 32

// Direct reports whether [Scores] and [Mix] take pages of the format as they are: F32
// always, F16 where it is faster than to [Widen] it first, which n queries or results
// have the use of.
func Direct(t Format, n, width int) bool { return t == F32 || t == F16 && n <= 4 && readsHalves(width) }

// Scores sets dst[q·stride+i] to the dot product of query q and key i of a page of
// the format, arranged as [Columns], for n queries of width numbers, one after another,
// and [PageKeys] keys. A dot product is two chains of fused multiply-adds from zero, of
// the columns with even numbers and of those with odd ones, which are added at the end.
func Scores(t Format, dst []float32, stride int, queries []float32, n, width int, keys []float32) {
	if n < 0 || width < 0 || stride < PageKeys || n > 0 && (n-1)*stride+PageKeys > len(dst) || n*width > len(queries) || t.PageLen(width) > len(keys) {
		panic(fmt.Sprintf("kernel: Scores: %d queries of %d elements in %d, %v keys in %d, results %d apart in %d",
			n, width, len(queries), t, len(keys), stride, len(dst)))
	}
	checkDirect("Scores", t, width)
	scores(t, dst, stride, queries, n, width, keys)
}

// Mix adds to each of n results, width numbers one after another in y, the sum of
// all rows, each times the result's own number for it: a[q·stride+i] for result q
// and row i. There are count rows of the format, apart from each other in numbers; they
// are added one after another, as by [Axpy].
func Mix(t Format, y []float32, n, width int, a []float32, stride int, rows []float32, apart, count int) {
	if n < 0 || count < 0 || n*width > len(y) {
		panic(fmt.Sprintf("kernel: Mix: %d results of %d elements in %d", n, width, len(y)))
	}
	checkDirect("Mix", t, width)
	checkRows("Mix", count, width, 4*len(rows)/t.vector(1), apart)
	checkRows("Mix", n, count, len(a), stride)
	if n > 0 && count > 0 {
		mix(t, y, n, width, a, stride, rows, apart, count)
	}
}

func checkDirect(op string, t Format, width int) {
	if !Direct(t, 1, width) {
		panic(fmt.Sprintf("kernel: %s: %v of %d columns are to be widened first", op, t, width))
	}
}

// Dots sets dst[i] to [Dot] of x and row i of rows, which are len(x) elements
// each, stride apart.
func Dots(dst, x, rows []float32, stride int) {
	checkRows("Dots", len(dst), len(x), len(rows), stride)
	dots(dst, x, rows, stride)
}

func checkRows(op string, n, width, size, stride int) {
	if stride < width || n > 0 && (n-1)*stride+width > size {
		panic(fmt.Sprintf("kernel: %s: %d rows of %d elements, %d apart, in %d", op, n, width, stride, size))
	}
}

func scoresGeneric(dst []float32, stride int, queries []float32, n, width int, keys []float32) {
	for q := range n {
		query, out := queries[q*width:][:width], dst[q*stride:][:PageKeys]
		for i := range out {
			var chains [2]float32
			for c, x := range query {
				chains[c&1] = fma(x, keys[(i/Columns*width+c)*Columns+i%Columns], chains[c&1])
			}
			out[i] = chains[0] + chains[1]
		}
	}
}

func dotsEach(dst, x, rows []float32, stride int) {
	for i := range dst {
		dst[i] = dot(x, rows[i*stride:][:len(x)])
	}
}

// mixEach adds the rows to one result after another.
func mixEach(y []float32, n, width int, a []float32, stride int, rows []float32, apart, count int) {
	for q := range n {
		for i, v := range a[q*stride:][:count] {
			axpy(y[q*width:][:width], v, rows[i*apart:][:width])
		}
	}
}
