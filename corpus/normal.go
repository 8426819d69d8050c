package corpus

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// verdict is what becomes of a document.
type verdict int

const (
	keep   verdict = iota
	empty          // nothing but space
	noText         // not a text in any encoding
	broken         // too much of it is no UTF-8, or no turn of it can be learnt from
)

// Of a file of text, git's heuristic: a NUL among the first bytes makes it binary.
const binaryHead = 8000

// A document of which more than one byte in brokenShare is no UTF-8 is dropped
// rather than repaired (French in Latin-1 has about one in 25); more than one
// in binaryShare is not text in any encoding.
const (
	brokenShare = 100
	binaryShare = 3
)

// isBinary says whether head, the first bytes of a file, is not text.
func isBinary(head []byte) bool { return bytes.IndexByte(head, 0) >= 0 }

var byteOrderMark = []byte("\uFEFF")

// normal returns b as a document: valid UTF-8 in NFC without a byte order
// mark, lines ended by \n, and no control characters but tab and newline at its
// end. Bytes that are no UTF-8 become U+FFFD; invalid counts them.
func normal(b []byte) (text []byte, invalid int, v verdict) {
	for bytes.HasPrefix(b, byteOrderMark) {
		b = b[len(byteOrderMark):]
	}
	if !utf8.Valid(b) {
		size := len(b)
		b, invalid = repair(b)
		switch {
		case invalid*binaryShare > size:
			return nil, invalid, noText
		case invalid*brokenShare > size:
			return nil, invalid, broken
		}
	}
	if bytes.IndexByte(b, '\r') >= 0 {
		b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
		b = bytes.ReplaceAll(b, []byte("\r"), []byte("\n"))
	}
	b = trimControl(b)
	if !norm.NFC.IsNormal(b) {
		b = norm.NFC.Bytes(b)
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, invalid, empty
	}
	return b, invalid, keep
}

// repair returns b with each byte that is no part of valid UTF-8 replaced by
// U+FFFD, and how many there were.
func repair(b []byte) (valid []byte, invalid int) {
	valid = make([]byte, 0, len(b)+len(b)/8)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			invalid++
		}
		valid = utf8.AppendRune(valid, r)
		b = b[n:]
	}
	return valid, invalid
}

// trimControl takes from the control characters that end b (the NULs and the
// ^Z of old systems) all but tabs and newlines.
func trimControl(b []byte) []byte {
	end := len(bytes.TrimRightFunc(b, unicode.IsControl))
	tail := b[end:]
	kept := make([]byte, 0, len(tail))
	for _, r := range string(tail) {
		if r == '\t' || r == '\n' {
			kept = append(kept, byte(r))
		}
	}
	if len(kept) == len(tail) {
		return b
	}
	return append(b[:end:end], kept...)
}
