package filter

import (
	"slices"
	"strings"
)

// number is a run of groups of digits with single separators between them.
type number struct {
	text   string
	start  int
	plus   bool
	groups []span // at most maxGroups
	seps   []byte // seps[k] stands before groups[k]; '(' and ')' as such
}

const maxGroups = 8

// findNumber finds a phone or card number at i, and says where to go on if there
// is none.
func findNumber(text string, i int) (x datum, next int) {
	var groups [maxGroups]span
	var seps [maxGroups]byte
	n := number{text: text, start: i, groups: groups[:0], seps: seps[:0]}
	end := n.read(i)
	if len(n.groups) == 0 {
		return nothing, i + 1
	}
	next = int(n.groups[0].end)
	if end < len(text) && isWord(text[end]) || n.within() || n.isBook() {
		return nothing, end
	}
	hinted := n.hinted()
	for k := len(n.groups); k > 0; k-- {
		if kind := n.kind(k, hinted); kind != "" {
			return datum{kind, i, int(n.groups[k-1].end)}, next
		}
	}
	if len(n.seps) > 1 && n.seps[1] != ' ' {
		next = end // the rest of something else, such as a date or a version
	}
	return nothing, next
}

// read reads groups from i on and returns where they end.
func (n *number) read(i int) (end int) {
	text := n.text
	end = i
	sep := byte(0)
	if text[i] == '+' {
		n.plus = true
		i++
	}
	for i < len(text) && len(n.groups) < maxGroups {
		if text[i] == '(' && sep != '(' {
			sep = '('
			i++
		}
		from := i
		for i < len(text) && isDigitByte(text[i]) {
			i++
		}
		if i == from {
			break
		}
		n.groups = append(n.groups, span{int32(from), int32(i)})
		n.seps = append(n.seps, sep)
		end = i
		sep, i = separator(text, i)
		if sep == 0 {
			break
		}
	}
	return end
}

// separator returns what stands between two groups at i, and where it ends.
func separator(text string, i int) (sep byte, next int) {
	if i >= len(text) {
		return 0, i
	}
	switch c := text[i]; {
	case c == ')':
		if i+1 < len(text) && (text[i+1] == ' ' || text[i+1] == '-') {
			i++
		}
		return ')', i + 1
	case c == ' ' || c == '-' || c == '.' || c == '/':
		return c, i + 1
	case strings.HasPrefix(text[i:], "\u00a0"), strings.HasPrefix(text[i:], "\u2011"), strings.HasPrefix(text[i:], "\u202f"):
		n := 2
		if c == 0xE2 {
			n = 3
		}
		return ' ', i + n
	}
	return 0, i
}

// within says whether the number is part of something longer: an amount, a path,
// a decimal number.
func (n *number) within() bool {
	if n.start == 0 {
		return false
	}
	before := n.text[n.start-1]
	if strings.IndexByte("/.,#$=&-@", before) < 0 {
		return false
	}
	return before != '.' && before != ',' && before != '-' || n.start > 1 && isWord(n.text[n.start-2])
}

// isBook says whether it is the number of a book or a magazine.
func (n *number) isBook() bool {
	before := strings.ToUpper(n.before(12))
	if strings.Contains(before, "ISBN") || strings.Contains(before, "ISSN") || strings.Contains(before, "DOI") {
		return true
	}
	first := n.digits(1)
	return len(n.groups) >= 4 && (first == "978" || first == "979") && len(n.digits(len(n.groups))) == 13
}

// before returns up to bytes of the text before the number.
func (n *number) before(bytes int) string { return n.text[max(0, n.start-bytes):n.start] }

// digits returns the digits of the first k groups.
func (n *number) digits(k int) string {
	if k == 1 {
		return n.text[n.groups[0].start:n.groups[0].end]
	}
	var b strings.Builder
	for _, g := range n.groups[:k] {
		b.WriteString(n.text[g.start:g.end])
	}
	return b.String()
}

