// The link behind the QR code has a recovery code in its fragment. It is filled
// in, never sent by itself: a link from somebody else must not put a reader into
// another wallet. The address forgets it at once.
function fillIn() {
	const sent = /^#code=([0-9A-Za-z-]{20,64})$/.exec(location.hash);
	const field = document.getElementById("recover");
	if (!sent) return;
	history.replaceState(null, "", location.pathname + location.search);
	if (!field) return;
	const details = field.closest("details");
	if (details) details.open = true;
	field.value = sent[1];
	field.focus();
}

addEventListener("hashchange", fillIn);
fillIn();

const copy = document.getElementById("copy");
if (copy && navigator.clipboard) { // there is none over plain HTTP
	copy.hidden = false;
	copy.querySelector("button").addEventListener("click", async () => {
		await navigator.clipboard.writeText(document.getElementById("code").textContent);
		copy.querySelector("[role=status]").textContent = copy.dataset.done;
	});
}
