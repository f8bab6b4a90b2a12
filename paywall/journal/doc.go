// Package journal is a record as a line, and how lines are chained; it does no
// I/O. A journal is everything that ever changed in a ledger: one JSON object a
// line, readable with jq, each chained to the line before by a SHA-256.
//
// # Lines
//
// A purchase of 0.20 of which 70 % go to alice (one line in the file):
//
//	{"seq":3,"time":"2026-11-22T18:03:15.120Z","kind":"unlock","cause":"tjOD2PcXYHFgfqkAVhMT8g",
//	 "legs":[["wallet/W8mPBSbHe8j2zRi0vRVKCg","-0.20"],["creator/alice","0.14"],["site/https://news.example","0.06"]],
//	 "resource":"/articles/lighthouses","title":"Lighthouses","refund":1800,
//	 "prev":"OQRfOdO3Ue1BKgge-rlVHiMp","hash":"1z_H1B3F4_8Y_mxjYksNAzwh"}
//
// seq counts from 1 without gaps. time is UTC with milliseconds. cause is the
// natural key that no two records share. legs are what moves, in the ledger's
// currency, and sum to zero. The fields after them depend on the kind and are
// described at [Record]; durations are in seconds. prev is the hash of the line
// before (18 zero bytes in the first line); hash is the first 144 bits of the
// SHA-256 of everything in the line before ,"hash". Both are in base64url.
// Fields stand in this order and nothing else does.
//
// # Kinds
//
// Besides the purchase there are these. Fields that say nothing are left out.
//
// The first record says whose ledger this is:
//
//	{"seq":1,"time":"2026-11-22T18:03:15.120Z","kind":"genesis","cause":"genesis",
//	 "currency":"EUR","ledger":"mJxQ4n0cVbX1aYp7rS2t3A",
//	 "prev":"AAAAAAAAAAAAAAAAAAAAAAAA","hash":"N2ts9CpJ8ys0q0Mvjlw68uty"}
//
// A wallet is opened, here with a welcome credit, by a key and its recovery code:
//
//	{"seq":2,"time":"2026-11-22T18:03:32.160Z","kind":"open","cause":"open/W8mPBSbHe8j2zRi0vRVKCg",
//	 "legs":[["wallet/W8mPBSbHe8j2zRi0vRVKCg","0.60"],["promo","-0.60"]],
//	 "key":"ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs","code":"PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0",
//	 "prev":"N2ts9CpJ8ys0q0Mvjlw68uty","hash":"OCJHmo5mLYCOJQP_ZMWBty5Q"}
//
// A second browser gets in:
//
//	{"seq":3,"time":"2026-11-22T18:03:49.200Z","kind":"key","cause":"key/W8mPBSbHe8j2zRi0vRVKCg/Ln0sA6lQeuJl7PW1NWiFpTOTogKdJBOUmXJloaJa78Y",
//	 "code":"GKw-c0PwFokMUQ6T-TUmEWnZ4_VlQ2Qpgw-vCTT0-OQ",
//	 "prev":"OCJHmo5mLYCOJQP_ZMWBty5Q","hash":"lt5IlFY88MheyI-GfJuc0Id9"}
//
// It is dropped, with its recovery code:
//
//	{"seq":4,"time":"2026-11-22T18:04:06.240Z","kind":"drop","cause":"drop/W8mPBSbHe8j2zRi0vRVKCg/Ln0sA6lQeuJl7PW1NWiFpTOTogKdJBOUmXJloaJa78Y",
//	 "code":"GKw-c0PwFokMUQ6T-TUmEWnZ4_VlQ2Qpgw-vCTT0-OQ",
//	 "prev":"lt5IlFY88MheyI-GfJuc0Id9","hash":"FZoXikEpufHB0WIlO7g9iVby"}
//
// A passkey leads to the wallet; without data it does no more:
//
//	{"seq":5,"time":"2026-11-22T18:04:23.280Z","kind":"passkey","cause":"passkey/W8mPBSbHe8j2zRi0vRVKCg/5",
//	 "passkey":"LMf0YFcpTYI9Zw","data":"{\"publicKey\":\"pQEC\",\"counter\":1}",
//	 "prev":"FZoXikEpufHB0WIlO7g9iVby","hash":"7xZaF-ZaXbYpeZu191t03Pya"}
//
// Vouchers are made, [hash, amount, end, campaign], and one is redeemed:
//
//	{"seq":6,"time":"2026-11-22T18:04:40.320Z","kind":"voucher","cause":"voucher/TJRIXgwhrmxBzh3-e2v6zupato5AokdvUCCOUm9QYIA",
//	 "vouchers":[["TJRIXgwhrmxBzh3-e2v6zupato5AokdvUCCOUm9QYIA","5.00","","autumn"]],
//	 "prev":"7xZaF-ZaXbYpeZu191t03Pya","hash":"eGVIhDorQWXdlkH_dROEMGtf"}
//	{"seq":7,"time":"2026-11-22T18:04:57.360Z","kind":"redeem","cause":"redeem/TJRIXgwhrmxBzh3-e2v6zupato5AokdvUCCOUm9QYIA",
//	 "legs":[["wallet/W8mPBSbHe8j2zRi0vRVKCg","5.00"],["voucher","-5.00"]],
//	 "prev":"eGVIhDorQWXdlkH_dROEMGtf","hash":"5i8npmI0O-kVWzA3o3UrJTdI"}
//
// The reader wants to spend 2.00 a day, of which 0.20 are spent, wants to buy up to
// 0.30 an article and 3.00 a week without being asked, and nothing remembered:
//
//	{"seq":8,"time":"2026-11-22T18:05:14.400Z","kind":"setting","cause":"setting/W8mPBSbHe8j2zRi0vRVKCg/8",
//	 "budget":"2.00","today":"0.20","article":"0.30","week":"3.00","forget":true,
//	 "prev":"5i8npmI0O-kVWzA3o3UrJTdI","hash":"iLS6jdBFsJ0AU4Yy60UTQ9j9"}
//
// A cap of 6.00 a month left 0.10 of a price of 0.20, and nobody asked:
//
//	{"seq":9,"time":"2026-11-22T18:05:31.440Z","kind":"unlock","cause":"xA7pQ0m4nB2vC9sD1fG3hJ",
//	 "legs":[["wallet/W8mPBSbHe8j2zRi0vRVKCg","-0.10"],["site/https://news.example","0.10"]],
//	 "resource":"/articles/ferries","refund":1800,"price":"0.20","cap":"6.00","auto":true,
//	 "prev":"iLS6jdBFsJ0AU4Yy60UTQ9j9","hash":"Tbv864bkCrVSKXnsLRZRQBe_"}
//
// Of a price of 0.20 the wallet paid 0.15 with free credit, which the publisher gave
// it; the creator shares in the rest alone, by 70 %. A welcome credit is free, and
// its record says which site gave it; so is what an older journal has as such:
//
//	{"seq":9,"time":"2026-11-22T18:05:31.440Z","kind":"unlock","cause":"uW3xY5zA7bC9dE1fG3hI5j",
//	 "legs":[["wallet/W8mPBSbHe8j2zRi0vRVKCg","-0.20"],["creator/alice","0.035"],["site/https://news.example","0.165"]],
//	 "resource":"/articles/tides","refund":1800,"free":"0.15","shares":[["alice","70"]],
//	 "prev":"iLS6jdBFsJ0AU4Yy60UTQ9j9","hash":"VTPr4ojajs8MTeVLZIT2jXLg"}
//	{"seq":10,"time":"2026-11-22T18:05:48.480Z","kind":"open","cause":"open/Qm1xT0aVb3c5d7e9f1g3hA",
//	 "legs":[["wallet/Qm1xT0aVb3c5d7e9f1g3hA","0.60"],["promo","-0.60"]],
//	 "key":"Ln0sA6lQeuJl7PW1NWiFpTOTogKdJBOUmXJloaJa78Y","code":"GKw-c0PwFokMUQ6T-TUmEWnZ4_VlQ2Qpgw-vCTT0-OQ","site":"https://news.example",
//	 "prev":"VTPr4ojajs8MTeVLZIT2jXLg","hash":"LG4g1-xHxm_SeK1mKb2yBNMj"}
//
// A purchase is undone, one of at most 5 a month:
//
//	{"seq":10,"time":"2026-11-22T18:05:48.480Z","kind":"refund","cause":"refund/xA7pQ0m4nB2vC9sD1fG3hJ",
//	 "legs":[["wallet/W8mPBSbHe8j2zRi0vRVKCg","0.10"],["site/https://news.example","-0.10"]],
//	 "resource":"/articles/ferries","limit":5,
//	 "prev":"Tbv864bkCrVSKXnsLRZRQBe_","hash":"QspvZ5muajpjk-lt1zDZyjW6"}
//
// A tip:
//
//	{"seq":11,"time":"2026-11-22T18:06:05.520Z","kind":"tip","cause":"tip/W8mPBSbHe8j2zRi0vRVKCg/k1L2m3N4o5P6q7R8s9T0uA",
//	 "legs":[["wallet/W8mPBSbHe8j2zRi0vRVKCg","-0.50"],["creator/alice","0.35"],["site/https://news.example","0.15"]],
//	 "resource":"/articles/lighthouses",
//	 "prev":"QspvZ5muajpjk-lt1zDZyjW6","hash":"5Df6oJVfQ59tX4LeZKoaHQwL"}
//
// A gift link for three readers, one of at most 5 a month, and what follows when
// somebody opens it:
//
//	{"seq":12,"time":"2026-11-22T18:06:22.560Z","kind":"gift","cause":"gift/zQqphWFHtsW0_yt9_uXaIKo4JTCZ7xtKZKztIzya_ik",
//	 "wallet":"W8mPBSbHe8j2zRi0vRVKCg","unlock":"tjOD2PcXYHFgfqkAVhMT8g","readers":3,"limit":5,
//	 "prev":"5Df6oJVfQ59tX4LeZKoaHQwL","hash":"JzFb7N0Hyx4uxCr2yxOMmMH7"}
//	{"seq":13,"time":"2026-11-22T18:06:39.600Z","kind":"unlock","cause":"bV6cX5zA4sD3fG2hJ1kL0w",
//	 "wallet":"Qm1xT0aVb3c5d7e9f1g3hA","site":"https://news.example","resource":"/articles/lighthouses","title":"Lighthouses","gift":"zQqphWFHtsW0_yt9_uXaIKo4JTCZ7xtKZKztIzya_ik",
//	 "prev":"JzFb7N0Hyx4uxCr2yxOMmMH7","hash":"XymDR-QOJ6Ygfd1R1aFqd4zm"}
//
// A wallet is erased:
//
//	{"seq":14,"time":"2026-11-22T18:06:56.640Z","kind":"erase","cause":"erase/W8mPBSbHe8j2zRi0vRVKCg",
//	 "prev":"XymDR-QOJ6Ygfd1R1aFqd4zm","hash":"kJMEO-GwfzO7EmhxHrdHzn2o"}
//
// # Money in and out
//
// At the ways that money comes in by, each thing has an id of the provider's. In the journal
// those that lead to a wallet are sealed: only whoever has the key of that year can read them.
//
// A reader begins a top-up, and the way has answered with what to do:
//
//	{"seq":15,"time":"2026-11-22T18:07:13.680Z","kind":"intent","cause":"intent/2026.mB8Qv1xYc0tJ5wKz3nRfLg/open",
//	 "wallet":"Qm1xT0aVb3c5d7e9f1g3hA","way":"stripe","amount":"10.00","until":"2026-11-22T18:38:13.000Z",
//	 "prev":"kJMEO-GwfzO7EmhxHrdHzn2o","hash":"SnZMn4m-OKm37Hszbky88FZ0"}
//	{"seq":16,"time":"2026-11-22T18:07:30.720Z","kind":"intent","cause":"intent/2026.mB8Qv1xYc0tJ5wKz3nRfLg/offered",
//	 "wallet":"Qm1xT0aVb3c5d7e9f1g3hA","object":"2026.oT2aHd7uPq9eXs4iVy6kWw",
//	 "prev":"SnZMn4m-OKm37Hszbky88FZ0","hash":"0uuWCBoJYTDJsGEIk0V-_uoB"}
//
// It is paid, and later the way's fee is known:
//
//	{"seq":17,"time":"2026-11-22T18:07:47.760Z","kind":"topup","cause":"topup/stripe/2026.pN0bGj8lCr1fZm5hUo3dSa",
//	 "legs":[["stripe","-10.00"],["wallet/Qm1xT0aVb3c5d7e9f1g3hA","10.00"]],
//	 "intent":"2026.mB8Qv1xYc0tJ5wKz3nRfLg",
//	 "prev":"0uuWCBoJYTDJsGEIk0V-_uoB","hash":"3vojenltnDDjpNdKY_YJqmPO"}
//	{"seq":18,"time":"2026-11-22T18:08:04.800Z","kind":"fee","cause":"fee/stripe/2026.fR3sTk9vBx",
//	 "legs":[["fees","-0.40"],["stripe","0.40"]],
//	 "payment":"2026.pN0bGj8lCr1fZm5hUo3dSa",
//	 "prev":"3vojenltnDDjpNdKY_YJqmPO","hash":"Z83GrqLg10mxJjrSxFFPVUhd"}
//
// Somebody refunded 2.00 of it at the provider, and that failed:
//
//	{"seq":19,"time":"2026-11-22T18:08:21.840Z","kind":"reversal","cause":"reversal/stripe/2026.rE6uYn2wDz",
//	 "legs":[["stripe","2.00"],["wallet/Qm1xT0aVb3c5d7e9f1g3hA","-2.00"]],
//	 "payment":"2026.pN0bGj8lCr1fZm5hUo3dSa",
//	 "prev":"Z83GrqLg10mxJjrSxFFPVUhd","hash":"HOg_bwrwVwRkqmw2wvrJAExQ"}
//	{"seq":20,"time":"2026-11-22T18:08:38.880Z","kind":"reversal-failed","cause":"reversal-failed/stripe/2026.rE6uYn2wDz",
//	 "legs":[["stripe","-2.00"],["wallet/Qm1xT0aVb3c5d7e9f1g3hA","2.00"]],
//	 "payment":"2026.pN0bGj8lCr1fZm5hUo3dSa",
//	 "prev":"HOg_bwrwVwRkqmw2wvrJAExQ","hash":"zblCEJBLhiewQxr27CRFvqTM"}
//
// Unspent credit goes back the way it came: a cash-out of one part, with which the wallet is
// to be closed. It is taken from the wallet, the way is asked, and the money has left:
//
//	{"seq":21,"time":"2026-11-22T18:08:55.920Z","kind":"cashout","cause":"cashout/h7Kp2mQx-0/planned",
//	 "legs":[["wallet/Qm1xT0aVb3c5d7e9f1g3hA","-3.00"],["transit","3.00"]],
//	 "way":"stripe","payment":"2026.pN0bGj8lCr1fZm5hUo3dSa","closes":true,
//	 "prev":"zblCEJBLhiewQxr27CRFvqTM","hash":"xIobd5OxDkGhU3mT6Py9tPed"}
//	{"seq":22,"time":"2026-11-22T18:09:12.960Z","kind":"cashout","cause":"cashout/h7Kp2mQx-0/sent",
//	 "wallet":"Qm1xT0aVb3c5d7e9f1g3hA",
//	 "prev":"xIobd5OxDkGhU3mT6Py9tPed","hash":"g0iBGihevg3HKlly9Psh1J6t"}
//	{"seq":23,"time":"2026-11-22T18:09:30.000Z","kind":"cashout","cause":"cashout/h7Kp2mQx-0/done",
//	 "legs":[["transit","-3.00"],["stripe","3.00"]],
//	 "wallet":"Qm1xT0aVb3c5d7e9f1g3hA","id":"2026.cO1lMw5zEg",
//	 "prev":"g0iBGihevg3HKlly9Psh1J6t","hash":"9tHDxOVsMuovWGAsWOyxjPbm"}
//
// A reader's bank takes a payment back, for a fee of 20.00. The wallet still had 7.00, of
// which 0.60 was free credit, and owes the rest. The publisher wins, or loses what is owed:
//
//	{"seq":24,"time":"2026-11-22T18:09:47.040Z","kind":"dispute","cause":"dispute/stripe/2026.dI4qSv8yHj",
//	 "legs":[["stripe","30.00"],["fees","-20.00"],["wallet/Qm1xT0aVb3c5d7e9f1g3hA","-7.00"],["receivable","-3.00"]],
//	 "payment":"2026.pN0bGj8lCr1fZm5hUo3dSa","free":"0.60",
//	 "prev":"9tHDxOVsMuovWGAsWOyxjPbm","hash":"o-AF5kcQ4Uc8sAIdHzas95wJ"}
//	{"seq":25,"time":"2026-11-22T18:10:04.080Z","kind":"dispute-won","cause":"dispute-won/stripe/2026.dI4qSv8yHj",
//	 "legs":[["stripe","-10.00"],["receivable","3.00"],["wallet/Qm1xT0aVb3c5d7e9f1g3hA","7.00"]],
//	 "payment":"2026.pN0bGj8lCr1fZm5hUo3dSa","free":"0.60",
//	 "prev":"o-AF5kcQ4Uc8sAIdHzas95wJ","hash":"cFul9ow6UmkTYr1RubqDw9LQ"}
//	{"seq":26,"time":"2026-11-22T18:10:21.120Z","kind":"dispute-lost","cause":"dispute-lost/stripe/2026.dI5rTw9zIk",
//	 "legs":[["receivable","4.00"],["losses","-4.00"]],
//	 "wallet":"Qm1xT0aVb3c5d7e9f1g3hA","payment":"2026.pX9cFk7mDs2gAn6jVp4eTb",
//	 "prev":"cFul9ow6UmkTYr1RubqDw9LQ","hash":"WCbQLfa8PtM_RJUZoTeR6MmM"}
//
// The provider pays out to the publisher's bank, and that comes back; it took something
// without saying what for:
//
//	{"seq":27,"time":"2026-11-22T18:10:38.160Z","kind":"settlement","cause":"settlement/stripe/po_1QkXvT2eZv",
//	 "legs":[["stripe","6.60"],["bank","-6.60"]],
//	 "prev":"WCbQLfa8PtM_RJUZoTeR6MmM","hash":"Tkmi805TVA7H7wJ4BxnrAm4Y"}
//	{"seq":28,"time":"2026-11-22T18:10:55.200Z","kind":"settlement-failed","cause":"settlement-failed/stripe/po_1QkXvT2eZv",
//	 "legs":[["stripe","-6.60"],["bank","6.60"]],
//	 "prev":"Tkmi805TVA7H7wJ4BxnrAm4Y","hash":"Igkf8miOeCuEHmTowZxR_uFm"}
//	{"seq":29,"time":"2026-11-22T18:11:12.240Z","kind":"suspense","cause":"suspense/stripe/txn_3MmlLr2eZv",
//	 "legs":[["stripe","0.50"],["suspense","-0.50"]],
//	 "prev":"Igkf8miOeCuEHmTowZxR_uFm","hash":"xjF89ZBZAcdq4lgaSbdR0Mja"}
//
// Money came to the bank and belongs to no wallet yet; somebody says whose it is. Other money
// is sent back:
//
//	{"seq":30,"time":"2026-11-22T18:11:29.280Z","kind":"unclaimed","cause":"unclaimed/bank/2026.uV5mNx1aFh",
//	 "legs":[["bank","-5.00"],["unclaimed","5.00"]],
//	 "prev":"xjF89ZBZAcdq4lgaSbdR0Mja","hash":"Ond12eJjmnPWVfifvQjfjKBn"}
//	{"seq":31,"time":"2026-11-22T18:11:46.320Z","kind":"assign","cause":"assign/bank/2026.uV5mNx1aFh",
//	 "legs":[["unclaimed","-5.00"],["wallet/Qm1xT0aVb3c5d7e9f1g3hA","5.00"]],
//	 "intent":"2026.nC9Rw2yZd1uK6xLa4oSgMh",
//	 "prev":"Ond12eJjmnPWVfifvQjfjKBn","hash":"8xGiIh0ayptV2f_xKPXA7ZcY"}
//	{"seq":32,"time":"2026-11-22T18:12:03.360Z","kind":"send-back","cause":"send-back/bank/2026.sB7oPy3cGi",
//	 "legs":[["unclaimed","-1.00"],["bank","1.00"]],
//	 "prev":"8xGiIh0ayptV2f_xKPXA7ZcY","hash":"vci3Fynd1S936YWzOTYASVXv"}
//
// The vouchers of record 6 that nobody redeemed are dead from now on:
//
//	{"seq":33,"time":"2026-11-22T18:12:20.400Z","kind":"revoke","cause":"revoke/6",
//	 "prev":"vci3Fynd1S936YWzOTYASVXv","hash":"M75RT3MXOn6NyCT2hUS3m9SL"}
package journal
