// Reads a question as JSON and answers with what Intl says. For intl_test.go.
const {languages, currencies = {}, amounts = [], counts = [], days = []} = JSON.parse(require("fs").readFileSync(0, "utf8"));

const money = (locale) => Object.fromEntries(Object.entries(currencies).map(([currency, digits]) => {
	const format = new Intl.NumberFormat(locale, {style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: 6});
	return [currency, amounts.map((a) => format.format(Number(a)))];
}));

const answer = (tag, locale, dates) => ({
	supported: Intl.NumberFormat.supportedLocalesOf(locale).length === 1,
	name: new Intl.DisplayNames(tag, {type: "language"}).of(tag),
	money: money(locale),
	integers: counts.map((n) => new Intl.NumberFormat(locale).format(n)),
	plurals: counts.map((n) => new Intl.PluralRules(locale).select(n)),
	categories: new Intl.PluralRules(locale).resolvedOptions().pluralCategories,
	dates: days.map((d) => new Intl.DateTimeFormat(dates, {dateStyle: "long", timeZone: "UTC"}).format(new Date(d))),
});

console.log(JSON.stringify({
	cldr: process.versions.cldr,
	languages: Object.fromEntries(Object.entries(languages).map(([tag, l]) => [tag, answer(tag, l.locale, l.dates)])),
}));
