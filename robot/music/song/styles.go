package song

// A style is what is fixed about a kind of music. Patterns are rows of steps, four
// to a beat: X an accent, x a weaker note, o one that is played half of the time, - a
// note held from the step before, anything else nothing. They are written
// from the common knowledge of drummers, not from any recording.
type style struct {
	name        string
	slow, fast  float64 // beats a minute
	meter       int     // beats a bar
	swing       float64 // where the second of two eighths begins, in a beat; 0.5 is straight
	kick, snare string
	hat         string
	extra       string // rim, clap, shaker or tom, by the song
	bass        string
	comp        string // chords
	lead        string // "" for a random melody
	chords      int    // bars that a chord lasts
}

var styles = []style{
	{"rock", 90, 150, 4, 0.5, "X.......X.o.....", "....X.......X..o", "x.x.x.x.x.x.x.x.", "................", "x.x.x.x.x.x.x.x.", "X---....x-------", "", 1},
	{"disco", 108, 128, 4, 0.5, "X...X...X...X...", "....X.......X...", "x.X.x.X.x.X.x.X.", "....x.......x...", "x.X.x.X.x.X.x.X.", "..x...x...x...x.", "", 1},
	{"techno", 122, 145, 4, 0.5, "X...X...X...X...", "....x.......x...", "..X...X...X...X.", "o.o.o.o.o.o.o.o.", ".xxx.xxx.xxx.xxx", "X..x..x.........", "", 2},
	{"shuffle", 84, 140, 4, 0.66, "X.......X.o.....", "....X.......X...", "x.x.x.x.x.x.x.x.", "................", "X...x...X...x...", "X---x---x---x---", "", 1},
	{"reggae", 68, 92, 4, 0.5, "........X.......", "........x.......", "x.x.x.x.x.x.x.x.", "................", "X...x...x..xx...", "..X...X...X...X.", "", 1},
	{"march", 96, 126, 4, 0.5, "X.......X.......", "x...X.x.x...X.xx", "................", "................", "X.......x.......", "....x.......x...", "", 1},
	{"ballad", 60, 84, 4, 0.5, "X.......X.......", "....x.......x...", "x.x.x.x.x.x.x.x.", "................", "X-------x-------", "X---x---x---x---", "", 1},
	{"waltz", 90, 190, 3, 0.5, "X...........", "....o...o...", "............", "............", "X-----------", "....x...x...", "", 1},
	{"funk", 92, 118, 4, 0.5, "X..x..o...X..o..", "....X..o.o..X..o", "xxxxxxxxxxxxxxxx", "................", "X..x..x.x.o.x.o.", "..x..x....x..x..", "", 2},
	{"bossa", 110, 150, 4, 0.5, "X.....x.X.....x.", "................", "x.x.x.x.x.x.x.x.", "x.....x.....x...", "X.....x.X.....x.", "x..x..x...x..x..", "", 2},
	{"boombap", 80, 98, 4, 0.58, "X.....o...X.....", "....X.......X...", "x.x.x.x.x.x.x.x.", "................", "X.....x...x.....", "X-------........", "", 2},
	{"breakbeat", 155, 176, 4, 0.5, "X.........X.....", "....X..o.o..X...", "x.x.x.x.x.x.x.x.", "................", "X---------x-----", "X---------------", "", 2},
	{"train", 150, 200, 4, 0.5, "X.......X.......", "x.x.X.x.x.x.X.x.", "................", "................", "X.......x.......", "....x.......x...", "", 1},
	{"punk", 160, 200, 4, 0.5, "X.x.....X.x.....", "....X.......X...", "x.x.x.x.x.x.x.x.", "................", "x.x.x.x.x.x.x.x.", "X-x-x-x-x-x-x-x-", "", 1},
	{"house", 118, 130, 4, 0.54, "X...X...X...X...", "....x.......x...", "..X.o.X...X.o.X.", "o..o..o.o..o..o.", "X..x..x.....x...", "..x..x....x..x..", "", 2},
	{"son", 84, 116, 4, 0.5, "x..x....x..x....", "................", "x...x...x...x...", "X..X..X...X.X...", "...x..X-...x..X-", "x.x..x.x.x..x.x.", "", 2},
	{"jazzwaltz", 110, 180, 3, 0.64, "X.....o.....", "......o.o...", "X...x.x.x...", "............", "X...x...x...", "......x.....", "", 2},
	{"strum", 76, 132, 4, 0.5, "................", "................", "................", "................", "X.......x.......", "X...x.x...x.x.x.", "", 1},
	{"chorale", 60, 96, 4, 0.5, "................", "................", "................", "................", "X---x---x---x---", "X---x---x---x---", "X---x---x---x---", 1},
	{"musette", 120, 186, 3, 0.5, "............", "............", "............", "............", "X---........", "....x...x...", "", 1},
	{"motown", 104, 134, 4, 0.5, "X.....x.X.x.....", "X...X...X...X...", "x.x.x.x.x.x.x.x.", "....x.......x...", "X.x..xx.x.xx..x.", "....x.......x...", "", 1},
	{"samba", 88, 112, 4, 0.5, "x..xX..xx..xX..x", "................", "xxxxxxxxxxxxxxxx", "x.x..x.x.x.xx.x.", "x..xX..xx..xX..x", "..x.x..x..x.x..x", "", 2},
}

// progressions are roots in steps of the scale, four chords each.
var progressions = [][4]int{{0, 5, 3, 4}, {0, 4, 5, 3}, {0, 3, 4, 0}, {5, 3, 0, 4}, {0, 2, 3, 4}, {0, 5, 1, 4}, {0, 3, 0, 4}}

// scales are semitones above the key: major, natural minor, dorian.
var scales = [][7]int{{0, 2, 4, 5, 7, 9, 11}, {0, 2, 3, 5, 7, 8, 10}, {0, 2, 3, 5, 7, 9, 10}}
