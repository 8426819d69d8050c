package kernel

import "fmt"

// Dots sets dst[i] to [Dot] of x and row i of rows, which are len(x) elements
// each, stride apart.
func Dots(dst, x, rows []float32, stride int) {
	checkRows("Dots", len(dst), len(x), len(rows), stride)
	dots(dst, x, rows, stride)
}

// AddRows adds a[i] times row i of rows to y, as [Axpy] for one row after another;
// rows are len(y) elements each, stride apart.
func AddRows(y, a, rows []float32, stride int) {
	checkRows("AddRows", len(a), len(y), len(rows), stride)
	addRows(y, a, rows, stride)
}

func checkRows(op string, n, width, size, stride int) {
	if stride < width || n > 0 && (n-1)*stride+width > size {
		panic(fmt.Sprintf("kernel: %s: %d rows of %d elements, %d apart, in %d", op, n, width, stride, size))
	}
}

func dotsEach(dst, x, rows []float32, stride int) {
	for i := range dst {
		dst[i] = dot(x, rows[i*stride:][:len(x)])
	}
}

func addRowsEach(y, a, rows []float32, stride int) {
	for i, v := range a {
		axpy(y, v, rows[i*stride:][:len(y)])
	}
}
