package model_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"samovar/model"
)

// huggingFaceDigests are the SHA-256 of the model.safetensors that transformers
// 5.23.0 (safetensors 0.8) writes for the golden models: save_pretrained in
// testdata/golden.py with a folder.
var huggingFaceDigests = map[string]string{
	"llama":           "50e319a0af9e4cf6c126a0bb29b56fd61ed563f6dae12ca5615fea2a1d3455d6",
	"llama-tied":      "70587a5ee3677f0ff790f4c2dadb6690f2c366ef2369b6de326c89f40505f539",
	"qwen3moe":        "260b8266b5ad9139438412a4ee1f3e592cf54d789d1b30ba4373dfed30296248",
	"deepseek2":       "2df52bafac8ddd03b6f12cc9e3e31174806d78a4d9c681442c67cd29e71fdc17",
	"deepseek2-qlora": "a3d93235052ff06ab0ec0246c45d1d6a56fcde08822ab76a18ca8538e563bb50",
	"deepseek3":       "5199252a8460f33f5d958d3c54da93d9b33bec2d712034beeac3697075abead4",
}

// TestHuggingFaceWeights holds the weights to the very bytes of transformers'.
func TestHuggingFaceWeights(t *testing.T) {
	for _, name := range goldens {
		dir := filepath.Join(t.TempDir(), "folder")
		if err := model.WriteHuggingFace(dir, readGolden(t, name).file(t)); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != huggingFaceDigests[name] {
			t.Errorf("%s: model.safetensors has the digest %x, not %s", name, sum, huggingFaceDigests[name])
		}
	}
}
