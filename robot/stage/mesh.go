package stage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"samovar/robot/mechanism"
)

// Bounds of what pages load, bytes.
const (
	mostMesh   = 16 << 20
	mostMeshes = 128 << 20
)

// meshes are files of triangles that a model names, in its order; empty: it cannot be
// shown. They lie beside the model's file, and nothing else is given out.
type meshes struct {
	folder *os.Root
	files  []string
}

// openMeshes looks at the files of a model until ctx ends; path is that of its file.
func openMeshes(ctx context.Context, path string, m *mechanism.Model, log *slog.Logger) meshes {
	all := meshes{files: make([]string, len(m.Meshes))}
	if len(m.Meshes) == 0 {
		return all
	}
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		log.Warn("the robot is shown without its meshes", "error", err)
		return all
	}
	context.AfterFunc(ctx, func() { folder.Close() })
	all.folder = folder
	left := int64(mostMeshes)
	for k, f := range m.Meshes {
		name := filepath.Join(m.MeshDir, f.File)
		size, err := all.look(name)
		if left -= size; err == nil && left < 0 {
			err = fmt.Errorf("all together have more than %d MB", mostMeshes>>20)
		}
		if err != nil {
			log.Warn("a mesh of the robot is not shown", "file", name, "error", err)
			continue
		}
		all.files[k] = name
	}
	return all
}

// look reports what is wrong with a file of triangles: a binary STL file has a head of 84
// bytes, the last four of which count its triangles, and 50 bytes for each.
func (m *meshes) look(name string) (size int64, err error) {
	if !strings.EqualFold(filepath.Ext(name), ".stl") {
		return 0, errors.New("STL files are shown, no others")
	}
	f, err := m.folder.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	var head [84]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return 0, fmt.Errorf("%d bytes are no STL file", info.Size())
	}
	n := int64(binary.LittleEndian.Uint32(head[80:]))
	switch size = info.Size(); {
	case !info.Mode().IsRegular():
		return 0, errors.New("it is no file")
	case size > mostMesh:
		return 0, fmt.Errorf("%d bytes: %d are the most", size, mostMesh)
	case size != 84+50*n:
		return 0, fmt.Errorf("%d bytes are no binary STL file of %d triangles", size, n)
	}
	return size, nil
}

// has reports whether a mesh can be shown.
func (m *meshes) has(k int) bool { return k >= 0 && k < len(m.files) && m.files[k] != "" }

func (s *Server) serveMesh(w http.ResponseWriter, r *http.Request) {
	k, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || !s.meshes.has(k) {
		s.refuse(w, r, missing("no_such_thing", "there is no such mesh"))
		return
	}
	f, err := s.meshes.folder.Open(s.meshes.files[k])
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "model/stl")
	http.ServeContent(w, r, "", info.ModTime(), f)
}
