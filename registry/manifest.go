package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"samovar"
)

// Media types and annotations of the CNCF ModelPack specification, v1.
const (
	typeManifest   = "application/vnd.cncf.model.manifest.v1+json"
	typeConfig     = "application/vnd.cncf.model.config.v1+json"
	typeWeight     = "application/vnd.cncf.model.weight.v1.raw"
	typeWeightConf = "application/vnd.cncf.model.weight.config.v1.raw"
	typeDataset    = "application/vnd.cncf.model.dataset.v1.raw"
	typeDoc        = "application/vnd.cncf.model.doc.v1.raw"
	annotationPath = "org.cncf.model.filepath"
)

// modelConfig is the ModelPack configuration, whose three objects are
// required. createdAt is left out, so that equal content has equal digests.
// Samovar is ours: readers of ModelPack pass over it.
type modelConfig struct {
	Descriptor struct{} `json:"descriptor"`
	ModelFS    modelFS  `json:"modelfs"`
	Config     struct{} `json:"config"`
	Samovar    *content `json:"samovar,omitempty"`
}

type modelFS struct {
	Type    string           `json:"type"` // "layers"
	DiffIDs []samovar.Digest `json:"diffIds"`
}

// content says what an artifact is.
type content struct {
	Kind   samovar.Kind    `json:"kind"`
	Config json.RawMessage `json:"config,omitempty"`
}

// Put moves the files of out into the store and writes the manifest that makes
// them an artifact. Files are sorted by name and Config is written with sorted
// keys: the digest depends on nothing but content. An empty MediaType becomes
// the one that ModelPack has for the kind. A crash or error leaves the store
// valid; files moved before it are found again by their digest.
func (s *Store) Put(ctx context.Context, out samovar.Output) (samovar.Artifact, error) {
	action := fmt.Sprintf("put the %s", out.Kind)
	if err := s.writable(action); err != nil {
		return samovar.Artifact{}, err
	}
	release, err := s.Hold(ctx)
	if err != nil {
		return samovar.Artifact{}, err
	}
	defer release()
	a, err := s.put(ctx, out)
	if err != nil {
		return samovar.Artifact{}, s.failed(action, err)
	}
	return a, nil
}

func (s *Store) put(ctx context.Context, out samovar.Output) (samovar.Artifact, error) {
	files, err := checkOutput(out)
	if err != nil {
		return samovar.Artifact{}, err
	}
	config, err := canonical(out.Config)
	if err != nil {
		return samovar.Artifact{}, fmt.Errorf("its configuration: %w", err)
	}
	a := samovar.Artifact{Kind: out.Kind, Config: config}
	for _, f := range files {
		file, err := s.ingest(ctx, f)
		if err != nil {
			return samovar.Artifact{}, fmt.Errorf("file %s: %w", f.Name, err)
		}
		a.Files = append(a.Files, file)
	}
	configBlob, manifest, err := encodeArtifact(a)
	if err != nil {
		return samovar.Artifact{}, err
	}
	if _, err := s.putBytes(configBlob); err != nil {
		return samovar.Artifact{}, err
	}
	if len(files) == 0 {
		if _, err := s.putBytes(ocispec.DescriptorEmptyJSON.Data); err != nil {
			return samovar.Artifact{}, err
		}
	}
	// What the manifest names must be durable before the manifest is.
	if err := s.syncDir(blobsName); err != nil {
		return samovar.Artifact{}, err
	}
	if a.Digest, err = s.putBytes(manifest); err != nil {
		return samovar.Artifact{}, err
	}
	if err := s.syncDir(blobsName); err != nil {
		return samovar.Artifact{}, err
	}
	return a, s.addManifest(ctx, a.Digest, int64(len(manifest)))
}

// checkOutput returns the files sorted by name, each with a media type.
func checkOutput(out samovar.Output) ([]samovar.OutputFile, error) {
	if out.Kind == "" {
		return nil, errors.New("an artifact needs a kind")
	}
	files := slices.Clone(out.Files)
	slices.SortFunc(files, func(a, b samovar.OutputFile) int { return strings.Compare(a.Name, b.Name) })
	for i := range files {
		if err := checkName(files[i].Name); err != nil {
			return nil, err
		}
		if i > 0 && files[i].Name == files[i-1].Name {
			return nil, fmt.Errorf("two files are named %q", files[i].Name)
		}
		if files[i].MediaType == "" {
			files[i].MediaType = mediaType(out.Kind, files[i].Name)
		}
	}
	return files, nil
}

// checkName refuses what could not be the name of one file in a folder.
func checkName(name string) error {
	bad := func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`/\:`, r) }
	if name == "" || name == "." || name == ".." || len(name) > 255 || strings.ContainsFunc(name, bad) {
		return fmt.Errorf("%q cannot be a file's name within an artifact", name)
	}
	return nil
}

// mediaType is what ModelPack calls a file of that kind of artifact.
func mediaType(kind samovar.Kind, name string) string {
	switch kind {
	case samovar.KindCorpus, samovar.KindShards:
		return typeDataset
	case samovar.KindTokenizer:
		return typeWeightConf
	case samovar.KindModel:
		switch filepath.Ext(name) {
		case ".gguf", ".safetensors":
			return typeWeight
		}
		return typeWeightConf
	}
	return typeDoc
}

