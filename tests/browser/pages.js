// What somebody who does not see a page, has no mouse, or sits in the dark would miss on it: a list of sentences.
() => {
    const ENOUGH = 4.5; // WCAG AA, for text of usual size
    const found = [];
    const shown = (node) => node.checkVisibility({ visibilityProperty: true });
    const each = (selector) => [...document.querySelectorAll(selector)];
    const complain = (text, node) => found.push(`${text}: ${node.outerHTML.slice(0, 150)}`);
    const words = (node) => node?.textContent.trim() || node?.title || "";

    function name(node) {
        const others = (node.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id));
        const images = [...node.querySelectorAll("img")].map((image) => image.alt);
        return node.getAttribute("aria-label") || words(node) || node.value || [...images, ...others.map(words)].join("");
    }

    for (const field of each("input:not([type=hidden], [type=submit], [type=button]), select, textarea")) {
        const labelled = field.labels?.length || field.ariaLabel || field.hasAttribute("aria-labelledby");
        if (shown(field) && !labelled) complain("no label", field);
    }
    for (const node of each("#content :is(button, a[href], [role=button], input[type=submit])")) {
        if (shown(node) && !name(node)) complain("no name", node);
    }
    for (const node of each("[tabindex]")) {
        if (node.tabIndex > 0) complain("an order of focus of its own", node);
    }
    for (const node of each("img:not([alt]), table:not(:has(th)), progress:not([aria-label], [aria-hidden])")) {
        complain("nothing to say", node);
    }
    const ids = each("#content [id]").map((node) => node.id);
    for (const id of new Set(ids.filter((id, n) => ids.indexOf(id) !== n))) found.push(`twice the id ${id}`);
    if (each("h1").filter(shown).length !== 1) found.push(`${each("h1").filter(shown).length} headings of the first rank`);
    if (!document.documentElement.lang) found.push("no language");
    const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    if (over > 0) found.push(`scrolls sideways by ${over}`);

    // Any notation of a colour, as the screen shows it.
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    function pixel(color) {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    }
    function behind(node) {
        for (; node; node = node.parentElement) {
            const color = getComputedStyle(node).backgroundColor;
            if (pixel(color)[3] > 250) return color;
        }
        return "white";
    }
    function light(color) {
        const parts = pixel(color).slice(0, 3).map((part) => part / 255);
        const linear = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    }
    for (const node of each("[class*=aiops-], [class*=prompts-], #content :is(h1, dt, dd, .help, .errorlist li)")) {
        if (!shown(node) || !words(node) || node.matches(":disabled, option")) continue;
        const [more, less] = [light(getComputedStyle(node).color), light(behind(node))].sort((one, other) => other - one);
        const ratio = (more + 0.05) / (less + 0.05);
        if (ratio < ENOUGH) complain(`faint (${ratio.toFixed(1)})`, node);
    }
    return found;
}
