package registry

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/oci"

	"samovar"
)

// Another program's client copies every name out and into a new store.
func TestOrasCopiesThereAndBack(t *testing.T) {
	ctx := context.Background()
	s := filled(t)
	plan, err := s.Put(ctx, samovar.Output{Kind: samovar.KindPlan, Config: map[string]int{"steps": 3}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tag("plan:tiny", plan.Digest); err != nil {
		t.Fatal(err)
	}
	tags, err := s.Tags()
	if err != nil {
		t.Fatal(err)
	}
	dirs := []string{s.Dir(), filepath.Join(t.TempDir(), "there"), filepath.Join(t.TempDir(), "back")}
	for i := range dirs[1:] {
		from, err := oci.New(dirs[i])
		if err != nil {
			t.Fatal(err)
		}
		to, err := oci.New(dirs[i+1])
		if err != nil {
			t.Fatal(err)
		}
		for _, tag := range tags {
			d, err := oras.Copy(ctx, from, tag.Name, to, tag.Name, oras.DefaultCopyOptions)
			if err != nil {
				t.Fatal(err)
			}
			if string(d.Digest) != string(tag.Digest) {
				t.Errorf("%s: oras copied %s, we have %s", tag.Name, d.Digest, tag.Digest)
			}
		}
	}
	back, err := Open(dirs[2])
	if err != nil {
		t.Fatal(err)
	}
	sound(t, back)
	for _, tag := range tags {
		want, err := s.Get(tag.Digest)
		if err != nil {
			t.Fatal(err)
		}
		d, err := back.Resolve(tag.Name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := back.Input(d)
		if err != nil || got.Kind != want.Kind || string(got.Config) != string(want.Config) || len(got.Files) != len(want.Files) {
			t.Errorf("%s came back as %+v, %v, want %+v", tag.Name, got, err, want)
		}
	}
	sound(t, s)
}

// What another program tags is usable, but Verify cannot vouch for the name.
func TestOrasTags(t *testing.T) {
	ctx := context.Background()
	s := filled(t)
	theirs, err := oci.New(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := oras.Tag(ctx, theirs, "tales", "theirs"); err != nil {
		t.Fatal(err)
	}
	ours, err := s.Resolve("tales")
	if err != nil {
		t.Fatal(err)
	}
	if d, err := s.Resolve("theirs"); err != nil || d != ours {
		t.Errorf("theirs is %s, %v", d, err)
	}
	problems, err := s.Verify(ctx, nil)
	if err != nil || len(problems) == 0 || !strings.Contains(problems[len(problems)-1].What, `"theirs"`) {
		t.Errorf("problems %v, %v", problems, err)
	}
	if err := s.Tag("theirs", ours); err != nil {
		t.Fatal(err)
	}
	sound(t, s)
}

// An artifact that another program has packed, without our configuration.
func TestForeignArtifact(t *testing.T) {
	ctx := context.Background()
	s := open(t)
	theirs, err := oci.New(s.Dir())
	if err != nil {
		t.Fatal(err)
	}
	layer, err := oras.PushBytes(ctx, theirs, typeWeight, []byte("GGUF"))
	if err != nil {
		t.Fatal(err)
	}
	layer.Annotations = map[string]string{annotationPath: "model.gguf"}
	m, err := oras.PackManifest(ctx, theirs, oras.PackManifestVersion1_1, typeManifest,
		oras.PackManifestOptions{Layers: []ocispec.Descriptor{layer}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tag("foreign", samovar.Digest(m.Digest)); err != nil {
		t.Fatal(err)
	}
	d, err := s.Resolve("foreign")
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.Input(d)
	if err != nil || in.Kind != samovar.KindModel {
		t.Fatalf("%+v, %v", in, err)
	}
	path, err := in.Path("model.gguf")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "GGUF" {
		t.Errorf("%q, %v", b, err)
	}
	sound(t, s)
}