// hints are words after which a number is taken for that of a phone.
var hints = []string{"phone", "tel", "call", "cell", "mobile", "fax", "whatsapp", "dial", "text me", "reach me", "тел", "звон", "portable", "appelez"}

// hintBytes is how far before a number a hint may end.
const hintBytes = 32

func (n *number) hinted() bool {
	digits := 0
	for _, g := range n.groups {
		digits += int(g.end - g.start)
	}
	return digits >= 7 && containsAny(strings.ToLower(n.before(hintBytes)), hints)
}

// kind returns what the first k groups are, if anything.
func (n *number) kind(k int, hinted bool) string {
	var sizes [maxGroups]int
	total := 0
	for i, g := range n.groups[:k] {
		sizes[i] = int(g.end - g.start)
		total += sizes[i]
	}
	if total < 7 || total > 19 {
		return ""
	}
	d := n.digits(k)
	if !n.plus && total >= 13 && isCard(d, sizes[:k]) {
		return card
	}
	if total <= 15 && n.isPhone(d, sizes[:k], hinted) {
		return phone
	}
	return ""
}

// isCard says whether digits are those of a payment card: the beginning and
// length of a brand, and the check digit of Luhn's formula (ISO/IEC 7812).
func isCard(d string, sizes []int) bool {
	if slices.Max(sizes) < len(d) && slices.Min(sizes) < 3 {
		return false
	}
	two, four := int(d[0]-'0')*10+int(d[1]-'0'), 0
	for _, c := range d[:4] {
		four = four*10 + int(c-'0')
	}
	n := len(d)
	switch {
	case d[0] == '4' && (n == 13 || n == 16 || n == 19): // Visa
	case (two >= 51 && two <= 55 || four >= 2221 && four <= 2720) && n == 16: // Mastercard
	case (two == 34 || two == 37) && n == 15: // American Express
	case (four == 6011 || two == 65 || two == 35 || two == 62) && n >= 16: // Discover, JCB, UnionPay
	case (two == 36 || two == 38 || two == 30) && n == 14: // Diners
	default:
		return false
	}
	sum := 0
	for i := range d {
		x := int(d[n-1-i] - '0')
		if i%2 == 1 {
			if x *= 2; x > 9 {
				x -= 9
			}
		}
		sum += x
	}
	return sum%10 == 0
}

// isPhone says whether digits in groups of these sizes are a phone number: in
// the international form of E.123, as North America, France and Russia write
// theirs, with a leading zero as most of Europe does, or any after a word such as
// "call".
func (n *number) isPhone(d string, sizes []int, hinted bool) bool {
	k := len(sizes)
	if strings.Trim(d, d[:1]) == "" {
		return false // all the same
	}
	if n.plus {
		return len(d) >= 8 && d[0] != '0'
	}
	if k > 1 && sizes[0] == 1 && d[0] == '1' {
		return isNorthAmerican(d[1:], sizes[1:])
	}
	switch {
	case isNorthAmerican(d, sizes):
		return true
	case d[0] == '0' && slices.Equal(sizes, []int{2, 2, 2, 2, 2}):
		return d[1] != '0'
	case (d[0] == '8' || d[0] == '7') && (slices.Equal(sizes, []int{1, 3, 3, 2, 2}) || slices.Equal(sizes, []int{1, 3, 7})):
		return true
	case d[0] == '0' && d[1] != '0' && len(d) >= 9 && len(d) <= 12 && k >= 2 && k <= 4 && slices.Min(sizes) >= 3 && n.seps[1] != '.':
		return true
	}
	return hinted && len(d) <= 12 && k <= 5 && !isFictional(d)
}

// isNorthAmerican: area code and exchange begin with 2 to 9. 555-0100 to
// 555-0199 are kept for fiction.
func isNorthAmerican(d string, sizes []int) bool {
	return slices.Equal(sizes, []int{3, 3, 4}) && d[0] >= '2' && d[3] >= '2' && !isFictional(d)
}

func isFictional(d string) bool {
	return len(d) >= 7 && strings.HasPrefix(d[len(d)-7:], "55501")
}
