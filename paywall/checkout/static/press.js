// A page of another site can have a reader click twice in one place, and move the
// button that pays under the second click: by closing a window that stood before
// ours, or by leading here between the two. So a button that sends a form does
// nothing until the page has been in view for half a second and the reader has
// moved the pointer or pressed a key in it. The rest of the page works at once,
// and without scripts all of it does.
(() => {
	"use strict";
	const root = document.documentElement;
	let awake = false, meant = false, x, y, timer;

	const restart = () => {
		awake = meant = false;
		x = y = undefined;
		delete root.dataset.awake;
		clearTimeout(timer);
		if (document.visibilityState === "visible") {
			timer = setTimeout(() => {
				awake = true;
				root.dataset.awake = "";
			}, 500);
		}
	};
	const button = (e) => e.target instanceof Element && e.target.closest("form[method=post] button");
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
	// A click without a pointer is the keyboard's, or comes from a screen reader.
	on(document, "click", (e) => {
		if (button(e) && !(awake && (meant || e.detail === 0))) {
			e.preventDefault();
			e.stopImmediatePropagation();
		}
	});
	restart();
})();
