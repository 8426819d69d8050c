package stage

import (
	"encoding/binary"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"samovar/robot/mechanism"
)

// triangles are the bytes of a file of so many.
func triangles(n int) []byte {
	return append(binary.LittleEndian.AppendUint32(make([]byte, 80), uint32(n)), make([]byte, 50*n)...)
}

// TestMeshes holds that a model's files are given out and nothing else is.
func TestMeshes(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"secret.stl": triangles(1), "robot/meshes/good.STL": triangles(3), "robot/meshes/short.stl": triangles(3)[:200],
		"robot/meshes/head.stl": make([]byte, 10), "robot/meshes/other.obj": triangles(1), "robot/meshes/unnamed.stl": triangles(1),
	} {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "secret.stl"), filepath.Join(dir, "robot/meshes/link.stl")); err != nil {
		t.Log(err)
	}
	m := &mechanism.Model{MeshDir: "meshes"}
	for _, file := range []string{"good.STL", "short.stl", "head.stl", "other.obj", "../../secret.stl", "link.stl", "none.stl", filepath.Join(dir, "secret.stl"), "."} {
		m.Meshes = append(m.Meshes, mechanism.MeshFile{Name: file, File: file, Scale: mechanism.Vector{1, 1, 1}})
	}
	s := &Server{mux: http.NewServeMux(), meshes: openMeshes(t.Context(), filepath.Join(dir, "robot", "robot.xml"), m, slog.New(slog.DiscardHandler))}
	s.mux.HandleFunc("GET /api/robot/meshes/{number}", s.serveMesh)
	for number, want := range map[string]int{"0": 200, "1": 404, "2": 404, "3": 404, "4": 404, "5": 404, "6": 404, "7": 404, "8": 404, "9": 404, "-1": 404, "good.STL": 404, "unnamed.stl": 404} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/api/robot/meshes/"+number, nil))
		if body, _ := io.ReadAll(w.Body); w.Code != want || want == 200 && len(body) != 84+150 {
			t.Errorf("mesh %s: %d, %d bytes", number, w.Code, len(body))
		}
	}

	body := mechanism.Body{Mass: 1, Inertia: mechanism.Matrix{1, 0, 0, 0, 1, 0, 0, 0, 1}}
	m.Bodies = []mechanism.Body{{}, body, body, body}
	m.Geoms = []mechanism.Geom{
		{Body: 1, Shape: mechanism.Mesh, Mesh: "good.STL"},                                                       // for the eye
		{Body: 1, Shape: mechanism.Mesh, Mesh: "good.STL", Type: 1}, {Body: 1, Shape: mechanism.Sphere, Type: 1}, // collide
		{Body: 2, Shape: mechanism.Mesh, Mesh: "short.stl", Type: 1},
		{Body: 3, Shape: mechanism.Mesh, Mesh: "short.stl"}, {Body: 3, Shape: mechanism.Box, Type: 1},
	}
	shapes := shapesOf(m, &s.meshes)
	if len(shapes) != 3 || shapes[0].Type != "mesh" || *shapes[0].Mesh != 0 || shapes[0].Size != (mechanism.Vector{1, 1, 1}) || shapes[1].Type != "box" || shapes[2].Type != "ellipsoid" || shapes[2].Body != 2 {
		t.Errorf("the shapes are %+v", shapes)
	}
}

// TestG1 draws a model that people load.
func TestG1(t *testing.T) {
	data := os.Getenv("SAMOVAR_DATA")
	if data == "" {
		t.Skip("set SAMOVAR_DATA to the folder of the data")
	}
	path := filepath.Join(data, "robot/g1/g1_29dof.xml")
	f, err := os.Open(path)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	m, err := mechanism.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	files := openMeshes(t.Context(), path, m, slog.New(slog.NewTextHandler(t.Output(), nil)))
	for _, s := range shapesOf(m, &files) {
		if s.Type != "mesh" {
			t.Errorf("body %s is drawn as a %s", m.Bodies[s.Body].Name, s.Type)
		}
	}
}
