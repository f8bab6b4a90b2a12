package page

import (
	"fmt"
	"html/template"
	"maps"
	"reflect"
	"text/template/parse"
)

// namesIn reports the first field, method, text or template that a template
// names and that is not there. html/template would tell when it comes across it:
// in front of a reader.
func namesIn(set *template.Template, name string, view any) error {
	w := &namesWalk{set: set, seen: map[namesVisit]bool{}}
	w.template(name, reflect.TypeOf(view))
	return w.err
}

type namesWalk struct {
	set  *template.Template
	tree *parse.Tree // that is being looked at
	seen map[namesVisit]bool
	err  error
}

type namesVisit struct {
	template string
	data     reflect.Type
}

// namesScope is what "." and variables are. A nil type is not known, and holds
// whatever is asked for.
type namesScope struct {
	dot       reflect.Type
	variables map[string]reflect.Type
}

func (s namesScope) inner(dot reflect.Type) namesScope {
	return namesScope{dot, maps.Clone(s.variables)}
}

func (w *namesWalk) fail(n parse.Node, format string, args ...any) {
	if w.err == nil {
		at, _ := w.tree.ErrorContext(n)
		w.err = fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...))
	}
}

func (w *namesWalk) template(name string, data reflect.Type) {
	t := w.set.Lookup(name)
	visit := namesVisit{name, data}
	if t == nil || t.Tree == nil || w.seen[visit] {
		return // one that is missing is found when the page is filled in
	}
	w.seen[visit] = true
	outer := w.tree
	w.tree = t.Tree
	w.list(t.Tree.Root, namesScope{data, map[string]reflect.Type{"$": data}})
	w.tree = outer
}

func (w *namesWalk) list(l *parse.ListNode, s namesScope) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			w.pipe(n.Pipe, s)
		case *parse.TemplateNode:
			if w.set.Lookup(n.Name) == nil {
				w.fail(n, "there is no template %q", n.Name)
			}
			w.template(n.Name, w.pipe(n.Pipe, s))
		case *parse.IfNode:
			inner := s.inner(s.dot)
			w.pipe(n.Pipe, inner)
			w.list(n.List, inner)
			w.list(n.ElseList, inner)
		case *parse.WithNode:
			inner := s.inner(s.dot)
			inner.dot = w.pipe(n.Pipe, inner)
			w.list(n.List, inner)
			w.list(n.ElseList, namesScope{s.dot, inner.variables})
		case *parse.RangeNode:
			w.loop(n, s)
		}
	}
}

func (w *namesWalk) loop(n *parse.RangeNode, s namesScope) {
	inner := s.inner(s.dot)
	of := w.pipe(n.Pipe, inner)
	inner.dot = nil
	if of != nil && (of.Kind() == reflect.Slice || of.Kind() == reflect.Array || of.Kind() == reflect.Map) {
		inner.dot = of.Elem()
	}
	for i, v := range n.Pipe.Decl {
		inner.variables[v.Ident[0]] = nil
		if i == len(n.Pipe.Decl)-1 {
			inner.variables[v.Ident[0]] = inner.dot
		}
	}
	w.list(n.List, inner)
	w.list(n.ElseList, s)
}

// pipe gives the type that a pipeline ends with.
func (w *namesWalk) pipe(p *parse.PipeNode, s namesScope) (last reflect.Type) {
	if p == nil {
		return nil
	}
	for _, c := range p.Cmds {
		w.text(c)
		last = w.value(c.Args[0], s)
		for _, arg := range c.Args[1:] {
			w.value(arg, s)
		}
	}
	for _, v := range p.Decl {
		s.variables[v.Ident[0]] = last
	}
	return last
}

func (w *namesWalk) value(n parse.Node, s namesScope) reflect.Type {
	switch n := n.(type) {
	case *parse.DotNode:
		return s.dot
	case *parse.PipeNode:
		return w.pipe(n, s)
	case *parse.FieldNode:
		return w.fields(n, s.dot, n.Ident)
	case *parse.VariableNode:
		return w.fields(n, s.variables[n.Ident[0]], n.Ident[1:])
	case *parse.ChainNode:
		return w.fields(n, w.value(n.Node, s), n.Field)
	}
	return nil
}

// fields follows .A.B.C from a type.
func (w *namesWalk) fields(n parse.Node, t reflect.Type, path []string) reflect.Type {
	for _, name := range path {
		if t == nil {
			return nil
		}
		next, ok := member(t, name)
		if !ok {
			w.fail(n, "there is no .%s here", name)
			return nil
		}
		t = next
	}
	return t
}

// member is the type of a field, or of what a method gives.
func member(t reflect.Type, name string) (reflect.Type, bool) {
	if m, ok := t.MethodByName(name); ok && m.Type.NumOut() > 0 {
		return known(m.Type.Out(0)), true
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Struct:
		f, ok := t.FieldByName(name)
		return known(f.Type), ok && f.IsExported()
	case reflect.Map:
		return known(t.Elem()), true
	case reflect.Interface:
		return nil, true
	}
	return nil, false
}

// known leaves out types that hold anything.
func known(t reflect.Type) reflect.Type {
	if t != nil && t.Kind() == reflect.Interface {
		return nil
	}
	return t
}

// text looks for the key of .T "key" and .N "key" in the messages.
func (w *namesWalk) text(c *parse.CommandNode) {
	var path []string
	switch n := c.Args[0].(type) {
	case *parse.FieldNode:
		path = n.Ident
	case *parse.VariableNode:
		path = n.Ident
	}
	if len(c.Args) < 2 || len(path) == 0 || path[len(path)-1] != "T" && path[len(path)-1] != "N" {
		return
	}
	key, ok := c.Args[1].(*parse.StringNode)
	if ok && !hasText(key.Text) {
		w.fail(key, "there is no text %q", key.Text)
	}
}

// hasText reports whether the languages have a text of this key.
func hasText(key string) bool { return English().T(key) != key }
