package gate

import (
	"testing"

	"go.uber.org/goleak"
)

// A probe reads a page in a goroutine of its own, which has to end with it.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
