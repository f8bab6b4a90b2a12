// Package archive is the backup: lines and keys in a tar with a manifest, checked
// to the last byte. It knows the files of a backup and not what their lines say.
package archive
