// A page of another site can have a reader click twice in one place, and move the
// button that pays under the second click: by closing a window that stood before
// ours, or by leading here between the two. So a button that sends a form does
// nothing until the page has been in view for half a second and the reader has
// moved the pointer or pressed a key in it. Whoever presses in vain presses again:
// a press that comes half a second after another one counts, since the page was in
// view between the two. The rest of the page works at once, and without scripts all
// of it does. The style sheet shows data-asleep and data-again.
(() => {
	"use strict";
	const root = document.documentElement;
	const quiet = 500; // milliseconds
	let awake = false, meant = false, x, y, timer, pressed;

	const restart = () => {
		awake = meant = false;
		x = y = pressed = undefined;
		delete root.dataset.awake;
		delete root.dataset.again;
		root.dataset.asleep = "";
		clearTimeout(timer);
		if (document.visibilityState === "visible") {
			timer = setTimeout(() => {
				awake = true;
				root.dataset.awake = "";
				delete root.dataset.asleep;
			}, quiet);
		}
	};
	// Before a passkey is used, the browser asks by itself.
	const button = (e) => e.target instanceof Element && e.target.closest("form[method=post]:not([data-passkey]) button");
	const on = (target, type, listener) => target.addEventListener(type, listener, true);

	on(document, "visibilitychange", restart);
	on(window, "pageshow", restart);
	on(window, "focus", (e) => {
		if (e.target === window) restart(); // and not of an element
	});
	// Browsers say that a pointer moved when only the page did; then it has not
	// changed its place on the screen.
	on(document, "pointermove", (e) => {
		if (x !== undefined && (x !== e.screenX || y !== e.screenY)) meant = true;
		x = e.screenX;
		y = e.screenY;
	});
	// A finger does not move before it taps.
	on(document, "pointerdown", (e) => {
		if (e.pointerType !== "mouse" && awake) meant = true;
	});
	// A key that is held down since the page before does not count.
	on(document, "keydown", (e) => {
		if (!e.repeat) meant = true;
		else if (button(e)) e.preventDefault();
	});
	// A click without a pointer is the keyboard's, or comes from a screen reader. Of
	// clicks in quick succession only the first is a press of its own.
	const means = (e) => awake && (meant || e.detail === 0 || e.timeStamp - pressed >= quiet);
	on(document, "click", (e) => {
		if (!button(e) || means(e)) return;
		e.preventDefault();
		e.stopImmediatePropagation();
		if (awake) {
			pressed = e.timeStamp;
			root.dataset.again = "";
		}
	});
	restart();
})();
