// A voucher's link has its code in the fragment, which browsers send to nobody. It is
// filled in, never sent by itself. The address forgets it at once.
function fillVoucher() {
	const sent = /^#([0-9A-Za-z-]{20,64})$/.exec(location.hash);
	const field = document.getElementById("voucher");
	if (!sent) return;
	history.replaceState(null, "", location.pathname + location.search);
	if (!field) return;
	field.value = sent[1];
	field.focus();
}

addEventListener("hashchange", fillVoucher);
fillVoucher();

// There is no clipboard over plain HTTP; the text can be selected everywhere.
for (const button of navigator.clipboard ? document.querySelectorAll("button[data-copy]") : []) {
	button.hidden = false;
	button.addEventListener("click", async () => {
		await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
		document.getElementById("copied").textContent = button.dataset.done;
	});
}
