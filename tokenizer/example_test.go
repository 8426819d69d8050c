package tokenizer_test

import (
	"fmt"
	"slices"

	"samovar/tokenizer"
)

func ExampleTrain() {
	docs := []string{"the samovar sings", "the samovar boils its water", "the water sings in the samovar"}
	tok, err := tokenizer.Train(slices.Values(docs), tokenizer.Config{Vocab: 280})
	if err != nil {
		fmt.Println(err)
		return
	}
	ids := tok.Encode(nil, "the samovar sings <|im_end|>")
	for _, id := range ids[:4] {
		fmt.Printf("%q\n", tok.Token(id))
	}
	fmt.Printf("%s\n", tok.Decode(nil, ids))
	// Output:
	// "the"
	// " samovar"
	// " sin"
	// "gs"
	// the samovar sings <|im_end|>
}
