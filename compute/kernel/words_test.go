package kernel

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWords lets LLVM assemble what the comment behind every encoded instruction says,
// and compares.
func TestWords(t *testing.T) {
	assembler, err := exec.LookPath("llvm-mc")
	if err != nil {
		t.Skip("llvm-mc is missing, which assembles instructions that Go's assembler lacks")
	}
	files, _ := filepath.Glob("*_arm64.s")
	code := map[string]string{} // of each comment
	var text strings.Builder
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`WORD \$0x(..)(..)(..)(..) // (.*)`).FindAllStringSubmatch(string(b), -1) {
			if code[m[5]] == "" {
				fmt.Fprintln(&text, m[5])
			}
			code[m[5]] = fmt.Sprintf("[0x%s,0x%s,0x%s,0x%s]", m[4], m[3], m[2], m[1])
		}
	}
	cmd := exec.Command(assembler, "-triple=aarch64", "-mattr=+dotprod,+i8mm", "-show-encoding")
	cmd.Stdin = strings.NewReader(text.String())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	said := strings.Split(strings.TrimSpace(text.String()), "\n")
	encodings := regexp.MustCompile(`encoding: (\S+)`).FindAllStringSubmatch(string(out), -1)
	if len(said) < 100 || len(encodings) != len(said) {
		t.Fatalf("%d instructions, %d encodings", len(said), len(encodings))
	}
	for i, what := range said {
		if code[what] != encodings[i][1] {
			t.Errorf("%s is written as %s, and is %s", what, code[what], encodings[i][1])
		}
	}
}
