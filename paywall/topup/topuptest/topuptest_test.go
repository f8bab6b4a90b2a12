package topuptest

import "testing"

func TestAPurseKeepsThePromises(t *testing.T) {
	Run(t, func(t *testing.T) Bench { return newPurse().bench(t) })
}
