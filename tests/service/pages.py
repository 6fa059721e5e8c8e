"""Measures of a page in a real browser: for keyboards, screen readers, weak eyes, slow lines and phones."""

from benchmarks.browser import Tab

DESKTOP, PHONE = (1280, 900), (390, 844)

# Each text with less contrast to its background than WCAG 2 asks for (AA): 4.5, and 3 if it is large.
WEAK_TEXTS = """
    (() => {
      const parse = (text) => {
        const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
        return text.startsWith("color(") ? [r * 255, g * 255, b * 255, a] : [r, g, b, a];
      };
      const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
      const behind = (element) => {
        const layers = [];
        for (let each = element; each !== null; each = each.parentElement) {
          layers.push(parse(getComputedStyle(each).backgroundColor));
        }
        return layers.reduceRight((below, top) => over(top, below), [255, 255, 255]);
      };
      const light = (colour) => {
        const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        const [r, g, b] = colour.map((each) => linear(each / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const weak = [];
      for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== "");
        if (!own || element.closest("noscript, option, svg, .unseen") || !element.checkVisibility()) continue;
        const style = getComputedStyle(element);
        const ground = behind(element);
        const [a, b] = [light(over(parse(style.color), ground)), light(ground)].sort((x, y) => y - x);
        const size = parseFloat(style.fontSize);
        const isLarge = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
        const contrast = (a + 0.05) / (b + 0.05);
        if (contrast < (isLarge ? 3 : 4.5)) weak.push(`${element.className}: ${element.textContent} ${contrast}`);
      }
      return weak;
    })()
"""

MOVING = """
    [...document.querySelectorAll("*")].filter((each) => {
      const { transitionDuration, animationName } = getComputedStyle(each);
      return animationName !== "none" || transitionDuration.split(", ").some((time) => time !== "0s");
    }).length
"""


def page_bytes(tab: Tab) -> dict[str, int]:
    """Return the bytes of a page's own files over the wire, by their names; the page at / has none."""
    found = {address.partition("#")[0].rpartition("/"): size for address, size in tab.received.items()}
    return {name: size for (folder, _, name), size in found.items() if "/page/" in folder or name in {"", "status"}}


def focused_by_tab(tab: Tab) -> list[str]:
    """Press Tab until the focus has gone round, and return each element that had it: its name, its id, or its kind."""
    tab.run("document.activeElement.blur(), scrollTo(0, 0), getSelection().removeAllRanges()")
    found: list[str] = []
    for _ in range(60):
        tab.press("Tab", code=9)
        name = tab.run(
            "(({ ariaLabel, id, tagName }) => tagName === 'BODY' ? null : (id || ariaLabel || tagName))"
            "(document.activeElement)"
        )
        if name is None and found:
            break
        if name is not None:
            found.append(name)
    return found


def named_nodes(tab: Tab) -> list[tuple[str, str]]:
    """Return the role and the name of each element that a screen reader offers to use."""
    tab.call("Accessibility.enable")
    fields = {"textbox", "spinbutton", "combobox", "checkbox", "radio"}
    tables = {"grid", "row", "columnheader"}
    roles = {"button", "link", "meter", "progressbar", "image", "region", "group", "list"} | fields | tables
    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    used = [(str(node["role"]["value"]), str(node["name"]["value"])) for node in nodes if not node["ignored"]]
    return [(role, name) for role, name in used if role in roles]


def nameless(tab: Tab) -> list[str]:
    """Return the roles of elements that need a name and have none.

    Rows need a name in a grid, where they can be chosen.
    """
    nodes = named_nodes(tab)
    may_lack = {"list", "group"} if "grid" in dict(nodes) else {"list", "group", "row"}
    return [role for role, name in nodes if role not in may_lack and not name]


def weak_texts(tab: Tab) -> list[str]:
    """Return the texts with too little contrast, in the light and in the dark; the dark comes last and stays."""
    weak: list[str] = []
    grounds = set()
    for scheme in ("light", "dark"):
        tab.prefer(scheme=scheme)
        tab.wait_for("document.getAnimations().every((each) => !(each instanceof CSSTransition))")
        weak += tab.run(WEAK_TEXTS)
        grounds.add(
            tab.run("[document.documentElement, document.body].map((e) => getComputedStyle(e).backgroundColor) + ''")
        )
    assert len(grounds) == 2
    return weak
