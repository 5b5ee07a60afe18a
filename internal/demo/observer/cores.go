package observer

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Milli is an amount of CPU in thousandths of a core. In JSON it is a number
// of cores, so that people can read and write the files: 60, 0.5.
type Milli int64

// Core is one core.
const Core Milli = 1000

// Cores returns the amount in cores.
func (m Milli) Cores() float64 { return float64(m) / float64(Core) }

// String shows the amount in cores, without needless decimals.
func (m Milli) String() string {
	if m%Core == 0 {
		return strconv.FormatInt(int64(m/Core), 10)
	}
	return strings.TrimRight(strconv.FormatFloat(m.Cores(), 'f', 3, 64), "0")
}

// MarshalJSON writes a number of cores.
func (m Milli) MarshalJSON() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalJSON reads a number of cores.
func (m *Milli) UnmarshalJSON(data []byte) error {
	var cores float64
	if err := json.Unmarshal(data, &cores); err != nil {
		return fmt.Errorf("reading a number of cores from %s: %w", data, err)
	}
	if math.Abs(cores) > 1e12 {
		return fmt.Errorf("%s cores are out of range", data)
	}
	*m = Milli(math.Round(cores * float64(Core)))
	return nil
}
