// The reader let small articles open without being asked, or agreed to buy this one
// before they went away to pay. So this page sends its form by itself, once it is in view and the reader has really come here: not
// while it is rendered ahead or stands in a tab behind, not in a frame, and not
// when the reader goes back or loads it again.
(() => {
	"use strict";
	const form = document.querySelector('form[action="/.paywall/unlock"], form[action="/.paywall/topup/return"]');
	const [navigation] = performance.getEntriesByType("navigation");
	if (!form || self !== top || !navigation || navigation.type !== "navigate") return;

	let sent = false;
	const send = () => {
		if (sent || document.prerendering || document.visibilityState !== "visible") return;
		sent = true;
		const unasked = document.createElement("input");
		unasked.type = "hidden";
		unasked.name = "auto";
		unasked.value = "true";
		if (form.getAttribute("action") === "/.paywall/unlock") form.append(unasked);
		form.submit(); // before the page is loaded, it takes its place in the history
		unasked.remove(); // whoever comes back from memory presses the button
	};
	document.addEventListener("prerenderingchange", send);
	document.addEventListener("visibilitychange", send);
	send();
})();