// canonical returns v as JSON with sorted keys and without white space; nil
// for nil. Numbers keep the digits that v's own encoding gives them.
func canonical(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var tree any
	if err := dec.Decode(&tree); err != nil {
		return nil, err
	}
	if tree == nil {
		return nil, nil
	}
	return encode(tree)
}

// encode is json.Marshal without the escapes for HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func describe(mediaType string, d samovar.Digest, size int64) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.Digest(d), Size: size}
}

// encodeArtifact returns the bytes of the configuration and of the manifest.
func encodeArtifact(a samovar.Artifact) (config, manifest []byte, err error) {
	m := ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: typeManifest,
	}
	c := modelConfig{Samovar: &content{Kind: a.Kind, Config: a.Config}}
	c.ModelFS = modelFS{Type: "layers", DiffIDs: []samovar.Digest{}}
	for _, f := range a.Files {
		layer := describe(f.MediaType, f.Digest, f.Size)
		layer.Annotations = map[string]string{annotationPath: f.Name, ocispec.AnnotationTitle: f.Name}
		m.Layers = append(m.Layers, layer)
		c.ModelFS.DiffIDs = append(c.ModelFS.DiffIDs, f.Digest)
	}
	if len(m.Layers) == 0 {
		// Registries want one layer; the image specification has this for none.
		m.Layers = []ocispec.Descriptor{ocispec.DescriptorEmptyJSON}
		c.ModelFS.DiffIDs = append(c.ModelFS.DiffIDs, samovar.Digest(ocispec.DescriptorEmptyJSON.Digest))
	}
	if config, err = encode(c); err != nil {
		return nil, nil, err
	}
	m.Config = describe(typeConfig, samovar.DigestOf(config), int64(len(config)))
	if manifest, err = encode(m); err != nil {
		return nil, nil, err
	}
	if len(config) > maxDocument || len(manifest) > maxDocument {
		return nil, nil, fmt.Errorf("its configuration of %d bytes and manifest of %d are limited to %d each", len(config), len(manifest), maxDocument)
	}
	return config, manifest, nil
}

// Get returns the artifact whose manifest has that digest. One that another
// program has made is a model without a Config.
func (s *Store) Get(d samovar.Digest) (samovar.Artifact, error) {
	m, err := s.manifest(d)
	if err != nil {
		return samovar.Artifact{}, err
	}
	a := samovar.Artifact{Digest: d, Kind: samovar.KindModel}
	for _, l := range m.Layers {
		if l.MediaType == ocispec.MediaTypeEmptyJSON {
			continue
		}
		f, err := fileOf(l)
		if err != nil {
			return samovar.Artifact{}, fmt.Errorf("read manifest %s of %s: %w", d.Short(), s.dir, err)
		}
		a.Files = append(a.Files, f)
	}
	if m.Config.MediaType != typeConfig {
		return a, nil
	}
	b, err := s.Blob(samovar.Digest(m.Config.Digest))
	if err != nil {
		return samovar.Artifact{}, err
	}
	var c modelConfig
	if err := json.Unmarshal(b, &c); err != nil {
		return samovar.Artifact{}, fmt.Errorf("read the configuration of %s in %s: %w", d.Short(), s.dir, err)
	}
	if c.Samovar != nil {
		a.Kind, a.Config = c.Samovar.Kind, c.Samovar.Config
	}
	return a, nil
}

// manifest returns the image manifest with that digest.
func (s *Store) manifest(d samovar.Digest) (ocispec.Manifest, error) {
	b, err := s.Blob(d)
	if err != nil {
		return ocispec.Manifest{}, err
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(b, &m); err != nil || m.MediaType != ocispec.MediaTypeImageManifest {
		return ocispec.Manifest{}, fmt.Errorf("read %s of %s: it is no artifact's manifest", d.Short(), s.dir)
	}
	return m, nil
}

// fileOf reads a layer's descriptor, whose fields may be anybody's.
func fileOf(l ocispec.Descriptor) (samovar.File, error) {
	d, err := samovar.ParseDigest(string(l.Digest))
	if err != nil {
		return samovar.File{}, err
	}
	name := l.Annotations[annotationPath]
	if name == "" {
		name = l.Annotations[ocispec.AnnotationTitle]
	}
	if name == "" {
		name = d.Short()
	}
	if err := checkName(name); err != nil {
		return samovar.File{}, err
	}
	if l.Size < 0 {
		return samovar.File{}, fmt.Errorf("file %s has %d bytes", name, l.Size)
	}
	return samovar.File{Name: name, MediaType: l.MediaType, Digest: d, Size: l.Size}, nil
}

// Input returns the artifact with the paths of its files, each of which is
// there with its full size; its content is checked by Verify.
func (s *Store) Input(d samovar.Digest) (samovar.Input, error) {
	a, err := s.Get(d)
	if err != nil {
		return samovar.Input{}, err
	}
	in := samovar.Input{Artifact: a, Paths: make(map[string]string, len(a.Files))}
	for _, f := range a.Files {
		path, err := s.blobPath(f.Digest)
		if err != nil {
			return samovar.Input{}, err
		}
		fi, err := os.Lstat(path)
		if err != nil || !fi.Mode().IsRegular() || fi.Size() != f.Size {
			return samovar.Input{}, fmt.Errorf("open file %s of %s in %s: its blob is missing or cut short: run samovar verify", f.Name, d.Short(), s.dir)
		}
		in.Paths[f.Name] = path
	}
	return in, nil
}
