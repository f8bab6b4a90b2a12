// Package page turns a view into a page, in one language and in one publisher's
// look.
//
// A view is what a page is about: a struct that embeds a [*Catalogue], so that its
// template finds the words of the language beside the fields. Which views there are
// is not known here ([Views]): a look is given all of them once, and checks a
// publisher's templates with them.
//
// Every word that a reader sees stands in messages/, one file for each language;
// the templates stand in templates/, style sheets and scripts in static/.
package page
