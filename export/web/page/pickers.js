// What is chosen of a model's labels: a row of chips for one attribute of few values, else a list for each.

const MOST_CHIPS = 12;
const ANY = "any";

/**
 * Make the controls of a model's attributes.
 *
 * @param {HTMLElement} root where they go.
 * @param {Array<{name: string, values: string[]}>} attributes of readSpec.
 * @param {function(Array<number|null>): void} onChange called with an index for each attribute; null: by the seed.
 */
export function makePickers(root, attributes, onChange) {
  const chosen = attributes.map(() => null);
  attributes.forEach(({ name, values }, a) => {
    const choose = (value) => {
      chosen[a] = value === ANY ? null : Number(value);
      onChange([...chosen]);
    };
    const few = attributes.length === 1 && values.length <= MOST_CHIPS;
    root.append(few ? chips(name, values, choose) : list(name, values, choose, a));
  });
}

function chips(name, values, choose) {
  const set = element("fieldset");
  set.append(element("legend", { textContent: spoken(name) }));
  const row = element("div", { className: "chips" });
  for (const [value, text] of options(values)) {
    const label = element("label");
    const input = element("input", { type: "radio", name: "attribute", value, checked: value === ANY });
    input.addEventListener("change", () => choose(value));
    label.append(input, element("span", { textContent: text }));
    row.append(label);
  }
  set.append(row);
  return set;
}

function list(name, values, choose, a) {
  const tool = element("div", { className: "tool" });
  const select = element("select", { id: `attribute-${a}` });
  for (const [value, text] of options(values)) select.append(element("option", { value, textContent: text }));
  select.addEventListener("change", () => choose(select.value));
  tool.append(element("label", { htmlFor: select.id, textContent: spoken(name) }), select);
  return tool;
}

function options(values) {
  return [[ANY, "Any"], ...values.map((text, i) => [String(i), text])];
}

function spoken(name) {
  return name[0].toUpperCase() + name.slice(1).replaceAll("_", " ");
}

function element(kind, properties = {}) {
  return Object.assign(document.createElement(kind), properties);
}
