package bank

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ibanLengths are from the IBAN registry. Countries that are not in it are checked by
// their check digits only.
const ibanLengths = " AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30 "

// sepaCountries take part in SEPA credit transfers (EPC409-09), outside the European
// Economic Area those in sepaWithBIC.
const (
	sepaCountries = " AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK "
	sepaWithBIC   = " AD AL CH GB GI MC MD ME MK RS SM VA "
)

var (
	ibanPattern = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$`)
	bicPattern  = regexp.MustCompile(`^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$`)
)

// ParseIBAN checks an account number and answers it in capitals without spaces.
func ParseIBAN(typed string) (string, error) {
	iban := strings.ToUpper(strings.Join(strings.Fields(typed), ""))
	if iban == "" {
		return "", errors.New("the account's IBAN is missing; write it as the bank shows it, such as DE89 3704 0044 0532 0130 00")
	}
	if !ibanPattern.MatchString(iban) {
		return "", fmt.Errorf("%q is no IBAN: it is a country, two check digits and 11 to 30 letters and digits; write it as the bank shows it, such as DE89 3704 0044 0532 0130 00", typed)
	}
	if _, entry, known := strings.Cut(ibanLengths, " "+iban[:2]); known {
		if length := int(entry[0]-'0')*10 + int(entry[1]-'0'); len(iban) != length {
			return "", fmt.Errorf("the IBAN %q has %d characters, and those of %s have %d; compare it with what the bank shows", typed, len(iban), iban[:2], length)
		}
	}
	if mod97(iban[4:]+iban[:4]) != 1 {
		return "", fmt.Errorf("the check digits of the IBAN %q are wrong; compare it with what the bank shows, at least one character differs", typed)
	}
	return iban, nil
}

// inSEPA reports whether euros can be sent to the account by a SEPA credit transfer.
func inSEPA(iban string) bool {
	return strings.Contains(sepaCountries+sepaWithBIC, " "+iban[:2]+" ")
}

// checkBIC answers the bank's code in capitals, "" if there is none. An EPC code needs it
// for accounts outside the European Economic Area.
func checkBIC(typed, iban string, coded bool) (string, error) {
	bic := strings.ToUpper(strings.Join(strings.Fields(typed), ""))
	if bic != "" && !bicPattern.MatchString(bic) {
		return "", fmt.Errorf("%q is no BIC: it has 8 or 11 letters and digits, such as COBADEFFXXX; leave it out if you do not know it", typed)
	}
	if bic == "" && coded && strings.Contains(sepaWithBIC, " "+iban[:2]+" ") {
		return "", fmt.Errorf("an account in %s needs the bank's BIC, too, for transfers in EUR; the bank shows it beside the IBAN", iban[:2])
	}
	return bic, nil
}
