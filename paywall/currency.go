package paywall

import "strings"

// Currency is an ISO 4217 code such as "EUR". The zero value is no currency.
type Currency string

// ParseCurrency accepts an active ISO 4217 code, in any case.
func ParseCurrency(s string) (Currency, error) {
	c := Currency(strings.ToUpper(s))
	if len(c) != 3 || !strings.Contains(iso4217, " "+string(c)+" ") {
		return "", Errorf(CodeMalformed, "unknown currency %q; write an ISO 4217 code such as EUR", s)
	}
	return c, nil
}

// Decimals is the number of digits of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD.
func (c Currency) Decimals() int {
	switch c {
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF",
		"UGX", "VND", "VUV", "XAF", "XOF", "XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	}
	return 2
}

// minorUnit is the smallest payable amount in millionths.
func (c Currency) minorUnit() int64 {
	n := int64(microsPerUnit)
	for range c.Decimals() {
		n /= 10
	}
	return n
}

// Smallest is the least amount that banks and card schemes transfer, in millionths. Cards
// move three decimals in steps of ten, and none of MGA's fifths.
func (c Currency) Smallest() int64 {
	if c == "MGA" {
		return microsPerUnit
	}
	return max(c.minorUnit(), microsPerUnit/100)
}

// iso4217 lists the active codes that name money people hold; fund codes,
// precious metals and test codes are left out.
const iso4217 = " AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG "
