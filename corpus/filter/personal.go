package filter

import (
	"strings"
)

// datum is a piece of personal data, or a secret, in a text.
type datum struct {
	kind       string
	start, end int
}

// The kinds of data. Those of secrets say what kind of key it is.
const (
	email = "email"
	phone = "phone"
	card  = "card"
	iban  = "iban"
)

// filter returns the filter that a datum belongs to.
func (x datum) filter() string {
	switch x.kind {
	case email, phone, card, iban:
		return Personal
	}
	return Secrets
}

// mark is what stands in place of a datum.
func (x datum) mark() string {
	if x.filter() == Secrets {
		return "<secret>"
	}
	return "<" + x.kind + ">"
}

// Masked returns the text with a mark in place of personal data and secrets.
func Masked(text string) string {
	return mask(text, find(text), func(datum) bool { return true })
}

// mask puts marks in place of those of the finds that are chosen.
func mask(text string, finds []datum, chosen func(datum) bool) string {
	var b strings.Builder
	from := 0
	for _, x := range finds {
		if chosen(x) {
			b.WriteString(text[from:x.start])
			b.WriteString(x.mark())
			from = x.end
		}
	}
	if from == 0 {
		return text
	}
	b.WriteString(text[from:])
	return b.String()
}

// The characters at which a search begins.
const (
	byteOther = iota
	byteDigit // of a number
	byteAt    // in the middle of an e-mail address
	byteUpper // of an account, or of a key with a known beginning
	byteKnown // of a key with a known beginning
	byteEqual // between a name and its secret
)

var starts = func() (t [256]byte) {
	for c := byte('0'); c <= '9'; c++ {
		t[c] = byteDigit
	}
	t['+'], t['('] = byteDigit, byteDigit
	t['@'] = byteAt
	for c := byte('A'); c <= 'Z'; c++ {
		t[c] = byteUpper
	}
	for _, k := range knownKeys {
		if c := k.prefix[0]; t[c] == byteOther {
			t[c] = byteKnown
		}
	}
	t['='], t[':'] = byteEqual, byteEqual
	return t
}()

// find returns the data of a text in order; they do not overlap.
func find(text string) (all []datum) {
	last := 0 // where the last datum ended
	for i := 0; i < len(text); {
		class := starts[text[i]]
		if class == byteOther {
			i++
			continue
		}
		x := datum{start: -1}
		fresh := i == 0 || !isWord(text[i-1])
		next := i + 1
		switch {
		case class == byteAt:
			x = findEmail(text, i, last)
		case class == byteDigit && fresh:
			x, next = findNumber(text, i)
		case class == byteUpper && fresh:
			if x = findKey(text, i); x.start < 0 {
				x = findIBAN(text, i)
			}
		case class == byteKnown && fresh:
			x = findKey(text, i)
		case class == byteEqual:
			if x = findLogin(text, i, last); x.start < 0 {
				x = findAssigned(text, i)
			}
		}
		if x.start < last || x.end <= x.start {
			i = next
			continue
		}
		all = append(all, x)
		i, last = x.end, x.end
	}
	return all
}

var nothing = datum{start: -1}

func isDigitByte(c byte) bool { return c >= '0' && c <= '9' }
func isLetterByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z'
}

// isWord says whether c continues a word; bytes of other scripts do.
func isWord(c byte) bool {
	return isDigitByte(c) || isLetterByte(c) || c == '_' || c >= 0x80 && c != 0xA0
}

// maxLocal is the longest local part of an address (RFC 5321, section 4.5.3.1.1).
const maxLocal = 64

// findEmail finds the address whose @ is at i. Domains that RFC 2606 keeps for
// examples belong to nobody.
func findEmail(text string, i, last int) datum {
	start := i
	for start > last && i-start < maxLocal && (isDigitByte(text[start-1]) || isLetterByte(text[start-1]) || strings.IndexByte("._%+-", text[start-1]) >= 0) {
		start--
	}
	for start < i && (text[start] == '.' || text[start] == '-') {
		start++
	}
	end, label, labels := i+1, i+1, 0
	for end < len(text) && (isDigitByte(text[end]) || isLetterByte(text[end]) || text[end] == '-' || text[end] == '.') {
		if text[end] == '.' {
			if end == label || end+1 == len(text) || !isDigitByte(text[end+1]) && !isLetterByte(text[end+1]) {
				break
			}
			labels++
			label = end + 1
		}
		end++
	}
	if start == i || labels == 0 {
		return nothing
	}
	top := text[label:end]
	if len(top) < 2 || strings.IndexFunc(top, func(r rune) bool { return r > 0x7f || !isLetterByte(byte(r)) }) >= 0 {
		return nothing
	}
	domain := strings.ToLower(text[i+1 : end])
	if reserved(domain) || text[start:i] == "git" || fileName(domain[label-i-1:]) {
		return nothing
	}
	return datum{email, start, end}
}

// reserved says whether a domain is kept for examples and tests.
func reserved(domain string) bool {
	for _, d := range []string{"example.com", "example.org", "example.net"} {
		if domain == d || strings.HasSuffix(domain, "."+d) {
			return true
		}
	}
	for _, d := range []string{".example", ".test", ".invalid", ".localhost", ".local"} {
		if strings.HasSuffix(domain, d) {
			return true
		}
	}
	return false
}

// fileName says whether what looks like a top domain ends a file's name, as in
// logo@2x.png.
func fileName(top string) bool {
	switch top {
	case "png", "jpg", "jpeg", "gif", "svg", "webp", "js", "css", "html", "json", "yaml", "yml":
		return true
	}
	return false
}

// findIBAN finds the account number at i (ISO 13616): a country, two digits by
// which the whole is 1 modulo 97, and as much as the country has.
func findIBAN(text string, i int) datum {
	if len(text)-i < 15 || !isUpper(text[i+1]) || !isDigitByte(text[i+2]) || !isDigitByte(text[i+3]) {
		return nothing
	}
	n, ok := ibanLengths[text[i:i+2]]
	if !ok {
		return nothing
	}
	code := make([]byte, 0, 34)
	end := i
	for ; end < len(text) && len(code) < n; end++ {
		c := text[end]
		if c == ' ' && len(code)%4 == 0 {
			continue
		}
		if !isUpper(c) && !isDigitByte(c) {
			return nothing
		}
		code = append(code, c)
	}
	if len(code) < n || end < len(text) && isWord(text[end]) {
		return nothing
	}
	rest := 0
	for k := range code {
		if c := code[(k+4)%n]; isDigitByte(c) {
			rest = (rest*10 + int(c-'0')) % 97
		} else {
			rest = (rest*100 + int(c-'A') + 10) % 97
		}
	}
	if rest != 1 {
		return nothing
	}
	return datum{iban, i, end}
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

// ibanLengths are those of the SWIFT registry, for Europe and some beyond.
var ibanLengths = map[string]int{
	"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
	"EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26,
	"IT": 27, "KZ": 20, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MT": 31, "NL": 18, "NO": 15,
	"PL": 28, "PT": 25, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TR": 26, "UA": 29,
}
