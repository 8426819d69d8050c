//go:build !unix

package corpus

import "os"

// mapping is the content of a file, read whole where files cannot be mapped.
type mapping []byte

func openMapping(path string) (mapping, error) { return os.ReadFile(path) }

func (mapping) close() error { return nil }
