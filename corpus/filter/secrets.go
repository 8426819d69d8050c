package filter

import "strings"

// knownKeys are keys that begin in a way by which their issuers recognise them.
// What follows consists of letters, digits, and of what more says.
var knownKeys = []struct {
	kind, prefix string
	least, most  int // characters after the prefix
	more         string
}{
	{"private key", "-----BEGIN ", 20, 0, ""}, // RFC 7468; read by endOfKey
	{"aws key", "AKIA", 16, 16, ""},
	{"aws key", "ASIA", 16, 16, ""},
	{"github token", "ghp_", 36, 251, ""},
	{"github token", "gho_", 36, 251, ""},
	{"github token", "ghu_", 36, 251, ""},
	{"github token", "ghs_", 36, 251, ""},
	{"github token", "ghr_", 36, 251, ""},
	{"github token", "github_pat_", 60, 251, "_"},
	{"gitlab token", "glpat-", 20, 64, "_-"},
	{"slack token", "xoxb-", 20, 251, "-"},
	{"slack token", "xoxp-", 20, 251, "-"},
	{"slack token", "xoxa-", 20, 251, "-"},
	{"slack token", "xoxs-", 20, 251, "-"},
	{"google key", "AIza", 35, 35, "_-"},
	{"stripe key", "sk_live_", 16, 251, ""},
	{"stripe key", "rk_live_", 16, 251, ""},
	{"stripe key", "sk_test_", 16, 251, ""},
	{"api key", "sk-", 20, 251, "_-"},
	{"hugging face token", "hf_", 30, 64, ""},
	{"npm token", "npm_", 36, 36, ""},
	{"sendgrid key", "SG.", 40, 80, "._-"},
	{"web token", "eyJ", 40, 4096, "._-"}, // JWT (RFC 7519): base64 of {" , with two dots
}

// findKey finds a key with a known beginning at i.
func findKey(text string, i int) datum {
	for _, k := range knownKeys {
		if k.prefix[0] != text[i] || !strings.HasPrefix(text[i:], k.prefix) {
			continue
		}
		if k.most == 0 {
			return findPrivate(text, i)
		}
		from := i + len(k.prefix)
		end := from
		for end < len(text) && (isDigitByte(text[end]) || isLetterByte(text[end]) || strings.IndexByte(k.more, text[end]) >= 0) {
			end++
		}
		end = from + len(strings.TrimRight(text[from:end], ".-"))
		if n := end - from; n < k.least || n > k.most || !mixed(text[from:end]) {
			continue
		}
		if k.kind == "web token" && strings.Count(text[from:end], ".") != 2 {
			continue
		}
		return datum{k.kind, i, end}
	}
	return nothing
}

// mixed says whether s has both a letter and a digit.
func mixed(s string) bool {
	letter, digit := false, false
	for i := range len(s) {
		letter = letter || isLetterByte(s[i])
		digit = digit || isDigitByte(s[i])
	}
	return letter && digit
}

// maxPrivate bounds how far the end of a private key is looked for.
const maxPrivate = 16 << 10

// findPrivate finds the private key in PEM at i, to its end or, where that is
// missing, to the end of its text.
func findPrivate(text string, i int) datum {
	head, _, ok := strings.Cut(text[i+5:min(len(text), i+80)], "-----")
	if !ok || !strings.HasSuffix(head, "PRIVATE KEY") && !strings.HasSuffix(head, "PRIVATE KEY BLOCK") {
		return nothing
	}
	body := text[i+len(head)+10 : min(len(text), i+maxPrivate)]
	if at := strings.Index(body, "-----END "); at >= 0 {
		if end := strings.Index(body[at+9:], "-----"); end >= 0 {
			return datum{"private key", i, i + len(head) + 10 + at + 9 + end + 5}
		}
	}
	n := 0
	for n < len(body) && (body[n] == '\n' || isDigitByte(body[n]) || isLetterByte(body[n]) || strings.IndexByte("+/=\\ ", body[n]) >= 0) {
		n++
	}
	if len(strings.TrimSpace(body[:n])) < 40 {
		return nothing // spoken of, not shown
	}
	return datum{"private key", i, i + len(head) + 10 + len(strings.TrimRight(body[:n], " \n"))}
}

// findLogin finds the password in scheme://user:password@host whose first colon
// is at i.
func findLogin(text string, i, last int) datum {
	if !strings.HasPrefix(text[i:], "://") || i == last || !isLetterByte(text[i-1]) {
		return nothing
	}
	rest := text[i+3 : min(len(text), i+3+256)]
	if end := strings.IndexAny(rest, " \t\n/\"'<>"); end >= 0 {
		rest = rest[:end]
	}
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return nothing
	}
	user, password, ok := strings.Cut(rest[:at], ":")
	if !ok || user == "" || len(password) < 3 || isPlaceholder(password) {
		return nothing
	}
	return datum{"password", i + 3 + len(user) + 1, i + 3 + at}
}

// secretNames end the names of what holds a secret; after those that are long,
// least is how long it must be at least.
var secretNames = []struct {
	name  string
	kind  string
	least int
}{
	{"password", "password", 8}, {"passwd", "password", 8}, {"pwd", "password", 8}, {"passphrase", "password", 8}, {"пароль", "password", 8},
	{"apikey", "api key", 16}, {"secretkey", "api key", 16}, {"accesskey", "api key", 16}, {"privatekey", "api key", 16},
	{"authtoken", "api key", 16}, {"accesstoken", "api key", 16}, {"secret", "api key", 16}, {"token", "api key", 20},
}

// maxName and maxSecret bound what is looked at around an equals sign.
const (
	maxName   = 40
	maxSecret = 200
)

// findAssigned finds the secret after the equals sign or colon at i, if what is
// before it names one.
func findAssigned(text string, i int) datum {
	before := strings.TrimRight(text[max(0, i-maxName):i], " \t\"'`")
	if before == "" || strings.IndexByte("dDeEtTyYnN\x8c", before[len(before)-1]) < 0 {
		return nothing // no name below ends so
	}
	at := len(before)
	for at > 0 && (isWord(before[at-1]) || before[at-1] == '-') {
		at--
	}
	name := plain(before[at:])
	if len(name) < 3 {
		return nothing
	}
	for _, s := range secretNames {
		if !strings.HasSuffix(name, s.name) {
			continue
		}
		start := i + 1
		for start < len(text) && strings.IndexByte("= \t\"'`", text[start]) >= 0 {
			start++
		}
		end := start
		for end < len(text) && end-start <= maxSecret && text[end] > ' ' && text[end] < 0x7f && strings.IndexByte("\"'`;,", text[end]) < 0 {
			end++
		}
		secret := strings.TrimRight(text[start:end], ".!?")
		if len(secret) < s.least || len(secret) > maxSecret || !mixed(secret) || isPlaceholder(secret) {
			return nothing
		}
		return datum{s.kind, start, start + len(secret)}
	}
	return nothing
}

// plain returns a name in lower case without the marks between its parts.
func plain(name string) string {
	if strings.ContainsAny(name, "_-") {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "_", ""), "-", "")
	}
	return strings.ToLower(name)
}

// isPlaceholder says whether what stands for a secret is none: a variable, a
// call, an address, a word of examples.
func isPlaceholder(s string) bool {
	if strings.ContainsAny(s, "(){}[]<>$%*|\\") || strings.Contains(s, "://") || strings.Contains(s, "...") {
		return true
	}
	lower := strings.ToLower(s)
	return containsAny(lower, []string{"example", "your", "xxxx", "changeme", "placeholder", "password", "secret"})
}
