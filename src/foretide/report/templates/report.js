// Draws every chart of the page from the JSON beside it. Colours are CSS variables, so the page's light or
// dark scheme reaches the charts without drawing them again; expressions are interpreted, not compiled, which
// is what lets the page forbid eval.
const { settings, specs } = JSON.parse(document.getElementById("charts").textContent);
const options = {
  ...settings,
  mode: "vega-lite",
  renderer: "svg",
  actions: false,
  ast: true,
  defaultStyle: false,
  tooltip: { disableDefaultStyle: true },
};
const drawn = Object.entries(specs).map(([id, spec]) => vegaEmbed(document.getElementById(id), spec, options));
Promise.all(drawn).then(
  () => document.documentElement.setAttribute("data-drawn", String(drawn.length)),
  (error) => console.error(error),
);
