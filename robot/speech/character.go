package speech

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"samovar"
)

// Character is who the robot is.
type Character struct {
	Name  string // what it is called
	Maker string // who made it, as part of a sentence
	Rules string // what it may and may not say, in sentences; added to the system prompt
}

// Own is the character of our own robot.
func Own() Character {
	return Character{
		Name: "Samovar", Maker: "the people who run this machine",
		Rules: "You do not pretend to be a person. You say that you do not know when you do not. You give no advice on health, law or money, and say who can.",
	}
}

// System is what a model is told before the dialogue. It is short, because it is read
// before every first word.
func (c Character) System() string {
	return strings.TrimSpace(fmt.Sprintf("You are %s, a humanoid robot made by %s. You speak aloud: answer in one to three short sentences, in the language of the question, without lists. %s", c.Name, c.Maker, c.Rules))
}

// phrases are what a robot says and is asked in a language; %s is its name.
type phrases struct {
	hello, who             string // to the model
	greeting, introduction string // without one
	sorry                  string // where the model fails
}

var spoken = map[string]phrases{
	"en": {"Hello.", "Who are you?", "Hello! I am %s.", "I am %s, a humanoid robot. I can talk, and I can dance to your music.", "I am sorry, I cannot answer right now."},
	"fr": {"Bonjour.", "Qui êtes-vous ?", "Bonjour ! Je suis %s.", "Je suis %s, un robot humanoïde. Je parle, et je danse sur votre musique.", "Je suis désolé, je ne peux pas répondre maintenant."},
	"ru": {"Здравствуйте.", "Кто вы?", "Здравствуйте! Я %s.", "Я %s, человекоподобный робот. Я разговариваю и танцую под вашу музыку.", "Извините, сейчас я не могу ответить."},
	"ar": {"مرحبا.", "من أنت؟", "مرحبا! أنا %s.", "أنا %s، روبوت على هيئة إنسان. أتحدث وأرقص على موسيقاكم.", "عفوا، لا أستطيع الإجابة الآن."},
}

// known are words by which people greet a robot and ask who it is, without hyphens and
// apostrophes.
var known = map[string]struct{ hello, who string }{
	"en": {"hello, hi, good morning, good evening", "who are you, your name, introduce yourself"},
	"fr": {"bonjour, bonsoir, salut", "qui êtes vous, qui es tu, tu es qui, votre nom, ton nom, présente toi, présentez vous"},
	"ru": {"здравствуйте, здравствуй, привет, добрый день, добрый вечер, доброе утро", "кто вы, кто ты, ты кто, вы кто, тебя зовут, вас зовут, представься, представьтесь"},
	"ar": {"مرحبا, أهلا, السلام عليكم, صباح الخير, مساء الخير", "من أنت, من انت, ما اسمك, عرف بنفسك"},
}

// phrasesIn returns the phrases of a language, English ones for one that is not spoken.
func phrasesIn(language string) (phrases, string) {
	if p, ok := spoken[language]; ok {
		return p, language
	}
	return spoken["en"], "en"
}

// Greeting is what the robot says to whoever comes, without a model.
func (c Character) Greeting(language string) string {
	p, _ := phrasesIn(language)
	return fmt.Sprintf(p.greeting, c.Name)
}

// Introduction says who it is, without a model.
func (c Character) Introduction(language string) string {
	p, _ := phrasesIn(language)
	return fmt.Sprintf(p.introduction, c.Name)
}

// Host receives people: it has a character, a voice and, where there is one, a model
// that thinks of what to say.
type Host struct {
	Character Character
	Talker    *Talker
	Speaker   samovar.Speaker // nil: there is no model
	Knows     []string        // languages that the model was made for; nil: all
}

// Greet says hello, in words of the model if it knows the language. English is "".
func (h *Host) Greet(ctx context.Context, language string) (Said, error) {
	p, language := phrasesIn(language)
	if !h.knows(language) {
		return h.Talker.Say(ctx, Text(h.Character.Greeting(language)), language)
	}
	return h.answer(ctx, p.hello, language)
}

// Introduce says who the robot is, likewise.
func (h *Host) Introduce(ctx context.Context, language string) (Said, error) {
	p, language := phrasesIn(language)
	if !h.knows(language) {
		return h.Talker.Say(ctx, Text(h.Character.Introduction(language)), language)
	}
	return h.answer(ctx, p.who, language)
}

// Answer answers what somebody has said, in a language or the one that it seems to be
// in. Where the model fails, it says so in a sentence.
func (h *Host) Answer(ctx context.Context, question, language string) (Said, error) {
	if language == "" {
		language = Guess(question, "en")
	}
	if !h.knows(language) {
		return h.recite(ctx, question, language)
	}
	return h.answer(ctx, question, language)
}

// recite answers without a model what there are fixed words for, and apologises otherwise.
func (h *Host) recite(ctx context.Context, question, language string) (Said, error) {
	said := " " + strings.Join(strings.FieldsFunc(strings.ToLower(question), func(r rune) bool { return !unicode.IsLetter(r) }), " ") + " "
	asks := func(words string) bool {
		return slices.ContainsFunc(strings.Split(words, ", "), func(w string) bool { return strings.Contains(said, " "+w+" ") })
	}
	switch k := known[language]; {
	case asks(k.who):
		return h.Introduce(ctx, language)
	case asks(k.hello):
		return h.Greet(ctx, language)
	}
	return h.apologise(ctx, language)
}

func (h *Host) knows(language string) bool {
	return h.Speaker != nil && (h.Knows == nil || slices.Contains(h.Knows, language))
}

// answer lets the model answer. Each sentence is spoken in the language that it seems
// to be in, whatever the question's was.
func (h *Host) answer(ctx context.Context, question, language string) (Said, error) {
	var failed error
	answer := func(ctx context.Context, say func(string) error) error {
		failed = h.Speaker.Speak(ctx, question, say)
		return nil
	}
	said, err := h.Talker.say(ctx, answer, "", language)
	switch {
	case err != nil || said.Stopped || said.Cut:
		return said, err
	case failed == nil && said.Text != "":
		return said, nil
	case failed == nil:
		failed = errors.New("it said nothing")
	}
	sorry, err := h.apologise(ctx, language)
	sorry.Text = strings.TrimSpace(said.Text + " " + sorry.Text)
	if err == nil {
		err = fmt.Errorf("let the model answer %q: %w", head(question), failed)
	}
	return sorry, err
}

// apologise says that there is no answer.
func (h *Host) apologise(ctx context.Context, language string) (Said, error) {
	p, language := phrasesIn(language)
	return h.Talker.Say(ctx, Text(p.sorry), language)
}
