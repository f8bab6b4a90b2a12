// Package passkey asks a browser for a passkey and checks what comes back
// (WebAuthn Level 3). It keeps no passkey: what is to be kept of one is handed to the
// caller, who hands it in again.
package passkey
