package pretend

// Params are the parameters that the endpoints take, by their patterns.
func Params() map[string][]string {
	all := map[string][]string{}
	for _, e := range endpoints {
		all[e.pattern] = e.params
	}
	return all
}
