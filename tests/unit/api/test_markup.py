from api.markup import Markup, element, join


def test_element__text_from_outside__is_text() -> None:
    """Children and attribute values are escaped, whatever they look like; elements are not escaped twice."""
    hostile = '"><script>alert(1)</script>&'
    escaped = "&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;"
    assert element("p", hostile) == f'<p>"{escaped}</p>'
    assert element("p", element("b", "a & b"), title=hostile) == f'<p title="&quot;{escaped}"><b>a &amp; b</b></p>'
    assert element("p", title="'") == '<p title="&#x27;"></p>'
    assert join("<", element("br")) == "&lt;<br>"


def test_element__attributes__are_written_as_html_does() -> None:
    """Underscores at the end go, others are hyphens; True has no value, None and False are left out; 0 is a value."""
    written = element("input", name="n", for_="x", aria_label="l", required=True, hidden=False, value=None, size=0)
    assert written == '<input name="n" for="x" aria-label="l" required size="0">'


def test_markup__joined_or_formatted__is_text_again() -> None:
    """Only `element` and `join` make markup: what Python makes of two pieces is escaped like all text."""
    assert not isinstance(Markup("<b>") + "<i>", Markup)
    assert element("p", Markup("<b>") + "<i>") == "<p>&lt;b&gt;&lt;i&gt;</p>"
