// Keeps the page of a running job up to date: asks the site every two seconds and shows what it says.
// The site formats everything; nothing here knows what a job is.

const PAUSE = 2000;
const LONGEST_PAUSE = 30000;

const panel = document.querySelector("[data-aiops-live]");
const rows = document.querySelector("[data-aiops-rows]");
const stale = document.querySelector("[data-aiops-stale]");
const say = document.querySelector("[data-aiops-say]");
let pause = PAUSE;
let timer = 0;
let spoken = -1;

function show(part, html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    if (fresh.innerHTML.trim() === part.innerHTML.trim()) {
        return;
    }
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    part.replaceChildren(...fresh.childNodes);
    if (focused) {
        [...part.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
    }
}

function complain(text) {
    stale.textContent = text;
    stale.hidden = !text;
}

// Every tenth is enough for somebody who listens.
function speak(percent) {
    const tenth = Math.floor(percent / 10);
    if (tenth !== spoken) {
        spoken = tenth;
        say.textContent = panel.querySelector("strong")?.textContent ?? "";
    }
}

async function refresh() {
    let response;
    try {
        response = await fetch(panel.dataset.aiopsLive, { headers: { Accept: "application/json" }, redirect: "manual" });
    } catch {
        return tryAgain();
    }
    if (response.status >= 500) {
        return tryAgain();
    }
    if (!response.ok) {
        // Signed out, not allowed any more, or gone: asking again would not help.
        return complain(panel.dataset.out);
    }
    const progress = await response.json();
    complain("");
    pause = PAUSE;
    if (progress.status !== panel.dataset.status || !progress.live) {
        // Other buttons, other rows: the whole page is different now.
        return location.reload();
    }
    show(panel, progress.html);
    show(rows, progress.rows);
    speak(progress.percent);
    plan();
}

function tryAgain() {
    complain(panel.dataset.lost);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    plan();
}

function plan() {
    clearTimeout(timer);
    timer = document.hidden ? 0 : setTimeout(refresh, pause);
}

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));
plan();
