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
package journal
