// Asks the server for the next number while a series is typed. The server decides; this shows its answer as text.
"use strict";
{
    const PAUSE = 250; // milliseconds without a key, so that a word asks once

    const paragraph = (box, className) => {
        const element = box.appendChild(document.createElement("p"));
        element.className = className;
        return element;
    };

    const span = (parent, tag, className, text) => {
        const element = document.createElement(tag);
        element.className = className;
        element.textContent = text; // never as HTML: codes and tenants are what people typed
        parent.append(element, " ");
    };

    const show = (box, preview) => {
        box.replaceChildren();
        for (const refusal of preview.refusals) {
            paragraph(box, "ledger-refusal").textContent = refusal;
        }
        for (const line of preview.lines) {
            const row = paragraph(box, "");
            span(row, "span", "ledger-label", line.label);
            if (line.number) {
                span(row, "strong", "ledger-number", line.number);
            }
            if (line.note) {
                span(row, "span", "ledger-note", line.note);
            }
        }
        if (!preview.refusals.length && !preview.lines.length) {
            paragraph(box, "ledger-note").textContent = box.dataset.empty;
        }
    };

    const watch = (box, form) => {
        let timer;
        let running;
        const ask = async () => {
            running?.abort(); // a late answer to an earlier question must not win
            running = new AbortController();
            const mine = running;
            const typed = new FormData(form);
            typed.delete("csrfmiddlewaretoken"); // a secret has no place in an address
            typed.set("series", box.dataset.series);
            box.setAttribute("aria-busy", "true");
            try {
                const answer = await fetch(`${box.dataset.url}?${new URLSearchParams(typed)}`, {
                    credentials: "same-origin",
                    headers: {Accept: "application/json"},
                    signal: mine.signal,
                });
                if (!answer.ok || answer.redirected) {
                    throw new Error(`status ${answer.status}`);
                }
                show(box, await answer.json());
            } catch (error) {
                if (error.name === "AbortError") {
                    return;
                }
                show(box, {refusals: ["No preview just now. The template is checked when you save."], lines: []});
            }
            if (mine === running) {
                box.removeAttribute("aria-busy");
            }
        };
        const soon = () => {
            clearTimeout(timer);
            timer = setTimeout(ask, PAUSE);
        };
        form.addEventListener("input", soon);
        form.addEventListener("change", soon);
    };

    document.addEventListener("DOMContentLoaded", () => {
        const box = document.getElementById("ledger-preview");
        const template = document.getElementById("id_template");
        if (box && template) { // without the field, the page is only looked at
            watch(box, template.form);
        }
    });
}
