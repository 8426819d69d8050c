package runs

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

func (s *server) folder() string {
	s.t.Helper()
	return s.must("POST", "/api/folders", "")["id"].(string)
}

func TestDrop(t *testing.T) {
	s := start(t, Limits{FileBytes: 10, FolderBytes: 25, Files: 4, AllBytes: 40})
	id := s.folder()
	put := "/api/folders/" + id + "/"
	s.must("PUT", put+"a.txt", "0123456789")
	s.must("PUT", put+"deep/er/b%20%C3%A9.txt", "01234")
	s.refused(409, "exists", "PUT", put+"a.txt", "again")
	s.refused(409, "exists", "PUT", put+"a.txt/b", "below")
	s.refused(413, "too_large", "PUT", put+"c.txt", "0123456789x")
	s.must("PUT", put+"c.txt", "0123456789")
	s.refused(413, "too_large", "PUT", put+"d.txt", "x")
	for _, name := range []string{"..%2fx", "a%2f..%2f..%2fx", "%2e%2e%2fx", ".hidden", "b/.git/x", "a%5cb", "a%00b", "a%0ab", "con:x", "%2fetc", "a%2f", strings.Repeat("x", 201), strings.Repeat("a/", 40) + "a"} {
		s.refused(400, "bad_name", "PUT", put+name, "x")
	}
	s.refused(404, "unknown", "PUT", "/api/folders/nobody/a.txt", "x")

	other := s.folder()
	for i := range 2 {
		s.must("PUT", fmt.Sprintf("/api/folders/%s/%d", other, i), "01234")
	}
	s.refused(413, "too_large", "PUT", "/api/folders/"+other+"/more", "0123456789") // all together
	s.must("DELETE", "/api/folders/"+other, "")
	if _, err := os.Stat(filepath.Join(s.dir, other)); err == nil {
		t.Error("a discarded folder is left")
	}

	var found []string
	err := filepath.WalkDir(filepath.Dir(s.dir), func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(s.dir, path)
			found = append(found, filepath.ToSlash(rel))
		}
		return err
	})
	if want := []string{id + "/texts/a.txt", id + "/texts/c.txt", id + "/texts/deep/er/b é.txt"}; err != nil || !slices.Equal(found, want) {
		t.Errorf("the files are %q, want %q: %v", found, want, err)
	}

	b := s.must("POST", "/api/brews", `{"folder":"`+id+`","name":"drafted","language":"en","licence":"CC0-1.0","origin":"me","minutes":5}`)
	s.becomes(id, Finished)
	if b["id"] != id {
		t.Errorf("the brew is %v", b)
	}
	s.refused(409, "in_use", "PUT", put+"late.txt", "x")
	s.refused(409, "in_use", "DELETE", "/api/folders/"+id, "")
	if !s.must("GET", "/api/brews/"+id, "")["dropped"].(bool) {
		t.Error("the brew does not say that its texts were dropped")
	}
	s.must("DELETE", "/api/brews/"+id, "")
	if n := s.runs.drops.kept(); n != 0 {
		t.Errorf("%d bytes are kept of removed folders", n)
	}
}

// TestDropLinks has a link lie in the way of what is written.
func TestDropLinks(t *testing.T) {
	s := start(t, Limits{})
	id := s.folder()
	outside := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(s.dir, id, textsDir, "way")); err != nil {
		t.Skip("this system makes no links: ", err)
	}
	if status, v := s.ask("PUT", "/api/folders/"+id+"/way/x.txt", "x"); status < 400 {
		t.Errorf("a link is followed: %v", v)
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("outside lie %v, %v", left, err)
	}
}

func TestDropAtOnce(t *testing.T) {
	s := start(t, Limits{FileBytes: 10, FolderBytes: 100, Files: 1000, AllBytes: 1000})
	id := s.folder()
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() { s.ask("PUT", fmt.Sprintf("/api/folders/%s/%d", id, i), "0123456789") })
	}
	all.Wait()
	files, err := os.ReadDir(filepath.Join(s.dir, id, textsDir))
	if err != nil || len(files) != 10 || s.runs.drops.kept() != 100 {
		t.Errorf("%d files of 10 bytes where 100 bytes are allowed; %d are counted: %v", len(files), s.runs.drops.kept(), err)
	}
}

func FuzzCheckPath(f *testing.F) {
	for _, s := range []string{"a.txt", "a/b/c.md", "../x", "/x", "a//b", "a/./b", ".git/config", "a\\..\\b", "C:x", "é/ü.txt", "", "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if checkPath(name) == nil && (!filepath.IsLocal(name) || strings.Contains(name, "/.") || strings.HasPrefix(name, ".")) {
			t.Errorf("%q is accepted", name)
		}
	})
}

func TestTail(t *testing.T) {
	w := &tail{}
	fmt.Fprint(w, strings.Repeat("noise\n", 5000), "samovar: this is why\n")
	if got := w.last(); got != "this is why" {
		t.Errorf("the last line is %q", got)
	}
}
