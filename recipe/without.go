package recipe

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Without returns the text of the recipe without the sources at these places in
// its corpus, and without a prediction, which was of all of them. Comments stay, but
// for those of what is left out; one before the first source is taken for one about all.
func (r *Recipe) Without(drop []int) (string, error) {
	if len(drop) == 0 {
		return r.Text, nil
	}
	if len(drop) >= len(r.Corpus) {
		return "", fmt.Errorf("recipe %s: nothing would be left of its corpus", r.Name)
	}
	file, err := parser.ParseBytes([]byte(r.Text), parser.ParseComments)
	if err != nil {
		return "", fmt.Errorf("recipe %s: no YAML: %s", r.Name, firstLine(err.Error()))
	}
	list, err := corpusOf(file)
	if err != nil {
		return "", fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	forgetPrediction(file)
	for _, i := range slices.Backward(slices.Sorted(slices.Values(drop))) {
		list.Values = slices.Delete(list.Values, i, i+1)
		if i < len(list.ValueHeadComments) {
			list.ValueHeadComments = slices.Delete(list.ValueHeadComments, i, i+1)
		}
		if i < len(list.Entries) {
			list.Entries = slices.Delete(list.Entries, i, i+1)
		}
	}
	text := file.String()
	return text, r.sameBut(drop, text)
}

// corpusOf finds the list of sources in a recipe's tree.
func corpusOf(file *ast.File) (*ast.SequenceNode, error) {
	for _, doc := range file.Docs {
		var fields []*ast.MappingValueNode
		switch body := doc.Body.(type) {
		case *ast.MappingNode:
			fields = body.Values
		case *ast.MappingValueNode: // there is only one
			fields = []*ast.MappingValueNode{body}
		}
		for _, f := range fields {
			if list, ok := f.Value.(*ast.SequenceNode); ok && f.Key.GetToken().Value == "corpus" {
				return list, nil
			}
		}
	}
	return nil, errNoList
}

// forgetPrediction takes out what was predicted for the model: it was of all the
// sources.
func forgetPrediction(file *ast.File) {
	for _, doc := range file.Docs {
		if body, ok := doc.Body.(*ast.MappingNode); ok {
			body.Values = slices.DeleteFunc(body.Values, func(f *ast.MappingValueNode) bool {
				return f.Key.GetToken().Value == "predict"
			})
		}
	}
}

var errNoList = errors.New("its corpus is not written as a plain list: take the source out by hand")

// sameBut returns an error unless text reads as r without the sources at these
// places and without a prediction.
func (r *Recipe) sameBut(drop []int, text string) error {
	got, err := Parse([]byte(text), r.Dir)
	if err != nil {
		return fmt.Errorf("recipe %s: what is left of it cannot be read: %w: take the source out by hand", r.Name, err)
	}
	want := *r
	want.Corpus, want.Predict = nil, nil
	for i, s := range r.Corpus {
		if !slices.Contains(drop, i) {
			want.Corpus = append(want.Corpus, s)
		}
	}
	want.Text, want.Reads = got.Text, got.Reads
	if !reflect.DeepEqual(*got, want) {
		return fmt.Errorf("recipe %s: it cannot be written again without changing more: take the source out by hand", r.Name)
	}
	return nil
}
