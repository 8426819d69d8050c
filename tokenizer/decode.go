package tokenizer

import "unicode/utf8"

// Decode appends the bytes that ids stand for to dst. Control tokens and ids
// outside the vocabulary stand for nothing. Of a scored vocabulary it drops
// the space that Encode puts before a text.
func (t *Tokenizer) Decode(dst []byte, ids []int32) []byte {
	from := len(dst)
	for _, id := range ids {
		dst = append(dst, t.text(id)...)
	}
	if t.prefix && len(dst) > from && dst[from] == ' ' {
		dst = append(dst[:from], dst[from+1:]...)
	}
	return dst
}

// text returns the bytes that id stands for in a text.
func (t *Tokenizer) text(id int32) string {
	if t.IsSpecial(id) {
		return ""
	}
	return t.Token(id)
}

// Decoder turns ids into text as they come. It goes on with a text that has
// begun: no leading space is dropped.
type Decoder struct {
	t    *Tokenizer
	held []byte // the beginning of a rune, at most 3 bytes between calls
}

// NewDecoder returns a decoder at the start of a rune.
func (t *Tokenizer) NewDecoder() *Decoder { return &Decoder{t: t} }

// Next returns the text that is complete now that id has come, as valid
// UTF-8: the beginning of a rune is held back until the rest comes, and a byte
// that belongs to no rune becomes U+FFFD.
func (d *Decoder) Next(id int32) string {
	d.held = append(d.held, d.t.text(id)...)
	end := complete(d.held)
	out := valid(d.held[:end])
	d.held = append(d.held[:0], d.held[end:]...)
	return out
}

// Flush returns what is still held back, as U+FFFD for each of its bytes.
func (d *Decoder) Flush() string {
	out := valid(d.held)
	d.held = d.held[:0]
	return out
}

// complete returns the length of b without an unfinished rune at its end.
func complete(b []byte) int {
	for i := len(b) - 1; i >= 0 && i >= len(b)-utf8.UTFMax; i-- {
		if utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}

// valid returns b as a string with U+FFFD for each byte that is no UTF-8.
func valid(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return string([]rune(string(b)))
}
