package samovar_test

import (
	"bytes"
	"go/format"
	"os"
	"os/exec"
	"testing"
)

// TestFormat holds every file to gofmt.
func TestFormat(t *testing.T) {
	files(t, func(_, name string) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		formatted, err := format.Source(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(text, formatted) {
			t.Errorf("%s is not as gofmt writes it", name)
		}
	})
}

// TestVet runs go vet and staticcheck over all packages.
func TestVet(t *testing.T) {
	if testing.Short() {
		t.Skip("go vet and staticcheck take a minute: left out by -short")
	}
	for _, args := range [][]string{{"vet", "./..."}, {"tool", "staticcheck", "./..."}} {
		cmd := exec.Command("go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("go %v: %v\n%s", args, err, out)
		}
	}
}
