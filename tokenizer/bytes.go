package tokenizer

import "strings"

// GPT-2 writes bytes as printable runes: those that are printable in Latin-1
// as themselves, the others as U+0100 and up, in order.
// [byteRunes] is that table; [byteOrder] lists the bytes by their runes, which
// is the order of the first 256 tokens of GPT-2's vocabulary and of ours.
var (
	byteRunes [256]rune
	runeBytes = map[rune]byte{}
	byteOrder []byte
)

func init() {
	var rest []byte
	for b := range 256 {
		if b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE {
			byteRunes[b] = rune(b)
			byteOrder = append(byteOrder, byte(b))
		} else {
			byteRunes[b] = rune(0x100 + len(rest))
			rest = append(rest, byte(b))
		}
		runeBytes[byteRunes[b]] = byte(b)
	}
	byteOrder = append(byteOrder, rest...)
}

// printable writes bytes as GPT-2's runes.
func printable(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(byteRunes[s[i]])
	}
	return b.String()
}

// unprintable is the inverse of printable; ok is false if s holds other runes.
func unprintable(s string) (string, bool) {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		x, ok := runeBytes[r]
		if !ok {
			return "", false
		}
		b = append(b, x)
	}
	return string(b), true
}
