// Package matchers turns Caddy's matchers into the library's, and reads from their
// config what they say of paths: which they match, which of them whoever asks decides
// about, and which pages a pattern is for.
package matchers
