package registry

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"samovar"
)

// Whatever a manifest says, no path outside the blobs comes of it.
func FuzzManifest(f *testing.F) {
	s := open(f)
	a := put(f, s, samovar.KindModel, "model")
	good, err := s.Blob(a.Digest)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(strings.Replace(string(good), `"data"`, `"../../etc/passwd"`, 1)))
	f.Add([]byte(strings.Replace(string(good), "sha256:", "sha256:../", 1)))
	f.Add([]byte(`{"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[{"size":-1}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > maxDocument {
			return
		}
		d, err := s.PutBlob(b)
		if err != nil {
			t.Fatal(err)
		}
		in, err := s.Input(d)
		if err != nil {
			return
		}
		for name, path := range in.Paths {
			if filepath.Base(name) != name || filepath.Dir(path) != filepath.Join(s.Dir(), blobsName) {
				t.Errorf("file %q lies at %s", name, path)
			}
		}
	})
}

// Whatever the index says, the store answers or refuses.
func FuzzIndex(f *testing.F) {
	s := filled(f)
	path := filepath.Join(s.Dir(), indexName)
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, "tales")
	f.Add([]byte(`{"manifests":[{"digest":"sha256:../../x"}]}`), "tales:q8_0")
	f.Add([]byte(`{}`), "0123456789abcdef")
	f.Fuzz(func(t *testing.T, b []byte, ref string) {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if d, err := s.Resolve(ref); err == nil {
			if _, err := samovar.ParseDigest(string(d)); err != nil {
				t.Errorf("Resolve(%q) = %q", ref, d)
			}
		}
		if _, err := s.Verify(context.Background(), nil); err != nil {
			t.Error(err)
		}
		_, _, _ = s.GC(context.Background(), Keep{}, true)
	})
}
