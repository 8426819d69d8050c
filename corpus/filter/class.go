package filter

import (
	"slices"
	"strings"
)

// codeFiles are the extensions of source code and data, without the dot.
var codeFiles = strings.Fields(`
	asm bash bat bzl c cc cfg clj cmake cpp cs css csv cu cuh cxx dart el erl ex exs f90 fs go gradle h hh hpp hs hxx ini java jl js json
	jsx kt lisp lua m makefile mjs ml mli mm nim nix patch php pl pm proto ps1 py pyi r rb rs s scala scm sh sql sv swift tcl toml ts
	tsv tsx v vb vhd vim vue xml yaml yml zig zsh diff`)

// ClassOf returns what documents of a file are, by its extension (".go"), unless
// the source is of turns or declares no language (zxx).
func ClassOf(ext, language string, dialogue bool) Class {
	ext = strings.TrimPrefix(ext, ".")
	switch {
	case dialogue:
		return Dialogue
	case language == "zxx" || slices.Contains(codeFiles, ext):
		return Code
	case ext == "html" || ext == "htm" || ext == "xhtml":
		return Web
	}
	return Text
}
