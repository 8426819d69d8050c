//go:build purego || !(amd64 || arm64)

package kernel

func measureFMA(iterations int) float64 { return measureFMAGeneric(iterations) }
func measureBF16(int) float64           { return 0 }
func measureInt8(int) float64           { return 0 }
func readBytes(b []byte) uint64         { return readBytesGeneric(b) }
