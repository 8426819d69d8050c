//go:build !unix

package document

import "context"

// withMemory leaves WebAssembly's memory to the garbage collector.
func withMemory(ctx context.Context) context.Context { return ctx }
