package ros

// CompressedImage is sensor_msgs/msg/CompressedImage.
type CompressedImage struct {
	Header Header
	Format string
	Data   []uint8
}

// UVCoordinate is visualization_msgs/msg/UVCoordinate.
type UVCoordinate struct{ U, V float32 }

// MeshFile is visualization_msgs/msg/MeshFile.
type MeshFile struct {
	Filename string
	Data     []uint8
}

// Marker is visualization_msgs/msg/Marker: a shape in the header's frame. One with the
// same namespace and number replaces it; a lifetime of 0 is for ever.
type Marker struct {
	Header                   Header
	NS                       string
	ID, Type, Action         int32
	Pose                     Pose
	Scale                    Vector3
	Color                    ColorRGBA
	Lifetime                 Duration
	FrameLocked              bool // it moves with its frame
	Points                   []Point
	Colors                   []ColorRGBA
	TextureResource          string
	Texture                  CompressedImage
	UVCoordinates            []UVCoordinate
	Text                     string
	MeshResource             string
	MeshFile                 MeshFile
	MeshUseEmbeddedMaterials bool
}

// Types of a Marker, and what Scale is of each.
const (
	Arrow    int32 = 0 // from the first of Points to the second; diameters of shaft and head, length of the head
	Cube     int32 = 1 // lengths of the edges
	Sphere   int32 = 2 // diameters
	Cylinder int32 = 3 // along z; diameters, height
)

// Actions of a Marker.
const (
	Add    int32 = 0
	Delete int32 = 2
)

// MarkerArray is visualization_msgs/msg/MarkerArray.
type MarkerArray struct{ Markers []Marker }
