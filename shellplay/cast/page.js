"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { frames, lines, scenes, headings, narration, duration } = data;
  const get = (id) => document.getElementById(id);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const KEYFRAME = 50;
  const LONGEST_TICK = 0.25;

  let time = 0;
  let playing = false;
  let lastTick = 0;
  let shownScene = -2;
  let shownChapter = -2;
  let shownProse = -2;

  // Make an element; text is only ever text.
  function make(name, className, text) {
    const element = document.createElement(name);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  // The last index whose time is not after `now`, -1 if there is none.
  function latest(list, now, timeOf) {
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (timeOf(list[middle]) <= now + 1e-6) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  // -- the terminal: rows are numbers of lines; a keyframe has them all ------------------

  const keyframes = [];
  {
    let rows = [];
    frames.forEach((frame, index) => {
      rows = apply(rows, frame);
      if (index % KEYFRAME === 0) keyframes.push(rows);
    });
  }

  function apply(rows, frame) {
    const next = rows.slice(0, frame[5]);
    while (next.length < frame[5]) next.push(0);
    for (const [row, line] of frame[2]) next[row] = line;
    return next;
  }

  function rowsAt(index) {
    const key = Math.floor(index / KEYFRAME);
    let rows = keyframes[key];
    for (let each = key * KEYFRAME + 1; each <= index; each++) rows = apply(rows, frames[each]);
    return rows;
  }

  let shownFrame = -2;
  let shownRows = [];

  function drawScreen() {
    // Before somebody starts it, the screen shows how the session ends, as a poster.
    const shown = time > 0 || document.body.classList.contains("started") ? time : duration;
    let index = latest(frames, shown, (frame) => frame[0]);
    // Who wants less motion sees whole lines instead of keystrokes.
    while (still.matches && index > 0 && frames[index][1]) index--;
    if (index === shownFrame) return;
    const near = index === shownFrame + 1 && shownFrame >= 0;
    const empty = { length: data.rows };
    const rows =
      index < 0 ? Array.from(empty, () => 0) : near ? apply(shownRows, frames[index]) : rowsAt(index);
    drawRows(rows);
    shownFrame = index;
    shownRows = rows;
    const frame = frames[index];
    get("screen").style.setProperty("--columns", frame ? frame[4] : data.columns);
    const cursor = get("cursor");
    cursor.hidden = !(frame && frame[3]);
    if (!cursor.hidden) {
      const place = get("rows");
      cursor.style.left = `calc(${place.offsetLeft}px + ${frame[3][1]}ch)`;
      cursor.style.top = `calc(${place.offsetTop}px + ${frame[3][0] * 1.4}em)`;
    }
  }

  function drawRows(rows) {
    const place = get("rows");
    while (place.children.length > rows.length) place.lastChild.remove();
    while (place.children.length < rows.length) place.append(make("div"));
    rows.forEach((line, number) => {
      if (shownRows[number] === line && shownRows.length === rows.length) return;
      const parts = lines[line].map(([text, style]) => (style ? make("span", `s${style}`, text) : text));
      place.children[number].replaceChildren(...parts);
    });
  }

  // -- the panel ------------------------------------------------------------------------

  function drawPanel() {
    const index = latest(scenes, time, (scene) => scene.time);
    if (index === shownScene) return;
    shownScene = index;
    const scene = scenes[index] || { label: "", changes: [], containers: [], processes: [] };
    const before = scenes[index - 1] || { containers: [], processes: [] };
    get("count").textContent =
      index < 0 ? `Before the first of ${scenes.length} steps` : `Step ${index + 1} of ${scenes.length}`;
    get("label").textContent = scene.label;
    get("changes").replaceChildren(...scene.changes.map((change) => make("li", "", change)));
    const cards = scene.containers.map((each) => card(each, before));
    get("containers").replaceChildren(...(cards.length ? cards : [make("p", "nothing", "No container yet.")]));
    get("processes").replaceChildren(
      scene.processes.length ? processTable(scene, before) : make("p", "nothing", "No process yet."),
    );
  }

  function card(container, before) {
    const old = before.containers.find((each) => each.label === container.label);
    const article = make("article", "container");
    const top = make("header");
    top.append(make("h3", "", container.label));
    if (container.current) top.append(make("span", "now", "current"));
    const inside = container.inside.length > 1 ? `, ${container.inside.at(-1)} inside` : "";
    const parked = container.parked ? `, ${container.parked} parked` : "";
    top.append(make("p", "", `bash ${container.pid} on the host${inside}${parked}`));
    const strip = make("ol", "strip");
    strip.setAttribute("aria-label", `Fences of ${container.label}`);
    container.fences.forEach((fence, place) => {
      const past = old && old.fences[place];
      const tile = make("li", fence.up ? (fence.shared.length ? "shared" : "fenced") : "outside");
      if (past && past.inode !== fence.inode) tile.classList.add("changed");
      const state = fence.up ? (fence.shared.length ? `shared, ${fence.shared.join(", ")}` : "fenced") : "host";
      tile.append(make("span", "name", fence.fence), make("span", "state", state));
      tile.append(make("span", "inode", fence.inode === null ? "unknown" : String(fence.inode)));
      tile.title = [fence.how, fence.options].filter(Boolean).join(", ");
      strip.append(tile);
    });
    article.append(top, strip);
    return article;
  }

  function processTable(scene, before) {
    const old = new Set(before.processes.map((each) => each.pid));
    const depths = new Map();
    const table = make("table");
    table.append(make("caption", "unseen", "Processes of the playground, children below their parents"));
    const titles = make("tr");
    for (const title of ["Host PID", "Inside", "Process"]) {
      const cell = make("th", "", title);
      cell.scope = "col";
      titles.append(cell);
    }
    const head = make("thead");
    head.append(titles);
    const body = make("tbody");
    for (const each of scene.processes) {
      const depth = depths.has(each.ppid) ? depths.get(each.ppid) + 1 : 0;
      depths.set(each.pid, depth);
      const row = make("tr", each.role);
      if (before.processes.length && !old.has(each.pid)) row.classList.add("changed");
      const inside = each.inside.length > 1 ? each.inside.slice(1).join(" › ") : "–";
      const process = make("th", `d${Math.min(depth, 6)}`);
      process.scope = "row";
      const who = [each.role, each.container].filter(Boolean).join(", ");
      process.append(make("span", "command", each.command), " ", make("span", "role", who));
      row.append(make("td", "pid", String(each.pid)), make("td", "pid inside", inside), process);
      body.append(row);
    }
    table.append(head, body);
    return table;
  }

  // -- the story ------------------------------------------------------------------------

  function drawStory() {
    const chapter = latest(headings, time, (heading) => heading[0]);
    if (chapter !== shownChapter) {
      shownChapter = chapter;
      get("chapter").textContent = chapter < 0 ? "" : headings[chapter][1];
      document.querySelectorAll("[data-chapter]").forEach((link) => {
        if (Number(link.dataset.chapter) === chapter) link.setAttribute("aria-current", "step");
        else link.removeAttribute("aria-current");
      });
    }
    let prose = latest(narration, time, (each) => each[0]);
    // A new chapter that says nothing yet does not keep what the one before said.
    if (prose >= 0 && chapter >= 0 && narration[prose][0] < headings[chapter][0]) prose = -1;
    if (prose !== shownProse) {
      shownProse = prose;
      // Made from Markdown by the writer of this page, with every markup of the prose escaped.
      get("prose").innerHTML = prose < 0 ? "" : narration[prose][1];
    }
  }

  // -- time -----------------------------------------------------------------------------

  const minutes = (seconds) => {
    const whole = Math.floor(seconds + 1e-6);
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  };

  function draw() {
    drawScreen();
    drawPanel();
    drawStory();
    get("position").value = time;
    const clock = `${minutes(time)} of ${minutes(duration)}`;
    get("clock").textContent = clock.replace(" of ", " / ");
    const label = get("label").textContent;
    get("position").setAttribute("aria-valuetext", label ? `${clock}, ${label}` : clock);
  }

  function seek(to) {
    get("copied").textContent = "";
    time = Math.min(Math.max(to, 0), duration);
    draw();
  }

  function tick(now) {
    if (!playing) return;
    const passed = Math.min((now - lastTick) / 1000, LONGEST_TICK);
    lastTick = now;
    seek(time + passed * Number(get("speed").value));
    if (time >= duration) play(false);
    else requestAnimationFrame(tick);
  }

  function play(on) {
    if (on === playing) return;
    playing = on;
    document.body.classList.toggle("playing", on);
    document.body.classList.add("started");
    get("play").setAttribute("aria-label", on ? "Pause" : "Play");
    if (!on) return;
    if (time >= duration || time === 0) seek(0);
    lastTick = performance.now();
    requestAnimationFrame(tick);
  }

  const stops = [0, ...scenes.map((scene) => scene.time), duration];
  const chapterStops = [0, ...headings.map((heading) => heading[0]), duration];

  // Go to the next stop, or to the one before, and rest there.
  function step(places, direction) {
    play(false);
    document.body.classList.add("started");
    const later = places.find((place) => place > time + 0.002);
    const earlier = places.filter((place) => place < time - 0.002).pop();
    seek(direction > 0 ? later ?? duration : earlier ?? 0);
  }

  function hurry(direction) {
    const speed = get("speed");
    const next = speed.selectedIndex + direction;
    speed.selectedIndex = Math.min(Math.max(next, 0), speed.options.length - 1);
  }

  // -- hands ----------------------------------------------------------------------------

  // Put the address of this moment into the address bar and, where that is allowed, into the
  // clipboard.
  async function copyLink() {
    const address = `${location.href.split("#")[0]}#t=${time.toFixed(3)}`;
    history.replaceState(null, "", address);
    let said = "Link is in the address bar";
    try {
      await navigator.clipboard.writeText(address);
      said = "Link copied";
    } catch {
      // Without the permission the address bar has it.
    }
    get("copied").textContent = said;
  }

  const keys = {
    c: copyLink,
    " ": () => play(!playing),
    ArrowRight: () => step(stops, 1),
    ArrowLeft: () => step(stops, -1),
    "]": () => step(chapterStops, 1),
    "[": () => step(chapterStops, -1),
    ">": () => hurry(1),
    "<": () => hurry(-1),
    Home: () => step([0], -1),
    End: () => step([duration], 1),
    "?": () => get("help").showModal(),
  };

  document.addEventListener("keydown", (event) => {
    const action = keys[event.key];
    if (!action || event.ctrlKey || event.altKey || event.metaKey || get("help").open) return;
    // A focused button, list or link has its own use for Space; a list also for the arrows.
    const own = event.key === " " ? "button, select, a, summary" : "select";
    if (event.target instanceof Element && event.target.closest(own)) return;
    event.preventDefault();
    action();
  });

  get("play").addEventListener("click", () => play(!playing));
  get("poster").addEventListener("click", () => play(true));
  get("back").addEventListener("click", () => step(stops, -1));
  get("forth").addEventListener("click", () => step(stops, 1));
  get("link").addEventListener("click", copyLink);
  get("ask").addEventListener("click", () => get("help").showModal());
  get("position").addEventListener("input", (event) => {
    document.body.classList.add("started");
    seek(Number(event.target.value));
  });
  document.querySelectorAll("[data-chapter]").forEach((link) => {
    link.addEventListener("click", () => document.body.classList.add("started"));
  });

  function followAddress() {
    const wanted = /^#t=([0-9.]+)$/.exec(location.hash);
    if (wanted) seek(Number(wanted[1]));
  }
  addEventListener("hashchange", followAddress);
  document.querySelectorAll("[data-chapter]").forEach((link) => {
    // The address may be there already, and then nothing would change.
    link.addEventListener("click", () => seek(headings[Number(link.dataset.chapter)][0]));
  });
  still.addEventListener("change", draw);

  get("position").max = duration;
  get("chapters").hidden = headings.length === 0;
  for (const [start] of headings) {
    const mark = make("i");
    mark.style.left = duration ? `${(100 * start) / duration}%` : "0";
    get("marks").append(mark);
  }
  draw();
  followAddress();
})();
