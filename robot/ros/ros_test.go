package ros

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// messages are all that there are.
var messages = []Message{
	&Time{}, &Duration{}, &Header{}, &String{}, &ColorRGBA{}, &Vector3{}, &Point{}, &Point32{}, &Quaternion{}, &Pose{}, &Transform{}, &TransformStamped{},
	&Wrench{}, &WrenchStamped{}, &PointStamped{}, &Polygon{}, &PolygonStamped{}, &TFMessage{}, &JointState{}, &Imu{}, &CompressedImage{}, &KeyValue{},
	&DiagnosticStatus{}, &DiagnosticArray{}, &Log{}, &UVCoordinate{}, &MeshFile{}, &Marker{}, &MarkerArray{}, &JointCommand{}, &BodyState{}, &Balance{}, &Beat{},
}

// golden is what testdata/golden.py says of a message.
type golden struct {
	Fields [][2]string
	Data   []string // by the length of its sequences
}

func readGolden(t *testing.T) map[string]golden {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]golden
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// fill gives each number, string and length in order the next value, as golden.py does.
func fill(v reflect.Value, length int, count *int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), length, count)
		}
		return
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), length, length))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), length, count)
		}
		return
	}
	*count++
	n := *count
	switch {
	case v.Kind() == reflect.String:
		v.SetString(strings.Repeat("s", n%5) + strings.Repeat("é", n%2))
	case v.Kind() == reflect.Bool:
		v.SetBool(n%2 == 1)
	case v.CanFloat():
		v.SetFloat(-1.5 * float64(n))
	case v.CanInt():
		v.SetInt(int64(n))
	default:
		v.SetUint(uint64(n))
	}
}

// TestGolden compares definitions with those of ROS 2 Jazzy, and encodings byte for byte
// with those of rosbags, and reads them back.
func TestGolden(t *testing.T) {
	all := readGolden(t)
	if len(all) != len(messages) {
		t.Errorf("golden.json has %d messages, there are %d", len(all), len(messages))
	}
	for _, m := range messages {
		g, ok := all[m.MessageType()]
		if !ok {
			t.Errorf("golden.json has no %s", m.MessageType())
			continue
		}
		first, _, _ := strings.Cut(Definition(reflect.ValueOf(m).Elem().Interface().(Message)), strings.Repeat("=", 80))
		want := ""
		for _, f := range g.Fields {
			want += fmt.Sprintf("%s %s\n", f[1], f[0])
		}
		if first != want {
			t.Errorf("%s is defined as\n%s, in ROS as\n%s", m.MessageType(), first, want)
		}
		for length, data := range g.Data {
			count := 0
			fill(reflect.ValueOf(m).Elem(), length, &count)
			got := Append(nil, m)
			if hex.EncodeToString(got) != data {
				t.Errorf("%s with sequences of %d:\n%x, rosbags has\n%s", m.MessageType(), length, got, data)
			}
			back := reflect.New(reflect.TypeOf(m).Elem())
			if err := Decode(got, back.Interface().(Message)); err != nil {
				t.Error(err)
			} else if length > 0 && !reflect.DeepEqual(back.Interface(), m) { // an empty slice is nil
				t.Errorf("%s is read back as %+v, it was %+v", m.MessageType(), back.Elem(), m)
			}
		}
	}
}

// TestOwn holds the files that a ROS package of our messages would have to the structs.
func TestOwn(t *testing.T) {
	for _, m := range []Message{JointCommand{}, BodyState{}, Balance{}, Beat{}} {
		name := filepath.Base(m.MessageType()) + ".msg"
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(Definition(m), strings.Repeat("=", 80)); first != string(text) {
			t.Errorf("%s says\n%s, the struct says\n%s", name, text, first)
		}
	}
}

func TestDefinition(t *testing.T) {
	want := `std_msgs/Header header
geometry_msgs/Wrench wrench
` + strings.Repeat("=", 80) + `
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
` + strings.Repeat("=", 80) + `
MSG: geometry_msgs/Wrench
geometry_msgs/Vector3 force
geometry_msgs/Vector3 torque
` + strings.Repeat("=", 80) + `
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
` + strings.Repeat("=", 80) + `
MSG: geometry_msgs/Vector3
float64 x
float64 y
float64 z
`
	if got := Definition(WrenchStamped{}); got != want {
		t.Errorf("%s", got)
	}
}

