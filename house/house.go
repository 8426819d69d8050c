// Package house is the model that is shipped with the program, with the records
// of the runs that made it. It loads and serves nothing. Start with [Model].
package house

import (
	_ "embed"
)

// Name is the model's name in a store.
const Name = "house"

//go:embed house.gguf
var model []byte

//go:embed runs.json
var runs []byte

// Model returns the GGUF file. It must not be changed.
func Model() []byte { return model }

// Runs returns the run records of the model and of all that it was made from,
// a JSON array in the order of the runs. It must not be changed.
func Runs() []byte { return runs }
