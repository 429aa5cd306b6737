(() => {
  const box = document.getElementById("find");
  const found = document.getElementById("found");
  const holders = [...document.querySelectorAll(".section, .part")];
  const cards = [...document.querySelectorAll(".card")];
  const texts = [];
  let waiting = 0;

  function read(card) {
    const head = card.querySelector(".head");
    const lines = [...card.querySelectorAll(".line")];
    return {
      all: card.textContent.toLowerCase(),
      head: head === null ? "" : head.textContent.toLowerCase(),
      lines: lines.length > 1 ? lines.map((line) => [line, line.textContent.toLowerCase()]) : [],
      folded: card.querySelector("details"),
    };
  }

  function narrow(card, text, words) {
    const hit = words.every((word) => text.all.includes(word));
    card.classList.toggle("out", !hit);
    if (hit && text.folded !== null) {
      text.folded.open = words.length > 0;
    }
    const rest = words.filter((word) => !text.head.includes(word));
    for (const [line, said] of hit ? text.lines : []) {
      line.classList.toggle("out", rest.length > 0 && !rest.some((word) => said.includes(word)));
    }
    return hit;
  }

  function search() {
    const words = box.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    if (texts.length === 0) {
      texts.push(...cards.map(read));
    }
    let shown = 0;
    cards.forEach((card, index) => {
      shown += narrow(card, texts[index], words) ? 1 : 0;
    });
    for (const holder of holders) {
      const inside = holder.querySelector(".card");
      holder.classList.toggle("out", inside !== null && holder.querySelector(".card:not(.out)") === null);
    }
    document.querySelector(".diff").classList.toggle("narrowed", words.length > 0);
    const number = (value) => value.toLocaleString("en");
    found.textContent = words.length === 0 ? ""
      : `${number(shown)} of ${number(cards.length)} entries have \u201c${box.value.trim()}\u201d`;
  }

  box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 150);
  });
  addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((details) => { details.open = true; });
  });
  document.getElementById("finder").hidden = false;
  if (box.value !== "") {
    search();
  }
})();
