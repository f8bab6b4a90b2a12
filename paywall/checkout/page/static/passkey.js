// Passkeys. The forms that need one stay hidden where there is no WebAuthn, as they
// do where this script does not run. Answers are sent as forms, so that the page
// that follows says in the reader's language how it went.

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
	.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

// begin asks the site what to ask the authenticator.
async function begin(form) {
	const answer = await fetch(form.action + "/begin", {method: "POST", headers: {Accept: "application/json"}});
	if (!answer.ok) throw new Error(answer.status);
	const {publicKey} = await answer.json();
	publicKey.challenge = bytes(publicKey.challenge);
	if (publicKey.user) publicKey.user.id = bytes(publicKey.user.id);
	for (const known of publicKey.excludeCredentials ?? []) known.id = bytes(known.id);
	return publicKey;
}

function send(form, credential) {
	const response = {};
	for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
		if (credential.response[name]) response[name] = text(credential.response[name]);
	}
	form.elements.credential.value = JSON.stringify({
		id: text(credential.rawId), rawId: text(credential.rawId), type: credential.type, response,
	});
	form.submit();
}

// offer has the browser offer passkeys where it fills in fields. A browser waits for
// one at a time; a challenge is good for five minutes.
let waiting;
async function offer(form, field) {
	if (!await PublicKeyCredential.isConditionalMediationAvailable?.()) return;
	field.autocomplete = "username webauthn";
	let late;
	do {
		late = false;
		const waits = waiting = new AbortController();
		const timer = setTimeout(() => {
			late = true;
			waits.abort();
		}, 240_000);
		try {
			send(form, await navigator.credentials.get({mediation: "conditional", signal: waits.signal, publicKey: await begin(form)}));
		} catch {
			// there is a button as well
		} finally {
			clearTimeout(timer);
		}
	} while (late);
}

function ready(form) {
	const kind = form.dataset.passkey, button = form.querySelector("button"), status = form.querySelector("[role=status]");
	const field = kind === "get" && document.getElementById("recover"), details = field && field.closest("details");
	const wait = () => field && offer(form, field);

	form.hidden = false;
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		waiting?.abort();
		button.disabled = true;
		status.textContent = "";
		try {
			send(form, await navigator.credentials[kind]({publicKey: await begin(form)}));
		} catch (error) {
			status.textContent = form.dataset[{NotAllowedError: "none", InvalidStateError: "known"}[error.name]] ?? form.dataset.failed;
			wait();
		} finally {
			button.disabled = false;
		}
	});
	if (!field) return;
	// A code that was typed must not be kept with what the browser fills in.
	field.form.addEventListener("submit", () => field.autocomplete = "off");
	if (details && !details.open) details.addEventListener("toggle", wait, {once: true});
	else wait();
}

if (window.PublicKeyCredential) {
	for (const section of document.querySelectorAll("[data-passkeys]")) section.hidden = false;
	document.querySelectorAll("[data-passkey]").forEach(ready);
}
