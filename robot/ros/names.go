package ros

// MessageType is the name in ROS.
func (Time) MessageType() string { return "builtin_interfaces/msg/Time" }

// MessageType is the name in ROS.
func (Duration) MessageType() string { return "builtin_interfaces/msg/Duration" }

// MessageType is the name in ROS.
func (Header) MessageType() string { return "std_msgs/msg/Header" }

// MessageType is the name in ROS.
func (String) MessageType() string { return "std_msgs/msg/String" }

// MessageType is the name in ROS.
func (ColorRGBA) MessageType() string { return "std_msgs/msg/ColorRGBA" }

// MessageType is the name in ROS.
func (Vector3) MessageType() string { return "geometry_msgs/msg/Vector3" }

// MessageType is the name in ROS.
func (Point) MessageType() string { return "geometry_msgs/msg/Point" }

// MessageType is the name in ROS.
func (Point32) MessageType() string { return "geometry_msgs/msg/Point32" }

// MessageType is the name in ROS.
func (Quaternion) MessageType() string { return "geometry_msgs/msg/Quaternion" }

// MessageType is the name in ROS.
func (Pose) MessageType() string { return "geometry_msgs/msg/Pose" }

// MessageType is the name in ROS.
func (Transform) MessageType() string { return "geometry_msgs/msg/Transform" }

// MessageType is the name in ROS.
func (TransformStamped) MessageType() string { return "geometry_msgs/msg/TransformStamped" }

// MessageType is the name in ROS.
func (Wrench) MessageType() string { return "geometry_msgs/msg/Wrench" }

// MessageType is the name in ROS.
func (WrenchStamped) MessageType() string { return "geometry_msgs/msg/WrenchStamped" }

// MessageType is the name in ROS.
func (PointStamped) MessageType() string { return "geometry_msgs/msg/PointStamped" }

// MessageType is the name in ROS.
func (Polygon) MessageType() string { return "geometry_msgs/msg/Polygon" }

// MessageType is the name in ROS.
func (PolygonStamped) MessageType() string { return "geometry_msgs/msg/PolygonStamped" }

// MessageType is the name in ROS.
func (TFMessage) MessageType() string { return "tf2_msgs/msg/TFMessage" }

// MessageType is the name in ROS.
func (JointState) MessageType() string { return "sensor_msgs/msg/JointState" }

// MessageType is the name in ROS.
func (Imu) MessageType() string { return "sensor_msgs/msg/Imu" }

// MessageType is the name in ROS.
func (CompressedImage) MessageType() string { return "sensor_msgs/msg/CompressedImage" }

// MessageType is the name in ROS.
func (KeyValue) MessageType() string { return "diagnostic_msgs/msg/KeyValue" }

// MessageType is the name in ROS.
func (DiagnosticStatus) MessageType() string { return "diagnostic_msgs/msg/DiagnosticStatus" }

// MessageType is the name in ROS.
func (DiagnosticArray) MessageType() string { return "diagnostic_msgs/msg/DiagnosticArray" }

// MessageType is the name in ROS.
func (Log) MessageType() string { return "rcl_interfaces/msg/Log" }

// MessageType is the name in ROS.
func (UVCoordinate) MessageType() string { return "visualization_msgs/msg/UVCoordinate" }

// MessageType is the name in ROS.
func (MeshFile) MessageType() string { return "visualization_msgs/msg/MeshFile" }

// MessageType is the name in ROS.
func (Marker) MessageType() string { return "visualization_msgs/msg/Marker" }

// MessageType is the name in ROS.
func (MarkerArray) MessageType() string { return "visualization_msgs/msg/MarkerArray" }

// MessageType is the name in ROS.
func (JointCommand) MessageType() string { return "samovar_msgs/msg/JointCommand" }

// MessageType is the name in ROS.
func (BodyState) MessageType() string { return "samovar_msgs/msg/BodyState" }

// MessageType is the name in ROS.
func (Balance) MessageType() string { return "samovar_msgs/msg/Balance" }

// MessageType is the name in ROS.
func (Beat) MessageType() string { return "samovar_msgs/msg/Beat" }
