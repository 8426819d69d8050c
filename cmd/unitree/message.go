package main

import (
	"encoding/binary"
	"fmt"
	"math"

	"samovar/robot/body"
)

// slots is how many motors a message has room for; a G1 has 29.
const slots = 35

// lowCommand is LowCmd_ of unitree.idl, laid out in memory as a C compiler does.
type lowCommand struct {
	ModePR      uint8 // 0: ankles and waist are commanded by pitch and roll
	ModeMachine uint8 // of the machine, as its state says it
	_           [2]uint8
	Motors      [slots]motorCommand
	Reserve     [4]uint32
	CRC         uint32
}

// motorCommand has radians, rad/s, Nm, Nm/rad and Nm·s/rad.
type motorCommand struct {
	Mode               uint8 // 1: the motor is on
	_                  [3]uint8
	Q, DQ, Tau, Kp, Kd float32
	Reserve            uint32
}

// lowState is LowState_.
type lowState struct {
	Version     [2]uint32
	ModePR      uint8
	ModeMachine uint8
	_           [2]uint8
	Tick        uint32 // ms on the machine's clock
	IMU         imuState
	Motors      [slots]motorState
	Remote      [40]uint8
	Reserve     [4]uint32
	CRC         uint32
}

// imuState is of the unit in the pelvis: orientation (w, x, y, z) against the vertical,
// rad/s, m/s² (at rest 9.81 upwards), and roll, pitch and yaw, which are not used.
type imuState struct {
	Quaternion    [4]float32
	Gyroscope     [3]float32
	Accelerometer [3]float32
	RPY           [3]float32
	Temperature   int16
	_             [2]uint8
}

// motorState has radians, rad/s, rad/s², Nm, °C of the shell and the winding, V.
type motorState struct {
	Mode        uint8
	_           [3]uint8
	Q, DQ, DDQ  float32
	Tau         float32
	Temperature [2]int16
	Voltage     float32
	Sensor      [2]uint32
	State       uint32 // 0: no fault
	Reserve     [4]uint32
}

// checksum is the CRC of a message of 4·n bytes, whose last word is left out: CRC-32 with
// polynomial 04C11DB7, begun with ones, not reflected and not inverted (known as
// CRC-32/MPEG-2), over little-endian words, of each the most significant bit first.
func checksum(message any) uint32 {
	b, err := binary.Append(nil, binary.LittleEndian, message)
	if err != nil {
		panic(err) // a message of no fixed size
	}
	crc := ^uint32(0)
	for ; len(b) > 4; b = b[4:] {
		crc ^= binary.LittleEndian.Uint32(b)
		for range 4 {
			crc = crc<<8 ^ table[crc>>24]
		}
	}
	return crc
}

// table is of the remainders of a byte.
var table = func() (t [256]uint32) {
	for i := range t {
		t[i] = uint32(i) << 24
		for range 8 {
			carry := t[i] >> 31
			t[i] = t[i]<<1 ^ carry*0x04c11db7
		}
	}
	return t
}()

// command makes a message of a command, of whose joints the k-th has the motor
// motors[k].
func (c *lowCommand) command(from *body.Command, motors []int, machine uint8) {
	*c = lowCommand{ModeMachine: machine}
	for k, d := range from.Joints {
		c.Motors[motors[k]] = motorCommand{
			Mode: 1, Q: float32(d.Position), DQ: float32(d.Velocity), Tau: float32(d.Torque), Kp: float32(d.Kp), Kd: float32(d.Kd),
		}
	}
	c.CRC = checksum(c)
}

// drives is the other direction. A motor that is off exerts nothing.
func (c *lowCommand) drives(to *body.Command, motors []int) error {
	if sum := checksum(c); sum != c.CRC {
		return fmt.Errorf("a command with the checksum %08x instead of %08x", c.CRC, sum)
	}
	for k := range to.Joints {
		m := &c.Motors[motors[k]]
		to.Joints[k] = body.Drive{}
		if m.Mode == 1 {
			to.Joints[k] = body.Drive{
				Position: float64(m.Q), Velocity: float64(m.DQ), Torque: float64(m.Tau), Kp: float64(m.Kp), Kd: float64(m.Kd),
			}
		}
	}
	return to.Check(len(to.Joints))
}

// sense makes a message of what is sensed.
func (s *lowState) sense(from *body.Sensors, motors []int, machine uint8) {
	*s = lowState{ModeMachine: machine, Tick: uint32(from.Time.Milliseconds())}
	if len(from.Units) > 0 {
		u := &from.Units[0]
		narrow(s.IMU.Quaternion[:], u.Orientation[:])
		narrow(s.IMU.Gyroscope[:], u.Angular[:])
		narrow(s.IMU.Accelerometer[:], u.Acceleration[:])
	}
	for k, m := range from.Joints {
		t := int16(math.Round(max(-273, min(m.Temperature, 1000))))
		s.Motors[motors[k]] = motorState{
			Mode: 1, Q: float32(m.Position), DQ: float32(m.Velocity), Tau: float32(m.Torque), Temperature: [2]int16{t, t},
		}
	}
	s.CRC = checksum(s)
}

// sensors is the other direction; sequence, time and status are the caller's.
func (s *lowState) sensors(to *body.Sensors, motors []int) error {
	if sum := checksum(s); sum != s.CRC {
		return fmt.Errorf("a state with the checksum %08x instead of %08x", s.CRC, sum)
	}
	u := &to.Units[0]
	widen(u.Orientation[:], s.IMU.Quaternion[:])
	widen(u.Angular[:], s.IMU.Gyroscope[:])
	widen(u.Acceleration[:], s.IMU.Accelerometer[:])
	for k := range to.Joints {
		m := &s.Motors[motors[k]]
		to.Joints[k] = body.Measured{
			Position: float64(m.Q), Velocity: float64(m.DQ), Torque: float64(m.Tau), Temperature: float64(max(m.Temperature[0], m.Temperature[1])),
		}
	}
	return nil
}

func narrow(to []float32, from []float64) {
	for i, x := range from {
		to[i] = float32(x)
	}
}

func widen(to []float64, from []float32) {
	for i, x := range from {
		to[i] = float64(x)
	}
}
