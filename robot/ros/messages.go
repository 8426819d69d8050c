package ros

// Time is builtin_interfaces/msg/Time, since an epoch.
type Time struct {
	Sec     int32
	Nanosec uint32
}

// At is a time in ns since the epoch.
func At(ns uint64) Time { return Time{int32(ns / 1e9), uint32(ns % 1e9)} }

// Ns is the time in ns since the epoch, of times after it.
func (t Time) Ns() uint64 { return uint64(t.Sec)*1e9 + uint64(t.Nanosec) }

// Duration is builtin_interfaces/msg/Duration.
type Duration struct {
	Sec     int32
	Nanosec uint32
}

// Header is std_msgs/msg/Header.
type Header struct {
	Stamp   Time
	FrameID string
}

// String is std_msgs/msg/String.
type String struct{ Data string }

// ColorRGBA is std_msgs/msg/ColorRGBA, from 0 to 1.
type ColorRGBA struct{ R, G, B, A float32 }

// Vector3 is geometry_msgs/msg/Vector3.
type Vector3 struct{ X, Y, Z float64 }

// Point is geometry_msgs/msg/Point, m.
type Point struct{ X, Y, Z float64 }

// Point32 is geometry_msgs/msg/Point32, m.
type Point32 struct{ X, Y, Z float32 }

// Quaternion is geometry_msgs/msg/Quaternion.
type Quaternion struct{ X, Y, Z, W float64 }

// Pose is geometry_msgs/msg/Pose.
type Pose struct {
	Position    Point
	Orientation Quaternion
}

// Transform is geometry_msgs/msg/Transform.
type Transform struct {
	Translation Vector3
	Rotation    Quaternion
}

// TransformStamped is geometry_msgs/msg/TransformStamped: where the child is in the
// header's frame.
type TransformStamped struct {
	Header       Header
	ChildFrameID string
	Transform    Transform
}

// Wrench is geometry_msgs/msg/Wrench, N and Nm.
type Wrench struct{ Force, Torque Vector3 }

// WrenchStamped is geometry_msgs/msg/WrenchStamped: in the axes of the header's frame,
// about its origin.
type WrenchStamped struct {
	Header Header
	Wrench Wrench
}

// PointStamped is geometry_msgs/msg/PointStamped.
type PointStamped struct {
	Header Header
	Point  Point
}

// Polygon is geometry_msgs/msg/Polygon.
type Polygon struct{ Points []Point32 }

// PolygonStamped is geometry_msgs/msg/PolygonStamped.
type PolygonStamped struct {
	Header  Header
	Polygon Polygon
}

// TFMessage is tf2_msgs/msg/TFMessage.
type TFMessage struct{ Transforms []TransformStamped }

// JointState is sensor_msgs/msg/JointState: rad or m, a second, Nm or N.
type JointState struct {
	Header                     Header
	Name                       []string
	Position, Velocity, Effort []float64
}

// Imu is sensor_msgs/msg/Imu: rad/s and m/s². A covariance of zeros is not known.
type Imu struct {
	Header                       Header
	Orientation                  Quaternion
	OrientationCovariance        [9]float64
	AngularVelocity              Vector3
	AngularVelocityCovariance    [9]float64
	LinearAcceleration           Vector3
	LinearAccelerationCovariance [9]float64
}

// KeyValue is diagnostic_msgs/msg/KeyValue.
type KeyValue struct{ Key, Value string }

// DiagnosticStatus is diagnostic_msgs/msg/DiagnosticStatus.
type DiagnosticStatus struct {
	Level                     Octet
	Name, Message, HardwareID string
	Values                    []KeyValue
}

// Levels of a DiagnosticStatus.
const (
	OK    Octet = 0
	Warn  Octet = 1
	Error Octet = 2
	Stale Octet = 3
)

// DiagnosticArray is diagnostic_msgs/msg/DiagnosticArray.
type DiagnosticArray struct {
	Header Header
	Status []DiagnosticStatus
}

// Log is rcl_interfaces/msg/Log.
type Log struct {
	Stamp                     Time
	Level                     uint8
	Name, Msg, File, Function string
	Line                      uint32
}

// Levels of a Log.
const (
	LogInfo  uint8 = 20
	LogWarn  uint8 = 30
	LogError uint8 = 40
)

// JointCommand is samovar_msgs/msg/JointCommand: what the drives were sent in answer
// to the sensors of a tick. Kp and kd are gains, effort what is fed forward.
type JointCommand struct {
	Header                             Header
	Sequence                           uint64
	Name                               []string
	Position, Velocity, Effort, Kp, Kd []float64
}

// BodyState is samovar_msgs/msg/BodyState: what else a body senses in a tick. Status
// are the bits of the body's, battery is a charge from 0 to 1 or negative, temperature
// is that of the drives in °C.
type BodyState struct {
	Header      Header
	Sequence    uint64
	Status      uint8
	Battery     float64
	Temperature []float64
}

// Balance is samovar_msgs/msg/Balance: what the controller thinks. Forces are those that
// the left and the right foot are to exert, in the axes of the header's frame.
type Balance struct {
	Header                                     Header
	Phase                                      string
	Foot                                       uint8
	Catching                                   bool
	Centre, Capture, Wanted, Pressure, Landing Point
	Forces                                     [2]Vector3
}

// Beat is samovar_msgs/msg/Beat: a beat of the music, at the header's time. Number
// counts beats, tempo is in beats a minute, confidence from 0 to 1.
type Beat struct {
	Header     Header
	Number     uint32
	Downbeat   bool
	Tempo      float64
	Confidence float64
}
