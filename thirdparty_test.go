package samovar_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestThirdParty holds THIRD_PARTY.md to every module that is compiled into the
// program, its tests and its tools, and to every package that web/package.json
// puts into the pages, each with its version.
func TestThirdParty(t *testing.T) {
	listed := readNotices(t)
	for name, version := range modules(t) {
		if listed[name] != version {
			t.Errorf("THIRD_PARTY.md has %s at version %q, and %s is compiled: correct it, with its licence", name, listed[name], version)
		}
	}
	text, err := os.ReadFile("web/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var web struct {
		Dependencies    map[string]string `json:"dependencies"`
		DevDependencies map[string]string `json:"devDependencies"`
	}
	if err := json.Unmarshal(text, &web); err != nil {
		t.Fatal(err)
	}
	web.Dependencies["svelte"] = web.DevDependencies["svelte"] // its runtime is part of the pages
	for name, version := range web.Dependencies {
		if listed[name] != version {
			t.Errorf("THIRD_PARTY.md has %s at version %q, and the pages have %s: correct it, with its licence", name, listed[name], version)
		}
	}
}

// readNotices returns the versions of THIRD_PARTY.md's tables.
func readNotices(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("THIRD_PARTY.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 6 {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if cells[3] == "" || cells[4] == "" {
			t.Errorf("THIRD_PARTY.md: %s has no licence or no copyright", cells[1])
		}
		listed[cells[1]] = cells[2]
	}
	return listed
}

// modules returns the versions of the modules that are compiled.
func modules(t *testing.T) map[string]string {
	t.Helper()
	const format = "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}"
	out, err := exec.Command("go", "list", "-deps", "-test", "-f", format, "./...", "tool").Output()
	if err != nil {
		t.Fatalf("list the modules: %v", err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[name] = version
	}
	if len(all) == 0 {
		t.Fatal("go list names no module")
	}
	return all
}
