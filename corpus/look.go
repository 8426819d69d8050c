package corpus

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"samovar/corpus/document"
	"samovar/corpus/filter"
)

// Look returns the sources that a file or folder holds, as a recipe names them:
// where they lie, in which field, kind and language. Licence and origin cannot be
// seen in a text and stay empty. A folder is one source if its files are read
// alike; otherwise each of its entries is looked at in turn, but not each of many
// files that differ in their language alone. Programs have no language, zxx.
func Look(ctx context.Context, dir string) ([]Source, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("look at %s: %w", dir, err)
	}
	files, err := Source{Path: root}.files(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at the texts: %w", err)
	}
	var all []glimpse
	lines, texts := 0, 0
	for i, f := range files {
		v := glimpse{file: f}
		info, err := os.Stat(f.path)
		if err != nil {
			return nil, fmt.Errorf("look at the texts: %w", err)
		}
		if info.Size() == 0 {
			continue
		}
		if _, ext := extensions(f.name); !f.lines && filter.ClassOf(ext, "", false) == filter.Code {
			v.as.Language, v.told = noLanguage, true
			all = append(all, v)
			continue
		}
		if f.lines {
			lines++
		} else if texts++; texts%max(1, len(files)/lookedAt) != 0 {
			all = append(all, v) // its neighbours speak for it
			continue
		}
		if v.as, v.text, err = look(ctx, &files[i]); err != nil {
			return nil, fmt.Errorf("look at %s: %w", f.path, err)
		}
		if v.as.Path = ""; v.text != "" {
			v.as.Language, v.told = filter.Identify(v.text), true
		}
		all = append(all, v)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("look at the texts: %s holds nothing but empty files: choose another folder", root)
	}
	if len(files) == 1 && files[0].path == root {
		all[0].as.Path = root
		return []Source{all[0].as}, nil
	}
	return sources(root, ".", all), nil
}

// lookedAt is about how many files of text are opened to learn their language.
const lookedAt = 200

// glimpse is a file that was looked at.
type glimpse struct {
	file
	as   Source // Field, Kind and Language
	text string // its beginning; empty: it was not opened
	told bool   // its language was looked at
}

// sources returns those of the files below root/name.
func sources(root, name string, files []glimpse) []Source {
	s, readAlike, oneLanguage := alike(files)
	if readAlike && (oneLanguage || loose(name, files) > manyFiles) {
		s.Path = filepath.Join(root, filepath.FromSlash(name))
		return []Source{s}
	}
	if len(files) == 1 { // not opened
		return []Source{{Path: filepath.Join(root, filepath.FromSlash(name)), Language: unknown}}
	}
	var all []Source
	below := map[string][]glimpse{}
	for _, f := range files {
		rest := strings.TrimPrefix(f.name, name+"/")
		entry, _, _ := strings.Cut(rest, "/")
		below[entry] = append(below[entry], f)
	}
	for _, entry := range slices.Sorted(maps.Keys(below)) {
		all = append(all, sources(root, path.Join(name, entry), below[entry])...)
	}
	return all
}

// manyFiles in one folder that differ in their language alone are one source: a
// recipe of hundreds is none.
const manyFiles = 16

// loose counts the files that lie in the folder itself.
func loose(name string, files []glimpse) (n int) {
	for _, f := range files {
		if path.Dir(f.name) == name {
			n++
		}
	}
	return n
}

// The tags of a language that could not be told, and of what is in none.
const (
	unknown    = "und"
	noLanguage = "zxx"
)

// nearlyAll is the share of a folder's files that say in which language it is.
const nearlyAll = 0.9

// alike returns how files are read if one source can read them all, with one
// field and kind, and whether nearly all that were looked at have one language,
// which is the commonest. A folder of JSON lines and other files is read alike
// where the field is the usual one.
func alike(files []glimpse) (s Source, readAlike, oneLanguage bool) {
	type form struct{ field, kind string }
	forms, languages, opened := map[form]int{}, map[string]int{}, 0
	for _, f := range files {
		if !f.lines {
			forms[form{}]++
		} else {
			forms[form{f.as.Field, f.as.Kind}]++
		}
		if f.told {
			languages[f.as.Language]++
			opened++
		}
	}
	if len(forms) != 1 {
		return s, false, false
	}
	for f := range forms {
		s.Field, s.Kind = f.field, f.kind
	}
	s.Language = unknown
	if opened == 0 {
		return s, len(files) > 1, true
	}
	best := slices.MaxFunc(slices.Sorted(maps.Keys(languages)), func(a, b string) int { return cmp.Compare(languages[a], languages[b]) })
	s.Language = best
	return s, true, float64(languages[best]) >= nearlyAll*float64(opened)
}

// lookBytes is how much of a file is looked at.
const lookBytes = 64 << 10

// look opens a file and returns how it is read, and the beginning of its text.
func look(ctx context.Context, f *file) (s Source, text string, err error) {
	var read counter
	in, err := open(ctx, f, &read)
	if err != nil {
		return s, "", err
	}
	defer in.Close()
	r := bufio.NewReaderSize(in.text, lookBytes)
	head, err := r.Peek(lookBytes)
	if len(head) == 0 && err != nil {
		s.Language = unknown
		return s, "", nil // what is empty or damaged is reported when it is read
	}
	if !f.lines {
		if f.format(head) == document.Plain && !isBinary(head[:min(len(head), binaryHead)]) {
			text = strings.ToValidUTF8(string(head), "")
		}
		s.Language = unknown
		return s, text, nil
	}
	var line []byte
	if err := readLines(r, func(_ int, data []byte) error { line = slices.Clone(data); return errSeen }); err != errSeen {
		return s, "", err
	}
	return lookAtLine(line)
}

// errSeen ends reading when the first line is there.
var errSeen = errors.New("seen")

// fields are the names that data sets give to what a line is about, the likeliest
// first.
var fields = []string{"text", "turns", "messages", "conversations", "conversation", "content", "story", "body", "document", "article"}

// lookAtLine returns how a line of JSON is read: the field of a known name, or
// the longest text there is.
func lookAtLine(line []byte) (s Source, text string, err error) {
	s.Language = unknown
	line, _, err = object(line, `{"text": …}`)
	if err != nil {
		return s, "", err
	}
	_, names := member(line, "")
	for _, pair := range []string{"chosen", "rejected"} {
		if !slices.Contains(names, pair) {
			break
		}
		if pair == "rejected" {
			s.Kind = Preference
			return s, "", nil
		}
	}
	var longest []byte
	for _, name := range append(slices.Clone(fields), names...) {
		value, _ := member(line, name)
		known := slices.Contains(fields, name)
		if value == nil || value[0] != '"' && (value[0] != '[' || !known) || !known && len(value) <= len(longest) {
			continue
		}
		longest, s.Field = value, name
		if known {
			break
		}
	}
	if longest == nil {
		return s, "", fmt.Errorf("no field of its first line holds a text or turns; there is %s", quoted(names))
	}
	raw, turns, err := s.content(longest)
	if err != nil {
		return s, "", err
	}
	if turns != nil {
		s.Kind = Text
		if _, why := dialogue(slices.Clone(turns)); why == "" {
			s.Kind = Dialogue
		}
		raw = script(turns)
	}
	if s.Field == "text" && s.Kind == "" {
		s.Field = "" // what a source reads unless it says otherwise
	}
	return s, strings.ToValidUTF8(string(raw[:min(len(raw), lookBytes)]), ""), nil
}
