// Package state is how a ledger's state is laid out: its keys and their
// values, as bytes. It knows no rule: what a record does to the state says package
// ledger, and what the state must be says package audit.
//
// Whatever is no sum of its own is read from its record: a value has the record's
// [journal.Ref]. A purchase writes two keys (u, r) and its wallet's, about 60 bytes
// together. No value grows with a wallet's history.
//
//	a ACCOUNT                balance of an account that is not a wallet's
//	w WALLET                 wallet: see [Wallet]
//	k HASH                   key → wallet; nothing if it was dropped
//	c HASH                   recovery code → wallet
//	p HASH                   passkey: wallet, ref of the record that set it
//	i NUMBER KEY             keys, codes, passkeys and gifts of a wallet, to find and erase them; ref of the record that has a key
//	i NUMBER q HASH          key that was dropped
//	v HASH                   voucher
//	u UNLOCK                 unlock: see [Unlock]; of an erased wallet five zero bytes
//	r NUMBER RESOURCE        a resource in a wallet: see [Owned]
//	g HASH                   gift: see [Gift]
//	t NUMBER CAUSE           tip or top-up of a wallet: see [Transfer]
//	n NUMBER WHAT [SITE]     counter of a wallet: period, amount
//	x TIME UNLOCK            unlock revoked; forgotten after TIME
//	e NUMBER                 wallet that is being erased: see [Erasure]
//	d INTENT                 intent: see [Intent]
//	o ID                     intent by its whole id, while it is not final
//	i NUMBER o ID            the same, of a wallet
//	b MOVEMENT               ref of the record that a movement became, see [BookedKey]
//	y PAYMENT                payment: see [Payment]
//	f PART                   part of a cash-out, by its whole id: see [CashOut]
//	h PART                   the same, while it has not ended
//	l WAY/ID                 money that belongs to no wallet: see [Unclaimed]
//	z NUMBER                 what an erased wallet owes, in millionths; of number 0 what nobody does
//
// Keys that begin with m are the engine's own.
//
// A wallet's NUMBER is the sequence number of the record that opened it, five
// bytes; 0 is nobody. UNLOCK in u is the first 96 bits of the SHA-256 of the id,
// RESOURCE the first 64 of site and resource in small letters, which only has to
// tell apart the purchases of one wallet, SITE the first 64 of the site's, and CAUSE
// those of the record's cause. INTENT, MOVEMENT and PAYMENT are the first 96 of the
// intent's id, of kind/way/id and of way/id. What is counted or listed as open is there
// only as long as it is so.
//
// A wallet's purchases, its tips and top-ups, its gifts, its payments and the parts of
// its cash-outs are five chains: the wallet has the ref of the newest, and each has the
// ref of the one before. So a page of a list costs the entries on it, however long the
// list is. Among the tips and top-ups are the topup, assign, reversal, reversal-failed,
// dispute and dispute-won records that name the wallet, and of cash-outs those with a leg
// of it.
//
// An erased wallet's intents, payments and cash-outs stay. What they were of says no
// value but their records, whose wallet is gone.
package state
