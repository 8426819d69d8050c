package card

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// digits writes n with commas.
func digits(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// count writes n things.
func count(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return digits(n) + " " + thing + "s"
}

// size writes bytes.
func size(n int64) string {
	for _, u := range []struct {
		unit float64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if v := float64(n) / u.unit; v >= 1 {
			return strconv.FormatFloat(v, 'f', 1, 64) + " " + u.name
		}
	}
	return count(n, "byte")
}

// work writes joules, and above a tenth of one also kilowatt-hours.
func work(j float64) string {
	const kWh = 3.6e6
	s := fmt.Sprintf("%.3g J", j)
	switch {
	case j >= 1e6:
		s = fmt.Sprintf("%.2f MJ", j/1e6)
	case j >= 1e3:
		s = fmt.Sprintf("%.2f kJ", j/1e3)
	}
	if j >= kWh/10 {
		s += fmt.Sprintf(" (%.2f kWh)", j/kWh)
	}
	return s
}

// span writes a duration to a tenth of a second, or coarser.
func span(seconds float64) string {
	if seconds < 60 {
		return fmt.Sprintf("%.1f s", seconds)
	}
	return time.Duration(math.Round(seconds) * float64(time.Second)).String()
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// cell makes text of others one line that Markdown and HTML leave alone.
func cell(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", "`", "\\`", "*", `\*`, "[", `\[`, "]", `\]`).Replace(s)
}

// fence encloses text in a code block that it cannot end.
func fence(language, text string) string {
	marks := "```"
	for strings.Contains(text, marks) {
		marks += "`"
	}
	return marks + language + "\n" + strings.TrimRight(text, "\n") + "\n" + marks + "\n"
}
