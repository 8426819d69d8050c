package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// FromLlama2C makes a tokenizer from llama2.c's tokenizer.bin: an int32 with
// the length of the longest token, then for each of size tokens a float32
// score, an int32 length and the bytes, all little-endian. The file does not
// say how many tokens it has; the model does.
func FromLlama2C(b []byte, size int) (*Tokenizer, error) {
	t, err := fromLlama2C(b, size)
	if err != nil {
		return nil, fmt.Errorf("read tokenizer.bin: %w", err)
	}
	return t, nil
}

func fromLlama2C(b []byte, size int) (*Tokenizer, error) {
	if size < 3 || len(b) < 4 || size > (len(b)-4)/8 {
		return nil, fmt.Errorf("%d bytes cannot hold %d tokens", len(b), size)
	}
	p := parts{
		scored: true, prefix: true, addBOS: true, bos: 1, eos: 2, eot: None, unk: 0, pad: None,
		tokens: make([]string, size), kinds: make([]Kind, size), scores: make([]float32, size),
	}
	b = b[4:]
	for i := range size {
		if len(b) < 8 {
			return nil, fmt.Errorf("it ends at token %d of %d", i, size)
		}
		p.scores[i] = math.Float32frombits(binary.LittleEndian.Uint32(b))
		n := int32(binary.LittleEndian.Uint32(b[4:]))
		b = b[8:]
		if n < 0 || int(n) > len(b) {
			return nil, fmt.Errorf("token %d claims %d bytes where %d remain", i, n, len(b))
		}
		p.tokens[i], p.kinds[i] = string(b[:n]), Normal
		b = b[n:]
		if x, ok := byteToken(p.tokens[i]); ok {
			p.tokens[i], p.kinds[i] = string([]byte{x}), Byte
		}
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%d bytes follow the last of %d tokens: is the size of the vocabulary right?", len(b), size)
	}
	for i, name := range []string{"<unk>", "<s>", "</s>"} {
		if p.kinds[i] == Byte {
			return nil, errors.New("the first three tokens are not those of SentencePiece")
		}
		p.tokens[i], p.kinds[i] = name, Control
	}
	p.kinds[0] = Unknown
	return assemble(p)
}

// byteToken reads "<0x41>".
func byteToken(s string) (byte, bool) {
	if len(s) != 6 || s[:3] != "<0x" || s[5] != '>' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[3:5], 16, 8)
	return byte(n), err == nil
}
