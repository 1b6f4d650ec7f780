"""All of it without a mouse: Tab reaches every control in the order of reading, and shows where one is."""

from __future__ import annotations

import re

import pytest

from driving.server import settled

# What has the focus; whether the one before looked otherwise while it had it, or stands later in the document. Inputs show
# a caret and tables a cell of their own; of the menu the present page's link is tinted anyway.
_STEP = """() => {
  const look = one => {
    const seen = [];
    for (let e = one, i = 0; e && e !== document.body && i < 6; e = e.parentElement, i++) {
      const style = getComputedStyle(e);
      seen.push([style.outline, style.boxShadow, style.borderColor, style.backgroundColor, style.color].join());
    }
    return seen.join(';');
  };
  const before = window.walked, now = document.activeElement;
  const told = before && before.one.isConnected && before.one.matches('main button, main summary, main a, [role=tab]');
  const shown = !told || look(before.one) !== before.look;
  const later = before && before.one.compareDocumentPosition(now) & Node.DOCUMENT_POSITION_PRECEDING;
  window.walked = {one: now, look: look(now)};
  const name = now.ariaLabel || now.innerText || now.outerHTML;
  (window.reached ||= new Set()).add(name);
  return {shown, later: Boolean(later), end: now === document.body, name};
}"""
# By name: Streamlit may make a widget anew under way. Radio buttons and pills are one stop; arrow keys move within.
_UNREACHED = """() => [...document.querySelectorAll('a[href], button, input, textarea, [tabindex]:not(canvas)')].filter(
  one => !one.disabled && one.tabIndex >= 0 && one.type !== 'radio' && !one.closest('[data-testid=stButtonGroup]')
    && one.checkVisibility({visibilityProperty: true, opacityProperty: true}) && one.getClientRects().length
).map(one => one.ariaLabel || one.innerText || one.outerHTML).filter(name => !window.reached.has(name))"""
_MOST_STEPS, _MOST_ROUNDS = 400, 5
# Resolves when nothing has been added or removed for a while: parts of a page arrive after its script has ended.
_STILL = """() => new Promise(done => {
  const end = () => { observer.disconnect(); done(); };
  let wait = setTimeout(end, 500);
  const observer = new MutationObserver(() => { clearTimeout(wait); wait = setTimeout(end, 500); });
  observer.observe(document.body, {subtree: true, childList: true});
})"""


def opened(page, address):
    page.goto(address)
    settled(page)
    page.get_by_role("heading", level=1).first.wait_for()
    settled(page)
    page.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
    page.evaluate(_STILL)


@pytest.mark.parametrize(
    "name", ["", "estimates", "similarity", "families", "finetune", "compare", "transfer", "beside", "lab"]
)
def test_tab_reaches_every_control(estimated, page, name):
    opened(page, estimated(name))
    unseen, back = [], []
    last, rounds = "", 0
    for _ in range(_MOST_STEPS):
        page.keyboard.press("Tab")
        step = page.evaluate(_STEP)
        unseen += [] if step["shown"] else [last]
        if step["end"]:  # the end of the page, or of a part of it that was just made anew and dropped the focus
            rounds += 1
            if rounds == _MOST_ROUNDS or not page.evaluate(_UNREACHED):
                break
            continue
        back += [step["name"]] if step["later"] else []
        last = step["name"]
    assert not page.evaluate(_UNREACHED)
    assert not unseen
    assert not back


def test_arrow_keys_move_k_the_radius_and_the_tabs(estimated, page):
    opened(page, estimated("families", rule="radius"))
    for role, label, key, words in (
        ("slider", "Top share K", "ArrowRight", "k=0.405"),
        ("spinbutton", "Radius", "ArrowUp", "radius_radius_overlap="),
        ("tab", "Why", "ArrowRight", "show=Summary"),
    ):
        page.get_by_role(role, name=label).first.focus()
        page.keyboard.press(key)
        page.wait_for_url(re.compile(f".*{words}.*"))
        settled(page)


def test_two_languages_are_chosen_by_typing(estimated, page):
    opened(page, estimated("similarity"))
    for label, typed, words in (("Target", "Turk", "of=tr-en"), ("Auxiliary", "de", "with=de-en")):
        page.get_by_role("combobox", name=label).focus()
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(f".*{words}.*"))
        settled(page)
    page.get_by_text("Shared parameters over every K").wait_for()