// TestBits holds floats to every bit: a NaN's payload, a negative zero.
func TestBits(t *testing.T) {
	odd := []float64{math.Float64frombits(0x7ff8000000001234), math.Copysign(0, -1), math.Inf(-1), math.SmallestNonzeroFloat64}
	var back BodyState
	if err := Decode(Append(nil, &BodyState{Temperature: odd}), &back); err != nil {
		t.Fatal(err)
	}
	for i, v := range back.Temperature {
		if math.Float64bits(v) != math.Float64bits(odd[i]) {
			t.Errorf("%x is read back as %x", math.Float64bits(odd[i]), math.Float64bits(v))
		}
	}
}

// TestRefused reads what is no message.
func TestRefused(t *testing.T) {
	whole := Append(nil, &JointState{Name: []string{"a", "b"}, Position: []float64{1, 2}})
	for n := range len(whole) {
		if err := Decode(whole[:n], &JointState{}); err == nil {
			t.Errorf("%d of %d bytes are read", n, len(whole))
		}
	}
	many := append([]byte{0, 1, 0, 0}, 0xff, 0xff, 0xff, 0xff)
	for _, tt := range []struct {
		name string
		data []byte
		to   Message
		want string
	}{
		{"a length beyond the data", many, &TFMessage{}, "read a tf2_msgs/msg/TFMessage: transforms: it ends too early"},
		{"a string beyond the data", many, &String{}, "read a std_msgs/msg/String: data: it ends too early"},
		{"another encoding", []byte{0, 7, 0, 0}, &String{}, "read a std_msgs/msg/String: its encoding is not XCDR1"},
		{"no pointer", many, String{}, "read a std_msgs/msg/String: it is not given as a pointer"},
	} {
		if err := Decode(tt.data, tt.to); err == nil || err.Error() != tt.want {
			t.Errorf("%s: %v, expected %q", tt.name, err, tt.want)
		}
	}
}

// TestBigEndian reads what a machine of the other order wrote.
func TestBigEndian(t *testing.T) {
	var s Time
	if err := Decode([]byte{0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3}, &s); err != nil || s != (Time{258, 3}) {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestTime turns nanoseconds into a stamp and back.
func TestTime(t *testing.T) {
	for _, ns := range []uint64{0, 1, 999_999_999, 1_000_000_000, 1_780_000_000_123_456_789} {
		if at := At(ns); at.Ns() != ns || at.Nanosec > 999_999_999 {
			t.Errorf("%d is %+v", ns, at)
		}
	}
}

// TestAgain decodes into a message that has been used: nothing is left of what was.
func TestAgain(t *testing.T) {
	m := JointState{Name: []string{"a", "b", "c"}, Position: []float64{1, 2, 3}, Velocity: []float64{4}}
	want := JointState{Name: []string{"x"}, Position: []float64{}, Velocity: []float64{5, 6}, Effort: []float64{}}
	data := Append(nil, &want)
	if err := Decode(data, &m); err != nil {
		t.Fatal(err)
	}
	if string(Append(nil, &m)) != string(data) {
		t.Errorf("%+v instead of %+v", m, want)
	}
	if n := testing.AllocsPerRun(20, func() { _ = Decode(data, &m) }); n > 0 {
		t.Errorf("a message of the same size allocates %v times", n)
	}
}

// FuzzDecode reads anything; what is read as a message is written and read again.
func FuzzDecode(f *testing.F) {
	for i, m := range messages {
		count := 0
		fill(reflect.ValueOf(m).Elem(), 2, &count)
		f.Add(i, Append(nil, m))
	}
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		kind := reflect.TypeOf(messages[uint(which)%uint(len(messages))]).Elem()
		m := reflect.New(kind).Interface().(Message)
		if Decode(data, m) != nil {
			return
		}
		once := Append(nil, m)
		again := reflect.New(kind).Interface().(Message)
		if err := Decode(once, again); err != nil {
			t.Fatal(err)
		}
		if twice := Append(nil, again); string(once) != string(twice) {
			t.Fatalf("%x is written again as %x", once, twice)
		}
	})
}
