// Makes the rows of messages livelier: add, remove, move. Without it, places and boxes in the rows do the same.

function enhance(editor) {
  const name = editor.dataset.name;
  const total = editor.querySelector(`input[name="${name}-total"]`);
  const rows = () => [...editor.querySelectorAll("[data-row]")];
  let last = rows().length;

  // A copy to make new rows from; blank rows beyond the written ones are not needed any more, but one is when all are blank.
  const pattern = rows().at(-1).cloneNode(true);
  for (const row of rows().slice(Math.max(Number(editor.dataset.first), 1))) row.remove();

  editor.classList.add("prompts-enhanced");
  for (const root of [editor, pattern]) {
    for (const part of root.querySelectorAll(".prompts-lively")) part.hidden = false;
    for (const part of root.querySelectorAll(".prompts-plain")) part.hidden = true;
  }

  function number() {
    const all = rows();
    all.forEach((row, n) => {
      row.querySelector(".prompts-place").value = n + 1;
      row.querySelector('[data-act="up"]').disabled = n === 0;
      row.querySelector('[data-act="down"]').disabled = n === all.length - 1;
      row.querySelector('[data-act="remove"]').disabled = all.length === 1;
      fit(row.querySelector("textarea"));
    });
    total.value = last;
  }

  function fit(area) {
    area.rows = 4;
    const style = getComputedStyle(area);
    const lines = (area.scrollHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom)) / parseFloat(style.lineHeight);
    area.rows = Math.min(Math.max(Math.ceil(lines), 4), 24);
  }

  function add(role, before) {
    last += 1;
    const row = pattern.cloneNode(true);
    for (const field of row.querySelectorAll("[name]")) {
      field.name = field.name.replace(/-\d+-(\w+)$/, `-${last}-$1`);
      if (field.id) field.id = field.id.replace(/-\d+-(\w+)$/, `-${last}-$1`);
    }
    row.querySelector("textarea").value = "";
    row.querySelector("select").value = role;
    const at = before ?? rows().at(-1)?.nextElementSibling ?? null;
    editor.insertBefore(row, at);
    return row;
  }

  editor.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (!button) return;
    const row = button.closest("[data-row]");
    let focus = button;
    switch (button.dataset.act) {
      case "up":
        row.previousElementSibling?.matches("[data-row]") && row.previousElementSibling.before(row);
        break;
      case "down":
        row.nextElementSibling?.matches("[data-row]") && row.nextElementSibling.after(row);
        break;
      case "remove":
        focus = (row.nextElementSibling?.matches("[data-row]") ? row.nextElementSibling : row.previousElementSibling);
        focus = focus?.querySelector("textarea");
        row.remove();
        break;
      case "add":
        focus = add("user").querySelector("textarea");
        break;
      case "example": {
        // An example is a question and its answer, before the message that asks.
        const asks = rows().findLast((each) => each.querySelector("select").value === "user");
        focus = add("user", asks).querySelector("textarea");
        add("assistant", asks);
        break;
      }
    }
    number();
    if (focus?.disabled) focus = row.querySelector("[data-act]:not(:disabled)");
    focus?.focus();
  });
  editor.addEventListener("input", (event) => event.target.matches("textarea") && fit(event.target));
  number();
}

for (const editor of document.querySelectorAll(".prompts-editor")) enhance(editor);
