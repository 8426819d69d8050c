package energy

import "strings"

// cpu is a processor as its maker specifies it.
type cpu struct {
	name    string  // words of the model name
	watts   float64 // thermal design power; Intel's "processor base power" since 2021
	threads int
}

// cpus lists processors by the words that name them. The figures have not been
// checked one by one against the makers' pages; an estimate says which it used.
var cpus = []cpu{
	{"EPYC 7302", 155, 32},
	{"EPYC 7402", 180, 48},
	{"EPYC 7543", 225, 64},
	{"EPYC 7713", 225, 128},
	{"EPYC 7742", 225, 128},
	{"EPYC 7763", 280, 128},
	{"EPYC 9554", 360, 128},
	{"EPYC 9654", 360, 192},
	{"EPYC 9754", 360, 256},
	{"EPYC 9755", 500, 256},
	{"EPYC 9965", 500, 384},
	{"E5-2680 v4", 120, 28},
	{"E5-2690 v4", 135, 28},
	{"Gold 6248", 150, 40},
	{"Gold 6338", 205, 64},
	{"Gold 6430", 270, 64},
	{"Platinum 8280", 205, 56},
	{"Platinum 8358", 250, 64},
	{"Platinum 8380", 270, 80},
	{"Platinum 8480+", 350, 112},
	{"Platinum 8490H", 350, 120},
	{"i5-8250U", 15, 8},
	{"i7-8550U", 15, 8},
	{"i7-10700", 65, 16},
	{"i7-12700", 65, 20},
	{"i9-13900K", 125, 32},
	{"Ryzen 5 5600X", 65, 12},
	{"Ryzen 7 5800X", 105, 16},
	{"Ryzen 7 7840U", 28, 16},
	{"Ryzen 9 5950X", 105, 32},
	{"Ryzen 9 7950X", 170, 32},
}

// known returns the processor that the model name means.
func known(model string) (cpu, bool) {
	for _, c := range cpus {
		if strings.Contains(" "+model+" ", " "+c.name+" ") {
			return c, true
		}
	}
	return cpu{}, false
}
