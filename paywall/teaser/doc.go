// Package teaser reads what a page says about itself, and cuts a page to the
// part that is given away. It never trusts a page, and what it holds of one in
// memory is bounded.
//
// # What stays of a page that is cut
//
// The text after the cut goes, and so does every other place where a page may
// say it again. Two rules decide, and where they are unsure it goes:
//
//  1. Only what is known to make a page look and link as it does stays: text
//     and its mark-up, images, style sheets, icons, navigation, and a description
//     in words of its own. Every script goes, whatever it says: it holds the page's
//     data (__NEXT_DATA__), fetches it, or breaks without it. So do comments,
//     template, frames, players, hidden elements and fields, preloads, and links
//     to the same text in another form: a file, a book, print, the next page.
//     Attributes that nobody knows stay while they are too short to say
//     anything. Structured data is written anew from a list of properties.
//  2. Whatever stays says nothing of what was taken: six words in a row that
//     stand after the cut, and neither before it nor in the title, are not in
//     any text, attribute, style or property, plain, as entities, percent-encoded,
//     in JavaScript escapes or in base64. In scripts without spaces between words
//     it is twenty letters. Nor is a picture after the cut named.
//
// What stays is never more than half of the words.
//
// A page without scripts must be seen at once: what it keeps in noscript takes its
// place, and what waits for a script no longer does.
package teaser
