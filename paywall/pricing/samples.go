package pricing

import "strings"

// anyName stands in a sample path for whatever an asterisk matches: no pattern
// names it, so that a rule which matches the sample matches by its asterisk.
const anyName = "~0~"

// maxCombined squared bounds the combinations that are tried.
const maxCombined = 64

// samples are paths such that each pattern matches some of them, and so does each
// two of them that have paths in common, as far as they are [simple].
func samples(gate Outline, rules []Outlined) []string {
	patterns := append([]string{}, gate.Patterns...)
	for i := range rules {
		patterns = append(patterns, rules[i].Outline.Patterns...)
		patterns = append(patterns, rules[i].Rule.Per...)
	}
	s := sampler{seen: make(map[string]bool)}
	s.add("/" + anyName)
	s.add("/" + anyName + "/" + anyName + "/" + anyName)
	for _, pattern := range patterns {
		for _, path := range instances(pattern) {
			s.add(path)
		}
	}
	heads, tails := ends(patterns)
	s.combine(heads, tails)
	s.combine(s.groups(rules), tails)
	return s.paths
}

// groups adds the resources that the samples are parts of by a rule's Per, and
// what lies below them.
func (s *sampler) groups(rules []Outlined) (heads []string) {
	for _, path := range s.paths { // not those that are added meanwhile
		for i := range rules {
			for _, pattern := range rules[i].Rule.Per {
				if !strings.HasPrefix(path, strings.ToLower(strings.TrimSuffix(pattern, "*"))) {
					continue
				}
				group := (&Rule{Per: []string{pattern}}).resource(path)
				s.add(group)
				s.add(group + "/" + anyName)
				s.add(group + "/" + anyName + "/" + anyName)
				heads = append(heads, group+"/")
			}
		}
	}
	return heads
}

type sampler struct {
	paths []string
	seen  map[string]bool
}

func (s *sampler) add(path string) {
	path = dropSlash(strings.ToLower(path))
	if !s.seen[path] {
		s.seen[path] = true
		s.paths = append(s.paths, path)
	}
}

// combine adds paths that begin as one pattern and end as another.
func (s *sampler) combine(heads, tails []string) {
	if len(heads)*len(tails) > maxCombined*maxCombined {
		return
	}
	for _, head := range heads {
		for _, tail := range tails {
			s.add(head + anyName + tail)
			s.add(head + anyName + "/" + anyName + tail)
		}
	}
}

// ends are how paths begin, and how they end, by patterns with one asterisk there.
func ends(patterns []string) (heads, tails []string) {
	heads = []string{"/"}
	for _, pattern := range patterns {
		switch newPattern(pattern).kind {
		case prefix:
			heads = append(heads, strings.TrimSuffix(pattern, "*"))
		case suffix:
			tails = append(tails, strings.TrimPrefix(pattern, "*"))
		case substring:
			tails = append(tails, strings.Trim(pattern, "*")+anyName)
		}
	}
	return heads, tails
}

// simple reports whether samples stand for all that the patterns have in common
// with others.
func simple(patterns []string) bool {
	for _, pattern := range patterns {
		if k := newPattern(pattern).kind; k == substring || k == glob {
			return false
		}
	}
	return true
}

// instances are the paths that stand for all that a pattern matches.
func instances(pattern string) []string {
	deep := anyName + "/" + anyName + "/" + anyName
	switch newPattern(pattern).kind {
	case exact:
		return []string{dropSlash(pattern)}
	case prefix:
		head := "/" + strings.TrimPrefix(strings.TrimSuffix(pattern, "*"), "/")
		paths := []string{head + anyName, head + deep}
		if !strings.HasSuffix(head, "/") {
			paths = append(paths, head)
		}
		return paths
	case suffix:
		tail := strings.TrimPrefix(pattern, "*")
		return []string{"/" + anyName + tail, "/" + deep + tail}
	case substring:
		middle := strings.Trim(pattern, "*")
		return []string{"/" + anyName + middle + anyName, "/" + deep + middle + deep}
	}
	if strings.ContainsAny(pattern, `?[\`) {
		return nil
	}
	return []string{strings.ReplaceAll(pattern, "*", anyName)}
}
