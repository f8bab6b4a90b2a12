// Package pretend is a pretend bank that speaks Stripe's API: for demos and for tests.
// No money moves, and it keeps everything in memory.
//
// It answers the part of API v1 that this project uses, serves a hosted payment page, and
// sends signed webhooks:
//
//	bank := pretend.New(pretend.Options{})
//	defer bank.Close()
//	server := httptest.NewServer(bank)
//	bank.Subscribe(pretend.Endpoint{URL: site + "/hook", Secrets: []string{"whsec_1"}})
//
// A client with [DefaultKey] and server.URL in place of https://api.stripe.com creates a
// checkout session; its url is the page. A test presses the page's buttons with
// [Bank.Press]. What happens at Stripe without being asked has methods, too:
// [Bank.Refund], [Bank.FailRefund], [Bank.FailPayment], [Bank.Dispute], [Bank.MoveDispute],
// [Bank.Warn], [Bank.Payout], [Bank.FailPayout], [Bank.Charge], [Bank.Move]; and [Bank.Edit]
// for what has none, such as a session of another amount, or a refund that the card's bank
// sent elsewhere. [Bank.IDs] and the API itself say what there is.
//
// What goes wrong is asked for as well: [Bank.Break] breaks an endpoint by its pattern,
// such as "POST /v1/refunds", and [Bank.Deliver] makes webhooks late, double, shuffled or
// absent. [Bank.Wait] waits until all are delivered.
//
// Money may come later: see BookAfter and ArriveAfter in [Options], [Bank.Book] and
// [Bank.Arrive].
//
// Package mocktest keeps it honest: each request that tests send here goes to Stripe's
// own stripe-mock as well, which refuses what Stripe would refuse.
package pretend
