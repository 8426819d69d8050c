package samovar_test

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is the path under which our packages import each other.
const module = "samovar"

// files yields every Go file of ours with its package's folder, "." for the root.
func files(t *testing.T, f func(dir, name string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") || d.Name() == "testdata" || d.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(p, ".go") {
			f(filepath.ToSlash(filepath.Dir(p)), filepath.ToSlash(p))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestImports holds the import rules of rules.txt.
func TestImports(t *testing.T) {
	rules := readRules(t)
	used := map[string]bool{}
	files(t, func(dir, name string) {
		used[dir] = true
		allowed, ok := rules[dir]
		if !ok {
			t.Errorf("%s: package %s has no line in rules.txt", name, dir)
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			p := strings.Trim(i.Path.Value, `"`)
			if p != module && !strings.HasPrefix(p, module+"/") {
				continue
			}
			target := "."
			if p != module {
				target = strings.TrimPrefix(p, module+"/")
			}
			own := target == dir // a test from outside its package
			if !own && !slices.Contains(allowed, target) && !slices.Contains(allowed, "*") && !tested(name, target) {
				t.Errorf("%s imports %s, which rules.txt does not allow for %s", name, target, dir)
			}
		}
	})
	for dir := range rules {
		if !used[dir] {
			t.Errorf("rules.txt has a line for %s, which has no Go file", dir)
		}
	}
}

// tested reports whether a test may import target although its package may
// not: the opaque device, on which suites run.
func tested(name, target string) bool {
	return strings.HasSuffix(name, "_test.go") && target == "compute/opaque"
}

// readRules reads rules.txt: what each package may import.
func readRules(t *testing.T) map[string][]string {
	t.Helper()
	f, err := os.Open("rules.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	groups, rules := map[string][]string{}, map[string][]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if name, list, ok := strings.Cut(line, "="); ok {
			groups[strings.TrimSpace(name)] = strings.Fields(list)
			continue
		}
		dir, list, ok := strings.Cut(line, ":")
		if !ok {
			t.Fatalf("rules.txt: %q is neither a rule nor a group", line)
		}
		allowed := []string{}
		for _, word := range strings.Fields(list) {
			if word[0] == '@' {
				allowed = append(allowed, groups[word]...)
			} else {
				allowed = append(allowed, word)
			}
		}
		rules[path.Clean(strings.TrimSpace(dir))] = allowed
	}
	return rules
}

// TestPure holds the core and what lies beneath it to know no network, log and
// clock: what they compute follows from what they are given.
func TestPure(t *testing.T) {
	forbidden := []string{"net", "net/http", "log", "log/slog", "time", "context", "os/exec"}
	pure := readRules(t)["model"] // the root and the core
	files(t, func(dir, name string) {
		if dir == "." || !slices.Contains(pure, dir) || strings.HasSuffix(name, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			if p := strings.Trim(i.Path.Value, `"`); slices.Contains(forbidden, p) {
				t.Errorf("%s imports %s: the core knows no network, clock or log", name, p)
			}
		}
	})
}

// TestPackageComments holds every package to exactly one comment, of at least
// three sentences: what it is, what it refuses, where to start reading.
func TestPackageComments(t *testing.T) {
	comments := map[string][]string{}
	files(t, func(dir, name string) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := comments[dir]; !ok {
			comments[dir] = nil
		}
		if file.Doc != nil {
			comments[dir] = append(comments[dir], file.Doc.Text())
		}
	})
	for dir, all := range comments {
		if len(all) != 1 {
			t.Errorf("package %s has %d package comments", dir, len(all))
			continue
		}
		text := strings.ReplaceAll(all[0], "\n", " ")
		if strings.Count(text, ". ")+1 < 2 || !strings.Contains(text, "tart ") {
			t.Errorf("the comment of package %s does not say where to start: %q", dir, text)
		}
	}
}

// Budgets on length. Generated and unrolled code is not counted.
const (
	maxFile     = 800
	maxFunction = 120
)

// TestLength holds files and functions to the budgets.
func TestLength(t *testing.T) {
	files(t, func(_, name string) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if ast.IsGenerated(file) {
			return
		}
		if n := strings.Count(string(text), "\n"); n > maxFile {
			t.Errorf("%s has %d lines; cut it at a seam below %d", name, n, maxFile)
		}
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				if n := set.Position(fn.End()).Line - set.Position(fn.Pos()).Line; n > maxFunction {
					t.Errorf("%s: %s has %d lines, more than %d", name, fn.Name.Name, n, maxFunction)
				}
			}
		}
	})
}
